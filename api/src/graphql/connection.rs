use std::sync::Arc;

use async_graphql::{Context, OutputType, SimpleObject, connection::PageInfo};
use domain::page::{Direction, Page, PageKey, PageRequest, Sort};

use super::{
    clusters::Cluster,
    commerce::{Order, Product},
    context::Ctx,
    delivery::{Application, Deployment, Environment, Version},
    error::Result,
    identity::{ApiToken, Tenant, User},
    instances::{Instance, InstanceLog},
    workflows::{Task, Workflow},
};

/// A page of a list.
#[derive(SimpleObject)]
#[graphql(
    concrete(name = "UserConnection", params(User)),
    concrete(name = "TenantConnection", params(Tenant)),
    concrete(name = "ApiTokenConnection", params(ApiToken)),
    concrete(name = "ProductConnection", params(Product)),
    concrete(name = "OrderConnection", params(Order)),
    concrete(name = "InstanceConnection", params(Instance)),
    concrete(name = "InstanceLogConnection", params(InstanceLog)),
    concrete(name = "ClusterConnection", params(Cluster)),
    concrete(name = "VersionConnection", params(Version)),
    concrete(name = "ApplicationConnection", params(Application)),
    concrete(name = "EnvironmentConnection", params(Environment)),
    concrete(name = "DeploymentConnection", params(Deployment)),
    concrete(name = "WorkflowConnection", params(Workflow)),
    concrete(name = "TaskConnection", params(Task))
)]
pub struct Connection<T: OutputType>
where
    Edge<T>: OutputType,
{
    /// Whether more follow, and where to continue.
    page_info: PageInfo,
    /// The items with their cursors.
    edges: Vec<Edge<T>>,
    /// The items.
    nodes: Vec<Arc<T>>,
    /// How many there are in all, on all pages.
    total_count: i64,
}

/// An item with its cursor.
#[derive(SimpleObject)]
#[graphql(
    concrete(name = "UserEdge", params(User)),
    concrete(name = "TenantEdge", params(Tenant)),
    concrete(name = "ApiTokenEdge", params(ApiToken)),
    concrete(name = "ProductEdge", params(Product)),
    concrete(name = "OrderEdge", params(Order)),
    concrete(name = "InstanceEdge", params(Instance)),
    concrete(name = "InstanceLogEdge", params(InstanceLog)),
    concrete(name = "ClusterEdge", params(Cluster)),
    concrete(name = "VersionEdge", params(Version)),
    concrete(name = "ApplicationEdge", params(Application)),
    concrete(name = "EnvironmentEdge", params(Environment)),
    concrete(name = "DeploymentEdge", params(Deployment)),
    concrete(name = "WorkflowEdge", params(Workflow)),
    concrete(name = "TaskEdge", params(Task))
)]
pub struct Edge<T: OutputType> {
    /// Where the item stands in the list; good for `after`.
    cursor: String,
    /// The item.
    node: Arc<T>,
}

/// What page a field asks for; the total is only counted where it is selected.
pub(super) fn request(
    ctx: &Context<'_>,
    first: Option<i32>,
    after: Option<String>,
) -> Result<PageRequest> {
    Ok(PageRequest::new(first.map(Into::into), after, ctx.asks("totalCount"))?)
}

/// The same for a list that comes oldest first.
pub(super) fn oldest_first(
    ctx: &Context<'_>,
    first: Option<i32>,
    after: Option<String>,
) -> Result<PageRequest> {
    let sort = Sort { direction: Direction::Asc, ..Sort::default() };
    Ok(request(ctx, first, after)?.sorted(sort)?)
}

/// A page as a Relay connection; `key` tells where an item stands in the list.
pub(super) fn connection<D, T>(page: Page<D>, key: impl Fn(&D) -> PageKey) -> Connection<T>
where
    T: From<D> + OutputType,
    Edge<T>: OutputType,
{
    let edge = |item: D| Edge { cursor: key(&item).encode(), node: Arc::new(T::from(item)) };
    let edges: Vec<Edge<T>> = page.items.into_iter().map(edge).collect();
    let cursor = |edge: Option<&Edge<T>>| edge.map(|edge| edge.cursor.clone());
    Connection {
        page_info: PageInfo {
            has_previous_page: false,
            has_next_page: page.has_next,
            start_cursor: cursor(edges.first()),
            end_cursor: cursor(edges.last()),
        },
        nodes: edges.iter().map(|edge| edge.node.clone()).collect(),
        edges,
        total_count: page.total.unwrap_or(0),
    }
}
