use async_graphql::{Context, Object};
use domain::ids::OrderId;

use super::{
    inputs::{OrderFilter, ProductFilter},
    order::Order,
    product::Product,
};
use crate::graphql::{
    connection::{Connection, connection, request},
    context::Ctx,
    error::{ApiError, Result},
    order_by::{OrderOrderBy, ProductOrderBy},
    scalars::{Id, Long},
};

#[derive(Default)]
pub struct CommerceQuery;

#[Object]
impl CommerceQuery {
    /// What is on sale, newest first. Needs no token.
    async fn products(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Narrows the list; what is absent does not.")] filter: Option<
            ProductFilter,
        >,
        #[graphql(desc = "How many at most: 1 to 100, by default 20.")] first: Option<i32>,
        #[graphql(desc = "The cursor of the edge to continue behind.")] after: Option<String>,
        #[graphql(desc = "Newest first, where absent.")] order_by: Option<ProductOrderBy>,
    ) -> Result<Connection<Product>> {
        let sort = order_by.map(Into::into).unwrap_or_default();
        let page = request(ctx, first, after)?.sorted(sort)?;
        let filter = filter.map(Into::into).unwrap_or_default();
        let found = ctx.control_plane().products(ctx.call(), filter, &page).await?;
        Ok(connection(found, |product| product.page_key(sort.by)))
    }

    /// One order, by id or by number. Null where it does not exist or is not the caller's to see.
    async fn order(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The order's id.")] id: Option<Id<OrderId>>,
        #[graphql(desc = "The order's number, in place of its id.")] number: Option<Long>,
    ) -> Result<Option<Order>> {
        let (cp, call) = (ctx.control_plane(), ctx.call());
        let found = match (id, number) {
            (Some(id), None) => cp.order(call, id.0).await?,
            (None, Some(number)) => cp.order_by_number(call, number.0).await?,
            _ => return Err(either_id_or_number()),
        };
        Ok(found.map(Order))
    }

    /// The orders that the caller may see, newest first.
    async fn orders(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Narrows the list; what is absent does not.")] filter: Option<OrderFilter>,
        #[graphql(desc = "How many at most: 1 to 100, by default 20.")] first: Option<i32>,
        #[graphql(desc = "The cursor of the edge to continue behind.")] after: Option<String>,
        #[graphql(desc = "Newest first, where absent.")] order_by: Option<OrderOrderBy>,
    ) -> Result<Connection<Order>> {
        let sort = order_by.map(Into::into).unwrap_or_default();
        let page = request(ctx, first, after)?.sorted(sort)?;
        let filter = filter.map(Into::into).unwrap_or_default();
        let found = ctx.control_plane().orders(ctx.call(), filter, &page).await?;
        Ok(connection(found, |order| order.page_key(sort.by)))
    }
}

pub fn either_id_or_number() -> ApiError {
    domain::Error::invalid("id", "give either id or number").into()
}
