//! What is asked for, in the words of each schema.

use std::sync::Arc;

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::{
    contender::Dialect,
    data::{self, Size},
    http,
    load::Requests,
};

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Workload {
    /// One user by id, three fields
    W1,
    /// A user, 20 orders, the product and instance of each
    W2,
    /// A page of 50 filtered orders, deep in the list
    W3,
    /// An order is placed
    W4,
}

impl Workload {
    pub fn name(self) -> &'static str {
        match self {
            Self::W1 => "W1 one user",
            Self::W2 => "W2 nested",
            Self::W3 => "W3 page",
            Self::W4 => "W4 place an order",
        }
    }

    /// Requests of this kind; those of a connection bear its token.
    pub fn requests(self, dialect: Dialect, size: Size, tokens: Vec<String>) -> Requests {
        let (name, document) = self.document(dialect);
        Arc::new(move |connection| {
            let variables = self.variables(dialect, size);
            let body = json!({ "operationName": name, "query": document, "variables": variables });
            let token = tokens.get(connection % tokens.len().max(1)).map(String::as_str);
            http::request(token, &body.to_string())
        })
    }

    fn document(self, dialect: Dialect) -> (&'static str, &'static str) {
        use Dialect::{Plain, Slipway, Tables};
        match (self, dialect) {
            (Self::W1, Slipway) => (
                "One",
                "query One($id: ID!) { node(id: $id) { ... on User { id nickname email } } }",
            ),
            (Self::W1, Plain) => {
                ("One", "query One($id: ID!) { user(id: $id) { id nickname email } }")
            }
            (Self::W1, Tables) => (
                "One",
                "query One($id: String!) { userByRowId(rowId: $id) { rowId nickname email } }",
            ),
            (Self::W2, Slipway) => (
                "Nested",
                "query Nested($id: ID!) { node(id: $id) { ... on User { id nickname \
                 orders(first: 20) { nodes { id number status amount product { id name } \
                 instance { id name status } } } } } }",
            ),
            (Self::W2, Plain) => (
                "Nested",
                "query Nested($id: ID!) { user(id: $id) { id nickname orders(first: 20) { \
                 id number status amount product { id name } instance { id name status } } } }",
            ),
            (Self::W2, Tables) => (
                "Nested",
                "query Nested($id: String!) { userByRowId(rowId: $id) { rowId nickname \
                 ordersByUserId(first: 20, orderBy: [CREATED_AT_DESC, ROW_ID_DESC]) { nodes { \
                 rowId number status amount productByProductId { rowId name } \
                 instanceByInstanceId { rowId name status } } } } }",
            ),
            (Self::W3, Slipway) => (
                "Page",
                "query Page($after: String!) { orders(first: 50, after: $after, \
                 filter: { status: [CANCELLED] }) { nodes { id number status amount } \
                 pageInfo { hasNextPage endCursor } } }",
            ),
            (Self::W3, Plain) => (
                "Page",
                "query Page($after: String!) { orders(first: 50, after: $after, \
                 status: \"CANCELLED\") { nodes { id number status amount } end hasNext } }",
            ),
            (Self::W3, Tables) => (
                "Page",
                "query Page($at: BigInt!, $id: String!) { ordersAfter(first: 50, at: $at, \
                 lastId: $id, inStatus: \"CANCELLED\") { nodes { rowId number status amount } \
                 pageInfo { hasNextPage endCursor } } }",
            ),
            (Self::W4, Slipway) => (
                "Place",
                "mutation Place($product: ID!, $name: String!) { placeOrder(input: { \
                 productId: $product, instanceName: $name }) { order { id number status } } }",
            ),
            (Self::W4, Plain) => (
                "Place",
                "mutation Place($user: ID!, $product: ID!, $name: String!) { placeOrder( \
                 user: $user, product: $product, instanceName: $name) { id number status } }",
            ),
            (Self::W4, Tables) => (
                "Place",
                "mutation Place($user: String!, $product: String!, $name: String!) { \
                 placeOrder(input: { buyer: $user, bought: $product, called: $name }) { \
                 result { rowId number status } } }",
            ),
        }
    }

    fn variables(self, dialect: Dialect, size: Size) -> Value {
        match (self, dialect) {
            (Self::W1, _) => json!({ "id": size.any_user() }),
            (Self::W2, _) => json!({ "id": size.any_buyer() }),
            (Self::W3, Dialect::Slipway) => {
                let (at, id) = size.deep();
                json!({ "after": format!("c{at:x}.{id}") })
            }
            (Self::W3, Dialect::Plain) => {
                let (at, id) = size.deep();
                json!({ "after": format!("{at}.{id}") })
            }
            (Self::W3, Dialect::Tables) => {
                let (at, id) = size.deep();
                json!({ "at": at.to_string(), "id": id })
            }
            (Self::W4, _) => json!({
                "user": size.any_user(),
                "product": size.any_product(),
                "name": data::fresh("app-"),
            }),
        }
    }
}
