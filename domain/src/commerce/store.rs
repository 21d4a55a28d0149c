use async_trait::async_trait;
use jiff::Timestamp;

use super::{Order, OrderFilter, OrderSummary, Product, ProductFilter, ProductSummary};
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

/// What an order that is about to be placed rests on.
pub struct OrderBasis {
    pub product: Option<Product>,
    /// Whether an instance of that name lives in the tenant.
    pub name_lives: bool,
    /// The order's.
    pub number: i64,
}

#[async_trait]
pub trait CommerceWrites {
    /// Looks up all of it at once.
    async fn order_basis(
        &mut self,
        product: ProductId,
        (tenant, instance_name): (TenantId, &str),
        owner_number: i64,
        now: Timestamp,
    ) -> Result<OrderBasis>;
    /// Gives out the next number of this owner's instances and orders.
    async fn next_number(&mut self, owner_number: i64, now: Timestamp) -> Result<i64>;
    async fn insert_product(&mut self, product: &Product) -> Result<()>;
    async fn update_product(&mut self, product: &Product) -> Result<()>;
    async fn insert_order(&mut self, order: &Order) -> Result<()>;
    async fn update_order(&mut self, order: &Order) -> Result<()>;
}
