use std::{panic::AssertUnwindSafe, sync::Arc};

use async_graphql::{Request, Response, Variables, parser::types::OperationType};
use domain::{Call, error::ErrorCode, identity::Caller};
use futures::{FutureExt, Stream, StreamExt};
use tokio::time::timeout;
use tracing::{Instrument, info_span};

use super::{
    address::Address,
    asked::Asked,
    bill::Bill,
    budgets::Payer,
    errors::{self, code_of, is_request_error},
    fields,
    front_door::Desk,
    guard::{self, Admitted},
    measured::{Following, measured},
    nulls::Nulls,
    params::Params,
    refusal::Refusal,
};
use crate::{
    graphql::{Batches, Place, Schema, attach},
    metrics::Transport,
};

/// An admitted operation with everything it runs with.
pub struct Operation {
    pub kind: OperationType,
    pub transport: Transport,
    /// Where the reader of its items stands, if it has any.
    pub place: Arc<Place>,
    asked: Arc<Asked>,
    /// To be remembered if the engine finds it valid; none for what is remembered.
    query: Option<String>,
    variables: Variables,
    call: Call,
    idempotency_key: Option<String>,
    bill: Bill,
}

/// Who asks, and under which names.
pub struct Asker {
    pub transport: Transport,
    pub address: Address,
    pub caller: Caller,
    pub request_id: String,
    pub idempotency_key: Option<String>,
    /// The last item that a reader has who comes back.
    pub last_event_id: Option<String>,
}

impl Desk {
    /// What a client asks for, if it may run.
    pub fn admit(&self, params: &mut Params) -> Result<Admitted, Refusal> {
        self.documents.complete(params)?;
        let known = self.remembered.get(&params.query, params.operation_name.as_deref());
        let admitted = match known {
            Some(asked) => self.guard.readmit(asked, &params.variables)?,
            None => self.guard.admit(params)?,
        };
        self.documents.keep(params);
        Ok(admitted)
    }

    /// An admitted operation, ready to run and charged to whoever asks.
    pub fn operation(
        self: &Arc<Self>,
        params: Params,
        admitted: Admitted,
        asker: Asker,
    ) -> Result<Operation, Refusal> {
        let payer = Payer::of(&asker.caller, asker.address);
        let bill = Bill::charge(self, payer, admitted.cost)?;
        let Params { query, variables, .. } = params;
        let Asker { transport, address, caller, request_id, idempotency_key, last_event_id } =
            asker;
        let call = Call {
            caller,
            address: Some(address.ip()),
            request_id: Some(request_id),
            idempotency: None,
        };
        let limits = self.limits();
        let look_every = limits.ping_after.min(limits.heartbeat_after) / 3;
        let place = Arc::new(Place::new(last_event_id, look_every));
        let Admitted { asked, kind, is_known, .. } = admitted;
        let query = Some(query).filter(|_| !is_known);
        Ok(Operation {
            kind,
            transport,
            place,
            asked,
            query,
            variables,
            call,
            idempotency_key,
            bill,
        })
    }

    /// Runs a query within its time; a mutation to its end, whether anybody waits for it or not.
    pub async fn run(self: &Arc<Self>, operation: Operation) -> Response {
        let (kind, transport) = (operation.kind, operation.transport);
        let span = info_span!(
            "execute",
            graphql.operation.r#type = %kind,
            graphql.operation.name = operation.asked.operation_name,
        );
        let execution = execute(Arc::clone(self), operation);
        let execution = execution.instrument(span);
        let metrics = Arc::clone(&self.door.metrics);
        if kind == OperationType::Mutation {
            let execution = measured(metrics, transport, kind, execution);
            let task = self.door.tasks.spawn(execution.in_current_span());
            return task.await.unwrap_or_else(|_| interrupted());
        }
        let time = self.limits().query_time;
        let execution = timeout(time, execution).map(move |done| {
            done.unwrap_or_else(|_| {
                let message = format!("the query took longer than {} s", time.as_secs());
                Refusal::new(ErrorCode::Unavailable, message).into_response()
            })
        });
        measured(metrics, transport, kind, execution).await
    }

    /// A query that was found valid before is so again, unless by its variables: then the engine
    /// has an objection, and says what it would have said at first.
    async fn execute(&self, operation: &Operation) -> Response {
        if operation.query.is_none() && operation.kind == OperationType::Query {
            let response = self.execute_on(&self.door.unchecked, operation).await;
            if response.errors.iter().all(|error| code_of(error).is_some()) {
                return response;
            }
        }
        self.execute_on(&self.door.schema, operation).await
    }

    async fn execute_on(&self, schema: &Schema, operation: &Operation) -> Response {
        let (request, batches) = self.request(operation);
        batches.drive(schema.execute(request)).await
    }

    /// The request to the engine, with what is to be run beside it.
    fn request(&self, operation: &Operation) -> (Request, Batches) {
        let Operation { asked, variables, call, idempotency_key, place, .. } = operation;
        let mut request = Request::new("").variables(variables.clone());
        request.operation_name = asked.operation_name.clone();
        request.set_parsed_query(asked.document.clone());
        let (control_plane, tail) = (&self.door.control_plane, &self.door.tail);
        let request = request.data(Arc::clone(place));
        attach(request, control_plane, tail, call.clone(), idempotency_key.clone())
    }

    /// The items of a subscription.
    pub fn follow(&self, operation: Operation) -> impl Stream<Item = Response> + use<> {
        let (request, batches) = self.request(&operation);
        let Operation { transport, asked, .. } = operation;
        let nulls = Arc::clone(&self.nulls);
        let mut following = Following::new(&self.door.metrics, transport);
        let items = self.door.schema.execute_stream(request);
        let items = AssertUnwindSafe(batches.drive_stream(items)).catch_unwind();
        items.map(move |item| {
            let mut item = item.unwrap_or_else(|_| panicked());
            settle(&mut item, &nulls, &asked);
            following.note(&item);
            item
        })
    }
}

async fn execute(desk: Arc<Desk>, operation: Operation) -> Response {
    let Ok(mut response) = AssertUnwindSafe(desk.execute(&operation)).catch_unwind().await else {
        return panicked();
    };
    let Operation { asked, query, .. } = &operation;
    if let Some(query) = query.as_ref().filter(|_| !is_request_error(&response)) {
        desk.remembered.put(query, asked);
    }
    // A change costs what it was taken to cost, whatever it answers with.
    let came_to = (operation.kind == OperationType::Query)
        .then(|| guard::OPERATION + asked.order.objects(&response.data));
    settle(&mut response, &desk.nulls, asked);
    response.extension("cost", operation.bill.settle(came_to))
}

fn settle(response: &mut Response, nulls: &Nulls, asked: &Asked) {
    if !response.errors.is_empty() {
        nulls.restore(asked, response);
        errors::settle(response);
        fields::name(&mut response.errors, asked);
    }
    asked.order.arrange(&mut response.data);
}

/// The panic itself has been reported by the panic hook.
fn panicked() -> Response {
    tracing::error!("an operation panicked");
    Refusal::internal().into_response()
}

/// The runtime is going down with the task.
fn interrupted() -> Response {
    Refusal::new(ErrorCode::Unavailable, "the server is stopping").into_response()
}
