//! Lists that go on page by page: of everybody, or of one account.

use async_graphql::{InputType, parser::types::Field};
use async_trait::async_trait;
use domain::{
    ControlPlane,
    commerce::{self, Order, OrderSummary},
    identity::User,
    ids::UserId,
    instances::{self, InstanceSummary},
    page::{Page, PageKey, PageRequest, Sort, SortField},
};

use super::{
    Leave, Reader,
    json::Pieces,
    pages::PageShape,
    roots::Root,
    selection::Compiler,
    shape::{Below, Edge, Record},
};
use crate::graphql::{
    commerce::OrderFilter,
    instances::InstanceFilter,
    order_by::{InstanceOrderBy, OrderOrderBy},
};

/// A list as a field of `Query`, and as one of an account.
pub(super) trait Listing: Root + Edge<User> {}

impl<L: Root + Edge<User>> Listing for L {}

/// In short, unless what is asked for takes more.
pub(super) fn orders(field: &Field, compiler: &Compiler<'_>) -> Option<Box<dyn Listing>> {
    match List::<OrderSummary>::of(field, compiler) {
        Some(list) => Some(Box::new(list)),
        None => Some(Box::new(List::<Order>::of(field, compiler)?)),
    }
}

pub(super) fn instances(field: &Field, compiler: &Compiler<'_>) -> Option<Box<dyn Listing>> {
    Some(Box::new(List::<InstanceSummary>::of(field, compiler)?))
}

struct List<T>(PageShape<T>);

/// What a list is of.
#[async_trait]
trait Listed: Record {
    /// As the document has them.
    type Filter: InputType;
    type OrderBy: InputType + Into<Sort>;

    async fn list(
        reader: &Reader<'_>,
        filter: Option<Self::Filter>,
        of: Option<UserId>,
        page: &PageRequest,
    ) -> domain::Result<Page<Self>>;

    fn page_key(&self, by: SortField) -> PageKey;
}

impl<T: Listed> List<T> {
    fn of(field: &Field, compiler: &Compiler<'_>) -> Option<Self> {
        PageShape::of(field, compiler).map(Self)
    }

    async fn page(&self, of: Option<UserId>, reader: &Reader<'_>) -> Result<Pieces, Leave> {
        let arguments = self.0.arguments();
        let sort: Option<T::OrderBy> = arguments.get("orderBy", reader)?;
        let page = self.0.request(sort.map(Into::into).unwrap_or_default(), reader)?;
        let found = T::list(reader, arguments.get("filter", reader)?, of, &page).await?;
        self.0.write(&found, |item| item.page_key(page.sort.by), reader).await
    }
}

#[async_trait]
impl<T: Listed> Root for List<T> {
    async fn write(&self, reader: &Reader<'_>, out: &mut Pieces) -> Result<(), Leave> {
        out.object(&self.page(None, reader).await?, Some(0));
        Ok(())
    }
}

#[async_trait]
impl<T: Listed> Edge<User> for List<T> {
    async fn load(&self, users: &[User], reader: &Reader<'_>) -> Result<Below, Leave> {
        let [user] = users else { return Err(Leave::Untried) };
        let pieces = self.page(Some(user.id), reader).await?;
        Ok(Below { pieces, of: vec![Some(0)] })
    }
}

/// A record that is listed: with which filter and order, by which use case.
macro_rules! listed {
    ($record:ty, $filter:ty as $narrowed:ty, $order_by:ty, $of:ident, $list:ident) => {
        #[async_trait]
        impl Listed for $record {
            type Filter = $filter;
            type OrderBy = $order_by;

            async fn list(
                reader: &Reader<'_>,
                filter: Option<$filter>,
                of: Option<UserId>,
                page: &PageRequest,
            ) -> domain::Result<Page<Self>> {
                let mut filter: $narrowed = filter.map(Into::into).unwrap_or_default();
                filter.$of = of.or(filter.$of);
                ControlPlane::$list(reader.control_plane, reader.call, filter, page).await
            }

            fn page_key(&self, by: SortField) -> PageKey {
                self.page_key(by)
            }
        }
    };
}

listed!(Order, OrderFilter as commerce::OrderFilter, OrderOrderBy, user_id, orders);
listed!(OrderSummary, OrderFilter as commerce::OrderFilter, OrderOrderBy, user_id, order_summaries);
listed!(
    InstanceSummary,
    InstanceFilter as instances::InstanceFilter,
    InstanceOrderBy,
    owner_id,
    instance_summaries
);
