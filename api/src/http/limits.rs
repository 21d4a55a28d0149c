use std::time::Duration;

/// What one request or connection may cost. What reaches a limit passes, what exceeds it is refused
/// with `TOO_COMPLEX` before any of it runs.
///
/// Counts of fields, aliases, directives and depth are those of the *expanded* operation, every
/// fragment counted as often as it is spread.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of an HTTP body.
    pub body_bytes: usize,
    /// Bytes of the GraphQL document.
    pub document_bytes: usize,
    /// Lexical tokens of the document.
    pub tokens: usize,
    /// Brackets of any kind open at once, in the document (fragments spread) and in the JSON.
    pub nesting: usize,
    /// Fields below each other; GraphiQL's introspection query has 15.
    pub depth: usize,
    /// Fields of an operation, `__typename` included.
    pub fields: usize,
    pub aliases: usize,
    pub directives: usize,
    /// Fields directly on `Query`.
    pub root_fields: usize,
    /// Fields directly on `Mutation`.
    pub root_mutations: usize,
    /// Fragments that a document defines.
    pub fragments: usize,
    /// Operations that a document defines.
    pub operations: usize,
    /// Values in the JSON of a request, nested ones included.
    pub json_values: usize,
    /// Memory that the variables take, each counted as often as it is used.
    pub variable_bytes: usize,
    /// How long a query may run; mutations run to their end.
    pub query_time: Duration,
    /// Operations under way on one WebSocket.
    pub socket_operations: usize,
    /// Bytes of a message on a WebSocket.
    pub message_bytes: usize,
    /// Streams of server-sent events that an account has open.
    pub event_streams: usize,
    /// After so long a silence a WebSocket is pinged, and told how far nothing is missing.
    pub ping_after: Duration,
    /// After so long a silence a stream of server-sent events is told the same.
    pub heartbeat_after: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 256 * 1024,
            document_bytes: 32 * 1024,
            tokens: 2_000,
            nesting: 40,
            depth: 15,
            fields: 500,
            aliases: 30,
            directives: 20,
            root_fields: 20,
            root_mutations: 5,
            fragments: 50,
            operations: 10,
            json_values: 10_000,
            variable_bytes: 1024 * 1024,
            query_time: Duration::from_secs(10),
            socket_operations: 20,
            message_bytes: 64 * 1024,
            event_streams: 100,
            ping_after: Duration::from_secs(20),
            heartbeat_after: Duration::from_secs(15),
        }
    }
}
