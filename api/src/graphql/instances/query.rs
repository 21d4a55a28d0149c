use async_graphql::{Context, Object};
use domain::ids::InstanceId;

use super::{inputs::InstanceFilter, instance::Instance};
use crate::graphql::{
    commerce::either_id_or_number,
    connection::{Connection, connection, request},
    context::Ctx,
    error::Result,
    order_by::InstanceOrderBy,
    scalars::{Id, Long},
};

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
        #[graphql(desc = "Newest first, where absent.")] order_by: Option<InstanceOrderBy>,
    ) -> Result<Connection<Instance>> {
        let sort = order_by.map(Into::into).unwrap_or_default();
        let page = request(ctx, first, after)?.sorted(sort)?;
        let filter = filter.map(Into::into).unwrap_or_default();
        let found = ctx.control_plane().instances(ctx.call(), filter, &page).await?;
        Ok(connection(found, |instance| instance.page_key(sort.by)))
    }
}
