//! What rows have for fields. The engine's resolvers say the same; a test compares the two.

use async_graphql::parser::types::Field;
use async_trait::async_trait;
use domain::{
    ControlPlane, Error,
    commerce::{Order, OrderFilter, Product},
    identity::User,
    ids::{InstanceId, OrderId, ProductId, UserId},
    instances::{Instance, InstanceFilter},
    page::Sort,
};

use super::{
    Leave, Reader,
    pages::PageShape,
    selection::Compiler,
    shape::{Below, Edge, Leaf, Record, Target, ToOne},
};
use crate::graphql::{commerce, instances};

impl Record for User {
    const TYPE: &'static str = "User";

    fn leaf(name: &str) -> Option<Leaf<Self>> {
        Some(match name {
            "id" => |user, out| out.word(user.id),
            "email" => |user, out| out.text(&user.email),
            "nickname" => |user, out| out.text(&user.nickname),
            "status" => |user, out| out.word(user.status.as_str()),
            "createdAt" => |user, out| out.word(user.created_at),
            "updatedAt" => |user, out| out.word(user.updated_at),
            _ => return None,
        })
    }

    fn edge(field: &Field, compiler: &Compiler<'_>) -> Option<Box<dyn Edge<Self>>> {
        // Pages of several accounts are asked for one by one, which is the engine's to do.
        if compiler.in_list {
            return None;
        }
        Some(match field.name.node.as_str() {
            "orders" => Box::new(OrdersOf(PageShape::of(field, compiler)?)),
            "instances" => Box::new(InstancesOf(PageShape::of(field, compiler)?)),
            _ => return None,
        })
    }
}

impl Record for Order {
    const TYPE: &'static str = "Order";

    fn leaf(name: &str) -> Option<Leaf<Self>> {
        Some(match name {
            "id" => |order, out| out.word(order.id),
            "number" => |order, out| out.word(order.number),
            "status" => |order, out| out.word(order.status.as_str()),
            "amount" => |order, out| out.plain(order.amount),
            "refundDue" => |order, out| out.plain(order.refund_due),
            "instanceName" => |order, out| out.text(&order.instance_name),
            "createdAt" => |order, out| out.word(order.created_at),
            "updatedAt" => |order, out| out.word(order.updated_at),
            "paidAt" => |order, out| out.time(order.paid_at),
            "cancelledAt" => |order, out| out.time(order.cancelled_at),
            "completedAt" => |order, out| out.time(order.completed_at),
            _ => return None,
        })
    }

    fn edge(field: &Field, compiler: &Compiler<'_>) -> Option<Box<dyn Edge<Self>>> {
        match field.name.node.as_str() {
            "user" => ToOne::<_, User>::boxed(|order| Some(order.user_id), field, compiler),
            "product" => {
                ToOne::<_, Product>::boxed(|order| Some(order.product_id), field, compiler)
            }
            "instance" => ToOne::<_, Instance>::boxed(|order| order.instance_id, field, compiler),
            _ => None,
        }
    }
}

impl Record for Product {
    const TYPE: &'static str = "Product";

    fn leaf(name: &str) -> Option<Leaf<Self>> {
        Some(match name {
            "id" => |product, out| out.word(product.id),
            "name" => |product, out| out.text(&product.name),
            "description" => |product, out| out.text(&product.description),
            "status" => |product, out| out.word(product.status.as_str()),
            "price" => |product, out| out.plain(product.price),
            "createdAt" => |product, out| out.word(product.created_at),
            "updatedAt" => |product, out| out.word(product.updated_at),
            _ => return None,
        })
    }

    fn edge(_: &Field, _: &Compiler<'_>) -> Option<Box<dyn Edge<Self>>> {
        None
    }
}

impl Record for Instance {
    const TYPE: &'static str = "Instance";

    fn leaf(name: &str) -> Option<Leaf<Self>> {
        Some(match name {
            "id" => |instance, out| out.word(instance.id),
            "number" => |instance, out| out.word(instance.number),
            "name" => |instance, out| out.text(&instance.name),
            "status" => |instance, out| out.word(instance.status.as_str()),
            "createdAt" => |instance, out| out.word(instance.created_at),
            "updatedAt" => |instance, out| out.word(instance.updated_at),
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
target!(Product, ProductId, products_by_id);
target!(Instance, InstanceId, instances_by_id);

/// Of one account.
struct OrdersOf(PageShape<Order>);
struct InstancesOf(PageShape<Instance>);

#[async_trait]
impl Edge<User> for OrdersOf {
    async fn load(&self, users: &[User], reader: &Reader<'_>) -> Result<Below, Leave> {
        let [user] = users else { return Err(Leave) };
        let page = self.0.request(Sort::default(), reader)?;
        let filter: Option<commerce::OrderFilter> = self.0.arguments().get("filter", reader)?;
        let mut filter: OrderFilter = filter.map(Into::into).unwrap_or_default();
        filter.user_id = Some(user.id);
        let found = reader.control_plane.orders(reader.call, filter, &page).await?;
        let pieces = self.0.write(&found, |order| order.page_key(page.sort.by), reader).await?;
        Ok(Below { pieces, of: vec![Some(0)] })
    }
}

#[async_trait]
impl Edge<User> for InstancesOf {
    async fn load(&self, users: &[User], reader: &Reader<'_>) -> Result<Below, Leave> {
        let [user] = users else { return Err(Leave) };
        let page = self.0.request(Sort::default(), reader)?;
        let filter: Option<instances::InstanceFilter> = self.0.arguments().get("filter", reader)?;
        let mut filter: InstanceFilter = filter.map(Into::into).unwrap_or_default();
        filter.owner_id = Some(user.id);
        let found = reader.control_plane.instances(reader.call, filter, &page).await?;
        let pieces =
            self.0.write(&found, |instance| instance.page_key(page.sort.by), reader).await?;
        Ok(Below { pieces, of: vec![Some(0)] })
    }
}
