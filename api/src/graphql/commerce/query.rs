use async_graphql::{Context, Object};
use domain::{ids::OrderId, page::PageKey};

use super::{
    inputs::{OrderFilter, ProductFilter},
    order::Order,
    product::Product,
};
use crate::graphql::{
    connection::{Connection, connection, request},
    context::Ctx,
    error::{ApiError, Result},
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
    ) -> Result<Connection<Product>> {
        let page = request(ctx, first, after)?;
        let filter = filter.map(Into::into).unwrap_or_default();
        let found = ctx.control_plane().products(ctx.call(), filter, &page).await?;
        Ok(connection(found, |product| PageKey::new(product.created_at, product.id)))
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
    ) -> Result<Connection<Order>> {
        let page = request(ctx, first, after)?;
        let filter = filter.map(Into::into).unwrap_or_default();
        let found = ctx.control_plane().orders(ctx.call(), filter, &page).await?;
        Ok(connection(found, |order| PageKey::new(order.created_at, order.id)))
    }
}

pub fn either_id_or_number() -> ApiError {
    domain::Error::invalid("id", "give either id or number").into()
}
