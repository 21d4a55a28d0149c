//! Subscriptions as server-sent events, over connections that are cut and taken up again.

use std::time::Duration;

use api::{config::Door, http::Limits};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines},
    net::TcpStream,
    time::timeout,
};

use crate::support::{Client, Socket, TestApp, door};

const PATIENCE: Duration = Duration::from_secs(30);

/// The cursor is not selected: the ids do not depend on it.
const EVENTS: &str = "subscription($after: Cursor, $filter: EventFilter) {
    events(after: $after, filter: $filter) { type subject { id } } }";

/// One connection that is answered with events.
struct Stream(Lines<BufReader<TcpStream>>);

/// What stands between two empty lines.
#[derive(Clone, Debug, Default, PartialEq)]
struct Event {
    name: String,
    id: Option<String>,
    data: Value,
}

/// A request, not sent yet.
struct Ask<'a> {
    client: &'a Client,
    document: &'a str,
    variables: Value,
    last_event_id: Option<&'a str>,
}

impl<'a> Ask<'a> {
    fn new(client: &'a Client, document: &'a str, variables: Value) -> Self {
        Self { client, document, variables, last_event_id: None }
    }

    fn behind(self, last_event_id: &'a str) -> Self {
        Self { last_event_id: Some(last_event_id), ..self }
    }

    fn headers(&self) -> String {
        let token = self.client.token.as_ref();
        let token = token.map(|token| format!("authorization: Bearer {token}\r\n"));
        let last = self.last_event_id.map(|id| format!("last-event-id: {id}\r\n"));
        let accept = "host: slipway\r\naccept: text/event-stream\r\n";
        format!("{accept}{}{}", token.unwrap_or_default(), last.unwrap_or_default())
    }

    async fn post(self, address: &str) -> (u16, Stream) {
        let body = json!({ "query": self.document, "variables": self.variables }).to_string();
        let kind = "content-type: application/json";
        let (headers, length) = (self.headers(), body.len());
        let request = format!(
            "POST /graphql HTTP/1.0\r\n{headers}{kind}\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        Stream::open(address, &request).await
    }

    async fn get(self, address: &str) -> (u16, Stream) {
        let variables = self.variables.to_string();
        let (query, variables) = (encoded(self.document), encoded(&variables));
        let uri = format!("/graphql?query={query}&variables={variables}");
        let request = format!("GET {uri} HTTP/1.0\r\n{}\r\n", self.headers());
        Stream::open(address, &request).await
    }
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

impl Stream {
    async fn open(address: &str, request: &str) -> (u16, Self) {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut lines = BufReader::new(stream).lines();
        let status = lines.next_line().await.unwrap().unwrap();
        while lines.next_line().await.unwrap().unwrap() != "" {}
        (status.split(' ').nth(1).unwrap().parse().unwrap(), Self(lines))
    }

    /// The next event, heartbeats among them; `None` at the end.
    async fn heard(&mut self) -> Option<Event> {
        let mut event = Event::default();
        loop {
            let line = timeout(PATIENCE, self.0.next_line()).await.expect("nothing came");
            let line = line.unwrap()?;
            let (field, value) = line.split_once(':').unwrap_or_default();
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => event.name = value.to_owned(),
                "id" => event.id = Some(value.to_owned()),
                "data" => event.data = serde_json::from_str(value).unwrap_or_default(),
                _ if line.is_empty() => return Some(event),
                _ => {}
            }
        }
    }

    /// The next event that is not a heartbeat.
    async fn next(&mut self) -> Option<Event> {
        loop {
            match self.heard().await {
                Some(event) if event.name.is_empty() => {}
                event => return event,
            }
        }
    }

    async fn until(&mut self, last: impl Fn(&Value) -> bool) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            let event = self.next().await.unwrap();
            let done = last(&event.data["data"]);
            events.push(event);
            if done {
                return events;
            }
        }
    }

    /// All that is left, as text.
    async fn rest(self) -> String {
        let mut text = String::new();
        let rest = self.0.into_inner().read_to_string(&mut text).await;
        rest.map(|_| text).unwrap()
    }

    /// The only error of the next event, which is the last but for `complete`.
    async fn last_error(&mut self) -> Value {
        let event = self.next().await.unwrap();
        assert_eq!(event.name, "next");
        assert_eq!(self.next().await.unwrap().name, "complete");
        assert_eq!(self.next().await, None);
        event.data["errors"][0]["extensions"]["code"].clone()
    }
}

async fn head(client: &Client) -> String {
    client.send("{ cursor }", json!({})).await.ok()["cursor"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_cut_is_resumed_with_exactly_the_rest() {
    let mut app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let start = head(&ada).await;
    let address = app.live().await;
    let variables = json!({ "after": start });
    let ask = || Ask::new(&ada, EVENTS, variables.clone());

    let (status, mut stream) = ask().post(&address).await;
    ada.buy(&product, "web").await;
    let whole = stream.until(|data| data["events"]["type"] == "ORDER_COMPLETED").await;
    drop(stream);

    assert_eq!(status, 200);
    let ids: Vec<_> = whole.iter().map(|event| event.id.clone().unwrap()).collect();
    assert!(ids.len() > 10 && ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    for (place, id) in ids.iter().enumerate().step_by(3) {
        let (_, mut again) = match place % 2 {
            0 => ask().behind(id).get(&address).await,
            _ => ask().behind(id).post(&address).await,
        };
        for expected in &whole[place + 1..] {
            assert_eq!(again.next().await.unwrap(), *expected, "behind item {place}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_log_is_resumed_by_attempt_and_offset() {
    let mut app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let (_, _, workflow) = ada.buy(&product, "web").await;
    app.run_tasks().await;
    let tasks = ada.workflow(&workflow).await["tasks"].clone();
    let task = tasks.as_array().unwrap().iter().find(|task| task["name"] == "await_rollout");
    let task = task.unwrap()["id"].clone();
    let address = app.live().await;
    let document = "subscription($id: ID!) { taskLog(taskId: $id) { text } }";
    let ask = || Ask::new(&ada, document, json!({ "id": task }));

    let whole = ask().post(&address).await.1.next().await.unwrap();
    let text = whole.data["data"]["taskLog"]["text"].as_str().unwrap().to_owned();
    let rest = ask().behind("1:4").get(&address).await.1.next().await.unwrap();

    assert_eq!(whole.id, Some(format!("1:{}", text.len())));
    assert_eq!(rest.id, whole.id);
    assert_eq!(rest.data["data"]["taskLog"]["text"], text[4..]);
    let (_, mut bad) = ask().behind("c0000000000000001").get(&address).await;
    assert_eq!(bad.last_error().await, "INVALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_and_mutations_answer_once() {
    let mut app = TestApp::new().await;
    let ada = app.user("ada").await;
    let address = app.live().await;
    let query = "{ viewer { nickname } }";
    let mutation = "mutation { logout { replayed } }";

    for (_, mut stream) in [
        Ask::new(&ada, query, json!({})).get(&address).await,
        Ask::new(&ada, query, json!({})).post(&address).await,
    ] {
        let answer = stream.next().await.unwrap();
        assert_eq!(answer.name, "next");
        assert_eq!(answer.data["data"], json!({ "viewer": { "nickname": "ada" } }));
        assert_eq!(stream.rest().await, "event: complete\ndata:\n\n");
    }
    assert_eq!(Ask::new(&ada, mutation, json!({})).get(&address).await.0, 405);
    let (_, mut done) = Ask::new(&ada, mutation, json!({})).post(&address).await;
    assert_eq!(done.next().await.unwrap().data["data"]["logout"]["replayed"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_come_as_events_and_bad_requests_as_a_status() {
    let mut app = TestApp::new().await;
    let (ada, nobody) = (app.user("ada").await, app.anonymous());
    let address = app.live().await;
    let stranger = Client::new(app.routes.clone(), Some("nonsense"));

    for (client, document, last, code) in [
        (&nobody, "subscription { events { type } }", "", "UNAUTHENTICATED"),
        (&ada, "subscription { nonsense }", "", "GRAPHQL_VALIDATION_FAILED"),
        (&ada, "subscription {", "", "GRAPHQL_PARSE_FAILED"),
        (&ada, "subscription { events { type } }", "nonsense", "INVALID"),
    ] {
        let ask = Ask::new(client, document, json!({})).behind(last);
        let (status, mut stream) = ask.get(&address).await;
        assert_eq!((status, stream.last_error().await), (200, json!(code)), "{document}");
    }
    let (status, body) = Ask::new(&stranger, EVENTS, json!({})).get(&address).await;
    let body: Value = serde_json::from_str(&body.rest().await).unwrap();
    assert_eq!(status, 401);
    assert_eq!(body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_when_its_reader_is_disabled() {
    let mut app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let id = ada.id().await;
    let address = app.live().await;
    let (_, mut stream) = Ask::new(&ada, EVENTS, json!({})).post(&address).await;

    let document = "mutation($id: ID!) { setUserStatus(userId: $id, status: DISABLED) { cursor } }";
    root.send(document, json!({ "id": id })).await.ok();

    let ended = timeout(Duration::from_secs(5), stream.last_error()).await.expect("it lives on");
    assert_eq!(ended, "UNAUTHENTICATED");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_has_so_many_streams_and_no_more() {
    let app = TestApp::new().await;
    let (ada, eve) = (app.user("ada").await, app.user("eve").await);
    let (address, _) = app.served(door(Limits { event_streams: 2, ..Limits::default() })).await;
    let follow = async |client: &Client| Ask::new(client, EVENTS, json!({})).get(&address).await;
    let (one, other) = (follow(&ada).await, follow(&ada).await);

    let (status, refusal) = follow(&ada).await;

    assert_eq!((one.0, other.0, status, follow(&eve).await.0), (200, 200, 429, 200));
    assert!(refusal.rest().await.contains("RATE_LIMITED"));
    drop(one);
    timeout(PATIENCE, async { while follow(&ada).await.0 != 200 {} }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_server_ends_streams_for_them_to_come_back() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let after = json!({ "after": head(&ada).await, "filter": { "types": ["ORDER_PLACED"] } });
    let (address, stop) = app.served(Door::default()).await;
    let (_, mut stream) = Ask::new(&ada, EVENTS, after).get(&address).await;
    ada.place_order(&product, "web").await.ok();
    stream.next().await.unwrap();

    stop.cancel();

    assert_eq!(stream.rest().await, "", "neither complete nor an error");
}

/// Limits under which silence is short.
fn restless() -> Limits {
    let soon = Duration::from_millis(150);
    Limits { ping_after: soon, heartbeat_after: soon, ..Limits::default() }
}

/// A filter that does not match what `pass_by` does.
fn quiet() -> Value {
    json!({ "filter": { "types": ["ORDER_CANCELLED"] } })
}

async fn pass_by(ada: &Client, product: &str, name: &str) -> (String, String) {
    let placed = ada.place_order(product, name).await.ok()["placeOrder"]["order"]["id"].clone();
    (placed.as_str().unwrap().to_owned(), head(ada).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_stream_learns_how_far_nothing_is_missing() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let (address, _) = app.served(door(restless())).await;
    let (_, mut stream) = Ask::new(&ada, EVENTS, quiet()).get(&address).await;

    let (order, head) = pass_by(&ada, &product, "web").await;
    let bookmark = loop {
        let heard = stream.heard().await.unwrap();
        assert_eq!(heard.name, "", "a heartbeat carries nothing else: {heard:?}");
        if let Some(id) = heard.id.filter(|id| *id >= head) {
            break id;
        }
    };
    drop(stream);
    ada.cancel_order(&order).await.ok();

    let (_, mut resumed) = Ask::new(&ada, EVENTS, quiet()).behind(&bookmark).get(&address).await;
    let event = resumed.next().await.unwrap();
    assert_eq!(event.data["data"]["events"]["subject"]["id"], order);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_socket_learns_how_far_nothing_is_missing() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let (address, _) = app.served(door(restless())).await;
    let mut socket = Socket::connect(&address, ada.token.as_deref()).await;
    socket.subscribe("1", EVENTS, quiet()).await;

    let (_, head) = pass_by(&ada, &product, "web").await;

    while socket.bookmark().await < head {}
}
