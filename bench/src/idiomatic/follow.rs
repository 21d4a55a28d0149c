use std::future::ready;

use async_graphql::{Context, ID, Subscription};
use futures::{Stream, StreamExt};
use tokio_stream::wrappers::BroadcastStream;

use super::schema::{Order, Orders};

pub struct Follow;

#[Subscription]
impl Follow {
    async fn order_changed(&self, ctx: &Context<'_>, id: Option<ID>) -> impl Stream<Item = Order> {
        let live = BroadcastStream::new(ctx.data_unchecked::<Orders>().subscribe());
        live.filter_map(move |order| {
            let order = order.ok().filter(|order| id.as_ref().is_none_or(|id| **id == order.id));
            ready(order.map(Order))
        })
    }
}
