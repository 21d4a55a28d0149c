//! What an idle WebSocket with a subscription costs.

use std::{thread::sleep, time::Duration};

use anyhow::{Context, Result, ensure};

use super::{
    server::Server,
    wire::{Http, Socket},
};

/// What one may cost.
const MOST_BYTES: u64 = 24 * 1024;
const SUBSCRIBE: &str = r#"{"id":"1","type":"subscribe","payload":{"query":
    "subscription { events { type subject { id } } }"}}"#;
/// Their first messages are through, and what they needed for that is given back.
const SETTLE: Duration = Duration::from_secs(5);

pub fn run(count: u64) -> Result<()> {
    let files = rlimit::increase_nofile_limit(u64::MAX)?;
    ensure!(files > count + 100, "only {files} files may be open here");
    let most = (count + 1_000).to_string();
    let server = Server::start(&[
        ("SLIPWAY_LIMIT_CONNECTIONS", &most),
        ("SLIPWAY_LIMIT_CONNECTIONS_PER_ADDRESS", &most),
        ("SLIPWAY_LIMIT_BUDGET", "1000000000"),
        ("SLIPWAY_PING_AFTER", "10m"),
    ])?;
    let token = register(&server.address)?;
    let open = || -> Result<Socket> {
        let mut socket = Socket::open(&server.address, Some(&token))?;
        socket.say(SUBSCRIBE)?;
        Ok(socket)
    };
    // What the first ones make the process load is not theirs.
    let warm = (0..100).map(|_| open()).collect::<Result<Vec<_>>>()?;
    sleep(SETTLE);
    let before = server.resident_kib()?;

    let sockets = (0..count).map(|_| open()).collect::<Result<Vec<_>>>()?;
    sleep(SETTLE);
    let after = server.resident_kib()?;

    let each = after.saturating_sub(before) * 1024 / count.max(1);
    println!(
        "{} sockets: {before} KiB before, {after} KiB after, {each} bytes each",
        sockets.len()
    );
    drop(warm);
    ensure!(each <= MOST_BYTES, "a socket costs more than {MOST_BYTES} bytes");
    Ok(())
}

pub fn register(address: &str) -> Result<String> {
    let body = r#"{"query":"mutation { register(input: { email: \"ada@example.com\", password: \"correct horse\", nickname: \"Ada\" }) { accessToken } }"}"#;
    let (_, answer) = Http::open(address)?.post(None, body)?;
    let (_, rest) = answer.split_once(r#""accessToken":""#).context("no token")?;
    Ok(rest.split('"').next().unwrap_or_default().to_owned())
}
