use async_graphql::{Context, Object};

use super::{inputs::UserFilter, user::User};
use crate::graphql::{
    connection::{Connection, connection, request},
    context::Ctx,
    error::Result,
    order_by::UserOrderBy,
};

#[derive(Default)]
pub struct IdentityQuery;

#[Object]
impl IdentityQuery {
    /// The caller's account. UNAUTHENTICATED without a token.
    async fn viewer(&self, ctx: &Context<'_>) -> Result<User> {
        Ok(User::from(ctx.control_plane().viewer(ctx.call()).await?))
    }

    /// All accounts, newest first. For administrators.
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Narrows the list; what is absent does not.")] filter: Option<UserFilter>,
        #[graphql(desc = "How many at most: 1 to 100, by default 20.")] first: Option<i32>,
        #[graphql(desc = "The cursor of the edge to continue behind.")] after: Option<String>,
        #[graphql(desc = "Newest first, where absent.")] order_by: Option<UserOrderBy>,
    ) -> Result<Connection<User>> {
        let sort = order_by.map(Into::into).unwrap_or_default();
        let page = request(ctx, first, after)?.sorted(sort)?;
        let filter = filter.map(Into::into).unwrap_or_default();
        let found = ctx.control_plane().users(ctx.call(), &filter, &page).await?;
        Ok(connection(found, |user| user.page_key(sort.by)))
    }
}
