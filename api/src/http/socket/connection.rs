//! One WebSocket, served by one task: it listens, polls the operations, and writes each message out
//! before it goes on. What a client does not read thus stays where it comes from, and no queue
//! grows here.

use std::{
    collections::HashMap,
    future::{pending, ready},
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use async_graphql::{ServerError, parser::types::OperationType};
use axum::extract::ws::{CloseFrame, Message as Frame, WebSocket};
use domain::error::ErrorCode;
use futures::{
    FutureExt, SinkExt, StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use tokio::{
    select,
    time::{Instant, sleep_until, timeout, timeout_at},
};
use tokio_stream::StreamMap;
use tracing::{Instrument, Span, error_span};

use super::{
    message::{self, Bookmark, Message},
    protocol::{Close, Protocol, Step},
};
use crate::{
    auth::{Gatekeeper, Pass},
    graphql::Place,
    http::{
        address::Address,
        front_door::Desk,
        operation::{Asker, Operation},
        params::Params,
        question::Item,
        refusal::Refusal,
        stamp::RequestId,
    },
    metrics::Transport,
};

/// How long the answer to a token may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// So many pings without a sign of life, and the client is taken for gone.
const MOST_PINGS: u32 = 2;
/// How long a client that is told goodbye has to say the same.
const FAREWELL: Duration = Duration::from_secs(2);

struct Connection {
    socket: WebSocket,
    desk: Arc<Desk>,
    id: RequestId,
    address: Address,
    protocol: Protocol,
    /// By the latest token that was presented.
    pass: Pass,
    /// Comes back when the pass is not good any more.
    lapse: BoxFuture<'static, ()>,
    operations: StreamMap<String, BoxStream<'static, Update>>,
    /// How far each subscription has come.
    places: HashMap<String, Arc<Place>>,
    started: u64,
    heard: Instant,
    /// When there was last an item, or word of how far nothing is missing.
    told: Instant,
    pings: u32,
}

/// What comes out of an operation.
enum Update {
    Next(Arc<Item>),
    /// It failed before it began.
    Error(Vec<ServerError>),
    Complete,
}

enum End {
    /// Nobody is there to be told.
    Gone,
    Close(Close),
}

impl From<Close> for End {
    fn from(close: Close) -> Self {
        Self::Close(close)
    }
}

pub async fn serve(socket: WebSocket, desk: Arc<Desk>, id: RequestId, address: Address) {
    let mut connection = Connection {
        socket,
        desk,
        id,
        address,
        protocol: Protocol::new(),
        pass: Pass::anonymous(),
        lapse: pending().boxed(),
        operations: StreamMap::new(),
        places: HashMap::new(),
        started: 0,
        heard: Instant::now(),
        told: Instant::now(),
        pings: 0,
    };
    let end = connection.converse().await;
    connection.operations.clear();
    if let End::Close(close) = end {
        connection.say_goodbye(close).await;
    }
}

impl Connection {
    async fn converse(&mut self) -> End {
        if self.socket.protocol().is_none() {
            return Close::new(4406, "Subprotocol not acceptable").into();
        }
        let mut stop = pin!(self.desk.door.shutdown.clone().cancelled_owned());
        loop {
            if let Err(end) = self.turn(stop.as_mut()).await {
                return end;
            }
        }
    }

    async fn turn(&mut self, stop: Pin<&mut impl Future<Output = ()>>) -> Result<(), End> {
        let deadline = self.deadline();
        select! {
            () = stop => {
                Err(Close::new(1001, "the server is stopping").into())
            }
            () = &mut self.lapse => Err(forbidden().into()),
            frame = self.socket.recv() => match frame {
                Some(Ok(frame)) => self.hear(frame).await,
                Some(Err(_)) => Err(Close::new(1009, "a message is too big or broken").into()),
                None => Err(End::Gone),
            },
            Some((id, update)) = self.operations.next() => self.tell(id, update).await,
            () = sleep_until(deadline) => self.break_silence().await,
        }
    }

    /// When the silence has lasted too long.
    fn deadline(&self) -> Instant {
        match (self.protocol.is_acknowledged(), self.places.is_empty()) {
            (false, _) => self.heard + self.desk.limits().init_time,
            (true, true) => self.ping_due(),
            (true, false) => self.ping_due().min(self.told + self.ping_after()),
        }
    }

    /// When the client has said nothing for too long.
    fn ping_due(&self) -> Instant {
        self.heard + self.ping_after() * (self.pings + 1)
    }

    fn ping_after(&self) -> Duration {
        self.desk.limits().ping_after
    }

    async fn break_silence(&mut self) -> Result<(), End> {
        if !self.protocol.is_acknowledged() {
            return Err(Close::new(4408, "Connection initialisation timeout").into());
        }
        let bookmark = self.bookmark();
        if Instant::now() >= self.ping_due() {
            if self.pings == MOST_PINGS {
                return Err(End::Gone);
            }
            self.pings += 1;
            // Not every client knows the protocol's ping, but each WebSocket answers its own.
            self.write(Frame::Ping(Default::default())).await?;
        } else if bookmark.is_none() {
            self.told = Instant::now();
            return Ok(());
        }
        self.told = Instant::now();
        self.say(&Message::Ping { payload: bookmark }).await
    }

    /// From where on all that the client follows can be resumed.
    fn bookmark(&self) -> Option<Bookmark> {
        let least = self.places.values().map(|place| place.bookmark()).min()?;
        least.map(|cursor| Bookmark { cursor: cursor.to_string() })
    }

    async fn hear(&mut self, frame: Frame) -> Result<(), End> {
        if self.protocol.is_acknowledged() {
            (self.heard, self.pings) = (Instant::now(), 0);
        }
        match frame {
            Frame::Text(text) => {
                let step = self.protocol.receive(&text, self.desk.limits())?;
                self.take(step).await
            }
            Frame::Binary(_) => Err(Close::new(4400, "messages are text").into()),
            Frame::Ping(_) | Frame::Pong(_) | Frame::Close(_) => Ok(()),
        }
    }

    async fn take(&mut self, step: Step) -> Result<(), End> {
        match step {
            Step::Nothing => Ok(()),
            Step::Authenticate(token) => {
                let pass = self.pass_for(token, self.deadline()).await?;
                self.admit(pass);
                self.protocol.acknowledge();
                self.heard = Instant::now();
                self.say(&Message::ConnectionAck).await
            }
            Step::Renew(token) => {
                let pass = self.pass_for(Some(token), Instant::now() + PATIENCE).await?;
                // What is under way began under the old one.
                let pass = Gatekeeper::exchanged(&self.pass, pass).map_err(|_| forbidden())?;
                self.admit(pass);
                self.say(&Message::Pong).await
            }
            Step::Pong => self.say(&Message::Pong).await,
            Step::Start { id, params } => self.start(id, params).await,
            Step::Refuse { id, refusal } => self.refuse(&id, refusal).await,
            Step::Stop { id } => {
                self.operations.remove(&id);
                self.places.remove(&id);
                Ok(())
            }
        }
    }

    fn admit(&mut self, pass: Pass) {
        self.lapse = self.desk.door.gatekeeper.clone().lapse(pass.clone()).boxed();
        self.pass = pass;
    }

    fn pass_for(
        &self,
        token: Option<String>,
        deadline: Instant,
    ) -> impl Future<Output = Result<Pass, Close>> + use<> {
        let desk = Arc::clone(&self.desk);
        async move {
            let pass = desk.door.gatekeeper.pass(token.as_deref());
            let timed_out = |_| Close::new(4408, "Connection initialisation timeout");
            timeout_at(deadline, pass).await.map_err(timed_out)?.map_err(not_let_in)
        }
    }

    async fn start(&mut self, id: String, mut params: Params) -> Result<(), End> {
        let admitted = match self.desk.admit(&mut params) {
            Ok(admitted) => admitted,
            Err(refusal) => return self.give_up(&id, refusal).await,
        };
        let pass = self.renewed().await?;
        self.admit(pass);
        self.started += 1;
        let asker = Asker {
            transport: Transport::WebSocket,
            address: self.address,
            caller: self.pass.caller.clone(),
            request_id: format!("{}.{}", self.id.0, self.started),
            idempotency_key: None,
            last_event_id: None,
        };
        // A trace of its own: the socket's ends when it closes.
        let span = error_span!(parent: None, "operation", request.id = asker.request_id);
        let operation = match self.desk.operation(params, admitted, asker) {
            Ok(operation) => operation,
            Err(refusal) => return self.give_up(&id, refusal).await,
        };
        if operation.kind == OperationType::Subscription {
            self.places.insert(id.clone(), Arc::clone(&operation.place));
            self.told = Instant::now();
        }
        self.operations.insert(id, updates(Arc::clone(&self.desk), operation, span));
        Ok(())
    }

    /// The pass with the rights that its holder has now.
    fn renewed(&self) -> impl Future<Output = Result<Pass, Close>> + use<> {
        let (desk, pass) = (Arc::clone(&self.desk), self.pass.clone());
        async move {
            let renewed = timeout(PATIENCE, desk.door.gatekeeper.renewed(&pass)).await;
            let timed_out = |_| Close::new(1013, "the store does not answer");
            renewed.map_err(timed_out)?.map_err(not_let_in)
        }
    }

    /// Refuses what has been given its id already.
    async fn give_up(&mut self, id: &str, refusal: Refusal) -> Result<(), End> {
        self.protocol.finish(id);
        self.refuse(id, refusal).await
    }

    async fn refuse(&mut self, id: &str, refusal: Refusal) -> Result<(), End> {
        self.desk.refused(Transport::WebSocket, &refusal);
        self.say(&Message::Error { id, payload: &[refusal.into_error()] }).await
    }

    async fn tell(&mut self, id: String, update: Update) -> Result<(), End> {
        self.told = Instant::now();
        match update {
            Update::Next(item) => self.write(Frame::text(message::next(&id, &item.text))).await,
            Update::Error(errors) => {
                self.forget(&id);
                self.say(&Message::Error { id: &id, payload: &errors }).await
            }
            Update::Complete => {
                self.forget(&id);
                self.say(&Message::Complete { id: &id }).await
            }
        }
    }

    fn forget(&mut self, id: &str) {
        self.operations.remove(id);
        self.places.remove(id);
        self.protocol.finish(id);
    }

    async fn say(&mut self, message: &Message<'_>) -> Result<(), End> {
        match serde_json::to_string(message) {
            Ok(text) => self.write(Frame::text(text)).await,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a message cannot be written"
                );
                Err(Close::new(1011, "internal error").into())
            }
        }
    }

    /// A client that reads nothing for so long is dropped; it can resume where it was.
    async fn write(&mut self, frame: Frame) -> Result<(), End> {
        let patience = self.desk.limits().stall_time;
        select! {
            sent = timeout(patience, self.socket.send(frame)) => match sent {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) | Err(_) => Err(End::Gone),
            },
            () = &mut self.lapse => Err(forbidden().into()),
        }
    }

    /// Waits for the client's goodbye: a connection that is cut with unread data in it is reset,
    /// and the client never sees why.
    async fn say_goodbye(&mut self, close: Close) {
        let frame = CloseFrame { code: close.code, reason: close.reason.into() };
        let farewell = async {
            if self.socket.send(Frame::Close(Some(frame))).await.is_ok() {
                while let Some(Ok(_)) = self.socket.recv().await {}
            }
            self.socket.close().await
        };
        let _ = timeout(FAREWELL, farewell).await;
    }
}

fn forbidden() -> Close {
    Close::new(4403, "Forbidden")
}

fn not_let_in(error: domain::Error) -> Close {
    match error.code() {
        ErrorCode::Unauthenticated | ErrorCode::Forbidden => forbidden(),
        _ => Close::new(1013, Refusal::from(error).message),
    }
}

fn updates(desk: Arc<Desk>, operation: Operation, span: Span) -> BoxStream<'static, Update> {
    let items = match operation.kind {
        OperationType::Subscription => {
            stream::once(async move { desk.follow(operation).await }).flatten().boxed()
        }
        OperationType::Query | OperationType::Mutation => stream::once(async move {
            let response = desk.run(operation).instrument(span).await;
            Arc::new(Item::new(response, None))
        })
        .boxed(),
    };
    let updates = items.enumerate().map(|(index, item)| match (index, &item.refused) {
        (0, Some(errors)) => Update::Error(errors.clone()),
        _ => Update::Next(item),
    });
    updates.chain(stream::once(ready(Update::Complete))).boxed()
}
