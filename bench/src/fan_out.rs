//! One order after the other is placed, and everybody who follows orders hears of each.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufStream},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::{
    contender::{Contender, Dialect},
    data::Size,
    http::Http,
    load::Latencies,
    slipway,
    table::{Figures, Table},
    workload::Workload,
};

const EVENTS: usize = 20;
const PATIENCE: Duration = Duration::from_secs(120);
/// What the first messages needed is given back by then.
const SETTLE: Duration = Duration::from_secs(2);
const FOLLOW: &str = "subscription { orderChanged { id number status amount product { name } } }";
const FOLLOW_SLIPWAY: &str =
    "subscription { orderChanged { order { id number status amount product { name } } } }";

pub async fn measure(
    contenders: &[Contender],
    size: Size,
    subscribers: usize,
    rounds: usize,
) -> Result<Table> {
    let mut table = Table::new(format!("W5 {subscribers} subscribers"));
    for _ in 0..rounds {
        for contender in contenders.iter().filter(|one| one.name != "ceiling") {
            table.add(contender.name, round(contender, size, subscribers).await?);
        }
    }
    Ok(table)
}

async fn round(contender: &Contender, size: Size, subscribers: usize) -> Result<Figures> {
    let token = match contender.dialect {
        Dialect::Slipway => Some(slipway::admin_token(contender).await?),
        Dialect::Plain => None,
    };
    let before = contender.resident_kib()?;
    let open = |_| Subscriber::open(contender, token.as_deref());
    let mut hearers = Vec::new();
    for batch in (0..subscribers).collect::<Vec<_>>().chunks(100) {
        let opened = try_join_all(batch.iter().map(open)).await?;
        let hear = |subscriber: Subscriber| tokio::spawn(subscriber.hear(EVENTS));
        hearers.extend(opened.into_iter().map(hear));
    }
    sleep(SETTLE).await;
    let each = (contender.resident_kib()?.saturating_sub(before)) as f64 / subscribers as f64;

    let mut publisher = Http::open(contender.address).await?;
    let orders = Workload::W4.requests(contender.dialect, size, token.into_iter().collect());
    let cpu = contender.cpu()?;
    let mut placed = Vec::new();
    for _ in 0..EVENTS {
        placed.push(Instant::now());
        publisher.send(&orders(0)).await?;
        sleep(Duration::from_millis(subscribers as u64 / 10)).await;
    }
    let heard = try_join_all(hearers).await?.into_iter().collect::<Result<Vec<_>>>()?;
    let cpu = contender.cpu()?.since(cpu).millis();
    let waits = heard.iter().flat_map(|heard| {
        heard.iter().zip(&placed).map(|(heard, placed)| heard.saturating_duration_since(*placed))
    });
    let latencies = Latencies::of(waits.collect());
    Ok(vec![
        ("CPU µs a delivery", cpu * 1_000.0 / latencies.count() as f64),
        ("p50 ms", latencies.percentile(50)),
        ("p99 ms", latencies.percentile(99)),
        ("KiB a subscriber", each),
        ("delivered", latencies.count() as f64 / (subscribers * EVENTS) as f64),
    ])
}

/// A WebSocket that speaks graphql-transport-ws.
struct Subscriber(BufStream<TcpStream>);

impl Subscriber {
    async fn open(contender: &Contender, token: Option<&str>) -> Result<Self> {
        let mut subscriber = Self::upgrade(contender.address).await?;
        let payload = token.map(|token| json!({ "authorization": format!("Bearer {token}") }));
        subscriber
            .say(&json!({ "type": "connection_init", "payload": payload }).to_string())
            .await?;
        ensure!(subscriber.next().await?.contains("connection_ack"), "no acknowledgement");
        let query = match contender.dialect {
            Dialect::Slipway => FOLLOW_SLIPWAY,
            Dialect::Plain => FOLLOW,
        };
        let subscribe = json!({ "id": "1", "type": "subscribe", "payload": { "query": query } });
        subscriber.say(&subscribe.to_string()).await?;
        Ok(subscriber)
    }

    async fn upgrade(address: SocketAddr) -> Result<Self> {
        // What is read here is short, and there are many.
        let mut stream = BufStream::with_capacity(1_024, 512, TcpStream::connect(address).await?);
        let head = "GET /graphql HTTP/1.1\r\nhost: bench\r\nconnection: upgrade\r\n\
            upgrade: websocket\r\nsec-websocket-version: 13\r\n\
            sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
            sec-websocket-protocol: graphql-transport-ws\r\n\r\n";
        stream.write_all(head.as_bytes()).await?;
        stream.flush().await?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(stream.read_u8().await?);
        }
        ensure!(answer.starts_with(b"HTTP/1.1 101"), "no upgrade");
        Ok(Self(stream))
    }

    async fn say(&mut self, text: &str) -> Result<()> {
        let mut frame = vec![0x81];
        match u8::try_from(text.len()) {
            Ok(short) if short < 126 => frame.push(0x80 | short),
            _ => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(text.len())?.to_be_bytes());
            }
        }
        // A mask of zeros leaves the text as it is.
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        self.0.write_all(&frame).await?;
        Ok(self.0.flush().await?)
    }

    async fn next(&mut self) -> Result<String> {
        let mut head = [0; 2];
        self.0.read_exact(&mut head).await?;
        let length = match head[1] & 0x7f {
            126 => usize::from(self.0.read_u16().await?),
            short => usize::from(short),
        };
        let mut text = vec![0; length];
        self.0.read_exact(&mut text).await?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// When each of so many events came.
    async fn hear(mut self, events: usize) -> Result<Vec<Instant>> {
        let mut heard = Vec::with_capacity(events);
        while heard.len() < events {
            let message = timeout(PATIENCE, self.next()).await.context("an event is missing")??;
            if message.contains("\"next\"") {
                heard.push(Instant::now());
            } else {
                ensure!(message.contains("\"ping\""), "no event but {message:?}");
                self.say(r#"{"type":"pong"}"#).await?;
            }
        }
        Ok(heard)
    }
}
