//! How soon a subscriber who was away for many events gets the first of them, and what the rest
//! costs the server; and whether to come back for a few costs more where there are many.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};

use crate::process;

use super::{
    server::Server,
    wire::{Http, Socket, field, log_in},
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
/// How long the log is at first.
const SHORT: u64 = 1_000;
/// So many events somebody has missed who was away for a moment.
const TAIL: u64 = 100;
const TAIL_ROUNDS: u32 = 400;
/// How much more to come back to a long log may cost than to a short one.
const MOST_TIMES: f64 = 1.2;

pub fn run(events: u64) -> Result<()> {
    let server = Server::start(&[("SLIPWAY_LIMIT_BUDGET", "1000000000")])?;
    let token = log_in(&server.address)?;
    let mut http = Http::open(&server.address)?;
    let product = field(&http.post(Some(&token), &create())?.1, "id")?;
    let from = field(&http.post(Some(&token), r#"{"query":"{ cursor }"}"#)?.1, "cursor")?;
    grow(&server, &product, SHORT - TAIL)?;
    let of_short = tail_cost(&server, &product)?;
    grow(&server, &product, events.saturating_sub(SHORT + TAIL))?;
    let of_long = tail_cost(&server, &product)?;

    let token = log_in(&server.address)?;
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
    println!(
        "to come back for the last {TAIL} takes {of_short:.2} ms of CPU where there are {SHORT}, \
         {of_long:.2} ms where there are {events}"
    );
    ensure!(of_long <= of_short * MOST_TIMES, "a longer log costs more than {MOST_TIMES} times");
    ensure!(first <= SOON, "the first event took longer than {SOON:?}");
    ensure!(after <= before + MOST_KIB, "it left more than {MOST_KIB} KiB behind");
    Ok(())
}

/// What it costs the server, in ms of CPU, when somebody comes back who has missed a few events.
fn tail_cost(server: &Server, product: &str) -> Result<f64> {
    let token = log_in(&server.address)?;
    let mut http = Http::open(&server.address)?;
    let from = field(&http.post(Some(&token), r#"{"query":"{ cursor }"}"#)?.1, "cursor")?;
    grow(server, product, TAIL)?;
    resume(&server.address, &token, &from, TAIL)?;
    let before = server.cpu_seconds()?;
    for _ in 0..TAIL_ROUNDS {
        resume(&server.address, &token, &from, TAIL)?;
    }
    Ok((server.cpu_seconds()? - before) * 1e3 / f64::from(TAIL_ROUNDS))
}

/// Makes the log longer by so many events.
fn grow(server: &Server, product: &str, events: u64) -> Result<()> {
    for begun in (0..events).step_by(usize::try_from(PER_TOKEN)?) {
        let share = PER_TOKEN.min(events - begun);
        fill(&server.address, &log_in(&server.address)?, product, share)?;
    }
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

pub fn create() -> String {
    let spec = r#"{ cpuMillis: 100, memoryMib: 64, image: \"web:1\" }"#;
    let input = format!(r#"{{ name: \"Bench\", price: 1, spec: {spec} }}"#);
    format!(r#"{{"query":"mutation {{ createProduct(input: {input}) {{ product {{ id }} }} }}"}}"#)
}
