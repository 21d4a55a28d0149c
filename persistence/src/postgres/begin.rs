use diesel::{QueryResult, QueryableByName, result::Error, sql_query, sql_types::BigInt};
use diesel_async::SimpleAsyncConnection;
use domain::{commerce::OrderQuestion, identity::Account, ids::UserId};
use futures::future::{OptionFuture, join3};
use jiff::Timestamp;

use super::Postgres;
use crate::{backend::Begun, commerce, identity, run};

#[derive(QueryableByName)]
struct Time {
    #[diesel(sql_type = BigInt)]
    micros: i64,
}

/// It gets its number before any event's position is drawn: what the safe head rests on.
const NUMBER: &str = "SELECT pg_current_xact_id()";

/// All at once: the transaction, its number and the time, the account that is asked for, and what
/// an order rests on.
pub(crate) async fn begin(
    conn: &Postgres,
    user: Option<UserId>,
    order: Option<(&OrderQuestion, Timestamp)>,
) -> QueryResult<Begun> {
    let mut first = conn;
    let basis = order.map(|(order, now)| commerce::order_basis(conn, order, now));
    let (begun, found, basis) = join3(
        first.batch_execute("BEGIN"),
        time_and_account(conn, user),
        OptionFuture::from(basis),
    )
    .await;
    begun?;
    let (at, account) = found?;
    Ok(Begun { at, account, basis: basis.transpose()? })
}

async fn time_and_account(
    conn: &Postgres,
    user: Option<UserId>,
) -> QueryResult<(Timestamp, Option<Account>)> {
    let Some(user) = user else {
        return Ok((time(conn, NUMBER).await?, None));
    };
    Ok(match identity::account_at(conn, user, &micros(NUMBER)).await? {
        Some((account, at)) => (timestamp(at)?, Some(account)),
        None => (time(conn, NUMBER).await?, None),
    })
}

/// The time of a server that has looked something up.
pub(crate) async fn time(conn: &Postgres, after: &str) -> QueryResult<Timestamp> {
    let found: Option<Time> = run::read(conn, sql_query(micros(after))).await?.pop();
    timestamp(found.ok_or(Error::NotFound)?.micros)
}

fn micros(after: &str) -> String {
    let sql = "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint AS micros";
    format!("{sql} FROM ({after}) looked_up")
}

fn timestamp(micros: i64) -> QueryResult<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|error| Error::DeserializationError(error.into()))
}
