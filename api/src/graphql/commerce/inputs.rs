use async_graphql::InputObject;
use domain::{
    commerce,
    ids::{ProductId, TenantId, UserId},
};
use serde_json::json;

use super::{order::OrderStatus, product::ProductStatus};
use crate::graphql::scalars::{Cents, Id, Json};

/// What a workload is to get and run.
#[derive(InputObject)]
pub struct ComputeSpecInput {
    /// CPU in thousandths of a core: 1 to 1024000.
    cpu_millis: i32,
    /// Memory in MiB: 1 to 16777216.
    memory_mib: i32,
    /// GPUs, where the workload needs any.
    gpu: Option<GpuInput>,
    /// The container image.
    image: String,
    /// Further settings: `port` (1 to 65535) and `env` (texts by name).
    config: Option<Json>,
}

/// GPUs of one type.
#[derive(InputObject)]
pub struct GpuInput {
    /// Which type of GPU, as the platform numbers them.
    #[graphql(name = "type")]
    kind: i32,
    /// How many: 1 to 64.
    count: i32,
}

impl From<ComputeSpecInput> for commerce::ComputeSpec {
    fn from(input: ComputeSpecInput) -> Self {
        let ComputeSpecInput { cpu_millis, memory_mib, gpu, image, config } = input;
        Self {
            cpu_millis,
            memory_mib,
            gpu: gpu.map(Into::into),
            image,
            config: config.map_or_else(|| json!({}), |config| config.0),
        }
    }
}

/// A new product.
#[derive(InputObject)]
pub struct CreateProductInput {
    /// 1 to 120 characters.
    name: String,
    /// Up to 2000 characters.
    description: Option<String>,
    /// What a buyer gets.
    spec: ComputeSpecInput,
    /// The price.
    price: Cents,
}

impl From<CreateProductInput> for commerce::NewProduct {
    fn from(input: CreateProductInput) -> Self {
        let CreateProductInput { name, description, spec, price } = input;
        Self { name, description, spec: spec.into(), price: price.0 }
    }
}

/// What changes of a product; what is absent stays.
#[derive(InputObject)]
pub struct UpdateProductInput {
    /// 1 to 120 characters.
    name: Option<String>,
    /// Up to 2000 characters.
    description: Option<String>,
    /// Whether it is on sale.
    status: Option<ProductStatus>,
    /// What later buyers get.
    spec: Option<ComputeSpecInput>,
    /// The price for later orders.
    price: Option<Cents>,
}

impl From<UpdateProductInput> for commerce::ProductChange {
    fn from(input: UpdateProductInput) -> Self {
        let UpdateProductInput { name, description, status, spec, price } = input;
        Self {
            name,
            description,
            status: status.map(Into::into),
            spec: spec.map(Into::into),
            price: price.map(|price| price.0),
        }
    }
}

/// A new order.
#[derive(InputObject)]
pub struct PlaceOrderInput {
    /// What to buy.
    product_id: Id<ProductId>,
    /// The name of the instance: 1 to 40 lower-case letters, digits and hyphens, a letter first.
    instance_name: String,
    /// For whom; the caller's personal tenant where absent.
    tenant_id: Option<Id<TenantId>>,
    /// The secret environment of the instance: texts by name, 64 KiB at most. It is never read
    /// back.
    secret_config: Option<Json>,
}

impl From<PlaceOrderInput> for commerce::NewOrder {
    fn from(input: PlaceOrderInput) -> Self {
        let PlaceOrderInput { product_id, instance_name, tenant_id, secret_config } = input;
        Self {
            product_id: product_id.0,
            instance_name,
            tenant_id: tenant_id.map(|id| id.0),
            secret_config: secret_config.map(|config| config.0),
        }
    }
}

/// Narrows a list of products; what is absent does not.
#[derive(InputObject)]
pub struct ProductFilter {
    /// Any of these. Only administrators see products that are not on sale.
    status: Option<Vec<ProductStatus>>,
}

impl From<ProductFilter> for commerce::ProductFilter {
    fn from(filter: ProductFilter) -> Self {
        let ProductFilter { status } = filter;
        Self { status: status.map(|status| status.into_iter().map(Into::into).collect()) }
    }
}

/// Narrows a list of orders; what is absent does not.
#[derive(InputObject)]
pub struct OrderFilter {
    /// Any of these.
    status: Option<Vec<OrderStatus>>,
    /// Placed by this account.
    user_id: Option<Id<UserId>>,
    /// Of this product.
    product_id: Option<Id<ProductId>>,
    /// For this tenant.
    tenant_id: Option<Id<TenantId>>,
}

impl From<OrderFilter> for commerce::OrderFilter {
    fn from(filter: OrderFilter) -> Self {
        let OrderFilter { status, user_id, product_id, tenant_id } = filter;
        Self {
            status: status.map(|status| status.into_iter().map(Into::into).collect()),
            user_id: user_id.map(|id| id.0),
            product_id: product_id.map(|id| id.0),
            tenant_id: tenant_id.map(|id| id.0),
            visible: None,
        }
    }
}

impl From<GpuInput> for commerce::Gpu {
    fn from(input: GpuInput) -> Self {
        let GpuInput { kind, count } = input;
        Self { kind, count }
    }
}
