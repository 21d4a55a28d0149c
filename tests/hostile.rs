//! Requests that are made to hurt, against the program itself, over every transport: each is refused
//! with a code, in few bytes that repeat nothing, and the process lives.

use std::{fs, time::Instant};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use crate::support::{Database, Process, Socket, exchange};

/// The longest answer to any of them.
const MOST_BYTES: usize = 1_024;
/// The most of what was sent that an answer repeats: a name.
const LONGEST_ECHO: usize = 64;
const REPEATS: u32 = 200;
/// What so many of one kind may leave behind in memory.
const MOST_GROWTH_KIB: u64 = 1_024;

struct Attack {
    name: String,
    document: String,
    variables: Value,
    /// Its answers have one of these.
    codes: &'static [&'static str],
}

const TOO_COMPLEX: &[&str] = &["TOO_COMPLEX"];

fn attack(name: impl Into<String>, document: impl Into<String>) -> Attack {
    let (name, document) = (name.into(), document.into());
    Attack { name, document, variables: json!({}), codes: TOO_COMPLEX }
}

fn nested(levels: usize, open: &str, close: &str) -> String {
    format!("{}1{}", open.repeat(levels), close.repeat(levels))
}

/// Documents that are too much (R01).
fn documents() -> Vec<Attack> {
    let mut attacks = Vec::new();
    for levels in [500, 1_000, 2_000, 5_000, 7_500] {
        let (lists, objects) = (nested(levels, "[", "]"), nested(levels, "{a:", "}"));
        attacks.extend([
            attack(format!("{levels} lists"), format!("{{ __typename(x: {lists}) }}")),
            attack(format!("{levels} objects"), format!("{{ __typename(x: {objects}) }}")),
            attack(format!("{levels} in a default"), format!("query($v: Int = {lists}) {{ a }}")),
            attack(format!("{levels} in a directive"), format!("{{ a @skip(if: {lists}) }}")),
            attack(
                format!("{levels} in a type"),
                format!("query($v: {}Int{}) {{ a }}", "[".repeat(levels), "]".repeat(levels)),
            ),
            attack(format!("{levels} selections"), "{a".repeat(levels) + &"}".repeat(levels)),
        ]);
    }
    let many = |count: usize, each: fn(usize) -> String| (0..count).map(each).collect::<String>();
    attacks.extend([
        attack("aliases", format!("{{ {} }}", many(31, |n| format!("a{n}: __typename ")))),
        attack("fields", format!("{{ products {{ {} }} }}", "totalCount ".repeat(501))),
        attack("directives", format!("{{ __typename {} }}", "@skip(if: false) ".repeat(21))),
        attack("operations", many(11, |n| format!("query Q{n} {{ __typename }} "))),
        attack(
            "fragments that nothing uses",
            "{ __typename }".to_owned()
                + &many(51, |n| format!("fragment F{n} on Query {{ __typename }} ")),
        ),
        attack("a bomb", bomb(22)),
        attack("a deep bomb", bomb(48)),
        attack("costly pages", costly()),
        Attack {
            codes: &["GRAPHQL_VALIDATION_FAILED"],
            ..attack("a ring", "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }")
        },
        Attack {
            codes: &["GRAPHQL_PARSE_FAILED"],
            ..attack("no end", format!("{{ a(x: \"{}", "secret ".repeat(900)))
        },
        Attack {
            codes: &["GRAPHQL_VALIDATION_FAILED"],
            ..attack("unknown fields", format!("{{ {} }}", many(20, |n| format!("nothing{n} "))))
        },
    ]);
    attacks
}

/// Variables and texts that are too much, or more than a text (R33).
fn inputs() -> Vec<Attack> {
    let uses = format!("query($v: [ID!]!) {{ {} }}", "a: nodes(ids: $v) { id } ".repeat(20));
    let ids: Vec<String> = (0..1_000).map(|n| format!("inst_{n:030}")).collect();
    let mut attacks =
        vec![Attack { variables: json!({ "v": ids }), ..attack("variables that multiply", uses) }];
    for name in ["../../etc", "a b", "UPPER", "-a", "a\n", "a\0", "é", &"x".repeat(64), ""] {
        attacks.push(Attack {
            variables: json!({ "name": name }),
            codes: &["INVALID"],
            ..attack(
                format!("the name {name:?}"),
                "mutation($name: String!) { placeOrder(input: {
                    productId: \"prod_01890000000070008000000000000000\", instanceName: $name }) {
                    cursor } }",
            )
        });
    }
    attacks
}

fn bomb(levels: usize) -> String {
    let mut bomb = "{ ...F0 }".to_owned();
    for level in 0..levels {
        let next = level + 1;
        bomb += &format!(" fragment F{level} on Query {{ ...F{next} ...F{next} }}");
    }
    bomb + &format!(" fragment F{levels} on Query {{ __typename }}")
}

fn costly() -> String {
    "{ orders(first: 100) { nodes { instance { workflows(first: 100) { nodes { tasks { name
        attempts { number } } } } } } } }"
        .to_owned()
}

impl Attack {
    fn body(&self) -> Value {
        json!({ "query": self.document, "variables": self.variables })
    }

    fn check(&self, transport: &str, code: &Value, answer: &str) {
        let name = format!("{} over {transport}", self.name);
        assert!(self.codes.contains(&code.as_str().unwrap_or_default()), "{name}: {answer}");
        assert!(answer.len() <= MOST_BYTES, "{name}: {} bytes", answer.len());
        let document = self.document.as_bytes();
        let echo = document.windows(LONGEST_ECHO + 1).step_by(16);
        let repeats = |part: &[u8]| answer.as_bytes().windows(part.len()).any(|it| it == part);
        assert!(!echo.into_iter().any(repeats), "{name} is repeated: {answer}");
    }
}

/// One connection that is kept.
struct Http(BufReader<TcpStream>);

impl Http {
    async fn open(address: &str) -> Self {
        Self(BufReader::new(TcpStream::connect(address).await.unwrap()))
    }

    async fn send(&mut self, token: &str, body: &Value) -> String {
        self.0.get_mut().write_all(post(token, "", body).as_bytes()).await.unwrap();
        let (mut line, mut length) = (String::new(), 0);
        while line != "\r\n" {
            line.clear();
            assert!(self.0.read_line(&mut line).await.unwrap() > 0, "the connection was ended");
            let (name, value) = line.split_once(':').unwrap_or_default();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut answer = vec![0; length];
        self.0.read_exact(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    }
}

fn post(token: &str, headers: &str, body: &Value) -> String {
    let (body, kind) = (body.to_string(), "content-type: application/json\r\n");
    let length = body.len();
    format!(
        "POST /graphql HTTP/1.1\r\nhost: slipway\r\n{kind}authorization: Bearer {token}\r\n\
         {headers}content-length: {length}\r\n\r\n{body}"
    )
}

fn code(answer: &Value) -> Value {
    answer["errors"][0]["extensions"]["code"].clone()
}

fn register(process: &Process) -> String {
    let reply = process.send(
        None,
        "mutation { register(input: { email: \"eve@example.com\", password: \"correct horse\",
            nickname: \"Eve\" }) { accessToken } }",
        &json!({}),
    );
    reply["data"]["register"]["accessToken"].as_str().unwrap().to_owned()
}

/// The memory that the process has, in KiB.
fn resident(process: &Process) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_attack_is_refused_over_every_transport() {
    let database = Database::new().await;
    let Some(process) = Process::start(&database) else {
        return;
    };
    let (token, address) = (register(&process), process.address.clone());
    let mut http = Http::open(&address).await;
    let mut socket = Socket::connect(&address, Some(&token)).await;

    for attack in documents().into_iter().chain(inputs()) {
        let started = Instant::now();
        let answer = http.send(&token, &attack.body()).await;
        let over_http = started.elapsed();
        attack.check("HTTP", &code(&serde_json::from_str(&answer).unwrap()), &answer);

        let headers = "accept: text/event-stream\r\nconnection: close\r\n";
        let answer = exchange(&address, &post(&token, headers, &attack.body())).await;
        let (_, events) = answer.split_once("\r\n\r\n").unwrap();
        let data = events.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
        attack.check("SSE", &code(&serde_json::from_str(data).unwrap()), events);

        let started = Instant::now();
        socket.subscribe("1", &attack.document, attack.variables.clone()).await;
        let mut answer = socket.hear().await;
        let over_socket = started.elapsed();
        let text = answer.to_string();
        if answer["type"] == "next" {
            assert_eq!(socket.hear().await["type"], "complete");
            answer = answer["payload"]["errors"].clone();
        } else {
            answer = answer["payload"].clone();
        }
        attack.check("WebSocket", &answer[0]["extensions"]["code"], &text);
        println!("{}: HTTP {over_http:?}, WebSocket {over_socket:?}", attack.name);
    }
    let alive = process.send(Some(&token), "{ viewer { id } }", &json!({}));
    assert!(alive["data"]["viewer"]["id"].is_string(), "{alive}");
}

#[tokio::test(flavor = "multi_thread")]
async fn attacks_leave_nothing_in_memory() {
    let database = Database::new().await;
    let Some(process) = Process::start_with(&database, &[("SLIPWAY_LIMIT_BUDGET", "1000000000")])
    else {
        return;
    };
    let token = register(&process);
    let mut http = Http::open(&process.address).await;
    let attacks = documents();
    for attack in &attacks {
        for _ in 0..20 {
            http.send(&token, &attack.body()).await;
        }
    }

    let before = resident(&process);
    let mut kinds = 0;
    for attack in attacks.iter().step_by(5) {
        for _ in 0..REPEATS {
            http.send(&token, &attack.body()).await;
        }
        kinds += 1;
    }
    let after = resident(&process);

    println!("{before} KiB before, {after} KiB after {kinds} times {REPEATS} attacks");
    assert!(after.saturating_sub(before) <= kinds * MOST_GROWTH_KIB);
}
