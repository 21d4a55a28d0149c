use std::sync::Arc;

use async_graphql::{Context, Error, ID, Object, Result, SimpleObject, dataloader::DataLoader};
use diesel::{dsl::max, prelude::*};
use diesel_async::{AsyncConnection, RunQueryDsl};
use tokio::sync::broadcast;

use super::{
    database::{Database, on},
    loaders::{Instances, Products},
    tables::{self, NewEvent, events, orders, products, users},
};
use crate::data;

pub type Orders = broadcast::Sender<tables::Order>;

#[derive(SimpleObject)]
#[graphql(complex)]
struct User {
    id: ID,
    email: String,
    nickname: String,
}

#[derive(Clone)]
pub struct Order(pub tables::Order);

#[derive(SimpleObject)]
struct Product {
    id: ID,
    name: String,
    price: i64,
}

#[derive(SimpleObject)]
struct Instance {
    id: ID,
    name: String,
    status: String,
}

#[derive(SimpleObject)]
struct OrderPage {
    nodes: Vec<Order>,
    end: Option<String>,
    has_next: bool,
}

pub struct Query;
pub struct Mutation;

fn database<'a>(ctx: &Context<'a>) -> &'a Database {
    let database: &'a Arc<Database> = ctx.data_unchecked();
    database
}

#[async_graphql::ComplexObject]
impl User {
    async fn orders(&self, ctx: &Context<'_>, first: i64) -> Result<Vec<Order>> {
        let found: Vec<tables::Order> = on!(database(ctx), |c| orders::table
            .filter(orders::user_id.eq(self.id.as_str()))
            .order((orders::created_at.desc(), orders::id.desc()))
            .limit(first)
            .select(tables::Order::as_select())
            .load(&mut c)
            .await?);
        Ok(found.into_iter().map(Order).collect())
    }
}

#[Object]
impl Order {
    async fn id(&self) -> &str {
        &self.0.id
    }
    async fn number(&self) -> String {
        self.0.number.to_string()
    }
    async fn status(&self) -> &str {
        &self.0.status
    }
    async fn amount(&self) -> i64 {
        self.0.amount
    }
    async fn product(&self, ctx: &Context<'_>) -> Result<Option<Product>> {
        let loader = ctx.data_unchecked::<DataLoader<Products>>();
        let found = loader.load_one(self.0.product_id.clone()).await.map_err(|e| (*e).clone())?;
        Ok(found.map(|found| Product { id: found.id.into(), name: found.name, price: found.price }))
    }
    async fn instance(&self, ctx: &Context<'_>) -> Result<Option<Instance>> {
        let Some(id) = self.0.instance_id.clone() else { return Ok(None) };
        let loader = ctx.data_unchecked::<DataLoader<Instances>>();
        let found = loader.load_one(id).await.map_err(|e| (*e).clone())?;
        Ok(found.map(|found| Instance {
            id: found.id.into(),
            name: found.name,
            status: found.status,
        }))
    }
}

#[Object]
impl Query {
    async fn user(&self, ctx: &Context<'_>, id: ID) -> Result<Option<User>> {
        let found: Option<tables::User> = on!(database(ctx), |c| users::table
            .find(id.as_str())
            .select(tables::User::as_select())
            .first(&mut c)
            .await
            .optional()?);
        Ok(found.map(|found| User {
            id: found.id.into(),
            email: found.email,
            nickname: found.nickname,
        }))
    }

    async fn orders(
        &self,
        ctx: &Context<'_>,
        first: i64,
        after: Option<String>,
        status: String,
    ) -> Result<OrderPage> {
        let after = after.unwrap_or_else(|| format!("{}.", i64::MAX));
        let (at, id) = after.split_once('.').ok_or_else(|| Error::new("no cursor"))?;
        let at: i64 = at.parse()?;
        let behind = orders::created_at.lt(at).or(orders::created_at.eq(at).and(orders::id.lt(id)));
        let mut found: Vec<tables::Order> = on!(database(ctx), |c| orders::table
            .filter(orders::status.eq(&status))
            .filter(orders::created_at.le(at).and(behind))
            .order((orders::created_at.desc(), orders::id.desc()))
            .limit(first + 1)
            .select(tables::Order::as_select())
            .load(&mut c)
            .await?);
        let has_next = found.len() > usize::try_from(first)?;
        found.truncate(usize::try_from(first)?);
        let end = found.last().map(|last| format!("{}.{}", last.created_at, last.id));
        Ok(OrderPage { nodes: found.into_iter().map(Order).collect(), end, has_next })
    }
}

/// Reads the price, and writes the order and its event.
macro_rules! place {
    ($c:ident, $order:ident, $position:expr) => {{
        $order.amount =
            products::table.find(&$order.product_id).select(products::price).first($c).await?;
        diesel::insert_into(orders::table).values(&$order).execute($c).await?;
        note!($c, $order, "ORDER_PLACED", $position)
    }};
}

macro_rules! cancel {
    ($c:ident, $id:ident, $position:expr) => {{
        let mut order: tables::Order =
            orders::table.find(&*$id).select(tables::Order::as_select()).first($c).await?;
        order.status = "CANCELLED".to_owned();
        order.updated_at = data::now();
        let changed = (orders::status.eq(&order.status), orders::updated_at.eq(order.updated_at));
        diesel::update(orders::table.find(&*$id)).set(changed).execute($c).await?;
        note!($c, order, "ORDER_CANCELLED", $position)
    }};
}

macro_rules! note {
    ($c:ident, $order:ident, $event_type:literal, $position:expr) => {{
        let event = NewEvent {
            position: $position,
            event_type: $event_type,
            subject_id: &$order.id,
            at: $order.updated_at,
            data: $order.image().to_string(),
        };
        diesel::insert_into(events::table).values(&event).execute($c).await?;
        Ok::<_, diesel::result::Error>($order)
    }};
}

/// SQLite has no sequence.
macro_rules! next_position {
    ($c:ident) => {{
        let newest: Option<i64> = events::table.select(max(events::position)).first($c).await?;
        Some(newest.unwrap_or_default() + 1)
    }};
}

#[Object]
impl Mutation {
    /// An order and its event, in one transaction.
    async fn place_order(
        &self,
        ctx: &Context<'_>,
        user: ID,
        product: ID,
        instance_name: String,
    ) -> Result<Order> {
        let mut order = tables::Order {
            id: data::fresh("ord_"),
            number: fastrand::i64(1 << 40..),
            tenant_id: user.replace("user_", "ten_"),
            user_id: user.to_string(),
            product_id: product.to_string(),
            instance_name,
            instance_id: None,
            status: "PENDING".to_owned(),
            amount: 0,
            refund_due: false,
            created_at: data::now(),
            updated_at: data::now(),
            version: 0,
        };
        let placed = match database(ctx) {
            Database::Postgres(pool) => {
                let mut c = pool.get().await?;
                c.transaction(async move |c| place!(c, order, None)).await?
            }
            Database::Sqlite(pool) => {
                let mut c = pool.get().await?;
                c.immediate_transaction(async move |c| place!(c, order, next_position!(c))).await?
            }
        };
        let _ = ctx.data_unchecked::<Orders>().send(placed.clone());
        Ok(Order(placed))
    }

    /// Likewise.
    async fn cancel_order(&self, ctx: &Context<'_>, id: ID) -> Result<Order> {
        let cancelled = match database(ctx) {
            Database::Postgres(pool) => {
                let mut c = pool.get().await?;
                c.transaction(async move |c| cancel!(c, id, None)).await?
            }
            Database::Sqlite(pool) => {
                let mut c = pool.get().await?;
                c.immediate_transaction(async move |c| cancel!(c, id, next_position!(c))).await?
            }
        };
        let _ = ctx.data_unchecked::<Orders>().send(cancelled.clone());
        Ok(Order(cancelled))
    }
}
