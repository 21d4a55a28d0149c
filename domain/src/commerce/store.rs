use async_trait::async_trait;
use jiff::Timestamp;

use super::{
    Order, OrderFilter, OrderSummary, Product, ProductFilter, ProductStatus, ProductSummary,
};
use crate::{
    error::Result,
    ids::{InstanceId, OrderId, ProductId, TenantId},
    page::{Page, PageRequest},
};

#[async_trait]
pub trait CommerceReads {
    async fn products_by_id(&mut self, ids: &[ProductId]) -> Result<Vec<Product>>;
    async fn product_summaries(&mut self, ids: &[ProductId]) -> Result<Vec<ProductSummary>>;
    async fn products(
        &mut self,
        filter: &ProductFilter,
        page: &PageRequest,
    ) -> Result<Page<Product>>;
    async fn orders_by_id(&mut self, ids: &[OrderId]) -> Result<Vec<Order>>;
    async fn order_by_number(&mut self, number: i64) -> Result<Option<Order>>;
    async fn orders_of_instances(&mut self, instances: &[InstanceId]) -> Result<Vec<Order>>;
    async fn orders(&mut self, filter: &OrderFilter, page: &PageRequest) -> Result<Page<Order>>;
    /// The same page in short.
    async fn order_summaries(
        &mut self,
        filter: &OrderFilter,
        page: &PageRequest,
    ) -> Result<Page<OrderSummary>>;
}

/// What a product is offered for.
pub struct Offer {
    pub status: ProductStatus,
    /// In cents.
    pub price: u32,
}

/// An order that is about to be placed.
pub struct OrderQuestion {
    pub product_id: ProductId,
    pub tenant_id: TenantId,
    pub instance_name: String,
    /// The buyer's.
    pub user_number: i64,
}

/// What such an order rests on.
pub struct OrderBasis {
    /// Of the product, if there is such a one.
    pub offer: Option<Offer>,
    /// Whether an instance of that name lives in the tenant.
    pub name_lives: bool,
    /// The order's.
    pub number: i64,
}

#[async_trait]
pub trait CommerceWrites {
    /// Gives out the next number of this owner's instances and orders.
    async fn next_number(&mut self, owner_number: i64, now: Timestamp) -> Result<i64>;
    async fn insert_product(&mut self, product: &Product) -> Result<()>;
    async fn update_product(&mut self, product: &Product) -> Result<()>;
    async fn insert_order(&mut self, order: &Order) -> Result<()>;
    async fn update_order(&mut self, order: &Order) -> Result<()>;
}
