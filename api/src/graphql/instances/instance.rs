use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use domain::{instances, page::PageKey, runtime::Owner};

use super::{
    log::{InstanceLog, LogType},
    pod::Pod,
    runtime::InstanceRuntime,
};
use crate::graphql::{
    commerce::{ComputeSpec, Order},
    connection::{Connection, connection, oldest_first, request},
    context::Ctx,
    error::Result,
    explanation::Explanation,
    identity::{Tenant, User},
    loaders::{LogsPage, SubjectPage, must},
    scalars::{DateTime, Long, id, time},
    secret::SecretInfo,
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
        Ok(User::from(must(&ctx.loaders().users, self.0.owner_id).await?))
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
    async fn network(&self, ctx: &Context<'_>) -> Option<InstanceNetwork> {
        let endpoint = ctx.control_plane().endpoint(&self.0);
        self.0.released_at.is_none().then(|| InstanceNetwork::of(&self.0, endpoint))
    }
    /// What the cluster showed last.
    async fn runtime(&self, ctx: &Context<'_>) -> Result<InstanceRuntime> {
        let loaders = ctx.loaders();
        let (seen, pods, connected) = futures::try_join!(
            loaders.runtimes.load_one(self.0.id),
            loaders.pods_of.load_one(Owner::Instance(self.0.id)),
            loaders.connected.load_one(()),
        )?;
        let pods = pods.unwrap_or_default();
        Ok(InstanceRuntime::of(&self.0, seen, &pods, connected.unwrap_or(false)))
    }
    /// Its pods as the cluster showed them last.
    async fn pods(&self, ctx: &Context<'_>) -> Result<Vec<Pod>> {
        let pods = ctx.loaders().pods_of.load_one(Owner::Instance(self.0.id)).await?;
        Ok(pods.unwrap_or_default().into_iter().map(Pod).collect())
    }
    /// Why it does not run, with the evidence; null where it runs or should not.
    async fn why_not_running(&self, ctx: &Context<'_>) -> Result<Option<Explanation>> {
        let loaders = ctx.loaders();
        let (seen, pods, trouble, connected) = futures::try_join!(
            loaders.runtimes.load_one(self.0.id),
            loaders.pods_of.load_one(Owner::Instance(self.0.id)),
            loaders.troubles.load_one(Owner::Instance(self.0.id)),
            loaders.connected.load_one(()),
        )?;
        let known = instances::Circumstances {
            runtime: seen.as_ref(),
            pods: &pods.unwrap_or_default(),
            trouble: trouble.as_deref(),
            connected: connected.unwrap_or(false),
        };
        Ok(instances::explain(&self.0, known).map(Explanation::from))
    }
    /// Whether it has a secret environment; what is in that is never read back.
    async fn secret_config(&self, ctx: &Context<'_>) -> Result<Option<SecretInfo>> {
        let stored = ctx.loaders().secrets.load_one(self.0.id.to_string()).await?;
        Ok(Some(stored.into()))
    }
    /// Its log, oldest first; lines are kept as long as events.
    async fn logs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only lines of these types.")] types: Option<Vec<LogType>>,
        #[graphql(desc = "How many at most: 1 to 100, by default 20.")] first: Option<i32>,
        #[graphql(desc = "The cursor of the edge to continue behind.")] after: Option<String>,
    ) -> Result<Connection<InstanceLog>> {
        let types = types.unwrap_or_default().into_iter().map(Into::into).collect();
        let page = oldest_first(ctx, first, after)?.into();
        let key = LogsPage { instance: self.0.id, types, page };
        let found = ctx.loaders().logs_of_instance.load_one(key).await?;
        let found = found.ok_or_else(|| domain::Error::internal("a batch lacks a page"))?;
        Ok(connection(found, instances::InstanceLog::page_key))
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
    fn of(instance: &instances::Instance, endpoint: instances::Endpoint) -> Self {
        Self {
            endpoint_url: endpoint.url,
            domain: instance.host.clone(),
            port: endpoint.port,
            created_at: DateTime(instance.created_at),
            updated_at: DateTime(instance.created_at),
        }
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

impl From<instances::Instance> for Instance {
    fn from(instance: instances::Instance) -> Self {
        Self(instance)
    }
}
