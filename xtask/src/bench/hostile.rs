//! An honest client beside many hostile ones: how long it waits, and what the server's memory does.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};

use super::{
    server::Server,
    sockets::register,
    wire::{Http, Socket},
};

/// How much the memory may grow once the attack is under way.
const MOST_GROWTH_KIB: u64 = 32 * 1024;
const MOST_WAIT: Duration = Duration::from_millis(250);
const ATTACKERS: usize = 8;
const HONEST_PAUSE: Duration = Duration::from_millis(20);
const HONEST: &str = r#"{"query":"{ viewer { id tenants { role } } products(first: 3) { nodes { id name price } } orders { totalCount } }"}"#;

pub fn run(time: Duration) -> Result<()> {
    let server = Server::start(&[])?;
    let token = register(&server.address)?;
    let stop = Arc::new(AtomicBool::new(false));
    let sent = Arc::new(AtomicU64::new(0));
    let attackers: Vec<_> = (0..ATTACKERS)
        .map(|number| {
            let (address, stop, sent) = (server.address.clone(), stop.clone(), sent.clone());
            thread::spawn(move || attack(number, &address, &stop, &sent))
        })
        .collect();
    let outcome = work_beside(&server, &token, time);
    stop.store(true, Relaxed);
    for attacker in attackers {
        attacker.join().ok();
    }
    println!("{} attacks", sent.load(Relaxed));
    outcome
}

/// Works as an honest client does, a query after the other, and watches the server.
fn work_beside(server: &Server, token: &str, time: Duration) -> Result<()> {
    // Caches and pools have their size by then.
    let warm_up = (time / 10).min(Duration::from_secs(30));
    let start = Instant::now();
    let mut http = Http::open(&server.address)?;
    let (mut waits, mut before, mut most) = (Vec::new(), None, 0);
    while start.elapsed() < time {
        let asked_at = Instant::now();
        let (status, answer) = http.post(Some(token), HONEST)?;
        waits.push(asked_at.elapsed());
        ensure!(status == 200 && !answer.contains("\"errors\""), "{status}: {answer}");
        if start.elapsed() > warm_up {
            let now = server.resident_kib()?;
            before.get_or_insert(now);
            most = most.max(now);
        }
        thread::sleep(HONEST_PAUSE);
    }
    waits.sort();
    let p99 = waits[waits.len() * 99 / 100];
    let before = before.unwrap_or(most);
    println!("{} honest queries: median {:?}, p99 {p99:?}", waits.len(), waits[waits.len() / 2]);
    println!("memory: {before} KiB after the warm-up, {most} KiB at most");
    ensure!(most - before <= MOST_GROWTH_KIB, "the memory grew by {} KiB", most - before);
    ensure!(p99 <= MOST_WAIT, "an honest client waited for {p99:?}");
    Ok(())
}

/// One class of attacks after the other, each attacker beginning with another one.
fn attack(number: usize, address: &str, stop: &AtomicBool, sent: &AtomicU64) {
    let bodies = bodies();
    let mut turn = number;
    while !stop.load(Relaxed) {
        turn += 1;
        // An attack that is cut off has been seen off.
        let _ = match turn % 8 {
            0 => half_a_head(address),
            1 => Socket::open(address, None).and_then(|mut socket| {
                socket.say(&format!(
                    r#"{{"id":"1","type":"subscribe","payload":{}}}"#,
                    bodies[turn % bodies.len()]
                ))?;
                socket.hear().map(drop)
            }),
            2 => hang_up(address, &bodies[turn % bodies.len()]),
            _ => flood(address, &bodies, turn),
        };
        sent.fetch_add(1, Relaxed);
    }
}

fn flood(address: &str, bodies: &[String], turn: usize) -> Result<()> {
    let mut http = Http::open(address)?;
    for body in bodies.iter().cycle().skip(turn % bodies.len()).take(20) {
        http.post(None, body)?;
    }
    Ok(())
}

fn half_a_head(address: &str) -> Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"POST /graphql HTTP/1.1\r\nhost: slipway\r\ncontent-le")?;
    Ok(())
}

fn hang_up(address: &str, body: &str) -> Result<()> {
    let mut stream = TcpStream::connect(address)?;
    let length = body.len();
    let head = "POST /graphql HTTP/1.1\r\nhost: slipway\r\ncontent-type: application/json";
    stream.write_all(format!("{head}\r\ncontent-length: {length}\r\n\r\n{body}").as_bytes())?;
    stream.set_read_timeout(Some(Duration::from_millis(1)))?;
    let _ = stream.read(&mut [0; 16]);
    Ok(())
}

fn bodies() -> Vec<String> {
    let mut bomb = "{ ...F0 }".to_owned();
    for level in 0..40 {
        let next = level + 1;
        bomb += &format!(" fragment F{level} on Query {{ ...F{next} ...F{next} }}");
    }
    let nested = |levels: usize| {
        format!("{{ __typename(x: {}1{}) }}", "[".repeat(levels), "]".repeat(levels))
    };
    let documents = [
        nested(1_600),
        nested(7_500),
        bomb,
        format!("{{ {} }}", "x: __typename ".repeat(2_000)),
        "{ products(first: 100) { nodes { id name spec { image config } } } }".to_owned(),
        "{ __schema { types { name fields { name type { name } } } } }".to_owned(),
        "query($v: [Int!]!) { a: __typename @skip(if: $v) }".to_owned(),
        "{ unknown0 unknown1 unknown2 }".to_owned(),
        "{ a(x: \\\"".to_owned(),
    ];
    let mut bodies: Vec<String> =
        documents.iter().map(|document| format!(r#"{{"query":"{document}"}}"#)).collect();
    bodies.push(format!("[{}]", "0,".repeat(50_000) + "0"));
    bodies.push("[".repeat(100_000));
    bodies.push(format!(r#"{{"query":"{{ __typename }}","x":"{}"}}"#, "x".repeat(240_000)));
    bodies
}
