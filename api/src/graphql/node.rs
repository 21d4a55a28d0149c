use async_graphql::{Context, ID, Interface, Object};
use domain::ids::NodeId;
use futures::future::try_join_all;

use super::{
    clusters::{Cluster, DevCluster, SearchCluster},
    commerce::{Order, Product},
    context::Ctx,
    delivery::{Application, Deployment, Environment, Version},
    error::Result,
    identity::{ApiToken, Tenant, User},
    instances::Instance,
    scalars::AnyId,
    workflows::{Task, Workflow},
};

/// Whatever has an id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Opaque; its prefix tells the kind."))]
pub enum Node {
    User(User),
    Tenant(Tenant),
    ApiToken(ApiToken),
    Product(Product),
    Order(Order),
    Instance(Instance),
    SearchCluster(SearchCluster),
    DevCluster(DevCluster),
    Version(Version),
    Application(Application),
    Environment(Environment),
    Deployment(Deployment),
    Workflow(Workflow),
    Task(Task),
}

#[derive(Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// Anything by its id. Null where it does not exist or is not the caller's to see.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id of anything.")] id: AnyId,
    ) -> Result<Option<Node>> {
        node(ctx, id.0).await
    }

    /// Several things by their ids, in that order; at most 100.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The ids of anything.")] ids: Vec<AnyId>,
    ) -> Result<Vec<Option<Node>>> {
        if ids.len() > 100 {
            return Err(domain::Error::invalid("ids", "must be at most 100").into());
        }
        try_join_all(ids.into_iter().map(|id| node(ctx, id.0))).await
    }
}

/// Looks a node up through the loaders, so that many cost one statement a kind.
pub(super) async fn node(ctx: &Context<'_>, id: NodeId) -> Result<Option<Node>> {
    let loaders = ctx.loaders();
    if let NodeId::Product(id) = id {
        return Ok(loaders.products.load_one(id).await?.map(|found| Node::Product(Product(found))));
    }
    let actor = ctx.call().actor()?;
    Ok(match id {
        NodeId::User(id) if !actor.sees_account(id) => None,
        NodeId::User(id) => {
            loaders.users.load_one(id).await?.map(|found| Node::User(User::from(found)))
        }
        NodeId::Tenant(id) if !actor.sees(id) => None,
        NodeId::Tenant(id) => {
            loaders.tenants.load_one(id).await?.map(|found| Node::Tenant(Tenant(found)))
        }
        NodeId::ApiToken(id) => {
            let found = loaders.api_tokens.load_one(id).await?;
            let found = found.filter(|found| actor.sees_account(found.user_id));
            found.map(|found| Node::ApiToken(ApiToken(found)))
        }
        NodeId::Order(id) => {
            let found = loaders.orders.load_one(id).await?;
            found.filter(|found| actor.sees(found.tenant_id)).map(|found| Node::Order(Order(found)))
        }
        NodeId::Instance(id) => {
            let found = loaders.instances.load_one(id).await?;
            let found = found.filter(|found| actor.sees(found.tenant_id));
            found.map(|found| Node::Instance(Instance(found)))
        }
        NodeId::Cluster(id) => {
            let found = loaders.clusters.load_one(id).await?;
            let found = found.filter(|found| actor.sees(found.tenant_id));
            found.map(|found| match Cluster::from(found) {
                Cluster::Search(cluster) => Node::SearchCluster(cluster),
                Cluster::Dev(cluster) => Node::DevCluster(cluster),
            })
        }
        NodeId::Version(id) => {
            let found = loaders.versions.load_one(id).await?;
            let found = found.filter(|found| actor.sees(found.tenant_id));
            found.map(|found| Node::Version(Version(found)))
        }
        NodeId::Application(id) => {
            let found = loaders.applications.load_one(id).await?;
            let found = found.filter(|found| actor.sees(found.tenant_id));
            found.map(|found| Node::Application(Application(found)))
        }
        NodeId::Environment(id) => {
            let found = loaders.environments.load_one(id).await?;
            let found = found.filter(|found| actor.sees(found.tenant_id));
            found.map(|found| Node::Environment(Environment(found)))
        }
        NodeId::Deployment(id) => {
            let found = loaders.deployments.load_one(id).await?;
            let found = found.filter(|found| actor.sees(found.tenant_id));
            found.map(|found| Node::Deployment(Deployment(found)))
        }
        NodeId::Workflow(id) => {
            let found = loaders.workflows.load_one(id).await?;
            let found = found.filter(|found| actor.sees(found.tenant_id));
            found.map(|found| Node::Workflow(Workflow(found)))
        }
        NodeId::Task(id) => {
            let found = loaders.tasks.load_one(id).await?;
            found.filter(|found| actor.sees(found.tenant_id)).map(|found| Node::Task(Task(found)))
        }
        NodeId::Product(_) => None,
    })
}
