//! As much of the tables as the slice of the schema needs.

use diesel::prelude::*;
use jiff::Timestamp;
use serde_json::{Value, json};

diesel::table! {
    users (id) {
        id -> Text,
        email -> Text,
        nickname -> Text,
    }
}

diesel::table! {
    products (id) {
        id -> Text,
        name -> Text,
        price -> BigInt,
    }
}

diesel::table! {
    instances (id) {
        id -> Text,
        name -> Text,
        status -> Text,
    }
}

diesel::table! {
    orders (id) {
        id -> Text,
        number -> BigInt,
        user_id -> Text,
        tenant_id -> Text,
        product_id -> Text,
        instance_name -> Text,
        instance_id -> Nullable<Text>,
        status -> Text,
        amount -> BigInt,
        refund_due -> Bool,
        created_at -> BigInt,
        updated_at -> BigInt,
        version -> BigInt,
    }
}

diesel::table! {
    events (position) {
        position -> BigInt,
        event_type -> Text,
        subject_id -> Text,
        at -> BigInt,
        data -> Text,
    }
}

#[derive(Clone, Queryable, Selectable)]
pub struct User {
    pub id: String,
    pub email: String,
    pub nickname: String,
}

#[derive(Clone, Queryable, Selectable)]
pub struct Product {
    pub id: String,
    pub name: String,
    pub price: i64,
}

#[derive(Clone, Queryable, Selectable)]
pub struct Instance {
    pub id: String,
    pub name: String,
    pub status: String,
}

#[derive(Clone, Queryable, Selectable, Insertable)]
pub struct Order {
    pub id: String,
    pub number: i64,
    pub user_id: String,
    pub tenant_id: String,
    pub product_id: String,
    pub instance_name: String,
    pub instance_id: Option<String>,
    pub status: String,
    pub amount: i64,
    pub refund_due: bool,
    pub created_at: i64,
    pub updated_at: i64,
    pub version: i64,
}

impl Order {
    /// What an event carries, in the form that Slipway reads too: on SQLite both have one log.
    pub fn image(&self) -> Value {
        let time = |micros| Timestamp::from_microsecond(micros).map(|at| at.to_string()).ok();
        json!({
            "id": self.id,
            "number": self.number,
            "userId": self.user_id,
            "tenantId": self.tenant_id,
            "productId": self.product_id,
            "instanceName": self.instance_name,
            "instanceId": self.instance_id,
            "status": self.status,
            "amount": self.amount,
            "refundDue": self.refund_due,
            "createdAt": time(self.created_at),
            "updatedAt": time(self.updated_at),
            "version": self.version,
        })
    }
}

#[derive(Insertable)]
#[diesel(table_name = events)]
pub struct NewEvent<'a> {
    /// PostgreSQL gives it out by itself.
    pub position: Option<i64>,
    pub event_type: &'a str,
    pub subject_id: &'a str,
    pub at: i64,
    pub data: String,
}
