//! What pages and updates of all tables share.

use domain::{
    Error, Result,
    page::{Direction, PageRequest, Sort, SortField},
};

/// Narrows a boxed query to one page in its order, with one row more that tells whether another
/// page follows.
macro_rules! keyset {
    ($query:expr, $page:expr) => {{
        use diesel::{
            dsl::sql,
            sql_types::{BigInt, Bool, Text},
        };
        let (column, direction, beyond) = $crate::page::order($page.sort);
        let mut query = $query;
        if let Some(after) = &$page.after {
            let behind = sql::<Bool>(&format!("({column}, id) {beyond} ("));
            query = match &after.value {
                domain::page::SortValue::Number(number) => query.filter(
                    behind.bind::<BigInt, _>(*number).sql(", ").bind::<Text, _>(&after.id).sql(")"),
                ),
                domain::page::SortValue::Text(text) => query.filter(
                    behind.bind::<Text, _>(text).sql(", ").bind::<Text, _>(&after.id).sql(")"),
                ),
            };
        }
        let order = sql::<Text>(&format!("{column} {direction}, id {direction}"));
        query.order(order).limit($page.first as i64 + 1)
    }};
}
pub(crate) use keyset;

/// The column, its direction, and what a row behind another one is to it.
pub(crate) fn order(sort: Sort) -> (&'static str, &'static str, &'static str) {
    let column = match sort.by {
        SortField::CreatedAt => "created_at",
        SortField::UpdatedAt => "updated_at",
        SortField::Name => "name",
        SortField::Email => "email",
        SortField::Price => "price",
        SortField::Amount => "amount",
    };
    match sort.direction {
        Direction::Asc => (column, "ASC", ">"),
        Direction::Desc => (column, "DESC", "<"),
    }
}

/// The SQL of one page for each of several parents: their ids are bound first, then the page by
/// `bind_page!`. `condition` narrows the rows. The places are numbered as they come, for SQLite
/// takes `$n` for a name. The columns are named, for a table may get more while this is prepared.
pub(crate) fn ranked(
    (table, columns): (&str, &str),
    parent: &str,
    parents: usize,
    page: &PageRequest,
    condition: &str,
) -> String {
    let (column, direction, beyond) = order(page.sort);
    let places: Vec<String> = (1..=parents).map(|n| format!("${n}")).collect();
    let next = places.len() + 1;
    let (behind, limit) = match &page.after {
        Some(_) => (format!("AND ({column}, id) {beyond} (${next}, ${})", next + 1), next + 2),
        None => (String::new(), next),
    };
    format!(
        "SELECT {columns} FROM (SELECT {columns}, ROW_NUMBER() OVER \
         (PARTITION BY {parent} ORDER BY {column} {direction}, id {direction}) AS place \
         FROM {table} WHERE {parent} IN ({}) {condition} {behind}) ranked \
         WHERE place <= ${limit} ORDER BY {parent}, place",
        places.join(", ")
    )
}

/// Binds what [`ranked`] leaves open behind the parents' ids.
macro_rules! bind_page {
    ($query:expr, $page:expr) => {{
        use diesel::sql_types::{BigInt, Text};
        use domain::page::SortValue;
        let query = match &$page.after {
            None => $query,
            Some(after) => match &after.value {
                SortValue::Number(number) => $query.bind::<BigInt, _>(*number),
                SortValue::Text(text) => $query.bind::<Text, _>(text),
            }
            .bind::<Text, _>(&after.id),
        };
        query.bind::<BigInt, _>($page.first as i64 + 1)
    }};
}
pub(crate) use bind_page;

/// Tells an update that matched no row from one that did.
pub(crate) fn stale(changed: usize, kind: &str, id: impl std::fmt::Display) -> Result<()> {
    if changed == 1 {
        return Ok(());
    }
    Err(Error::Conflict(format!("{kind} {id} was changed by somebody else")))
}
