use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject, Subscription};
use domain::{
    Committed, commerce,
    events::{EventFilter, EventType},
    ids::{OrderId, ProductId, TenantId, UserId},
    page::PageKey,
};
use serde_json::json;

use super::{
    connection::{Connection, connection, request},
    context::Ctx,
    error::{ApiError, Result},
    events::{self, Event, Followed, Live},
    identity::{Tenant, User},
    instances::Instance,
    loaders::must,
    scalars::{Cents, Cursor, DateTime, Id, Json, Long, id, time},
    workflows::Workflow,
};

pub struct ComputeSpec(pub commerce::ComputeSpec);

/// What a workload gets and runs.
#[Object]
impl ComputeSpec {
    /// CPU in thousandths of a core.
    async fn cpu_millis(&self) -> i32 {
        self.0.cpu_millis
    }
    /// Memory in MiB.
    async fn memory_mib(&self) -> i32 {
        self.0.memory_mib
    }
    /// GPUs, where the workload has any.
    async fn gpu(&self) -> Option<Gpu> {
        self.0.gpu.as_ref().map(|gpu| Gpu { kind: gpu.kind, count: gpu.count })
    }
    /// The container image.
    async fn image(&self) -> &str {
        &self.0.image
    }
    /// Further settings: `port` (the container listens there; default 8080) and `env` (texts by
    /// name).
    async fn config(&self) -> Json {
        Json(self.0.config.clone())
    }
}

/// GPUs of one type.
#[derive(SimpleObject)]
pub struct Gpu {
    /// Which type of GPU, as the platform numbers them.
    #[graphql(name = "type")]
    kind: i32,
    /// How many.
    count: i32,
}

pub struct Product(pub commerce::Product);

/// What is sold: a specification at a price.
#[Object]
impl Product {
    /// Opaque; begins with `prod_`.
    pub async fn id(&self) -> ID {
        id(self.0.id)
    }
    /// The product's name.
    async fn name(&self) -> &str {
        &self.0.name
    }
    /// What a buyer should know.
    async fn description(&self) -> &str {
        &self.0.description
    }
    /// Whether it is on sale.
    async fn status(&self) -> ProductStatus {
        self.0.status.into()
    }
    /// What a buyer gets.
    async fn spec(&self) -> ComputeSpec {
        ComputeSpec(self.0.spec.clone())
    }
    /// Today's price.
    async fn price(&self) -> Cents {
        Cents(self.0.price)
    }
    /// When it was created.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
    /// When it was last changed.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }
}

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
        Ok(User(must(&ctx.loaders().users, self.0.user_id).await?))
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

/// Whether a product is on sale.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "commerce::ProductStatus")]
pub enum ProductStatus {
    /// On sale.
    Enabled,
    /// Cannot be ordered.
    Disabled,
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

/// A new order.
#[derive(InputObject)]
pub struct PlaceOrderInput {
    /// What to buy.
    product_id: Id<ProductId>,
    /// The name of the instance: 1 to 40 lower-case letters, digits and hyphens, a letter first.
    instance_name: String,
    /// For whom; the caller's personal tenant where absent.
    tenant_id: Option<Id<TenantId>>,
}

/// Narrows a list of products; what is absent does not.
#[derive(InputObject)]
pub struct ProductFilter {
    /// Any of these. Only administrators see products that are not on sale.
    status: Option<Vec<ProductStatus>>,
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

/// An order that changed.
#[derive(SimpleObject)]
pub struct OrderChange {
    /// Resume behind this change with `after` set to it.
    cursor: Cursor,
    /// The order as it was right after the change.
    order: Order,
    /// The change.
    event: Event,
}

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

pub(super) fn either_id_or_number() -> ApiError {
    domain::Error::invalid("id", "give either id or number").into()
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
        let CreateProductInput { name, description, spec, price } = input;
        let call = ctx.keyed(idempotency_key)?;
        let new = commerce::NewProduct { name, description, spec: spec.into(), price: price.0 };
        Ok(Some(ctx.control_plane().create_product(&call, new).await?.into()))
    }

    /// Changes a product for later orders; what was ordered stays as it was. For administrators.
    async fn update_product(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The product.")] id: Id<ProductId>,
        #[graphql(desc = "What changes; what is absent stays.")] input: UpdateProductInput,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<ProductPayload>> {
        let UpdateProductInput { name, description, status, spec, price } = input;
        let call = ctx.keyed(idempotency_key)?;
        let change = commerce::ProductChange {
            name,
            description,
            status: status.map(Into::into),
            spec: spec.map(Into::into),
            price: price.map(|price| price.0),
        };
        Ok(Some(ctx.control_plane().update_product(&call, id.0, change).await?.into()))
    }

    /// Orders a product at today's price. ALREADY_EXISTS where the tenant has an instance of
    /// that name, CONFLICT where the product is not on sale.
    async fn place_order(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to buy, for whom, under which name.")] input: PlaceOrderInput,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<OrderPayload>> {
        let PlaceOrderInput { product_id, instance_name, tenant_id } = input;
        let call = ctx.keyed(idempotency_key)?;
        let new = commerce::NewOrder {
            product_id: product_id.0,
            instance_name,
            tenant_id: tenant_id.map(|id| id.0),
        };
        Ok(Some(ctx.control_plane().place_order(&call, new).await?.into()))
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

#[derive(Default)]
pub struct CommerceSubscription;

#[Subscription]
impl CommerceSubscription {
    /// Changes of orders: of one, or of all that the caller may see.
    async fn order_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only this order.")] id: Option<Id<OrderId>>,
        #[graphql(desc = "Begin behind this position; live changes only where absent.")]
        after: Option<Cursor>,
    ) -> Result<Live<OrderChange>> {
        let filter = EventFilter {
            types: Some(EventType::ORDER.to_vec()),
            subject_id: id.map(|id| id.0.to_string()),
            ..EventFilter::default()
        };
        events::follow(ctx, filter, after, order_change).await
    }
}

fn order_change(event: &Arc<domain::events::Event>) -> Result<Followed<OrderChange>> {
    let order = events::image(event)?;
    Ok(Some(OrderChange {
        cursor: events::cursor(event),
        order: Order(order),
        event: Event(event.clone()),
    }))
}

impl From<ComputeSpecInput> for commerce::ComputeSpec {
    fn from(input: ComputeSpecInput) -> Self {
        let ComputeSpecInput { cpu_millis, memory_mib, gpu, image, config } = input;
        Self {
            cpu_millis,
            memory_mib,
            gpu: gpu.map(|GpuInput { kind, count }| commerce::Gpu { kind, count }),
            image,
            config: config.map_or_else(|| json!({}), |config| config.0),
        }
    }
}

impl From<ProductFilter> for commerce::ProductFilter {
    fn from(filter: ProductFilter) -> Self {
        let ProductFilter { status } = filter;
        Self { status: status.map(|status| status.into_iter().map(Into::into).collect()) }
    }
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

impl From<commerce::Product> for Product {
    fn from(product: commerce::Product) -> Self {
        Self(product)
    }
}

impl From<commerce::Order> for Order {
    fn from(order: commerce::Order) -> Self {
        Self(order)
    }
}

impl From<Committed<commerce::Product>> for ProductPayload {
    fn from(committed: Committed<commerce::Product>) -> Self {
        let Committed { cursor, replayed, entity, workflow: _ } = committed;
        Self { cursor: Cursor(cursor), replayed, product: Product(entity) }
    }
}

impl From<Committed<commerce::Order>> for OrderPayload {
    fn from(committed: Committed<commerce::Order>) -> Self {
        let Committed { cursor, replayed, entity, workflow } = committed;
        let workflow = workflow.map(Workflow);
        Self { cursor: Cursor(cursor), replayed, order: Order(entity), workflow }
    }
}
