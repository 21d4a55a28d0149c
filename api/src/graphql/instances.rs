use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject, Subscription};
use domain::{
    Committed,
    events::{EventFilter, EventType},
    ids::{InstanceId, TenantId, UserId},
    instances,
    page::PageKey,
    runtime,
};

use super::{
    commerce::{ComputeSpec, Order, either_id_or_number},
    connection::{Connection, connection, request},
    context::Ctx,
    error::Result,
    events::{self, Event, Followed, Live},
    identity::{Tenant, User},
    loaders::{SubjectPage, must},
    scalars::{Cursor, DateTime, Id, Long, id, time},
    workflows::Workflow,
};

pub struct Instance(pub instances::Instance);

/// One workload of a user: a Deployment, a Service and an Ingress.
#[Object]
impl Instance {
    /// Opaque; begins with `inst_`.
    pub async fn id(&self) -> ID {
        id(self.0.id)
    }
    /// A number that people can read out, unique among orders and instances.
    async fn number(&self) -> Long {
        Long(self.0.number)
    }
    /// Its name; no two living instances of a tenant share one.
    async fn name(&self) -> &str {
        &self.0.name
    }
    /// The tenant that it belongs to.
    async fn tenant(&self, ctx: &Context<'_>) -> Result<Tenant> {
        Ok(Tenant(must(&ctx.loaders().tenants, self.0.tenant_id).await?))
    }
    /// Who bought it.
    async fn owner(&self, ctx: &Context<'_>) -> Result<User> {
        Ok(User(must(&ctx.loaders().users, self.0.owner_id).await?))
    }
    /// The order that it came from.
    async fn order(&self, ctx: &Context<'_>) -> Result<Option<Order>> {
        Ok(ctx.loaders().order_of_instance.load_one(self.0.id).await?.map(Order))
    }
    /// What was asked of it last, and how far that has come.
    async fn status(&self) -> InstanceStatus {
        self.0.status.into()
    }
    /// What it gets and runs.
    async fn spec(&self) -> ComputeSpec {
        ComputeSpec(self.0.spec.clone())
    }
    /// Its address; null once it is deleted.
    async fn network(&self) -> Option<InstanceNetwork> {
        self.0.released_at.is_none().then(|| InstanceNetwork::of(&self.0))
    }
    /// What the cluster showed last.
    async fn runtime(&self, ctx: &Context<'_>) -> Result<InstanceRuntime> {
        let loaders = ctx.loaders();
        let (seen, pods, connected) = futures::try_join!(
            loaders.runtimes.load_one(self.0.id),
            loaders.pods_of_instance.load_one(self.0.id),
            loaders.connected.load_one(()),
        )?;
        let pods = pods.unwrap_or_default();
        Ok(InstanceRuntime::of(&self.0, seen, &pods, connected.unwrap_or(false)))
    }
    /// Its pods as the cluster showed them last.
    async fn pods(&self, ctx: &Context<'_>) -> Result<Vec<Pod>> {
        let pods = ctx.loaders().pods_of_instance.load_one(self.0.id).await?;
        Ok(pods.unwrap_or_default().into_iter().map(Pod).collect())
    }
    /// Why it does not run, with the evidence; null where it runs or should not.
    async fn why_not_running(&self, ctx: &Context<'_>) -> Result<Option<Explanation>> {
        let loaders = ctx.loaders();
        let (seen, pods) = futures::try_join!(
            loaders.runtimes.load_one(self.0.id),
            loaders.pods_of_instance.load_one(self.0.id),
        )?;
        let pods = pods.unwrap_or_default();
        Ok(instances::explain(&self.0, seen.as_ref(), &pods).map(Explanation::from))
    }
    /// The workflows that were run for it, newest first.
    async fn workflows(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at most: 1 to 100, by default 20.")] first: Option<i32>,
        #[graphql(desc = "The cursor of the edge to continue behind.")] after: Option<String>,
    ) -> Result<Connection<Workflow>> {
        let page = request(ctx, first, after)?.into();
        let key = SubjectPage { subject: self.0.id.to_string(), page };
        let found = ctx.loaders().workflows_of_subject.load_one(key).await?;
        let found = found.ok_or_else(|| domain::Error::internal("a batch lacks a page"))?;
        Ok(connection(found, |workflow| PageKey::new(workflow.created_at, workflow.id)))
    }
    /// When it was paid for.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
    /// When it was last changed.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }
    /// When it was gone.
    async fn deleted_at(&self) -> Option<DateTime> {
        time(self.0.deleted_at)
    }
}

/// The address of an instance.
#[derive(SimpleObject)]
pub struct InstanceNetwork {
    /// Where it answers.
    endpoint_url: String,
    /// The host name of the address.
    domain: String,
    /// The port of the address.
    port: i32,
    /// When it was given.
    created_at: DateTime,
    /// When it was last changed.
    updated_at: DateTime,
}

impl InstanceNetwork {
    fn of(instance: &instances::Instance) -> Self {
        Self {
            endpoint_url: instance.endpoint_url(),
            domain: instance.host.clone(),
            port: instances::Instance::PUBLIC_PORT,
            created_at: DateTime(instance.created_at),
            updated_at: DateTime(instance.created_at),
        }
    }
}

/// What the cluster showed last of an instance.
#[derive(SimpleObject)]
pub struct InstanceRuntime {
    /// Running, Creating, Stopped or Failed, in one word for people.
    state: &'static str,
    /// The phase of its first pod or what holds that up, such as CrashLoopBackOff; Unknown
    /// without a pod.
    phase: String,
    /// How many pods are ready.
    ready_replicas: i32,
    /// How many pods are wanted.
    total_replicas: i32,
    /// The name of its first pod.
    pod_name: Option<String>,
    /// What the cluster said last.
    message: Option<String>,
    /// Why it fails, in Kubernetes' words.
    error_reason: Option<String>,
    /// The namespace that it runs in.
    namespace: String,
    /// The name of its Deployment.
    deployment_name: String,
    /// The name of its Service.
    service_name: String,
    /// The name of its Ingress.
    ingress_name: String,
    /// When the cluster showed this; null where it has shown nothing yet.
    observed_at: Option<DateTime>,
    /// The watch is disconnected: the picture may be old.
    stale: bool,
}

impl InstanceRuntime {
    fn of(
        instance: &instances::Instance,
        seen: Option<instances::InstanceRuntime>,
        pods: &[runtime::Pod],
        connected: bool,
    ) -> Self {
        let first = pods.first();
        let ready = seen.as_ref().map_or(0, |seen| seen.ready_replicas);
        let wanted = seen.as_ref().map_or(0, |seen| seen.total_replicas);
        let error_reason = first
            .filter(|pod| !pod.ready)
            .and_then(|pod| pod.reason.clone())
            .or_else(|| seen.as_ref().and_then(|seen| seen.error_reason.clone()));
        let state = match instance.status {
            instances::InstanceStatus::Failed => "Failed",
            _ if wanted > 0 && ready >= wanted => "Running",
            instances::InstanceStatus::Stopped | instances::InstanceStatus::Deleted => "Stopped",
            _ => "Creating",
        };
        Self {
            state,
            phase: first.map_or_else(
                || "Unknown".to_owned(),
                |pod| pod.reason.clone().unwrap_or_else(|| pod.phase.clone()),
            ),
            ready_replicas: ready,
            total_replicas: wanted,
            pod_name: first.map(|pod| pod.name.clone()),
            message: first
                .and_then(|pod| pod.message.clone())
                .or_else(|| seen.as_ref().and_then(|seen| seen.message.clone())),
            error_reason,
            namespace: instance.namespace.clone(),
            deployment_name: instance.name.clone(),
            service_name: instance.name.clone(),
            ingress_name: instance.name.clone(),
            observed_at: seen.map(|seen| DateTime(seen.observed_at)),
            stale: !connected,
        }
    }
}

pub struct Pod(pub runtime::Pod);

/// A pod as the cluster showed it.
#[Object]
impl Pod {
    /// Kubernetes' own id of the pod.
    async fn uid(&self) -> &str {
        &self.0.uid
    }
    /// Its name.
    async fn name(&self) -> &str {
        &self.0.name
    }
    /// Its namespace.
    async fn namespace(&self) -> &str {
        &self.0.namespace
    }
    /// Pending, Running, Succeeded, Failed or Unknown.
    async fn phase(&self) -> &str {
        &self.0.phase
    }
    /// Whether it takes traffic.
    async fn ready(&self) -> bool {
        self.0.ready
    }
    /// How often its container was started again.
    async fn restarts(&self) -> i32 {
        self.0.restarts
    }
    /// The node that it runs on.
    async fn node(&self) -> Option<&str> {
        self.0.node.as_deref()
    }
    /// Its address within the cluster.
    async fn ip(&self) -> Option<&str> {
        self.0.ip.as_deref()
    }
    /// Why it does not run well, such as `CrashLoopBackOff`.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }
    /// The reason in a sentence.
    async fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }
    /// When the node took it up.
    async fn started_at(&self) -> Option<DateTime> {
        time(self.0.started_at)
    }
}

/// Why an instance does not run.
#[derive(SimpleObject)]
pub struct Explanation {
    /// One of IMAGE_PULL, CRASH_LOOP, OUT_OF_MEMORY, UNSCHEDULABLE, QUOTA, NOT_READY, DEADLINE
    /// and FAILED.
    code: &'static str,
    /// The same for people.
    message: String,
    /// What the cluster said, most telling first.
    evidence: Vec<String>,
}

impl From<instances::Explanation> for Explanation {
    fn from(explanation: instances::Explanation) -> Self {
        let instances::Explanation { code, message, evidence } = explanation;
        Self { code, message, evidence }
    }
}

/// What was asked of an instance last, and how far that has come.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "instances::InstanceStatus")]
pub enum InstanceStatus {
    /// Paid for, not running yet.
    Creating,
    /// Running as wanted.
    Running,
    /// On its way to STOPPED.
    Stopping,
    /// Without pods; its address is kept.
    Stopped,
    /// On its way from STOPPED to RUNNING.
    Starting,
    /// Its pods are being replaced.
    Restarting,
    /// Taking on a new specification.
    Updating,
    /// The last workflow failed for good.
    Failed,
    /// Its objects are being removed.
    Deleting,
    /// Nothing of it is left but this record.
    Deleted,
}

/// What happened to a pod.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum PodChangeKind {
    /// It is there.
    Added,
    /// Something about it changed.
    Modified,
    /// It is gone.
    Deleted,
}

/// Narrows a list of instances; what is absent does not. Deleted ones are listed only where
/// `status` asks for them.
#[derive(InputObject)]
pub struct InstanceFilter {
    /// Any of these.
    status: Option<Vec<InstanceStatus>>,
    /// Owned by this account.
    owner_id: Option<Id<UserId>>,
    /// Of this tenant.
    tenant_id: Option<Id<TenantId>>,
}

/// A changed instance.
#[derive(SimpleObject)]
pub struct InstancePayload {
    /// The safe position just before the effect: a subscription from it shows the effect.
    cursor: Cursor,
    /// Whether an earlier call with the same idempotency key had the effect.
    replayed: bool,
    /// The instance as it is now.
    instance: Instance,
    /// The workflow that does the work.
    workflow: Option<Workflow>,
}

/// An instance that changed.
#[derive(SimpleObject)]
pub struct InstanceChange {
    /// Resume behind this change with `after` set to it.
    cursor: Cursor,
    /// The instance as it was right after the change.
    instance: Instance,
    /// The change.
    event: Event,
}

/// A pod that changed.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct PodStateChange {
    /// Resume behind this change with `after` set to it.
    cursor: Cursor,
    /// When the change was seen.
    at: DateTime,
    /// What happened to it.
    kind: PodChangeKind,
    /// The pod as it was right after the change.
    pod: Pod,
    #[graphql(skip)]
    instance_id: InstanceId,
}

#[async_graphql::ComplexObject]
impl PodStateChange {
    /// The instance that the pod belongs to, as it is now.
    async fn instance(&self, ctx: &Context<'_>) -> Result<Option<Instance>> {
        Ok(ctx.loaders().instances.load_one(self.instance_id).await?.map(Instance))
    }
}

#[derive(Default)]
pub struct InstanceQuery;

#[Object]
impl InstanceQuery {
    /// One instance, by id or by number. Null where it does not exist or is not the caller's to
    /// see.
    async fn instance(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The instance's id.")] id: Option<Id<InstanceId>>,
        #[graphql(desc = "The instance's number, in place of its id.")] number: Option<Long>,
    ) -> Result<Option<Instance>> {
        let (cp, call) = (ctx.control_plane(), ctx.call());
        let found = match (id, number) {
            (Some(id), None) => cp.instance(call, id.0).await?,
            (None, Some(number)) => cp.instance_by_number(call, number.0).await?,
            _ => return Err(either_id_or_number()),
        };
        Ok(found.map(Instance))
    }

    /// The instances that the caller may see, newest first; without the deleted ones, unless
    /// the filter asks for them.
    async fn instances(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Narrows the list; what is absent does not.")] filter: Option<
            InstanceFilter,
        >,
        #[graphql(desc = "How many at most: 1 to 100, by default 20.")] first: Option<i32>,
        #[graphql(desc = "The cursor of the edge to continue behind.")] after: Option<String>,
    ) -> Result<Connection<Instance>> {
        let page = request(ctx, first, after)?;
        let filter = filter.map(Into::into).unwrap_or_default();
        let found = ctx.control_plane().instances(ctx.call(), filter, &page).await?;
        Ok(connection(found, |instance| PageKey::new(instance.created_at, instance.id)))
    }
}

#[derive(Default)]
pub struct InstanceMutation;

#[Object]
impl InstanceMutation {
    /// Starts a stopped or failed instance.
    async fn start_instance(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The instance.")] id: Id<InstanceId>,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<InstancePayload>> {
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().start_instance(&call, id.0).await?.into()))
    }

    /// Stops a running instance. Its address is kept.
    async fn stop_instance(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The instance.")] id: Id<InstanceId>,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<InstancePayload>> {
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().stop_instance(&call, id.0).await?.into()))
    }

    /// Replaces the pods of a running instance.
    async fn restart_instance(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The instance.")] id: Id<InstanceId>,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<InstancePayload>> {
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().restart_instance(&call, id.0).await?.into()))
    }

    /// Deletes an instance, whatever it is doing: what runs is cancelled, and the deletion waits
    /// for it.
    async fn delete_instance(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The instance.")] id: Id<InstanceId>,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<InstancePayload>> {
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().delete_instance(&call, id.0).await?.into()))
    }
}

#[derive(Default)]
pub struct InstanceSubscription;

#[Subscription]
impl InstanceSubscription {
    /// Changes of instances: of one, of a tenant's, or of all that the caller may see.
    async fn instance_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only this instance.")] id: Option<Id<InstanceId>>,
        #[graphql(desc = "Only this tenant's instances.")] tenant_id: Option<Id<TenantId>>,
        #[graphql(desc = "Begin behind this position; live changes only where absent.")]
        after: Option<Cursor>,
    ) -> Result<Live<InstanceChange>> {
        let filter = EventFilter {
            types: Some(EventType::INSTANCE.to_vec()),
            subject_id: id.map(|id| id.0.to_string()),
            tenant_id: tenant_id.map(|id| id.0),
            ..EventFilter::default()
        };
        events::follow(ctx, filter, after, instance_change).await
    }

    /// Changes of pods: of one instance, or of all that the caller may see.
    async fn pod_state_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only pods of this instance.")] instance_id: Option<Id<InstanceId>>,
        #[graphql(desc = "Begin behind this position; live changes only where absent.")]
        after: Option<Cursor>,
    ) -> Result<Live<PodStateChange>> {
        let filter = EventFilter {
            types: Some(EventType::POD.to_vec()),
            subject_id: instance_id.map(|id| id.0.to_string()),
            ..EventFilter::default()
        };
        events::follow(ctx, filter, after, pod_change).await
    }
}

fn instance_change(event: &Arc<domain::events::Event>) -> Result<Followed<InstanceChange>> {
    let instance = Instance(events::image(event)?);
    let cursor = events::cursor(event);
    Ok(Some(InstanceChange { cursor, instance, event: Event(event.clone()) }))
}

fn pod_change(event: &Arc<domain::events::Event>) -> Result<Followed<PodStateChange>> {
    let pod: runtime::Pod = events::image(event)?;
    let kind = match event.event_type {
        EventType::PodAdded => PodChangeKind::Added,
        EventType::PodDeleted => PodChangeKind::Deleted,
        _ => PodChangeKind::Modified,
    };
    let instance_id = pod.instance_id;
    let (cursor, at) = (events::cursor(event), DateTime(event.at));
    Ok(Some(PodStateChange { cursor, at, kind, pod: Pod(pod), instance_id }))
}

impl From<InstanceFilter> for instances::InstanceFilter {
    fn from(filter: InstanceFilter) -> Self {
        let InstanceFilter { status, owner_id, tenant_id } = filter;
        Self {
            status: status.map(|status| status.into_iter().map(Into::into).collect()),
            owner_id: owner_id.map(|id| id.0),
            tenant_id: tenant_id.map(|id| id.0),
            visible: None,
        }
    }
}

impl From<instances::Instance> for Instance {
    fn from(instance: instances::Instance) -> Self {
        Self(instance)
    }
}

impl From<Committed<instances::Instance>> for InstancePayload {
    fn from(committed: Committed<instances::Instance>) -> Self {
        let Committed { cursor, replayed, entity, workflow } = committed;
        let workflow = workflow.map(Workflow);
        Self { cursor: Cursor(cursor), replayed, instance: Instance(entity), workflow }
    }
}
