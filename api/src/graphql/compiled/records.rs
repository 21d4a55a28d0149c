//! What rows have for fields. The engine's resolvers say the same; a test compares the two.

use async_graphql::parser::types::Field;
use async_trait::async_trait;
use domain::{
    ControlPlane, Error,
    commerce::{Order, OrderSummary, ProductSummary},
    identity::User,
    ids::{InstanceId, OrderId, ProductId, UserId},
    instances::InstanceSummary,
};

use super::{
    lists,
    selection::Compiler,
    shape::{Edge, Leaf, Record, Target, ToOne},
};

impl Record for User {
    const TYPE: &'static str = "User";

    fn leaf(name: &str) -> Option<Leaf<Self>> {
        Some(match name {
            "id" => |user, out| out.quoted(user.id),
            "email" => |user, out| out.text(&user.email),
            "nickname" => |user, out| out.text(&user.nickname),
            "status" => |user, out| out.word(user.status.as_str()),
            "createdAt" => |user, out| out.quoted(user.created_at),
            "updatedAt" => |user, out| out.quoted(user.updated_at),
            _ => return None,
        })
    }

    fn edge(field: &Field, compiler: &Compiler<'_>) -> Option<Box<dyn Edge<Self>>> {
        // Pages of several accounts are asked for one by one, which is the engine's to do.
        if compiler.in_list {
            return None;
        }
        Some(match field.name.node.as_str() {
            "orders" => lists::orders(field, compiler)?,
            "instances" => lists::instances(field, compiler)?,
            _ => return None,
        })
    }
}

/// What an order has, in full or in short, and what it has in full alone.
macro_rules! order_leaf {
    ($name:expr, $($in_full:tt)*) => {
        Some(match $name {
            "id" => |order, out| out.quoted(order.id),
            "number" => |order, out| out.quoted(order.number),
            "status" => |order, out| out.word(order.status.as_str()),
            "amount" => |order, out| out.plain(order.amount),
            "createdAt" => |order, out| out.quoted(order.created_at),
            "updatedAt" => |order, out| out.quoted(order.updated_at),
            $($in_full)*
            _ => return None,
        })
    };
}

/// What an order leads to.
macro_rules! order_edge {
    ($field:expr, $compiler:expr) => {
        match $field.name.node.as_str() {
            "user" => ToOne::<Self, User>::boxed(|order| Some(order.user_id), $field, $compiler),
            "product" => ToOne::<Self, ProductSummary>::boxed(
                |order| Some(order.product_id),
                $field,
                $compiler,
            ),
            "instance" => {
                ToOne::<Self, InstanceSummary>::boxed(|order| order.instance_id, $field, $compiler)
            }
            _ => None,
        }
    };
}

impl Record for Order {
    const TYPE: &'static str = "Order";

    fn leaf(name: &str) -> Option<Leaf<Self>> {
        order_leaf!(name,
            "refundDue" => |order, out| out.plain(order.refund_due),
            "instanceName" => |order, out| out.text(&order.instance_name),
            "paidAt" => |order, out| out.time(order.paid_at),
            "cancelledAt" => |order, out| out.time(order.cancelled_at),
            "completedAt" => |order, out| out.time(order.completed_at),
        )
    }

    fn edge(field: &Field, compiler: &Compiler<'_>) -> Option<Box<dyn Edge<Self>>> {
        order_edge!(field, compiler)
    }
}

impl Record for OrderSummary {
    const TYPE: &'static str = "Order";

    fn leaf(name: &str) -> Option<Leaf<Self>> {
        order_leaf!(name,)
    }

    fn edge(field: &Field, compiler: &Compiler<'_>) -> Option<Box<dyn Edge<Self>>> {
        order_edge!(field, compiler)
    }
}

impl Record for ProductSummary {
    const TYPE: &'static str = "Product";

    fn leaf(name: &str) -> Option<Leaf<Self>> {
        Some(match name {
            "id" => |product, out| out.quoted(product.id),
            "name" => |product, out| out.text(&product.name),
            "description" => |product, out| out.text(&product.description),
            "status" => |product, out| out.word(product.status.as_str()),
            "price" => |product, out| out.plain(product.price),
            "createdAt" => |product, out| out.quoted(product.created_at),
            "updatedAt" => |product, out| out.quoted(product.updated_at),
            _ => return None,
        })
    }

    fn edge(_: &Field, _: &Compiler<'_>) -> Option<Box<dyn Edge<Self>>> {
        None
    }
}

impl Record for InstanceSummary {
    const TYPE: &'static str = "Instance";

    fn leaf(name: &str) -> Option<Leaf<Self>> {
        Some(match name {
            "id" => |instance, out| out.quoted(instance.id),
            "number" => |instance, out| out.quoted(instance.number),
            "name" => |instance, out| out.text(&instance.name),
            "status" => |instance, out| out.word(instance.status.as_str()),
            "createdAt" => |instance, out| out.quoted(instance.created_at),
            "updatedAt" => |instance, out| out.quoted(instance.updated_at),
            "deletedAt" => |instance, out| out.time(instance.deleted_at),
            _ => return None,
        })
    }

    fn edge(field: &Field, compiler: &Compiler<'_>) -> Option<Box<dyn Edge<Self>>> {
        match field.name.node.as_str() {
            "owner" => ToOne::<_, User>::boxed(|instance| Some(instance.owner_id), field, compiler),
            _ => None,
        }
    }
}

macro_rules! target {
    ($record:ty, $id:ty, $load:ident) => {
        #[async_trait]
        impl Target for $record {
            type Id = $id;

            fn id(&self) -> $id {
                self.id
            }

            async fn load(cp: &ControlPlane, ids: &[$id]) -> Result<Vec<Self>, Error> {
                cp.$load(ids).await
            }
        }
    };
}

target!(User, UserId, users_by_id);
target!(Order, OrderId, orders_by_id);
target!(ProductSummary, ProductId, product_summaries);
target!(InstanceSummary, InstanceId, instance_summaries_by_id);
