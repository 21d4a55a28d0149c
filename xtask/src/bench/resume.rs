//! How soon a subscriber who was away for many events gets the first of them, and what the rest
//! costs the server.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use crate::process;

use super::{
    server::{ADMIN_EMAIL, ADMIN_PASSWORD, Server},
    wire::{Http, Socket},
};

const WRITERS: u64 = 4;
/// As many as a document may change at once.
const PER_REQUEST: u64 = 5;
/// So many events are written under one token, which is good for minutes.
const PER_TOKEN: u64 = 10_000;
const ROUNDS: usize = 5;
/// How soon the first event has to come.
const SOON: Duration = Duration::from_millis(50);
/// How much memory a whole resume may leave behind.
const MOST_KIB: u64 = 32 * 1024;

pub fn run(events: u64) -> Result<()> {
    let server = Server::start(&[("SLIPWAY_LIMIT_BUDGET", "1000000000")])?;
    let token = log_in(&server)?;
    let mut http = Http::open(&server.address)?;
    let product = field(&http.post(Some(&token), &create())?.1, "id")?;
    let from = field(&http.post(Some(&token), r#"{"query":"{ cursor }"}"#)?.1, "cursor")?;
    for begun in (0..events).step_by(usize::try_from(PER_TOKEN)?) {
        let share = PER_TOKEN.min(events - begun);
        fill(&server.address, &log_in(&server)?, &product, share)?;
    }

    let token = log_in(&server)?;
    // The first one loads what the process then keeps.
    resume(&server.address, &token, &from, events)?;
    let before = server.resident_kib()?;
    let rounds = (0..ROUNDS).map(|_| resume(&server.address, &token, &from, events));
    let mut rounds = rounds.collect::<Result<Vec<_>>>()?;
    let after = server.resident_kib()?;

    rounds.sort();
    let (first, all) = rounds[ROUNDS / 2];
    println!(
        "{events} events: the first after {first:.1?}, all after {all:.1?} (medians of {ROUNDS}); \
         {before} KiB before, {after} KiB after"
    );
    ensure!(first <= SOON, "the first event took longer than {SOON:?}");
    ensure!(after <= before + MOST_KIB, "it left more than {MOST_KIB} KiB behind");
    Ok(())
}

/// When the first event came, and when all of them had.
fn resume(address: &str, token: &str, from: &str, events: u64) -> Result<(Duration, Duration)> {
    let mut socket = Socket::open(address, Some(token))?;
    let start = Instant::now();
    let query = format!(r#"subscription {{ events(after: \"{from}\") {{ cursor type }} }}"#);
    let payload = format!(r#"{{"query":"{query}"}}"#);
    socket.say(&format!(r#"{{"id":"1","type":"subscribe","payload":{payload}}}"#))?;
    expect_event(&mut socket)?;
    let first = start.elapsed();
    for _ in 1..events {
        expect_event(&mut socket)?;
    }
    Ok((first, start.elapsed()))
}

fn expect_event(socket: &mut Socket) -> Result<()> {
    loop {
        let message = socket.hear()?;
        if message.contains("PRODUCT_UPDATED") {
            return Ok(());
        }
        ensure!(message.contains("\"ping\""), "no event but {message}");
    }
}

/// Each change of the product's price is an event.
fn fill(address: &str, token: &str, product: &str, events: u64) -> Result<()> {
    thread::scope(|scope| {
        let writer = |share: u64| {
            scope.spawn(move || -> Result<()> {
                let mut http = Http::open(address)?;
                for request in 0..share / PER_REQUEST {
                    ensure!(!process::interrupted(), "interrupted");
                    let (_, answer) = http.post(Some(token), &changes(product, request))?;
                    ensure!(!answer.contains("\"errors\""), "{answer}");
                }
                Ok(())
            })
        };
        let writers: Vec<_> = (0..WRITERS).map(|_| writer(events / WRITERS)).collect();
        writers.into_iter().try_for_each(|writer| writer.join().expect("a writer does not panic"))
    })
}

fn changes(product: &str, request: u64) -> String {
    let change = |n: u64| {
        let price = request * PER_REQUEST + n;
        format!(
            r#"c{n}: updateProduct(id: \"{product}\", input: {{ price: {price} }}) {{ replayed }} "#
        )
    };
    let all: String = (0..PER_REQUEST).map(change).collect();
    format!(r#"{{"query":"mutation {{ {all} }}"}}"#)
}

fn create() -> String {
    let spec = r#"{ cpuMillis: 100, memoryMib: 64, image: \"web:1\" }"#;
    let input = format!(r#"{{ name: \"Bench\", price: 1, spec: {spec} }}"#);
    format!(r#"{{"query":"mutation {{ createProduct(input: {input}) {{ product {{ id }} }} }}"}}"#)
}

fn log_in(server: &Server) -> Result<String> {
    let input = format!(r#"{{ email: \"{ADMIN_EMAIL}\", password: \"{ADMIN_PASSWORD}\" }}"#);
    let body = format!(r#"{{"query":"mutation {{ login(input: {input}) {{ accessToken }} }}"}}"#);
    field(&Http::open(&server.address)?.post(None, &body)?.1, "accessToken")
}

/// The first text of that name in an answer.
pub fn field(answer: &str, name: &str) -> Result<String> {
    let (_, rest) = answer.split_once(&format!(r#""{name}":""#)).context(answer.to_owned())?;
    Ok(rest.split('"').next().unwrap_or_default().to_owned())
}
