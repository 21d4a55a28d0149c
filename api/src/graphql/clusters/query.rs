use async_graphql::{Context, Object};

use super::{Cluster, SearchCluster, dev::PortLease, inputs::ClusterFilter};
use crate::graphql::{
    connection::{Connection, connection, request},
    context::Ctx,
    error::Result,
    order_by::ClusterOrderBy,
};

#[derive(Default)]
pub struct ClusterQuery;

#[Object]
impl ClusterQuery {
    /// The clusters that the caller may see, newest first; without the deleted ones, unless the
    /// filter asks for them.
    async fn clusters(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Narrows the list; what is absent does not.")] filter: Option<
            ClusterFilter,
        >,
        #[graphql(desc = "How many at most: 1 to 100, by default 20.")] first: Option<i32>,
        #[graphql(desc = "The cursor of the edge to continue behind.")] after: Option<String>,
        #[graphql(desc = "Newest first, where absent.")] order_by: Option<ClusterOrderBy>,
    ) -> Result<Connection<Cluster>> {
        let sort = order_by.map(Into::into).unwrap_or_default();
        let page = request(ctx, first, after)?.sorted(sort)?;
        let filter = filter.map(Into::into).unwrap_or_default();
        let found = ctx.control_plane().clusters(ctx.call(), filter, &page).await?;
        Ok(connection(found, |cluster| cluster.page_key(sort.by)))
    }

    /// The search cluster of a namespace: by the name that it has in its tenant, or by the full one
    /// that the platform's cluster knows. Null where it does not exist or is not the caller's to
    /// see.
    async fn search_cluster(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The namespace.")] namespace: String,
    ) -> Result<Option<SearchCluster>> {
        let found = ctx.control_plane().search_cluster(ctx.call(), &namespace).await?;
        Ok(found.map(SearchCluster))
    }

    /// The ports that clusters hold which the caller may see, by host and number.
    async fn port_leases(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only of this host.")] host: Option<String>,
    ) -> Result<Vec<PortLease>> {
        let found = ctx.control_plane().port_leases(ctx.call(), host.as_deref()).await?;
        Ok(found.into_iter().map(PortLease).collect())
    }
}
