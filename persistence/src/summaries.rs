//! Rows of which only what is mostly shown is read.

use diesel::prelude::*;
use domain::{
    commerce::{OrderStatus, OrderSummary, ProductStatus, ProductSummary},
    ids::{InstanceId, OrderId, ProductId, TenantId, UserId},
    instances::{InstanceStatus, InstanceSummary},
};

use crate::{
    commerce::cents,
    schema::{instances, orders, products},
    types::{AsText, Micros},
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = products)]
pub(crate) struct ProductSummaryRow {
    id: AsText<ProductId>,
    name: String,
    description: String,
    status: AsText<ProductStatus>,
    price: i64,
    created_at: Micros,
    updated_at: Micros,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = orders)]
pub(crate) struct OrderSummaryRow {
    id: AsText<OrderId>,
    number: i64,
    user_id: AsText<UserId>,
    product_id: AsText<ProductId>,
    instance_id: Option<AsText<InstanceId>>,
    status: AsText<OrderStatus>,
    amount: i64,
    created_at: Micros,
    updated_at: Micros,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = instances)]
pub(crate) struct InstanceSummaryRow {
    id: AsText<InstanceId>,
    number: i64,
    tenant_id: AsText<TenantId>,
    owner_id: AsText<UserId>,
    name: String,
    status: AsText<InstanceStatus>,
    created_at: Micros,
    updated_at: Micros,
    deleted_at: Option<Micros>,
}

impl From<ProductSummaryRow> for ProductSummary {
    fn from(row: ProductSummaryRow) -> Self {
        Self {
            id: row.id.0,
            name: row.name,
            description: row.description,
            status: row.status.0,
            price: cents(row.price),
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
        }
    }
}

impl From<OrderSummaryRow> for OrderSummary {
    fn from(row: OrderSummaryRow) -> Self {
        Self {
            id: row.id.0,
            number: row.number,
            user_id: row.user_id.0,
            product_id: row.product_id.0,
            instance_id: row.instance_id.map(|id| id.0),
            status: row.status.0,
            amount: cents(row.amount),
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
        }
    }
}

impl From<InstanceSummaryRow> for InstanceSummary {
    fn from(row: InstanceSummaryRow) -> Self {
        Self {
            id: row.id.0,
            number: row.number,
            tenant_id: row.tenant_id.0,
            owner_id: row.owner_id.0,
            name: row.name,
            status: row.status.0,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            deleted_at: row.deleted_at.map(|at| at.0),
        }
    }
}
