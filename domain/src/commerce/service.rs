use async_trait::async_trait;
use serde_json::Value;

use super::{
    NewProduct, Offer, Order, OrderAction, OrderFilter, OrderQuestion, OrderStatus, OrderSummary,
    Product, ProductChange, ProductFilter, ProductStatus, ProductSummary,
};
use crate::{
    control_plane::{Call, Committed, ControlPlane},
    error::{Error, Result},
    events::EventType,
    identity::{Action, Actor, Object},
    ids::{InstanceId, OrderId, ProductId, TenantId},
    instances::Instance,
    names,
    page::{Page, PageRequest},
    secrets::SecretValues,
    store::{Session, Transaction},
    work::Entity,
};

pub struct NewOrder {
    pub product_id: ProductId,
    pub instance_name: String,
    /// The caller's personal tenant where absent.
    pub tenant_id: Option<TenantId>,
    /// The secret environment of the instance.
    pub secret_config: Option<Value>,
}

impl ControlPlane {
    pub async fn create_product(&self, call: &Call, new: NewProduct) -> Result<Committed<Product>> {
        self.execute(call, async |work| {
            work.actor()?.may(Action::Administer, Object::Platform)?;
            let product = Product::new(new, work.now())?;
            work.insert(&product, EventType::ProductCreated).await?;
            Ok(product)
        })
        .await
    }

    pub async fn update_product(
        &self,
        call: &Call,
        id: ProductId,
        change: ProductChange,
    ) -> Result<Committed<Product>> {
        self.execute(call, async |work| {
            work.actor()?.may(Action::Administer, Object::Platform)?;
            let now = work.now();
            let product = work.locked::<Product>(id).await?;
            let previous = product.status.as_str();
            let product = product.changed(change, now)?;
            work.save(&product, EventType::ProductUpdated, Some(previous)).await?;
            Ok(product)
        })
        .await
    }

    /// Places an order at today's price. The name is looked at here and taken by the payment.
    pub async fn place_order(&self, call: &Call, new: NewOrder) -> Result<Committed<Order>> {
        let parse = |config| SecretValues::parse("input.secretConfig", config);
        let secret = new.secret_config.map(parse).transpose()?;
        let actor = call.actor()?;
        let instance_name =
            names::label("input.instanceName", &new.instance_name, Instance::LONGEST_NAME)?;
        let tenant = new.tenant_id.or(actor.home);
        let question = tenant.map(|tenant_id| OrderQuestion {
            product_id: new.product_id,
            tenant_id,
            instance_name: instance_name.clone(),
            user_number: actor.user.number,
        });
        self.execute_with(call, question.as_ref(), async |work| {
            let actor = work.actor()?.clone();
            let tenant = work.tenant_to_change(tenant).await?;
            let now = work.now();
            let basis = work.take_basis()?;
            let amount = price(new.product_id, basis.offer)?;
            if basis.name_lives {
                return Err(Error::AlreadyExists { kind: "instance", name: instance_name });
            }
            let order = Order {
                id: OrderId::fresh(),
                number: basis.number,
                user_id: actor.user.id,
                tenant_id: tenant.id,
                product_id: new.product_id,
                instance_name,
                instance_id: None,
                status: OrderStatus::Pending,
                amount,
                refund_due: false,
                payment_reference: None,
                cancel_reason: None,
                created_at: now,
                updated_at: now,
                paid_at: None,
                cancelled_at: None,
                completed_at: None,
                version: 0,
            };
            work.insert(&order, EventType::OrderPlaced).await?;
            if let Some(values) = secret {
                let owner = order.id.to_string();
                self.keep_secret(work, &owner, tenant.id, Some(&values)).await?;
            }
            Ok(order)
        })
        .await
    }

    /// Records the payment and starts the instance, both or neither.
    pub async fn pay_order(
        &self,
        call: &Call,
        id: OrderId,
        reference: Option<String>,
    ) -> Result<Committed<Order>> {
        let reference = checked_text("paymentReference", reference)?;
        self.execute(call, async |work| {
            let order = work.own::<Order>(id).await?;
            let previous = order.status.as_str();
            let now = work.now();
            let mut order = order.apply(OrderAction::Pay, now)?;
            let instance = work.provision(&order, &self.settings).await?;
            order.instance_id = Some(instance.id);
            order.payment_reference = reference;
            work.save(&order, EventType::OrderPaid, Some(previous)).await?;
            Ok(order)
        })
        .await
    }

    /// Gives up an order that is not paid.
    pub async fn cancel_order(
        &self,
        call: &Call,
        id: OrderId,
        reason: Option<String>,
    ) -> Result<Committed<Order>> {
        let reason = checked_text("reason", reason)?;
        self.execute(call, async |work| {
            let order = work.own::<Order>(id).await?;
            let previous = order.status.as_str();
            let now = work.now();
            let mut order = order.apply(OrderAction::Cancel, now)?;
            order.cancel_reason = reason;
            work.tx.delete_secret(&id.to_string()).await?;
            work.save(&order, EventType::OrderCancelled, Some(previous)).await?;
            Ok(order)
        })
        .await
    }

    /// Everybody sees what is on sale; administrators see the rest too.
    pub async fn products(
        &self,
        call: &Call,
        mut filter: ProductFilter,
        page: &PageRequest,
    ) -> Result<Page<Product>> {
        call.caller.may(Action::Browse, Object::Platform)?;
        if call.caller.may(Action::Oversee, Object::Platform).is_err() {
            filter.status = Some(match filter.status {
                Some(wanted) if !wanted.contains(&ProductStatus::Enabled) => Vec::new(),
                _ => vec![ProductStatus::Enabled],
            });
        }
        self.reader().await?.products(&filter, page).await
    }

    pub async fn orders(
        &self,
        call: &Call,
        mut filter: OrderFilter,
        page: &PageRequest,
    ) -> Result<Page<Order>> {
        filter.visible = call.actor()?.scope().tenants();
        self.reader().await?.orders(&filter, page).await
    }

    /// The same page in short.
    pub async fn order_summaries(
        &self,
        call: &Call,
        mut filter: OrderFilter,
        page: &PageRequest,
    ) -> Result<Page<OrderSummary>> {
        filter.visible = call.actor()?.scope().tenants();
        self.reader().await?.order_summaries(&filter, page).await
    }

    pub async fn order(&self, call: &Call, id: OrderId) -> Result<Option<Order>> {
        let actor = call.actor()?;
        let order = self.reader().await?.orders_by_id(&[id]).await?.pop();
        Ok(order.filter(|order| actor.sees(order.tenant_id)))
    }

    pub async fn order_by_number(&self, call: &Call, number: i64) -> Result<Option<Order>> {
        let actor = call.actor()?;
        let order = self.reader().await?.order_by_number(number).await?;
        Ok(order.filter(|order| actor.sees(order.tenant_id)))
    }

    /// For edges and `node`: a product is no secret, on sale or not.
    pub async fn products_by_id(&self, ids: &[ProductId]) -> Result<Vec<Product>> {
        self.reader().await?.products_by_id(ids).await
    }

    /// The same in short.
    pub async fn product_summaries(&self, ids: &[ProductId]) -> Result<Vec<ProductSummary>> {
        self.reader().await?.product_summaries(ids).await
    }

    /// For edges: what a visible row points at is visible.
    pub async fn orders_by_id(&self, ids: &[OrderId]) -> Result<Vec<Order>> {
        self.reader().await?.orders_by_id(ids).await
    }

    /// For edges: what a visible instance points at is visible.
    pub async fn orders_of_instances(&self, instances: &[InstanceId]) -> Result<Vec<Order>> {
        self.reader().await?.orders_of_instances(instances).await
    }

    /// Puts products on sale where there are none at all: the first start of an embedded store.
    pub async fn seed_products(&self, products: Vec<NewProduct>) -> Result<()> {
        self.maintain(None, async |work| {
            let page = PageRequest::new(Some(1), None, false)?;
            if !work.tx.products(&ProductFilter::default(), &page).await?.items.is_empty() {
                return Ok(None);
            }
            for new in products {
                let product = Product::new(new, work.now())?;
                work.insert(&product, EventType::ProductCreated).await?;
            }
            Ok(Some(()))
        })
        .await
        .map(drop)
    }
}

/// What the product costs, in cents, if it is on sale.
fn price(id: ProductId, offer: Option<Offer>) -> Result<u32> {
    let Offer { status, price } = offer.ok_or_else(|| Error::not_found("product", id))?;
    match status {
        ProductStatus::Enabled => Ok(price),
        ProductStatus::Disabled => Err(Error::Conflict(format!("product {id} is not on sale"))),
    }
}

fn checked_text(field: &str, text: Option<String>) -> Result<Option<String>> {
    text.map(|text| names::text(field, &text, 200)).transpose()
}

#[async_trait]
impl Entity for Product {
    type Id = ProductId;

    fn id(&self) -> ProductId {
        self.id
    }

    fn tenant_id(&self) -> Option<TenantId> {
        None
    }

    /// A product is no secret, on sale or not.
    fn is_visible_to(&self, _: &Actor) -> bool {
        true
    }

    async fn find(session: &mut dyn Session, id: ProductId) -> Result<Option<Self>> {
        Ok(session.products_by_id(&[id]).await?.pop())
    }

    async fn insert(&self, tx: &mut dyn Transaction) -> Result<()> {
        tx.insert_product(self).await
    }

    async fn update(&self, tx: &mut dyn Transaction) -> Result<()> {
        tx.update_product(self).await
    }
}

#[async_trait]
impl Entity for Order {
    type Id = OrderId;

    fn id(&self) -> OrderId {
        self.id
    }

    fn tenant_id(&self) -> Option<TenantId> {
        Some(self.tenant_id)
    }

    async fn find(session: &mut dyn Session, id: OrderId) -> Result<Option<Self>> {
        Ok(session.orders_by_id(&[id]).await?.pop())
    }

    async fn insert(&self, tx: &mut dyn Transaction) -> Result<()> {
        tx.insert_order(self).await
    }

    async fn update(&self, tx: &mut dyn Transaction) -> Result<()> {
        tx.update_order(self).await
    }
}
