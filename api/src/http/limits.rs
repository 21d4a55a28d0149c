use std::time::Duration;

use clap::{Args, Command, FromArgMatches};
use jiff::SignedDuration;

/// What one request or connection may cost. What reaches a limit passes; what exceeds it is refused
/// before any of it runs, by a refusal that names the limit and its value.
///
/// Counts of fields, aliases, directives and depth are those of the *expanded* operation, every
/// fragment counted as often as it is spread.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Limits")]
pub struct Limits {
    /// Connections that the process has open, WebSockets and event streams among them.
    #[arg(long = "limit-connections", env = "SLIPWAY_LIMIT_CONNECTIONS", default_value = "20000")]
    pub connections: usize,

    /// Connections from one address (from one IPv6 network of 64 bits); trusted proxies may have
    /// more.
    #[arg(
        long = "limit-connections-per-address",
        env = "SLIPWAY_LIMIT_CONNECTIONS_PER_ADDRESS",
        default_value = "1000"
    )]
    pub connections_per_address: usize,

    /// How long a connection may take to send the head of a request, idle ones included.
    #[arg(long = "limit-header-time", env = "SLIPWAY_LIMIT_HEADER_TIME", default_value = "30s", value_parser = time)]
    pub header_time: Duration,

    /// Bytes of the head of a request, with its query string.
    #[arg(
        long = "limit-header-bytes",
        env = "SLIPWAY_LIMIT_HEADER_BYTES",
        default_value = "65536"
    )]
    pub header_bytes: usize,

    /// Bytes of an HTTP body.
    #[arg(long = "limit-body-bytes", env = "SLIPWAY_LIMIT_BODY_BYTES", default_value = "262144")]
    pub body_bytes: usize,

    /// How long a body may take to arrive.
    #[arg(long = "limit-body-time", env = "SLIPWAY_LIMIT_BODY_TIME", default_value = "30s", value_parser = time)]
    pub body_time: Duration,

    /// Bytes of the GraphQL document.
    #[arg(
        long = "limit-document-bytes",
        env = "SLIPWAY_LIMIT_DOCUMENT_BYTES",
        default_value = "32768"
    )]
    pub document_bytes: usize,

    /// Lexical tokens of the document.
    #[arg(long = "limit-tokens", env = "SLIPWAY_LIMIT_TOKENS", default_value = "2000")]
    pub tokens: usize,

    /// Brackets of any kind open at once, in the document (fragments spread) and in the JSON.
    #[arg(long = "limit-nesting", env = "SLIPWAY_LIMIT_NESTING", default_value = "40", value_parser = nesting)]
    pub nesting: usize,

    /// Fields below each other; GraphiQL's introspection query has 15.
    #[arg(long = "limit-depth", env = "SLIPWAY_LIMIT_DEPTH", default_value = "15")]
    pub depth: usize,

    /// Fields of an operation, `__typename` included.
    #[arg(long = "limit-fields", env = "SLIPWAY_LIMIT_FIELDS", default_value = "500")]
    pub fields: usize,

    /// Aliases of an operation.
    #[arg(long = "limit-aliases", env = "SLIPWAY_LIMIT_ALIASES", default_value = "30")]
    pub aliases: usize,

    /// Directives of an operation.
    #[arg(long = "limit-directives", env = "SLIPWAY_LIMIT_DIRECTIVES", default_value = "20")]
    pub directives: usize,

    /// Fields directly on `Query`.
    #[arg(long = "limit-root-fields", env = "SLIPWAY_LIMIT_ROOT_FIELDS", default_value = "20")]
    pub root_fields: usize,

    /// Fields directly on `Mutation`.
    #[arg(
        long = "limit-root-mutations",
        env = "SLIPWAY_LIMIT_ROOT_MUTATIONS",
        default_value = "5"
    )]
    pub root_mutations: usize,

    /// Fragments that a document defines.
    #[arg(long = "limit-fragments", env = "SLIPWAY_LIMIT_FRAGMENTS", default_value = "50")]
    pub fragments: usize,

    /// Operations that a document defines.
    #[arg(long = "limit-operations", env = "SLIPWAY_LIMIT_OPERATIONS", default_value = "10")]
    pub operations: usize,

    /// Values in the JSON of a request, nested ones included.
    #[arg(long = "limit-json-values", env = "SLIPWAY_LIMIT_JSON_VALUES", default_value = "10000")]
    pub json_values: usize,

    /// Bytes of memory that the variables take, each counted as often as it is used.
    #[arg(
        long = "limit-variable-bytes",
        env = "SLIPWAY_LIMIT_VARIABLE_BYTES",
        default_value = "1048576"
    )]
    pub variable_bytes: usize,

    /// Cost of an operation: 10, and 1 for every object that it can answer with, page sizes
    /// multiplied through; 10 for a mutation, 1,000 for introspection.
    #[arg(long = "limit-cost", env = "SLIPWAY_LIMIT_COST", default_value = "100000")]
    pub cost: usize,

    /// Cost that an account, or an address that sends no token, may use up at once.
    #[arg(long = "limit-budget", env = "SLIPWAY_LIMIT_BUDGET", default_value = "200000")]
    pub budget: usize,

    /// Cost that it gets back each second.
    #[arg(
        long = "limit-budget-per-second",
        env = "SLIPWAY_LIMIT_BUDGET_PER_SECOND",
        default_value = "10000",
        value_parser = at_least_one
    )]
    pub budget_per_second: usize,

    /// Bytes of the documents that are kept because clients name them by their hash.
    #[arg(long = "limit-kept-bytes", env = "SLIPWAY_LIMIT_KEPT_BYTES", default_value = "4194304")]
    pub kept_bytes: usize,

    /// How long a query may run; mutations run to their end.
    #[arg(long = "limit-query-time", env = "SLIPWAY_LIMIT_QUERY_TIME", default_value = "10s", value_parser = time)]
    pub query_time: Duration,

    /// Operations under way on one WebSocket.
    #[arg(
        long = "limit-socket-operations",
        env = "SLIPWAY_LIMIT_SOCKET_OPERATIONS",
        default_value = "20"
    )]
    pub socket_operations: usize,

    /// Bytes of a message on a WebSocket.
    #[arg(
        long = "limit-message-bytes",
        env = "SLIPWAY_LIMIT_MESSAGE_BYTES",
        default_value = "65536"
    )]
    pub message_bytes: usize,

    /// How long a WebSocket may take to introduce itself.
    #[arg(long = "limit-init-time", env = "SLIPWAY_LIMIT_INIT_TIME", default_value = "10s", value_parser = time)]
    pub init_time: Duration,

    /// How long a client may read nothing while there is something for it to read.
    #[arg(long = "limit-stall-time", env = "SLIPWAY_LIMIT_STALL_TIME", default_value = "10s", value_parser = time)]
    pub stall_time: Duration,

    /// Streams of server-sent events that an account has open in a process.
    #[arg(
        long = "limit-event-streams",
        env = "SLIPWAY_LIMIT_EVENT_STREAMS",
        default_value = "100"
    )]
    pub event_streams: usize,

    /// After so long a silence a WebSocket is pinged, and told how far nothing is missing.
    #[arg(long = "ping-after", env = "SLIPWAY_PING_AFTER", default_value = "20s", value_parser = time)]
    pub ping_after: Duration,

    /// After so long a silence a stream of server-sent events is told the same.
    #[arg(long = "heartbeat-after", env = "SLIPWAY_HEARTBEAT_AFTER", default_value = "15s", value_parser = time)]
    pub heartbeat_after: Duration,
}

impl Default for Limits {
    /// The defaults stand in the definitions of the settings alone.
    fn default() -> Self {
        let command = Self::augment_args(Command::new("limits"));
        let matches = command.mut_args(|arg| arg.env(None)).get_matches_from(["limits"]);
        Self::from_arg_matches(&matches).expect("every limit has a default")
    }
}

fn time(text: &str) -> Result<Duration, String> {
    let time: SignedDuration = text.parse().map_err(|_| "not a time such as 10s or 500ms")?;
    match Duration::try_from(time) {
        Ok(time) if !time.is_zero() => Ok(time),
        _ => Err("must be longer than nothing".to_owned()),
    }
}

/// The parser and the engine recurse as deep as a document is nested: what is allowed here has to
/// fit a thread's stack.
fn nesting(text: &str) -> Result<usize, String> {
    let most = 64;
    let nesting = text.parse().map_err(|_| "not a number")?;
    if nesting > most { Err(format!("at most {most}")) } else { Ok(nesting) }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("not a number above 0".to_owned()),
    }
}
