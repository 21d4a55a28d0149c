//! Orders change, and everybody who follows them hears of it.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use futures::future::try_join_all;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufStream},
    net::TcpStream,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    contender::{Contender, Dialect},
    data::Size,
    http::{self, Http},
    load::Latencies,
    slipway,
    table::{Figures, Table},
    workload::Workload,
};

/// How many orders are placed where everybody hears of each.
const EVENTS: usize = 20;
/// How many of the orders that one each follows are cancelled, at most.
const CHANGES: usize = 100;
const PATIENCE: Duration = Duration::from_secs(120);
/// What was written last has been noticed by then, and what first messages needed is given back.
const SETTLE: Duration = Duration::from_secs(2);

/// What subscribers follow.
#[derive(Clone, Copy)]
pub enum Topics {
    /// All orders, of which some are placed.
    Same,
    /// Each an order of its own, of which some are cancelled.
    Distinct,
}

pub async fn measure(
    contenders: &[Contender],
    size: Size,
    subscribers: usize,
    topics: Topics,
    rounds: usize,
) -> Result<Table> {
    let (what, among): (_, &[_]) = match topics {
        Topics::Same => ("one topic", &["Slipway", "idiomatic", "Mercurius"]),
        Topics::Distinct => ("topics of their own", &["Slipway", "idiomatic"]),
    };
    let mut table = Table::new(format!("W5 {subscribers} subscribers, {what}"));
    for _ in 0..rounds {
        for contender in contenders.iter().filter(|one| among.contains(&one.name)) {
            table.add(contender.name, round(contender, size, subscribers, topics).await?);
        }
    }
    Ok(table)
}

async fn round(
    contender: &Contender,
    size: Size,
    subscribers: usize,
    topics: Topics,
) -> Result<Figures> {
    let token = match contender.dialect {
        Dialect::Slipway => Some(slipway::admin_token(contender).await?),
        Dialect::Plain | Dialect::Tables => None,
    };
    let token = token.as_deref();
    let mut publisher = Http::open(contender.address).await?;
    let plan =
        Plan::of(topics, contender.dialect, size, subscribers, token, &mut publisher).await?;

    // The others write to the same log, and not all that Slipway's followers want to read.
    sleep(SETTLE).await;
    let before = contender.resident_kib()?;
    let (mut hearers, mut idle) = (Vec::new(), JoinSet::new());
    for batch in plan.followed.chunks(100) {
        let open = |order: &Option<String>| Subscriber::open(contender, token, order.clone());
        for subscriber in try_join_all(batch.iter().map(open)).await? {
            if hearers.len() < plan.hearers {
                hearers.push(tokio::spawn(subscriber.hear(plan.events)));
            } else {
                idle.spawn(subscriber.hear(usize::MAX));
            }
        }
    }
    sleep(SETTLE).await;
    let each = (contender.resident_kib()?.saturating_sub(before)) as f64 / subscribers as f64;

    let cpu = contender.cpu()?;
    let mut published = Vec::new();
    for request in &plan.requests {
        published.push(Instant::now());
        publisher.send(request).await?;
        sleep(plan.pause).await;
    }
    let heard = try_join_all(hearers).await?.into_iter().collect::<Result<Vec<_>>>()?;
    let cpu = contender.cpu()?.since(cpu).millis();
    let waits = heard.iter().enumerate().flat_map(|(n, heard)| {
        let published = &published[plan.first_heard(n)..];
        heard.iter().zip(published).map(|(heard, at)| heard.saturating_duration_since(*at))
    });
    let latencies = Latencies::of(waits.collect());
    let mut figures = vec![
        ("CPU µs a delivery", cpu * 1_000.0 / latencies.count() as f64),
        ("p50 ms", latencies.percentile(50)),
        ("p99 ms", latencies.percentile(99)),
        ("delivered", latencies.count() as f64 / (plan.hearers * plan.events) as f64),
    ];
    // Later subscribers find memory that earlier ones have left.
    if let Topics::Same = topics {
        figures.push(("KiB a subscriber", each));
    }
    Ok(figures)
}

/// What is published, and who hears of it.
struct Plan {
    topics: Topics,
    requests: Vec<Vec<u8>>,
    /// After each request.
    pause: Duration,
    /// The order that each subscriber follows; all where absent.
    followed: Vec<Option<String>>,
    /// So many of the first subscribers hear something.
    hearers: usize,
    /// How much each of them hears.
    events: usize,
}

impl Plan {
    async fn of(
        topics: Topics,
        dialect: Dialect,
        size: Size,
        subscribers: usize,
        token: Option<&str>,
        publisher: &mut Http,
    ) -> Result<Self> {
        let tokens = token.into_iter().map(str::to_owned).collect();
        let place = Workload::W4.requests(dialect, size, tokens);
        if let Topics::Same = topics {
            return Ok(Self {
                topics,
                requests: (0..EVENTS).map(|_| place(0)).collect(),
                pause: Duration::from_millis(subscribers as u64 / 10),
                followed: vec![None; subscribers],
                hearers: subscribers,
                events: EVENTS,
            });
        }
        let hearers = subscribers.min(CHANGES);
        // A server that wakes everybody for each needs so long not to lose any.
        let pause = Duration::from_millis(subscribers as u64 / 50);
        let mut orders = Vec::new();
        for _ in 0..hearers {
            orders.push(order_of(publisher.send(&place(0)).await?)?);
        }
        let requests = orders.iter().map(|order| cancel(dialect, token, order)).collect();
        let others = (0..subscribers - hearers).map(|n| size.order(n as u64));
        let followed = orders.into_iter().chain(others).map(Some).collect();
        Ok(Self { topics, requests, pause, followed, hearers, events: 1 })
    }

    /// The first request that a subscriber hears of.
    fn first_heard(&self, subscriber: usize) -> usize {
        match self.topics {
            Topics::Same => 0,
            Topics::Distinct => subscriber,
        }
    }
}

/// The id in the answer to an order.
fn order_of(answer: &[u8]) -> Result<String> {
    let answer = std::str::from_utf8(answer)?;
    let (_, rest) = answer.split_once("ord_").context("no order")?;
    let (id, _) = rest.split_once('"').context("no id")?;
    Ok(format!("ord_{id}"))
}

fn cancel(dialect: Dialect, token: Option<&str>, order: &str) -> Vec<u8> {
    let query = match dialect {
        Dialect::Slipway => "mutation($id: ID!) { cancelOrder(id: $id) { order { id } } }",
        Dialect::Plain | Dialect::Tables => "mutation($id: ID!) { cancelOrder(id: $id) { id } }",
    };
    let body = json!({ "query": query, "variables": { "id": order } });
    http::request(token, &body.to_string())
}

/// Kinds of frames.
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;

/// A WebSocket that speaks graphql-transport-ws.
struct Subscriber(BufStream<TcpStream>);

impl Subscriber {
    async fn open(
        contender: &Contender,
        token: Option<&str>,
        order: Option<String>,
    ) -> Result<Self> {
        let mut subscriber = Self::upgrade(contender.address).await?;
        let payload = token.map(|token| json!({ "authorization": format!("Bearer {token}") }));
        subscriber
            .say(&json!({ "type": "connection_init", "payload": payload }).to_string())
            .await?;
        ensure!(subscriber.next().await?.contains("connection_ack"), "no acknowledgement");
        let fields = "id number status amount product { name }";
        let fields = match contender.dialect {
            Dialect::Slipway => format!("order {{ {fields} }}"),
            Dialect::Plain | Dialect::Tables => fields.to_owned(),
        };
        let query = match order {
            Some(_) => format!("subscription($id: ID) {{ orderChanged(id: $id) {{ {fields} }} }}"),
            None => format!("subscription {{ orderChanged {{ {fields} }} }}"),
        };
        let payload = json!({ "query": query, "variables": { "id": order } });
        let subscribe = json!({ "id": "1", "type": "subscribe", "payload": payload });
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

    /// The next message. The WebSocket's own pings are answered meanwhile.
    async fn next(&mut self) -> Result<String> {
        loop {
            let mut head = [0; 2];
            self.0.read_exact(&mut head).await?;
            let length = match head[1] & 0x7f {
                126 => usize::from(self.0.read_u16().await?),
                short => usize::from(short),
            };
            let mut payload = vec![0; length];
            self.0.read_exact(&mut payload).await?;
            match head[0] & 0x0f {
                PING => {
                    self.0.write_all(&[0x8a, 0x80, 0, 0, 0, 0]).await?;
                    self.0.flush().await?;
                }
                CLOSE => bail!("closed: {}", String::from_utf8_lossy(&payload)),
                _ => return Ok(String::from_utf8_lossy(&payload).into_owned()),
            }
        }
    }

    /// When each of so many events came.
    async fn hear(mut self, events: usize) -> Result<Vec<Instant>> {
        let mut heard = Vec::new();
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
