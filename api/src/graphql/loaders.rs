//! One batch per edge and level of a document, whatever the number of parents. A set of loaders
//! lives as long as one operation and remembers nothing, so that a subscription reads anew.

use std::{collections::HashMap, hash::Hash, sync::Arc, time::Duration};

use async_graphql::dataloader::{DataLoader, Loader};
use domain::{
    ControlPlane, clusters, commerce, delivery, identity,
    ids::{
        ApiTokenId, ApplicationId, ClusterId, DeploymentId, EnvironmentId, InstanceId, OrderId,
        ProductId, TaskId, TenantId, UserId, VersionId, WorkflowId,
    },
    instances,
    page::{Page, PageKey, PageRequest, Sort},
    quota::QuotaLine,
    runtime::{Owner, Pod},
    secrets::StoredSecret,
    workflows,
};

use super::{batches::Batches, error::ApiError};

pub struct Loaders {
    pub users: DataLoader<Users>,
    pub tenants: DataLoader<Tenants>,
    pub api_tokens: DataLoader<ApiTokens>,
    pub memberships_of_user: DataLoader<MembershipsOfUser>,
    pub memberships_of_tenant: DataLoader<MembershipsOfTenant>,
    pub quota_of_tenant: DataLoader<QuotaOfTenant>,
    pub products: DataLoader<Products>,
    pub orders: DataLoader<Orders>,
    pub order_of_instance: DataLoader<OrderOfInstance>,
    pub instances: DataLoader<Instances>,
    pub clusters: DataLoader<Clusters>,
    pub sightings: DataLoader<Sightings>,
    pub secrets: DataLoader<Secrets>,
    pub logs_of_instance: DataLoader<LogsOfInstance>,
    pub runtimes: DataLoader<Runtimes>,
    pub pods_of: DataLoader<PodsOf>,
    pub troubles: DataLoader<Troubles>,
    pub connected: DataLoader<Connected>,
    pub versions: DataLoader<Versions>,
    pub applications: DataLoader<Applications>,
    pub environments: DataLoader<Environments>,
    pub deployments: DataLoader<Deployments>,
    pub workflows: DataLoader<Workflows>,
    pub workflows_of_subject: DataLoader<WorkflowsOfSubject>,
    pub lanes: DataLoader<Lanes>,
    pub tasks: DataLoader<Tasks>,
    pub tasks_of_workflow: DataLoader<TasksOfWorkflow>,
    pub attempts_of_task: DataLoader<AttemptsOfTask>,
    pub logs: DataLoader<Logs>,
}

impl Loaders {
    pub fn new(cp: &Arc<ControlPlane>, batches: &Batches) -> Self {
        fn one<L: Send + Sync + 'static>(loader: L, batches: &Batches) -> DataLoader<L> {
            let batches = batches.clone();
            DataLoader::new(loader, move |batch| batches.add(batch)).delay(Duration::ZERO)
        }
        Self {
            users: one(Users(cp.clone()), batches),
            tenants: one(Tenants(cp.clone()), batches),
            api_tokens: one(ApiTokens(cp.clone()), batches),
            memberships_of_user: one(MembershipsOfUser(cp.clone()), batches),
            memberships_of_tenant: one(MembershipsOfTenant(cp.clone()), batches),
            quota_of_tenant: one(QuotaOfTenant(cp.clone()), batches),
            products: one(Products(cp.clone()), batches),
            orders: one(Orders(cp.clone()), batches),
            order_of_instance: one(OrderOfInstance(cp.clone()), batches),
            instances: one(Instances(cp.clone()), batches),
            clusters: one(Clusters(cp.clone()), batches),
            sightings: one(Sightings(cp.clone()), batches),
            secrets: one(Secrets(cp.clone()), batches),
            logs_of_instance: one(LogsOfInstance(cp.clone()), batches),
            runtimes: one(Runtimes(cp.clone()), batches),
            pods_of: one(PodsOf(cp.clone()), batches),
            troubles: one(Troubles(cp.clone()), batches),
            connected: one(Connected(cp.clone()), batches),
            versions: one(Versions(cp.clone()), batches),
            applications: one(Applications(cp.clone()), batches),
            environments: one(Environments(cp.clone()), batches),
            deployments: one(Deployments(cp.clone()), batches),
            workflows: one(Workflows(cp.clone()), batches),
            workflows_of_subject: one(WorkflowsOfSubject(cp.clone()), batches),
            lanes: one(Lanes(cp.clone()), batches),
            tasks: one(Tasks(cp.clone()), batches),
            tasks_of_workflow: one(TasksOfWorkflow(cp.clone()), batches),
            attempts_of_task: one(AttemptsOfTask(cp.clone()), batches),
            logs: one(Logs(cp.clone()), batches),
        }
    }
}

/// What a foreign key points at: it is there, since rows are never removed.
pub(super) async fn must<L, K>(loader: &DataLoader<L>, key: K) -> Result<L::Value, ApiError>
where
    L: Loader<K, Error = ApiError>,
    K: Send + Sync + Hash + Eq + Clone + std::fmt::Display + 'static,
{
    let name = key.to_string();
    let found = loader.load_one(key).await?;
    found
        .ok_or_else(|| domain::Error::internal(format!("{name} is referred to but missing")).into())
}

macro_rules! loader {
    ($name:ident: $key:ty => $value:ty, |$cp:ident, $keys:ident| $load:expr) => {
        pub struct $name(Arc<ControlPlane>);

        impl Loader<$key> for $name {
            type Value = $value;
            type Error = ApiError;

            async fn load(&self, $keys: &[$key]) -> Result<HashMap<$key, $value>, ApiError> {
                let $cp = &self.0;
                Ok($load)
            }
        }
    };
}

loader!(Users: UserId => identity::User, |cp, ids| {
    by(cp.users_by_id(ids).await?, |user| user.id)
});
loader!(Tenants: TenantId => identity::Tenant, |cp, ids| {
    by(cp.tenants_by_id(ids).await?, |tenant| tenant.id)
});
loader!(ApiTokens: ApiTokenId => identity::ApiToken, |cp, ids| {
    by(cp.api_tokens_by_id(ids).await?, |token| token.id)
});
loader!(MembershipsOfUser: UserId => Vec<identity::Membership>, |cp, ids| {
    grouped(cp.memberships_of_users(ids).await?, |membership| membership.user_id)
});
loader!(MembershipsOfTenant: TenantId => Vec<identity::Membership>, |cp, ids| {
    grouped(cp.memberships_of_tenants(ids).await?, |membership| membership.tenant_id)
});
loader!(QuotaOfTenant: TenantId => Vec<QuotaLine>, |cp, ids| {
    ids.iter().copied().zip(cp.quota_of_tenants(ids).await?).collect()
});
loader!(Secrets: String => StoredSecret, |cp, owners| {
    by(cp.secrets(owners).await?, |stored| stored.owner.clone())
});
loader!(Products: ProductId => commerce::Product, |cp, ids| {
    by(cp.products_by_id(ids).await?, |product| product.id)
});
loader!(Orders: OrderId => commerce::Order, |cp, ids| {
    by(cp.orders_by_id(ids).await?, |order| order.id)
});
loader!(OrderOfInstance: InstanceId => commerce::Order, |cp, ids| {
    let orders = cp.orders_of_instances(ids).await?;
    orders.into_iter().filter_map(|order| Some((order.instance_id?, order))).collect()
});
loader!(Instances: InstanceId => instances::Instance, |cp, ids| {
    by(cp.instances_by_id(ids).await?, |instance| instance.id)
});
loader!(Clusters: ClusterId => clusters::Cluster, |cp, ids| {
    by(cp.clusters_by_id(ids).await?, |cluster| cluster.id)
});
loader!(Sightings: ClusterId => clusters::Sighting, |cp, ids| {
    by(cp.sightings(ids).await?, |seen| seen.cluster_id)
});
loader!(Runtimes: InstanceId => instances::InstanceRuntime, |cp, ids| {
    by(cp.runtimes(ids).await?, |runtime| runtime.instance_id)
});
loader!(PodsOf: Owner => Vec<Pod>, |cp, owners| {
    grouped(cp.pods_of(owners).await?, |pod| pod.owner)
});
loader!(Troubles: Owner => String, |cp, owners| {
    cp.troubles(owners).await?.into_iter().collect()
});
loader!(Connected: () => bool, |cp, keys| {
    let connected = cp.targets().await?.iter().all(|(_, connected)| *connected);
    keys.iter().map(|()| ((), connected)).collect()
});
loader!(Versions: VersionId => delivery::Version, |cp, ids| {
    by(cp.versions_by_id(ids).await?, |version| version.id)
});
loader!(Applications: ApplicationId => delivery::Application, |cp, ids| {
    by(cp.applications_by_id(ids).await?, |application| application.id)
});
loader!(Environments: EnvironmentId => delivery::Environment, |cp, ids| {
    by(cp.environments_by_id(ids).await?, |environment| environment.id)
});
loader!(Deployments: DeploymentId => delivery::Deployment, |cp, ids| {
    by(cp.deployments_by_id(ids).await?, |deployment| deployment.id)
});
loader!(Workflows: WorkflowId => workflows::Workflow, |cp, ids| {
    by(cp.workflows_by_id(ids).await?, |workflow| workflow.id)
});
loader!(Lanes: String => Vec<workflows::Workflow>, |cp, groups| {
    grouped(cp.live_workflows(groups).await?, |workflow| workflow.lanes.group.clone())
});
loader!(Tasks: TaskId => workflows::Task, |cp, ids| {
    by(cp.tasks_by_id(ids).await?, |task| task.id)
});
loader!(TasksOfWorkflow: WorkflowId => Vec<workflows::Task>, |cp, ids| {
    grouped(cp.tasks_of_workflows(ids).await?, |task| task.workflow_id)
});
loader!(AttemptsOfTask: TaskId => Vec<workflows::TaskAttempt>, |cp, ids| {
    grouped(cp.attempts_of_tasks(ids).await?, |attempt| attempt.task_id)
});

/// A page of one subject's workflows.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SubjectPage {
    pub subject: String,
    pub page: PageArguments,
}

/// A [`PageRequest`] that can be told apart from another.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PageArguments {
    first: usize,
    after: Option<String>,
    count: bool,
    sort: Sort,
}

impl From<PageRequest> for PageArguments {
    fn from(page: PageRequest) -> Self {
        let after = page.after.as_ref().map(PageKey::encode);
        Self { first: page.first, after, count: page.count, sort: page.sort }
    }
}

impl PageArguments {
    fn request(&self) -> Result<PageRequest, ApiError> {
        let after = self.after.as_deref().map(PageKey::parse).transpose()?;
        Ok(PageRequest { first: self.first, after, count: self.count, sort: self.sort })
    }
}

loader!(WorkflowsOfSubject: SubjectPage => Page<workflows::Workflow>, |cp, keys| {
    let mut found = HashMap::new();
    for (page, keys) in grouped(keys.to_vec(), |key| key.page.clone()) {
        let subjects: Vec<String> = keys.iter().map(|key| key.subject.clone()).collect();
        let pages = cp.workflows_of_subjects(&subjects, &page.request()?).await?;
        found.extend(keys.into_iter().zip(pages));
    }
    found
});

/// A page of one instance's log.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct LogsPage {
    pub instance: InstanceId,
    /// None means all.
    pub types: Vec<instances::LogType>,
    pub page: PageArguments,
}

loader!(LogsOfInstance: LogsPage => Page<instances::InstanceLog>, |cp, keys| {
    let mut found = HashMap::new();
    for ((types, page), keys) in grouped(keys.to_vec(), |key| (key.types.clone(), key.page.clone()))
    {
        let ids: Vec<InstanceId> = keys.iter().map(|key| key.instance).collect();
        let pages = cp.logs_of_instances(&ids, &types, &page.request()?).await?;
        found.extend(keys.into_iter().zip(pages));
    }
    found
});

/// A piece of an attempt's log.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct LogPiece {
    pub task: TaskId,
    pub attempt: i32,
    /// In bytes, like `limit`.
    pub from: i64,
    pub limit: i64,
}

loader!(Logs: LogPiece => Vec<workflows::LogLine>, |cp, keys| {
    let mut found = HashMap::new();
    for ((from, limit), keys) in grouped(keys.to_vec(), |key| (key.from, key.limit)) {
        let of: Vec<_> = keys.iter().map(|key| (key.task, key.attempt)).collect();
        let lines = cp.log_lines(&of, from, limit).await?;
        let mut lines = grouped(lines, |line| (line.task_id, line.attempt));
        for key in keys {
            let mine = lines.remove(&(key.task, key.attempt)).unwrap_or_default();
            found.insert(key, mine);
        }
    }
    found
});

fn by<K: Hash + Eq, V>(values: Vec<V>, key: impl Fn(&V) -> K) -> HashMap<K, V> {
    values.into_iter().map(|value| (key(&value), value)).collect()
}

fn grouped<K: Hash + Eq, V>(values: Vec<V>, key: impl Fn(&V) -> K) -> HashMap<K, Vec<V>> {
    let mut groups: HashMap<K, Vec<V>> = HashMap::new();
    for value in values {
        groups.entry(key(&value)).or_default().push(value);
    }
    groups
}
