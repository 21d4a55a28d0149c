use async_trait::async_trait;
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{BigInt, Bool, Nullable, Text},
};
use domain::{
    Result,
    commerce::{
        CommerceReads, CommerceWrites, ComputeSpec, Offer, Order, OrderBasis, OrderFilter,
        OrderQuestion, OrderStatus, OrderSummary, Product, ProductFilter, ProductStatus,
        ProductSummary,
    },
    ids::{self, InstanceId, OrderId, ProductId, TenantId, UserId},
    page::{Page, PageRequest, SortField},
};
use jiff::Timestamp;

use crate::{
    backend::{Conn, insert_later, run},
    by_ids::by_ids,
    error::database,
    identity::Counted,
    page::{keyset, stale},
    postgres::Postgres,
    run::{self, RunQueryDsl},
    schema::{orders, products},
    summaries::{OrderSummaryRow, ProductSummaryRow},
    types::{AsJson, AsText, Micros, texts},
};

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = products, treat_none_as_null = true)]
struct ProductRow {
    id: AsText<ProductId>,
    name: String,
    description: String,
    status: AsText<ProductStatus>,
    spec: AsJson<ComputeSpec>,
    price: i64,
    created_at: Micros,
    updated_at: Micros,
    version: i64,
}

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = orders, treat_none_as_null = true)]
struct OrderRow {
    id: AsText<OrderId>,
    number: i64,
    user_id: AsText<UserId>,
    tenant_id: AsText<TenantId>,
    product_id: AsText<ProductId>,
    instance_name: String,
    instance_id: Option<AsText<InstanceId>>,
    status: AsText<OrderStatus>,
    amount: i64,
    refund_due: bool,
    payment_reference: Option<String>,
    cancel_reason: Option<String>,
    created_at: Micros,
    updated_at: Micros,
    paid_at: Option<Micros>,
    cancelled_at: Option<Micros>,
    completed_at: Option<Micros>,
    version: i64,
}

/// Gives out the next tick of an owner.
macro_rules! count {
    () => {
        "INSERT INTO counters (name, value) VALUES ($1, $2) \
         ON CONFLICT (name) DO UPDATE SET value = CASE \
         WHEN counters.value >= excluded.value THEN counters.value + 1 \
         ELSE excluded.value END RETURNING value"
    };
}

/// All that an order rests on, with a tick of its buyer.
const BASIS: &str = concat!(
    count!(),
    ", EXISTS (SELECT 1 FROM instances \
     WHERE tenant_id = $3 AND name = $4 AND released_at IS NULL) AS name_lives, \
     (SELECT status FROM products WHERE id = $5) AS status, \
     (SELECT price FROM products WHERE id = $5) AS price"
);

#[derive(QueryableByName)]
struct BasisRow {
    #[diesel(sql_type = BigInt)]
    value: i64,
    #[diesel(sql_type = Bool)]
    name_lives: bool,
    #[diesel(sql_type = Nullable<Text>)]
    status: Option<AsText<ProductStatus>>,
    #[diesel(sql_type = Nullable<BigInt>)]
    price: Option<i64>,
}

macro_rules! basis {
    ($question:expr, $now:expr) => {
        sql_query(BASIS)
            .bind::<Text, _>(counter($question.user_number))
            .bind::<BigInt, _>(ids::first_tick($now))
            .bind::<Text, _>(AsText($question.tenant_id))
            .bind::<Text, _>(&$question.instance_name)
            .bind::<Text, _>(AsText($question.product_id))
    };
}

macro_rules! filtered_products {
    ($backend:ident, $filter:expr) => {{
        let mut query = products::table.into_boxed::<$backend>();
        if let Some(status) = &$filter.status {
            query = query.filter(products::status.eq_any(texts(status)));
        }
        query
    }};
}

macro_rules! filtered_orders {
    ($backend:ident, $filter:expr) => {{
        let mut query = orders::table.into_boxed::<$backend>();
        if let Some(visible) = &$filter.visible {
            query = query.filter(orders::tenant_id.eq_any(texts(visible)));
        }
        if let Some(status) = &$filter.status {
            query = query.filter(orders::status.eq_any(texts(status)));
        }
        if let Some(user) = $filter.user_id {
            query = query.filter(orders::user_id.eq(AsText(user)));
        }
        if let Some(product) = $filter.product_id {
            query = query.filter(orders::product_id.eq(AsText(product)));
        }
        if let Some(tenant) = $filter.tenant_id {
            query = query.filter(orders::tenant_id.eq(AsText(tenant)));
        }
        query
    }};
}

#[async_trait]
impl CommerceReads for Conn {
    async fn products_by_id(&mut self, ids: &[ProductId]) -> Result<Vec<Product>> {
        by_ids!(self, products, ids, ProductRow => Product)
    }

    async fn product_summaries(&mut self, ids: &[ProductId]) -> Result<Vec<ProductSummary>> {
        type Row = ProductSummaryRow;
        by_ids!(self, products, Row::as_select(), ids, Row => ProductSummary)
    }

    async fn products(
        &mut self,
        filter: &ProductFilter,
        page: &PageRequest,
    ) -> Result<Page<Product>> {
        let rows: Vec<ProductRow> =
            run!(self, |c, DB| keyset!(filtered_products!(DB, filter), page).load(c))
                .map_err(database)?;
        let total = match page.count {
            true => Some(
                run!(self, |c, DB| filtered_products!(DB, filter).count().get_result(c))
                    .map_err(database)?,
            ),
            false => None,
        };
        Ok(Page::from_rows(rows.into_iter().map(Product::from).collect(), page.first, total))
    }

    async fn orders_by_id(&mut self, ids: &[OrderId]) -> Result<Vec<Order>> {
        by_ids!(self, orders, ids, OrderRow => Order)
    }

    async fn order_by_number(&mut self, number: i64) -> Result<Option<Order>> {
        let row: Option<OrderRow> =
            run!(self, |c| orders::table.filter(orders::number.eq(number)).first(c))
                .optional()
                .map_err(database)?;
        Ok(row.map(Order::from))
    }

    async fn orders_of_instances(&mut self, instances: &[InstanceId]) -> Result<Vec<Order>> {
        let ids = texts(instances);
        let rows: Vec<OrderRow> =
            run!(self, |c| orders::table.filter(orders::instance_id.eq_any(&ids)).load(c))
                .map_err(database)?;
        Ok(rows.into_iter().map(Order::from).collect())
    }

    async fn orders(&mut self, filter: &OrderFilter, page: &PageRequest) -> Result<Page<Order>> {
        let few = rows_along_an_index(filter, page);
        let rows: Vec<OrderRow> =
            run!(self.quick(few), |c, DB| keyset!(filtered_orders!(DB, filter), page).load(c))
                .map_err(database)?;
        let total = self.total_orders(filter, page).await?;
        Ok(Page::from_rows(rows.into_iter().map(Order::from).collect(), page.first, total))
    }

    async fn order_summaries(
        &mut self,
        filter: &OrderFilter,
        page: &PageRequest,
    ) -> Result<Page<OrderSummary>> {
        let few = rows_along_an_index(filter, page);
        let rows: Vec<OrderSummaryRow> =
            run!(self.quick(few), |c, DB| keyset!(filtered_orders!(DB, filter), page)
                .select(OrderSummaryRow::as_select())
                .load(c))
            .map_err(database)?;
        let total = self.total_orders(filter, page).await?;
        Ok(Page::from_rows(rows.into_iter().map(OrderSummary::from).collect(), page.first, total))
    }
}

#[async_trait]
impl CommerceWrites for Conn {
    async fn next_number(&mut self, owner_number: i64, now: Timestamp) -> Result<i64> {
        let counted: Counted = run!(self, |c| sql_query(count!())
            .bind::<Text, _>(counter(owner_number))
            .bind::<BigInt, _>(ids::first_tick(now))
            .get_result(c))
        .map_err(database)?;
        Ok(ids::number(owner_number, counted.value))
    }

    async fn insert_product(&mut self, product: &Product) -> Result<()> {
        let row = ProductRow::from(product);
        run!(self, |c| diesel::insert_into(products::table).values(&row).execute(c))
            .map(drop)
            .map_err(database)
    }

    async fn update_product(&mut self, product: &Product) -> Result<()> {
        let row = ProductRow { version: product.version + 1, ..ProductRow::from(product) };
        let unchanged =
            products::id.eq(AsText(product.id)).and(products::version.eq(product.version));
        let changed =
            run!(self, |c| diesel::update(products::table).filter(unchanged).set(&row).execute(c))
                .map_err(database)?;
        stale(changed, "product", product.id)
    }

    async fn insert_order(&mut self, order: &Order) -> Result<()> {
        insert_later!(self, orders::table, vec![OrderRow::from(order)])
    }

    async fn update_order(&mut self, order: &Order) -> Result<()> {
        let row = OrderRow { version: order.version + 1, ..OrderRow::from(order) };
        let unchanged = orders::id.eq(AsText(order.id)).and(orders::version.eq(order.version));
        let changed =
            run!(self, |c| diesel::update(orders::table).filter(unchanged).set(&row).execute(c))
                .map_err(database)?;
        stale(changed, "order", order.id)
    }
}

impl Conn {
    /// How many orders there are, where a page asks for that.
    async fn total_orders(
        &mut self,
        filter: &OrderFilter,
        page: &PageRequest,
    ) -> Result<Option<i64>> {
        if !page.count {
            return Ok(None);
        }
        let total = run!(self, |c, DB| filtered_orders!(DB, filter).count().get_result(c));
        total.map(Some).map_err(database)
    }
}

/// How many rows are read for a page of orders that stands in one piece in the index of a buyer's;
/// of any other, nobody can tell.
fn rows_along_an_index(filter: &OrderFilter, page: &PageRequest) -> usize {
    let OrderFilter { status, user_id, product_id, tenant_id, visible: _ } = filter;
    let is_one_buyers = user_id.is_some()
        && (status, product_id, tenant_id) == (&None, &None, &None)
        && page.sort.by == SortField::CreatedAt;
    if is_one_buyers { page.first } else { usize::MAX }
}

/// For whoever asks for more at once.
pub(crate) async fn order_basis(
    conn: &Postgres,
    question: &OrderQuestion,
    now: Timestamp,
) -> QueryResult<OrderBasis> {
    let row: Option<BasisRow> = run::read(conn, basis!(question, now)).await?.pop();
    Ok(row.ok_or(diesel::NotFound)?.into_basis(question))
}

impl Conn {
    pub(crate) async fn order_basis(
        &mut self,
        question: &OrderQuestion,
        now: Timestamp,
    ) -> Result<OrderBasis> {
        let row: BasisRow =
            run!(self, |c| basis!(question, now).get_result(c)).map_err(database)?;
        Ok(row.into_basis(question))
    }
}

impl BasisRow {
    fn into_basis(self, question: &OrderQuestion) -> OrderBasis {
        let offer = self.status.zip(self.price);
        OrderBasis {
            offer: offer.map(|(status, price)| Offer { status: status.0, price: cents(price) }),
            name_lives: self.name_lives,
            number: ids::number(question.user_number, self.value),
        }
    }
}

fn counter(owner_number: i64) -> String {
    format!("numbers/{owner_number}")
}

/// Cents fit their column, which has a CHECK.
pub(crate) fn cents(value: i64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

impl From<ProductRow> for Product {
    fn from(row: ProductRow) -> Self {
        Self {
            id: row.id.0,
            name: row.name,
            description: row.description,
            status: row.status.0,
            spec: row.spec.0,
            price: cents(row.price),
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            version: row.version,
        }
    }
}

impl From<&Product> for ProductRow {
    fn from(product: &Product) -> Self {
        Self {
            id: AsText(product.id),
            name: product.name.clone(),
            description: product.description.clone(),
            status: AsText(product.status),
            spec: AsJson(product.spec.clone()),
            price: product.price.into(),
            created_at: Micros(product.created_at),
            updated_at: Micros(product.updated_at),
            version: product.version,
        }
    }
}

impl From<OrderRow> for Order {
    fn from(row: OrderRow) -> Self {
        Self {
            id: row.id.0,
            number: row.number,
            user_id: row.user_id.0,
            tenant_id: row.tenant_id.0,
            product_id: row.product_id.0,
            instance_name: row.instance_name,
            instance_id: row.instance_id.map(|id| id.0),
            status: row.status.0,
            amount: cents(row.amount),
            refund_due: row.refund_due,
            payment_reference: row.payment_reference,
            cancel_reason: row.cancel_reason,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            paid_at: row.paid_at.map(|at| at.0),
            cancelled_at: row.cancelled_at.map(|at| at.0),
            completed_at: row.completed_at.map(|at| at.0),
            version: row.version,
        }
    }
}

impl From<&Order> for OrderRow {
    fn from(order: &Order) -> Self {
        Self {
            id: AsText(order.id),
            number: order.number,
            user_id: AsText(order.user_id),
            tenant_id: AsText(order.tenant_id),
            product_id: AsText(order.product_id),
            instance_name: order.instance_name.clone(),
            instance_id: order.instance_id.map(AsText),
            status: AsText(order.status),
            amount: order.amount.into(),
            refund_due: order.refund_due,
            payment_reference: order.payment_reference.clone(),
            cancel_reason: order.cancel_reason.clone(),
            created_at: Micros(order.created_at),
            updated_at: Micros(order.updated_at),
            paid_at: order.paid_at.map(Micros),
            cancelled_at: order.cancelled_at.map(Micros),
            completed_at: order.completed_at.map(Micros),
            version: order.version,
        }
    }
}
