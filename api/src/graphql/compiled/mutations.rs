use std::slice;

use async_graphql::parser::types::Field;
use async_trait::async_trait;
use domain::{Committed, commerce::Order, ids::OrderId};
use futures::future::BoxFuture;

use super::{
    Leave, Reader, arguments::Arguments, json::Pieces, roots::Root, selection::Compiler,
    shape::Shape,
};
use crate::graphql::{commerce::PlaceOrderInput, scalars::Id};

/// A field of `Mutation`, where all that is asked of its answer is in the row: once it has been
/// committed, nothing can fail. A key would have to be looked at first, which the engine does.
pub(super) fn of(field: &Field, compiler: &Compiler<'_>) -> Option<Box<dyn Root>> {
    let arguments = Arguments::of(field);
    if arguments.has("idempotencyKey") {
        return None;
    }
    let change: Change = match field.name.node.as_str() {
        "placeOrder" => |arguments, reader| Box::pin(place(arguments, reader)),
        "cancelOrder" => |arguments, reader| Box::pin(cancel(arguments, reader)),
        _ => return None,
    };
    let members = members(field, compiler)?;
    Some(Box::new(OrderChange { arguments, change, members }))
}

type Change =
    for<'a> fn(&'a Arguments, &'a Reader<'a>) -> BoxFuture<'a, Result<Committed<Order>, Leave>>;

struct OrderChange {
    arguments: Arguments,
    change: Change,
    members: Vec<(String, Member)>,
}

/// A field of `OrderPayload`.
enum Member {
    Typename,
    Cursor,
    Replayed,
    Order(Shape<Order>),
}

fn members(field: &Field, compiler: &Compiler<'_>) -> Option<Vec<(String, Member)>> {
    let fields = compiler.fields("OrderPayload", &field.selection_set.node)?;
    let members = fields.into_iter().map(|(key, field)| {
        let member = match field.name.node.as_str() {
            "__typename" => Member::Typename,
            "cursor" => Member::Cursor,
            "replayed" => Member::Replayed,
            "order" => Member::Order(Shape::of(field, compiler).filter(Shape::is_flat)?),
            _ => return None,
        };
        Some((key, member))
    });
    members.collect()
}

async fn place(arguments: &Arguments, reader: &Reader<'_>) -> Result<Committed<Order>, Leave> {
    let input: PlaceOrderInput = arguments.get("input", reader)?;
    let placed = reader.control_plane.place_order(reader.call, input.into()).await;
    placed.map_err(Leave::Refused)
}

async fn cancel(arguments: &Arguments, reader: &Reader<'_>) -> Result<Committed<Order>, Leave> {
    let Id(id): Id<OrderId> = arguments.get("id", reader)?;
    let reason = arguments.get("reason", reader)?;
    let cancelled = reader.control_plane.cancel_order(reader.call, id, reason).await;
    cancelled.map_err(Leave::Refused)
}

#[async_trait]
impl Root for OrderChange {
    async fn write(&self, reader: &Reader<'_>, out: &mut Pieces) -> Result<(), Leave> {
        if reader.has_key {
            return Err(Leave::Untried);
        }
        let committed = (self.change)(&self.arguments, reader).await?;
        let order = slice::from_ref(&committed.entity);
        let mut orders = Vec::new();
        for (_, member) in &self.members {
            orders.push(match member {
                Member::Order(shape) => shape.write(order, reader).await?,
                _ => Pieces::default(),
            });
        }
        out.nested(|out| {
            for ((key, member), order) in self.members.iter().zip(&orders) {
                out.key(key);
                match member {
                    Member::Typename => out.word("OrderPayload"),
                    Member::Cursor => out.quoted(committed.cursor),
                    Member::Replayed => out.plain(committed.replayed),
                    Member::Order(_) => out.object(order, Some(0)),
                }
            }
        });
        Ok(())
    }
}
