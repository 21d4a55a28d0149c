//! The data set, and what of it requests ask for. Everything is a function of its number, so that
//! nobody has to look anything up.

use anyhow::{Context, Result, ensure};
use diesel::{Connection, SqliteConnection, connection::SimpleConnection};

/// Of every user who has placed any.
pub const ORDERS_EACH: u64 = 20;
const PRODUCTS: u64 = 100;
/// 2026-01-01, and every order a second later than the one before.
const EPOCH_MICROS: u64 = 1_767_225_600_000_000;
const SECOND: u64 = 1_000_000;

/// How much there is.
#[derive(Clone, Copy)]
pub struct Size {
    pub users: u64,
    pub orders: u64,
}

impl Size {
    /// At 1: 100,000 users, 1,000,000 orders, 200,000 instances.
    pub fn scaled(scale: f64) -> Result<Self> {
        ensure!(scale > 0.0 && scale <= 100.0, "a scale is above 0 and at most 100");
        let thousands = |n: f64| ((n * scale).round() as u64).max(1) * 1_000;
        Ok(Self { users: thousands(100.0), orders: thousands(1_000.0) })
    }

    /// How many users have orders.
    fn buyers(self) -> u64 {
        self.orders / ORDERS_EACH
    }

    pub fn any_user(self) -> String {
        id("user_", fastrand::u64(0..self.users))
    }

    pub fn any_buyer(self) -> String {
        id("user_", fastrand::u64(0..self.buyers()))
    }

    pub fn any_product(self) -> String {
        id("prod_", fastrand::u64(0..PRODUCTS))
    }

    /// One of the orders.
    pub fn order(self, number: u64) -> String {
        id("ord_", number % self.orders)
    }

    /// Where a page of orders begins, deep in the list: microseconds and id.
    pub fn deep(self) -> (u64, String) {
        let order = fastrand::u64(self.orders / 10..self.orders / 2);
        (EPOCH_MICROS + order * SECOND, id("ord_", order))
    }
}

pub fn id(prefix: &str, number: u64) -> String {
    format!("{prefix}{number:032x}")
}

/// The id of something new.
pub fn fresh(prefix: &str) -> String {
    format!("{prefix}{:032x}", fastrand::u128(1 << 120..))
}

pub fn now() -> i64 {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// The address that a generated user logs in with.
pub fn email(number: u64) -> String {
    format!("u{number}@example.com")
}

/// Fills a database that Slipway has made. Everybody's password is the administrator's.
pub async fn fill(url: &str, size: Size) -> Result<()> {
    if let Some(path) = url.strip_prefix("sqlite://") {
        let mut conn = SqliteConnection::establish(path)?;
        return Ok(conn.batch_execute(&statements(size, &SQLITE))?);
    }
    let client = connect(url).await?;
    client.batch_execute(&statements(size, &POSTGRES)).await.context("the data set")?;
    client.batch_execute("VACUUM ANALYZE").await?;
    // Or the rounds would be measured beside the writing of all that was just loaded.
    client.batch_execute("CHECKPOINT").await?;
    Ok(())
}

pub async fn connect(url: &str) -> Result<tokio_postgres::Client> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Makes an empty database on the server of another one; answers with its address.
pub async fn create_beside(url: &str, name: &str) -> Result<String> {
    connect(url).await?.batch_execute(&format!("CREATE DATABASE {name}")).await?;
    let (server, _) = url.rsplit_once('/').context("an address without a database")?;
    Ok(format!("{server}/{name}"))
}

/// How a database writes what they write differently.
struct Sql {
    /// The numbers n from 0 to below {}.
    numbers: fn(u64) -> String,
    /// An id of a number.
    id: fn(&str, &str) -> String,
    finish: &'static str,
}

const POSTGRES: Sql = Sql {
    numbers: |count| format!("(SELECT generate_series(0::bigint, {count} - 1) AS n) AS numbers"),
    id: |prefix, n| format!("'{prefix}' || lpad(to_hex(({n})::bigint), 32, '0')"),
    finish: "",
};

const SQLITE: Sql = Sql {
    numbers: |count| {
        format!(
            "(WITH RECURSIVE counted(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM counted \
             WHERE n + 1 < {count}) SELECT n FROM counted) AS numbers"
        )
    },
    id: |prefix, n| format!("printf('{prefix}%032x', {n})"),
    finish: "ANALYZE; PRAGMA wal_checkpoint(TRUNCATE);",
};

fn statements(size: Size, sql: &Sql) -> String {
    let Size { users, orders } = size;
    let (id, numbers) = (sql.id, sql.numbers);
    let (user, tenant, product) = (id("user_", "n"), id("ten_", "n"), id("prod_", "n"));
    let (order, instance) = (id("ord_", "n"), id("inst_", "n"));
    let buyer = format!("n % {}", size.buyers());
    let (of_user, of_tenant) = (id("user_", &buyer), id("ten_", &buyer));
    let of_product = id("prod_", &format!("n % {PRODUCTS}"));
    let at = format!("{EPOCH_MICROS} + n * {SECOND}");
    // The deleted ones are nobody's work any more.
    format!(
        "BEGIN;
INSERT INTO users SELECT {user}, n + 1000, 'u' || n || '@example.com',
    (SELECT password_hash FROM users LIMIT 1), 'User ' || n, 'ENABLED', NULL, '[\"USER\"]', 0,
    {EPOCH_MICROS} + n, {EPOCH_MICROS} + n, 0 FROM {};
INSERT INTO tenants SELECT {tenant}, 'bench-' || n, 'User ' || n, TRUE, {EPOCH_MICROS} + n FROM {};
INSERT INTO tenant_members SELECT {tenant}, {user}, 'OWNER' FROM {};
INSERT INTO products SELECT {product}, 'Product ' || n, 'What it is good for', 'ENABLED',
    '{{\"cpuMillis\":100,\"memoryMib\":64,\"gpu\":null,\"image\":\"web:1\",\"config\":{{}}}}',
    500 + n, {EPOCH_MICROS} + n, {EPOCH_MICROS} + n, 0 FROM {};
INSERT INTO orders SELECT {order}, n + 1000, {of_user}, {of_tenant}, {of_product}, 'app-' || n,
    CASE WHEN n % 5 = 0 THEN {instance} END,
    CASE WHEN n % 5 = 0 THEN 'COMPLETED' WHEN n % 5 = 1 THEN 'CANCELLED' ELSE 'PENDING' END,
    500 + n % 100, FALSE, NULL, NULL, {at}, {at}, NULL, NULL, NULL, 0 FROM {};
INSERT INTO instances SELECT {instance}, n + 1000, {of_tenant}, {of_user}, {order}, 'app-' || n,
    'DELETED', '{{\"cpuMillis\":100,\"memoryMib\":64,\"gpu\":null,\"image\":\"web:1\",\"config\":{{}}}}',
    'default', 'app-' || n || '.slipway.localhost', NULL, NULL, {at}, {at}, {at}, {at}, 0
    FROM (SELECT n * 5 AS n FROM {}) AS fives;
COMMIT;
{}",
        numbers(users),
        numbers(users),
        numbers(users),
        numbers(PRODUCTS),
        numbers(orders),
        numbers(orders / 5),
        sql.finish,
    )
}
