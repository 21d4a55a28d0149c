use async_graphql::{Context, Object, SimpleObject};
use domain::{
    Committed, commerce,
    ids::{OrderId, ProductId},
};

use super::{
    inputs::{CreateProductInput, PlaceOrderInput, UpdateProductInput},
    order::Order,
    product::Product,
};
use crate::graphql::{
    context::Ctx,
    error::Result,
    scalars::{Cursor, Id},
    workflows::Workflow,
};

/// A changed product.
#[derive(SimpleObject)]
pub struct ProductPayload {
    /// The safe position just before the effect.
    cursor: Cursor,
    /// Whether an earlier call with the same idempotency key had the effect.
    replayed: bool,
    /// The product as it is now.
    product: Product,
}

impl From<Committed<commerce::Product>> for ProductPayload {
    fn from(committed: Committed<commerce::Product>) -> Self {
        let Committed { cursor, replayed, entity, workflow: _ } = committed;
        Self { cursor: Cursor(cursor), replayed, product: Product(entity) }
    }
}

/// A changed order.
#[derive(SimpleObject)]
pub struct OrderPayload {
    /// The safe position just before the effect: a subscription from it shows the effect.
    cursor: Cursor,
    /// Whether an earlier call with the same idempotency key had the effect.
    replayed: bool,
    /// The order as it is now.
    order: Order,
    /// The workflow that the mutation started, if it started one.
    workflow: Option<Workflow>,
}

impl From<Committed<commerce::Order>> for OrderPayload {
    fn from(committed: Committed<commerce::Order>) -> Self {
        let Committed { cursor, replayed, entity, workflow } = committed;
        let workflow = workflow.map(Workflow);
        Self { cursor: Cursor(cursor), replayed, order: Order(entity), workflow }
    }
}

#[derive(Default)]
pub struct CommerceMutation;

#[Object]
impl CommerceMutation {
    /// Puts a product on sale. For administrators.
    async fn create_product(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new product.")] input: CreateProductInput,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<ProductPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().create_product(&call, input.into()).await?.into()))
    }

    /// Changes a product for later orders; what was ordered stays as it was. For administrators.
    async fn update_product(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The product.")] id: Id<ProductId>,
        #[graphql(desc = "What changes; what is absent stays.")] input: UpdateProductInput,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<ProductPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().update_product(&call, id.0, input.into()).await?.into()))
    }

    /// Orders a product at today's price. ALREADY_EXISTS where the tenant has an instance of
    /// that name, CONFLICT where the product is not on sale.
    async fn place_order(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to buy, for whom, under which name.")] input: PlaceOrderInput,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<OrderPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().place_order(&call, input.into()).await?.into()))
    }

    /// Pays an order and starts its instance, both or neither. INVALID_TRANSITION for one that
    /// is not PENDING; ALREADY_EXISTS where the name has been taken meanwhile.
    async fn pay_order(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The order.")] id: Id<OrderId>,
        #[graphql(desc = "What the payment is known by; recorded, not verified.")]
        payment_reference: Option<String>,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<OrderPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().pay_order(&call, id.0, payment_reference).await?.into()))
    }

    /// Gives up an order that is not paid. INVALID_TRANSITION for any other.
    async fn cancel_order(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The order.")] id: Id<OrderId>,
        #[graphql(desc = "Why, for the record.")] reason: Option<String>,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<OrderPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().cancel_order(&call, id.0, reason).await?.into()))
    }
}
