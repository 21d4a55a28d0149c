//! graphql-transport-ws as a state machine: messages of the client go in, what to do comes out.

use std::collections::HashSet;

use async_graphql::{Name, Value, indexmap::IndexMap};
use domain::error::ErrorCode;

use crate::http::{
    json,
    limits::Limits,
    params::Params,
    refusal::{Refusal, clip, within},
};

/// The longest reason that a close frame holds.
const REASON_BYTES: usize = 123;
const LONGEST_ID: usize = 256;

pub struct Protocol {
    phase: Phase,
    /// Operations that are under way, by the client's ids.
    running: HashSet<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Opened,
    Initialised,
    Acknowledged,
}

/// What a message asks for.
#[derive(Debug, PartialEq)]
pub enum Step {
    Nothing,
    /// Find out who is there, then acknowledge.
    Authenticate(Option<String>),
    /// Take the caller of this token from now on, then answer the ping.
    Renew(String),
    Pong,
    Start {
        id: String,
        params: Params,
    },
    Refuse {
        id: String,
        refusal: Refusal,
    },
    Stop {
        id: String,
    },
}

/// Why the connection ends, as the client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    pub code: u16,
    pub reason: String,
}

impl Close {
    pub fn new(code: u16, reason: impl Into<String>) -> Self {
        Self { code, reason: clip(reason.into(), REASON_BYTES) }
    }

    fn bad_request(reason: impl Into<String>) -> Self {
        Self::new(4400, reason)
    }
}

type Members = IndexMap<Name, Value>;

impl Protocol {
    pub fn new() -> Self {
        Self { phase: Phase::Opened, running: HashSet::new() }
    }

    pub fn is_acknowledged(&self) -> bool {
        self.phase == Phase::Acknowledged
    }

    pub fn acknowledge(&mut self) {
        self.phase = Phase::Acknowledged;
    }

    /// The operation has ended: its id may be used again.
    pub fn finish(&mut self, id: &str) {
        self.running.remove(id);
    }

    pub fn receive(&mut self, text: &str, limits: &Limits) -> Result<Step, Close> {
        let message = json::parse("the message", text.as_bytes(), limits)
            .map_err(|refusal| Close::bad_request(refusal.message))?;
        let Value::Object(mut message) = message else {
            return Err(Close::bad_request("a message is a JSON object"));
        };
        match string(&mut message, "type")?.as_str() {
            "connection_init" => self.initialise(message),
            "ping" => self.ping(message),
            "pong" => payload(&mut message).map(|_| Step::Nothing),
            "subscribe" => self.subscribe(message, limits),
            "complete" => {
                let id = string(&mut message, "id")?;
                Ok(if self.running.remove(&id) { Step::Stop { id } } else { Step::Nothing })
            }
            _ => Err(Close::bad_request("unexpected type of message")),
        }
    }

    fn initialise(&mut self, mut message: Members) -> Result<Step, Close> {
        let token = token(&mut message)?;
        if self.phase != Phase::Opened {
            return Err(Close::new(4429, "Too many initialisation requests"));
        }
        self.phase = Phase::Initialised;
        Ok(Step::Authenticate(token))
    }

    fn ping(&self, mut message: Members) -> Result<Step, Close> {
        let token = token(&mut message)?.filter(|_| self.is_acknowledged());
        Ok(token.map_or(Step::Pong, Step::Renew))
    }

    fn subscribe(&mut self, mut message: Members, limits: &Limits) -> Result<Step, Close> {
        let id = string(&mut message, "id")?;
        let payload = payload(&mut message)?.unwrap_or_default();
        let params = match Params::from_value(Value::Object(payload)) {
            Err(refusal) if refusal.code == ErrorCode::Invalid => {
                return Err(Close::bad_request(refusal.message));
            }
            params => params,
        };
        if !self.is_acknowledged() {
            return Err(Close::new(4401, "Unauthorized"));
        }
        if self.running.contains(&id) {
            return Err(Close::new(4409, format!("Subscriber for {id} already exists")));
        }
        let most = limits.socket_operations;
        let room = within("count of operations on a connection", self.running.len() + 1, most);
        match room.and(params) {
            Ok(params) => {
                self.running.insert(id.clone());
                Ok(Step::Start { id, params })
            }
            Err(refusal) => Ok(Step::Refuse { id, refusal }),
        }
    }
}

/// A member that must be a text, and not an empty or endless one.
fn string(message: &mut Members, name: &str) -> Result<String, Close> {
    match message.swap_remove(name) {
        Some(Value::String(text)) if (1..=LONGEST_ID).contains(&text.len()) => Ok(text),
        _ => Err(Close::bad_request(format!("a message needs a {name} of 1 to 256 bytes"))),
    }
}

fn payload(message: &mut Members) -> Result<Option<Members>, Close> {
    match message.swap_remove("payload") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(payload)) => Ok(Some(payload)),
        Some(_) => Err(Close::bad_request("a payload is a JSON object")),
    }
}

/// The access token in a payload; many clients write it as the header is written.
fn token(message: &mut Members) -> Result<Option<String>, Close> {
    let Some(mut payload) = payload(message)? else {
        return Ok(None);
    };
    let token = ["authorization", "Authorization"].map(|name| payload.swap_remove(name));
    match token.into_iter().flatten().next() {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(token)) => Ok(Some(token)),
        Some(_) => Err(Close::bad_request("authorization is not a string")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INIT: &str = r#"{"type":"connection_init"}"#;

    fn acknowledged() -> Protocol {
        let mut protocol = Protocol::new();
        tell(&mut protocol, INIT).unwrap();
        protocol.acknowledge();
        protocol
    }

    fn tell(protocol: &mut Protocol, message: &str) -> Result<Step, Close> {
        protocol.receive(message, &Limits::default())
    }

    fn subscribe(id: &str) -> String {
        format!(r#"{{"type":"subscribe","id":"{id}","payload":{{"query":"{{a}}"}}}}"#)
    }

    fn code(outcome: Result<Step, Close>) -> u16 {
        outcome.unwrap_err().code
    }

    #[test]
    fn a_token_comes_with_the_init_or_not_at_all() {
        let init = |payload: &str| {
            let message = format!(r#"{{"type":"connection_init","payload":{payload}}}"#);
            tell(&mut Protocol::new(), &message)
        };

        assert_eq!(tell(&mut Protocol::new(), INIT), Ok(Step::Authenticate(None)));
        assert_eq!(init("null"), Ok(Step::Authenticate(None)));
        assert_eq!(
            init(r#"{"authorization":"Bearer x"}"#),
            Ok(Step::Authenticate(Some("Bearer x".into())))
        );
        assert_eq!(code(init(r#"{"authorization":1}"#)), 4400);
        assert_eq!(code(init("[]")), 4400);
    }

    #[test]
    fn a_second_init_is_one_too_many() {
        let mut waiting = Protocol::new();
        tell(&mut waiting, INIT).unwrap();

        assert_eq!(code(tell(&mut waiting, INIT)), 4429);
        assert_eq!(code(tell(&mut acknowledged(), INIT)), 4429);
    }

    #[test]
    fn nothing_starts_before_the_acknowledgement() {
        let mut waiting = Protocol::new();
        assert_eq!(code(tell(&mut waiting, &subscribe("1"))), 4401);

        tell(&mut waiting, INIT).unwrap();
        assert_eq!(code(tell(&mut waiting, &subscribe("1"))), 4401);
    }

    #[test]
    fn an_id_is_free_again_when_its_operation_has_ended() {
        let mut protocol = acknowledged();
        let complete = r#"{"type":"complete","id":"1"}"#;

        assert!(matches!(tell(&mut protocol, &subscribe("1")), Ok(Step::Start { .. })));
        assert_eq!(code(tell(&mut protocol, &subscribe("1"))), 4409);
        assert_eq!(tell(&mut protocol, complete), Ok(Step::Stop { id: "1".into() }));
        assert_eq!(tell(&mut protocol, complete), Ok(Step::Nothing));
        assert!(matches!(tell(&mut protocol, &subscribe("1")), Ok(Step::Start { .. })));
        protocol.finish("1");
        assert!(matches!(tell(&mut protocol, &subscribe("1")), Ok(Step::Start { .. })));
    }

    #[test]
    fn operations_beyond_the_limit_are_refused_and_the_others_go_on() {
        let mut protocol = acknowledged();
        for id in 0..20 {
            tell(&mut protocol, &subscribe(&id.to_string())).unwrap();
        }

        let Ok(Step::Refuse { id, refusal }) = tell(&mut protocol, &subscribe("more")) else {
            panic!("not refused");
        };

        assert_eq!((id.as_str(), refusal.code), ("more", ErrorCode::TooComplex));
        protocol.finish("7");
        assert!(matches!(tell(&mut protocol, &subscribe("more")), Ok(Step::Start { .. })));
    }

    #[test]
    fn malformed_messages_end_the_connection() {
        for message in [
            "",
            "no",
            "[]",
            "{}",
            r#"{"type":1}"#,
            r#"{"type":"connection_ack"}"#,
            r#"{"type":"next","id":"1","payload":{}}"#,
            r#"{"type":"ping","payload":"x"}"#,
            r#"{"type":"complete"}"#,
            r#"{"type":"subscribe","payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":"","payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":1,"payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":"1"}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":1}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{a}","variables":"x"}}"#,
        ] {
            assert_eq!(code(tell(&mut acknowledged(), message)), 4400, "{message}");
        }
        assert_eq!(code(tell(&mut acknowledged(), &subscribe(&"x".repeat(257)))), 4400);
        assert_eq!(code(tell(&mut acknowledged(), &"[".repeat(60_000))), 4400);
    }

    #[test]
    fn pings_are_answered_and_may_bring_a_new_token() {
        let renewal = r#"{"type":"ping","payload":{"authorization":"Bearer y"}}"#;

        assert_eq!(tell(&mut Protocol::new(), renewal), Ok(Step::Pong));
        assert_eq!(tell(&mut acknowledged(), renewal), Ok(Step::Renew("Bearer y".into())));
        assert_eq!(tell(&mut acknowledged(), r#"{"type":"ping"}"#), Ok(Step::Pong));
        assert_eq!(tell(&mut acknowledged(), r#"{"type":"pong"}"#), Ok(Step::Nothing));
    }

    #[test]
    fn a_reason_fits_a_close_frame() {
        let mut protocol = acknowledged();
        let id = "ñ".repeat(128);
        tell(&mut protocol, &subscribe(&id)).unwrap();

        let close = tell(&mut protocol, &subscribe(&id)).unwrap_err();

        assert!(close.reason.len() <= REASON_BYTES);
    }
}
