use async_graphql::{Context, Enum, ID, Object};
use domain::commerce;

use super::product::Product;
use crate::graphql::{
    context::Ctx,
    error::Result,
    identity::{Tenant, User},
    instances::Instance,
    loaders::must,
    scalars::{Cents, DateTime, Long, id, time},
};

pub struct Order(pub commerce::Order);

/// One purchase of a product.
#[Object]
impl Order {
    /// Opaque; begins with `ord_`.
    pub async fn id(&self) -> ID {
        id(self.0.id)
    }
    /// A number that people can read out, unique among orders and instances.
    async fn number(&self) -> Long {
        Long(self.0.number)
    }
    /// Who placed it.
    async fn user(&self, ctx: &Context<'_>) -> Result<User> {
        Ok(User::from(must(&ctx.loaders().users, self.0.user_id).await?))
    }
    /// The tenant that it is for.
    async fn tenant(&self, ctx: &Context<'_>) -> Result<Tenant> {
        Ok(Tenant(must(&ctx.loaders().tenants, self.0.tenant_id).await?))
    }
    /// What was bought.
    async fn product(&self, ctx: &Context<'_>) -> Result<Product> {
        Ok(Product(must(&ctx.loaders().products, self.0.product_id).await?))
    }
    /// What the payment made; null before it.
    async fn instance(&self, ctx: &Context<'_>) -> Result<Option<Instance>> {
        let Some(id) = self.0.instance_id else {
            return Ok(None);
        };
        Ok(ctx.loaders().instances.load_one(id).await?.map(Instance))
    }
    /// How far the purchase has come.
    async fn status(&self) -> OrderStatus {
        self.0.status.into()
    }
    /// The product's price when the order was placed.
    async fn amount(&self) -> Cents {
        Cents(self.0.amount)
    }
    /// Whether it was paid and came to nothing.
    async fn refund_due(&self) -> bool {
        self.0.refund_due
    }
    /// The name that the instance has or will have.
    async fn instance_name(&self) -> &str {
        &self.0.instance_name
    }
    /// When it was placed.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
    /// When it was last changed.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }
    /// When it was paid.
    async fn paid_at(&self) -> Option<DateTime> {
        time(self.0.paid_at)
    }
    /// When it was cancelled, or its provisioning failed for good.
    async fn cancelled_at(&self) -> Option<DateTime> {
        time(self.0.cancelled_at)
    }
    /// When its instance ran for the first time.
    async fn completed_at(&self) -> Option<DateTime> {
        time(self.0.completed_at)
    }
}

/// How far a purchase has come.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "commerce::OrderStatus")]
pub enum OrderStatus {
    /// Placed, not paid.
    Pending,
    /// Paid; its instance is being made.
    Paid,
    /// Given up before payment, or provisioning failed for good (then `refundDue`).
    Cancelled,
    /// Its instance has run.
    Completed,
}

impl From<commerce::Order> for Order {
    fn from(order: commerce::Order) -> Self {
        Self(order)
    }
}
