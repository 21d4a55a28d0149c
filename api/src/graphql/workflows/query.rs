use async_graphql::{Context, Object};
use domain::page::PageKey;

use super::{
    inputs::{TaskFilter, WorkflowFilter},
    task::Task,
    workflow::Workflow,
};
use crate::graphql::{
    connection::{Connection, connection, request},
    context::Ctx,
    error::Result,
    order_by::{TaskOrderBy, WorkflowOrderBy},
};

#[derive(Default)]
pub struct WorkflowQuery;

#[Object]
impl WorkflowQuery {
    /// The workflows that the caller may see, newest first.
    async fn workflows(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Narrows the list; what is absent does not.")] filter: Option<
            WorkflowFilter,
        >,
        #[graphql(desc = "How many at most: 1 to 100, by default 20.")] first: Option<i32>,
        #[graphql(desc = "The cursor of the edge to continue behind.")] after: Option<String>,
        #[graphql(desc = "Newest first, where absent.")] order_by: Option<WorkflowOrderBy>,
    ) -> Result<Connection<Workflow>> {
        let sort = order_by.map(Into::into).unwrap_or_default();
        let page = request(ctx, first, after)?.sorted(sort)?;
        let filter = filter.map(Into::into).unwrap_or_default();
        let found = ctx.control_plane().workflows(ctx.call(), filter, &page).await?;
        Ok(connection(found, |workflow| PageKey::new(workflow.created_at, workflow.id)))
    }

    /// The tasks that the caller may see, newest first.
    async fn tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Narrows the list; what is absent does not.")] filter: Option<TaskFilter>,
        #[graphql(desc = "How many at most: 1 to 100, by default 20.")] first: Option<i32>,
        #[graphql(desc = "The cursor of the edge to continue behind.")] after: Option<String>,
        #[graphql(desc = "Newest first, where absent.")] order_by: Option<TaskOrderBy>,
    ) -> Result<Connection<Task>> {
        let sort = order_by.map(Into::into).unwrap_or_default();
        let page = request(ctx, first, after)?.sorted(sort)?;
        let filter = filter.map(Into::into).unwrap_or_default();
        let found = ctx.control_plane().tasks(ctx.call(), filter, &page).await?;
        Ok(connection(found, |task| task.page_key(sort.by)))
    }
}
