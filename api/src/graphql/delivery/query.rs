use async_graphql::{Context, Object};

use super::{
    application::Application,
    deployment::Deployment,
    environment::Environment,
    inputs::{ApplicationFilter, DeploymentFilter, EnvironmentFilter, VersionFilter},
    version::Version,
};
use crate::graphql::{
    connection::{Connection, connection, request},
    context::Ctx,
    error::Result,
    order_by::{ApplicationOrderBy, DeploymentOrderBy, EnvironmentOrderBy, VersionOrderBy},
};

#[derive(Default)]
pub struct DeliveryQuery;

#[Object]
impl DeliveryQuery {
    /// The versions that the caller may see, newest first.
    async fn versions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Narrows the list; what is absent does not.")] filter: Option<
            VersionFilter,
        >,
        #[graphql(desc = "How many at most: 1 to 100, by default 20.")] first: Option<i32>,
        #[graphql(desc = "The cursor of the edge to continue behind.")] after: Option<String>,
        #[graphql(desc = "Newest first, where absent.")] order_by: Option<VersionOrderBy>,
    ) -> Result<Connection<Version>> {
        let sort = order_by.map(Into::into).unwrap_or_default();
        let page = request(ctx, first, after)?.sorted(sort)?;
        let filter = filter.map(Into::into).unwrap_or_default();
        let found = ctx.control_plane().versions(ctx.call(), filter, &page).await?;
        Ok(connection(found, |version| version.page_key(sort.by)))
    }

    /// The applications that the caller may see, newest first.
    async fn applications(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Narrows the list; what is absent does not.")] filter: Option<
            ApplicationFilter,
        >,
        #[graphql(desc = "How many at most: 1 to 100, by default 20.")] first: Option<i32>,
        #[graphql(desc = "The cursor of the edge to continue behind.")] after: Option<String>,
        #[graphql(desc = "Newest first, where absent.")] order_by: Option<ApplicationOrderBy>,
    ) -> Result<Connection<Application>> {
        let sort = order_by.map(Into::into).unwrap_or_default();
        let page = request(ctx, first, after)?.sorted(sort)?;
        let filter = filter.map(Into::into).unwrap_or_default();
        let found = ctx.control_plane().applications(ctx.call(), filter, &page).await?;
        Ok(connection(found, |application| application.page_key(sort.by)))
    }

    /// The environments that the caller may see, newest first.
    async fn environments(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Narrows the list; what is absent does not.")] filter: Option<
            EnvironmentFilter,
        >,
        #[graphql(desc = "How many at most: 1 to 100, by default 20.")] first: Option<i32>,
        #[graphql(desc = "The cursor of the edge to continue behind.")] after: Option<String>,
        #[graphql(desc = "Newest first, where absent.")] order_by: Option<EnvironmentOrderBy>,
    ) -> Result<Connection<Environment>> {
        let sort = order_by.map(Into::into).unwrap_or_default();
        let page = request(ctx, first, after)?.sorted(sort)?;
        let filter = filter.map(Into::into).unwrap_or_default();
        let found = ctx.control_plane().environments(ctx.call(), filter, &page).await?;
        Ok(connection(found, |environment| environment.page_key(sort.by)))
    }

    /// The deployments that the caller may see, newest first.
    async fn deployments(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Narrows the list; what is absent does not.")] filter: Option<
            DeploymentFilter,
        >,
        #[graphql(desc = "How many at most: 1 to 100, by default 20.")] first: Option<i32>,
        #[graphql(desc = "The cursor of the edge to continue behind.")] after: Option<String>,
        #[graphql(desc = "Newest first, where absent.")] order_by: Option<DeploymentOrderBy>,
    ) -> Result<Connection<Deployment>> {
        let sort = order_by.map(Into::into).unwrap_or_default();
        let page = request(ctx, first, after)?.sorted(sort)?;
        let filter = filter.map(Into::into).unwrap_or_default();
        let found = ctx.control_plane().deployments(ctx.call(), filter, &page).await?;
        Ok(connection(found, |deployment| deployment.page_key(sort.by)))
    }
}
