//! What an OpenTelemetry collector is told.

use std::{
    io::{Write, read_to_string},
    net::TcpStream,
    sync::{Arc, Mutex},
};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    trace::v1::{Span, span::SpanKind},
};
use prost::Message;
use tokio::net::TcpListener;

use crate::{
    processes::{buy, product, register, settled},
    support::{Database, Process},
};

const CALLERS_TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLERS_SPAN: &str = "b7ad6b7169203331";

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_is_told_of_requests_operations_and_tasks() {
    let collector = Collector::start().await;
    let database = Database::new().await;
    let settings = [("SLIPWAY_OTLP_URL", collector.url.as_str()), ("SLIPWAY_STOP_DELAY", "0s")];
    let Some(process) = Process::start_with(&database, &settings) else {
        return;
    };

    let token = register(&process, "ada");
    buy(&process, &token, &product(&process), "blog");
    settled(&process, &token);
    ask_within_a_trace(&process.address);
    assert!(process.terminate().wait().success());

    let request = collector.spans("request").pop().unwrap();
    assert_eq!(hex(&request.trace_id), CALLERS_TRACE);
    assert_eq!(hex(&request.parent_span_id), CALLERS_SPAN);
    assert_eq!(request.kind(), SpanKind::Server);
    assert_eq!(attribute(&request, "http.response.status_code"), "200");
    let operation = collector.spans("execute").pop().unwrap();
    assert_eq!(operation.parent_span_id, request.span_id);
    assert_eq!(attribute(&operation, "graphql.operation.name"), "Who");
    let tasks = collector.spans("task");
    let kinds: Vec<_> = tasks.iter().map(|task| attribute(task, "task.kind")).collect();
    assert!(kinds.iter().any(|kind| kind == "apply"), "{kinds:?}");
    assert!(kinds.iter().any(|kind| kind == "await_rollout"), "{kinds:?}");
    for secret in [&token, "correct horse"] {
        assert!(!collector.received(secret), "{secret} left the process");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_does_not_answer_costs_no_request() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let database = Database::new().await;
    let settings = [("SLIPWAY_OTLP_URL", url.as_str()), ("SLIPWAY_STOP_DELAY", "0s")];
    let Some(process) = Process::start_with(&database, &settings) else {
        return;
    };

    let token = register(&process, "ada");
    buy(&process, &token, &product(&process), "blog");

    assert_eq!(settled(&process, &token).len(), 1);
}

/// A query of a caller who is in a trace already.
fn ask_within_a_trace(address: &str) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET /graphql?query=query%20Who%7Bme%7Bid%7D%7D&operationName=Who HTTP/1.0\r\n\
         host: slipway\r\naccept: application/json\r\n\
         traceparent: 00-{CALLERS_TRACE}-{CALLERS_SPAN}-01\r\n\r\n"
    )
    .unwrap();
    assert!(read_to_string(stream).unwrap().starts_with("HTTP/1.0 200"));
}

/// Keeps what it is told.
struct Collector {
    url: String,
    bodies: Arc<Mutex<Vec<Bytes>>>,
}

impl Collector {
    async fn start() -> Self {
        let bodies = Arc::default();
        let keep = |State(bodies): State<Arc<Mutex<Vec<Bytes>>>>, head: HeaderMap, body: Bytes| async move {
            assert_eq!(head["content-type"], "application/x-protobuf");
            bodies.lock().unwrap().push(body);
        };
        let router = Router::new().route("/v1/traces", post(keep)).with_state(Arc::clone(&bodies));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
        Self { url, bodies }
    }

    /// In the order in which they ended.
    fn spans(&self, name: &str) -> Vec<Span> {
        let bodies = self.bodies.lock().unwrap();
        let requests =
            bodies.iter().map(|body| ExportTraceServiceRequest::decode(body.clone()).unwrap());
        requests
            .flat_map(|request| request.resource_spans)
            .flat_map(|resource| resource.scope_spans)
            .flat_map(|scope| scope.spans)
            .filter(|span| span.name == name)
            .collect()
    }

    fn received(&self, text: &str) -> bool {
        let contains = |body: &Bytes| body.windows(text.len()).any(|part| part == text.as_bytes());
        self.bodies.lock().unwrap().iter().any(contains)
    }
}

fn attribute(span: &Span, key: &str) -> String {
    use opentelemetry_proto::tonic::common::v1::any_value::Value::{IntValue, StringValue};
    let found = span.attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|attribute| attribute.value.clone()?.value) {
        Some(StringValue(text)) => text,
        Some(IntValue(number)) => number.to_string(),
        other => panic!("{key} is {other:?} in {span:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
