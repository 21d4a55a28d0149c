use std::sync::Arc;

use async_graphql::{Context, SimpleObject, Subscription};
use domain::{
    events::{EventFilter, EventType},
    ids::OrderId,
};

use super::order::Order;
use crate::graphql::{
    error::Result,
    events::{self, Event, Followed, Live},
    scalars::{Cursor, Id},
};

/// An order that changed.
#[derive(SimpleObject)]
pub struct OrderChange {
    /// Resume behind this change with `after` set to it.
    cursor: Cursor,
    /// The order as it was right after the change.
    order: Order,
    /// The change.
    event: Event,
}

#[derive(Default)]
pub struct CommerceSubscription;

#[Subscription]
impl CommerceSubscription {
    /// Changes of orders: of one, or of all that the caller may see.
    async fn order_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only this order.")] id: Option<Id<OrderId>>,
        #[graphql(desc = "Begin behind this position; live changes only where absent.")]
        after: Option<Cursor>,
    ) -> Result<Live<OrderChange>> {
        let filter = EventFilter {
            types: Some(EventType::ORDER.to_vec()),
            subject_id: id.map(|id| id.0.to_string()),
            ..EventFilter::default()
        };
        events::follow(ctx, filter, after, order_change).await
    }
}

fn order_change(event: &Arc<domain::events::Event>) -> Result<Followed<OrderChange>> {
    let order = events::image(event)?;
    Ok(Some(OrderChange {
        cursor: events::cursor(event),
        order: Order(order),
        event: Event(event.clone()),
    }))
}
