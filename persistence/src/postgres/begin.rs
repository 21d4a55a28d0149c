use diesel::{QueryResult, QueryableByName, result::Error, sql_query, sql_types::BigInt};
use diesel_async::SimpleAsyncConnection;
use domain::{identity::Account, ids::UserId};
use futures::future::{OptionFuture, join3};
use jiff::Timestamp;

use super::Postgres;
use crate::{identity, run};

#[derive(QueryableByName)]
struct Time {
    #[diesel(sql_type = BigInt)]
    micros: i64,
}

/// All at once: the transaction, its number and the time, and the account that is asked for.
pub(crate) async fn begin(
    mut conn: &Postgres,
    user: Option<UserId>,
) -> QueryResult<(Timestamp, Option<Account>)> {
    // It gets its number before any event's position is drawn: what the safe head rests on.
    let started = time(conn, "SELECT pg_current_xact_id()");
    let account = OptionFuture::from(user.map(|user| identity::account(conn, user)));
    let (begun, started, account) = join3(conn.batch_execute("BEGIN"), started, account).await;
    begun?;
    Ok((started?, account.transpose()?.flatten()))
}

/// The time of a server that has looked something up.
pub(crate) async fn time(conn: &Postgres, after: &str) -> QueryResult<Timestamp> {
    let sql = "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint AS micros";
    let sql = format!("{sql} FROM ({after}) looked_up");
    let found: Option<Time> = run::read(conn, sql_query(sql)).await?.pop();
    let micros = found.ok_or(Error::NotFound)?.micros;
    Timestamp::from_microsecond(micros).map_err(|error| Error::DeserializationError(error.into()))
}
