use async_graphql::{InputType, parser::types::Field};
use async_trait::async_trait;
use domain::{
    commerce::{Order, ProductSummary},
    identity::User,
    ids::{InstanceId, NodeId, OrderId},
    instances::InstanceSummary,
};

use super::{
    Leave, Reader,
    arguments::Arguments,
    json::Pieces,
    lists,
    selection::Compiler,
    shape::{Record, Shape, Target},
};
use crate::graphql::scalars::{AnyId, Id, Long};

/// A field of `Query`.
#[async_trait]
pub(super) trait Root: Send + Sync {
    async fn write(&self, reader: &Reader<'_>, out: &mut Pieces) -> Result<(), Leave>;
}

pub(super) fn of(field: &Field, compiler: &Compiler<'_>) -> Option<Box<dyn Root>> {
    Some(match field.name.node.as_str() {
        "node" => Box::new(Node::of(field, compiler)?),
        "order" => Box::new(One::<Order>::of(field, compiler)?),
        "instance" => Box::new(One::<InstanceSummary>::of(field, compiler)?),
        "orders" => lists::orders(field, compiler)?,
        "instances" => lists::instances(field, compiler)?,
        _ => return None,
    })
}

/// Whatever has the id, with a shape for each kind that is known here.
struct Node {
    arguments: Arguments,
    user: Option<Shape<User>>,
    order: Option<Shape<Order>>,
    product: Option<Shape<ProductSummary>>,
    instance: Option<Shape<InstanceSummary>>,
}

impl Node {
    fn of(field: &Field, compiler: &Compiler<'_>) -> Option<Self> {
        Some(Self {
            arguments: Arguments::of(field),
            user: Shape::of(field, compiler),
            order: Shape::of(field, compiler),
            product: Shape::of(field, compiler),
            instance: Shape::of(field, compiler),
        })
    }
}

#[async_trait]
impl Root for Node {
    async fn write(&self, reader: &Reader<'_>, out: &mut Pieces) -> Result<(), Leave> {
        let Id(id): AnyId = self.arguments.get("id", reader)?;
        let actor = reader.call.actor()?;
        match (id, &self.user, &self.order, &self.product, &self.instance) {
            (NodeId::User(id), Some(_), ..) if !actor.sees_account(id) => {
                out.null();
                Ok(())
            }
            (NodeId::User(id), Some(shape), ..) => {
                write_one(shape, id, |_| true, reader, out).await
            }
            (NodeId::Order(id), _, Some(shape), ..) => {
                write_one(shape, id, |order| actor.sees(order.tenant_id), reader, out).await
            }
            (NodeId::Product(id), _, _, Some(shape), _) => {
                write_one(shape, id, |_| true, reader, out).await
            }
            (NodeId::Instance(id), .., Some(shape)) => {
                write_one(shape, id, |found| actor.sees(found.tenant_id), reader, out).await
            }
            _ => Err(Leave::Untried),
        }
    }
}

/// By its id.
struct One<T> {
    arguments: Arguments,
    shape: Shape<T>,
}

impl<T: Record> One<T> {
    fn of(field: &Field, compiler: &Compiler<'_>) -> Option<Self> {
        Some(Self { arguments: Arguments::of(field), shape: Shape::of(field, compiler)? })
    }

    /// Without an id it may be asked for by its number.
    fn id<I>(&self, reader: &Reader<'_>) -> Result<I, Leave>
    where
        Id<I>: InputType,
    {
        let Id(id) = self.arguments.get("id", reader)?;
        match self.arguments.get("number", reader)? {
            None::<Long> => Ok(id),
            Some(_) => Err(Leave::Untried),
        }
    }
}

#[async_trait]
impl Root for One<Order> {
    async fn write(&self, reader: &Reader<'_>, out: &mut Pieces) -> Result<(), Leave> {
        let actor = reader.call.actor()?;
        let id: OrderId = self.id(reader)?;
        write_one(&self.shape, id, |order| actor.sees(order.tenant_id), reader, out).await
    }
}

#[async_trait]
impl Root for One<InstanceSummary> {
    async fn write(&self, reader: &Reader<'_>, out: &mut Pieces) -> Result<(), Leave> {
        let actor = reader.call.actor()?;
        let id: InstanceId = self.id(reader)?;
        write_one(&self.shape, id, |found| actor.sees(found.tenant_id), reader, out).await
    }
}

/// Null where it does not exist or is not to be seen.
async fn write_one<T: Target>(
    shape: &Shape<T>,
    id: T::Id,
    sees: impl Fn(&T) -> bool,
    reader: &Reader<'_>,
    out: &mut Pieces,
) -> Result<(), Leave> {
    let mut rows = T::load(reader.control_plane, &[id]).await?;
    rows.retain(sees);
    let pieces = shape.write(&rows, reader).await?;
    out.object(&pieces, Some(0));
    Ok(())
}
