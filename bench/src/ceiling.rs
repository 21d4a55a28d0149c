//! As fast as it goes: each operation known by heart, its SQL written by hand and prepared once,
//! rows read as they come over the wire and written out as bytes.

use std::{
    convert::Infallible,
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::{Context, Result};
use bytes::Bytes;
use futures::future::try_join_all;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_postgres::{Client, Row, Statement, types::ToSql};

use crate::data;

const CONNECTIONS: usize = 8;

struct Ceiling {
    connections: Vec<Connection>,
    next: AtomicUsize,
}

struct Connection {
    client: Client,
    user: Statement,
    nested: Statement,
    page: Statement,
    place: Statement,
}

pub async fn serve(listen: &str, database: &str) -> Result<()> {
    let connections = try_join_all((0..CONNECTIONS).map(|_| connect(database))).await?;
    let ceiling = Arc::new(Ceiling { connections, next: AtomicUsize::new(0) });
    let listener = TcpListener::bind(listen).await?;
    loop {
        let (tcp, _) = listener.accept().await?;
        tcp.set_nodelay(true)?;
        let ceiling = ceiling.clone();
        let service = service_fn(move |request| {
            let ceiling = ceiling.clone();
            async move { Ok::<_, Infallible>(ceiling.respond(request).await) }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(tcp), service));
    }
}

async fn connect(database: &str) -> Result<Connection> {
    let client = data::connect(database).await?;
    let prepare = |sql: &'static str| client.prepare(sql);
    let user = prepare("SELECT id, nickname, email FROM users WHERE id = $1").await?;
    let nested = prepare(
        "SELECT o.id, o.number, o.status, o.amount, p.id, p.name, i.id, i.name, i.status
         FROM (SELECT * FROM orders WHERE user_id = $1
               ORDER BY created_at DESC, id DESC LIMIT 20) o
         JOIN products p ON p.id = o.product_id LEFT JOIN instances i ON i.id = o.instance_id
         ORDER BY o.created_at DESC, o.id DESC",
    )
    .await?;
    let page = prepare(
        "SELECT id, number, status, amount FROM orders
         WHERE status = $1 AND (created_at, id) < ($2, $3)
         ORDER BY created_at DESC, id DESC LIMIT 50",
    )
    .await?;
    let place = prepare(
        "WITH placed AS (
             INSERT INTO orders (id, number, user_id, tenant_id, product_id, instance_name, status,
                 amount, refund_due, created_at, updated_at, version)
             SELECT $1, $2, $3, $4, id, $5, 'PENDING', price, FALSE, $6, $6, 0
             FROM products WHERE id = $7 RETURNING amount)
         INSERT INTO events (event_type, subject_id, at, data)
         SELECT 'ORDER_PLACED', $1, $6, '{}' FROM placed",
    )
    .await?;
    Ok(Connection { client, user, nested, page, place })
}

impl Ceiling {
    async fn respond(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let answer = self.answer(request).await;
        let body = answer.unwrap_or_else(|error| format!(r#"{{"errors":["{error}"]}}"#));
        Response::builder()
            .header("content-type", "application/json")
            .body(Full::from(body))
            .expect("the header is well-formed")
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<String> {
        let body = request.into_body().collect().await?.to_bytes();
        let body: Value = serde_json::from_slice(&body)?;
        let variable = |name: &str| body["variables"][name].as_str().unwrap_or_default();
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        let c = &self.connections[next % CONNECTIONS];
        match body["operationName"].as_str().unwrap_or_default() {
            "One" => c.one(variable("id")).await,
            "Nested" => c.nested(variable("id")).await,
            "Page" => c.page(variable("after")).await,
            _ => c.place(variable("user"), variable("product"), variable("name")).await,
        }
    }
}

impl Connection {
    async fn one(&self, id: &str) -> Result<String> {
        let row = self.client.query_one(&self.user, &[&id]).await?;
        let (id, nickname, email): (&str, &str, &str) = (row.get(0), row.get(1), row.get(2));
        Ok(format!(
            r#"{{"data":{{"user":{{"id":"{id}","nickname":"{nickname}","email":"{email}"}}}}}}"#
        ))
    }

    async fn nested(&self, id: &str) -> Result<String> {
        let wanted: [&(dyn ToSql + Sync); 1] = [&id];
        // Both at once on one connection.
        let (user, rows) = tokio::try_join!(
            self.client.query_one(&self.user, &wanted),
            self.client.query(&self.nested, &wanted),
        )?;
        let mut out = String::with_capacity(6 * 1024);
        write!(
            out,
            r#"{{"data":{{"user":{{"id":"{id}","nickname":"{}","orders":["#,
            user.get::<_, &str>(1)
        )?;
        for (index, row) in rows.iter().enumerate() {
            out.push_str(if index == 0 { "{" } else { ",{" });
            order(&mut out, row)?;
            let (id, name): (&str, &str) = (row.get(4), row.get(5));
            write!(out, r#","product":{{"id":"{id}","name":"{name}"}},"instance":"#)?;
            match row.get::<_, Option<&str>>(6) {
                None => out.push_str("null}"),
                Some(id) => {
                    let (name, status): (&str, &str) = (row.get(7), row.get(8));
                    write!(out, r#"{{"id":"{id}","name":"{name}","status":"{status}"}}}}"#)?;
                }
            }
        }
        out.push_str("]}}}");
        Ok(out)
    }

    async fn page(&self, after: &str) -> Result<String> {
        let (at, id) = after.split_once('.').context("no cursor")?;
        let at: i64 = at.parse()?;
        let rows = self.client.query(&self.page, &[&"CANCELLED", &at, &id]).await?;
        let mut out = String::with_capacity(6 * 1024);
        out.push_str(r#"{"data":{"orders":{"nodes":["#);
        for (index, row) in rows.iter().enumerate() {
            out.push_str(if index == 0 { "{" } else { ",{" });
            order(&mut out, row)?;
            out.push('}');
        }
        out.push_str("]}}}");
        Ok(out)
    }

    async fn place(&self, user: &str, product: &str, name: &str) -> Result<String> {
        let (id, number) = (data::fresh("ord_"), fastrand::i64(1 << 40..));
        let tenant = user.replace("user_", "ten_");
        self.client
            .execute(&self.place, &[&id, &number, &user, &tenant, &name, &data::now(), &product])
            .await?;
        Ok(format!(r#"{{"data":{{"placeOrder":{{"id":"{id}","number":"{number}"}}}}}}"#))
    }
}

fn order(out: &mut String, row: &Row) -> Result<()> {
    let (id, number): (&str, i64) = (row.get(0), row.get(1));
    let (status, amount): (&str, i64) = (row.get(2), row.get(3));
    let fields = r#""id":""#;
    Ok(write!(out, r#"{fields}{id}","number":"{number}","status":"{status}","amount":{amount}"#)?)
}
