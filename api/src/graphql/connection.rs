use async_graphql::{
    OutputType, SimpleObject,
    connection::{Connection as Relay, Edge, EmptyFields},
};
use domain::page::{Page, PageKey, PageRequest};

use super::{context::Ctx, error::Result};

#[derive(SimpleObject)]
pub struct Total {
    /// How many there are in all, on all pages.
    total_count: i64,
}

pub type Connection<T> = Relay<String, T, Total, EmptyFields>;

/// What page a field asks for; the total is only counted where it is selected.
pub(super) fn request(
    ctx: &async_graphql::Context<'_>,
    first: Option<i32>,
    after: Option<String>,
) -> Result<PageRequest> {
    Ok(PageRequest::new(
        first.map(Into::into),
        after,
        ctx.asks("totalCount"),
    )?)
}

/// A page as a Relay connection; `key` tells where an item stands in the list.
pub(super) fn connection<D, T>(page: Page<D>, key: impl Fn(&D) -> PageKey) -> Connection<T>
where
    T: From<D> + OutputType,
{
    let total = Total {
        total_count: page.total.unwrap_or(0),
    };
    let mut connection = Relay::with_additional_fields(false, page.has_next, total);
    connection.edges = page
        .items
        .into_iter()
        .map(|item| Edge::new(key(&item).encode(), T::from(item)))
        .collect();
    connection
}
