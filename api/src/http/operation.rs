use std::{panic::AssertUnwindSafe, sync::Arc};

use async_graphql::{Request, Response, parser::types::OperationType};
use domain::{Call, error::ErrorCode, identity::Caller};
use futures::{FutureExt, Stream, StreamExt};
use tokio::time::timeout;
use tracing::{Instrument, info_span};

use super::{
    address::Address,
    bill::Bill,
    budgets::Payer,
    errors, fields,
    front_door::Desk,
    guard::{self, Admitted},
    measured::{Following, measured},
    nulls::{Asked, Nulls},
    order::Order,
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
    asked: Asked,
    order: Order,
    request: Request,
    batches: Batches,
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
        let admitted = self.guard.admit(params)?;
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
        let Params { query, operation_name, variables, .. } = params;
        let order = Order::of(&admitted.document, operation_name.as_deref());
        let asked = Asked { query, operation_name: operation_name.clone() };
        let mut request = Request::new("").variables(variables);
        request.operation_name = operation_name;
        request.set_parsed_query(admitted.document);
        let Asker { transport, address, caller, request_id, idempotency_key, last_event_id } =
            asker;
        let call = Call {
            caller,
            address: Some(address.ip()),
            request_id: Some(request_id),
            idempotency: None,
        };
        let (control_plane, tail) = (&self.door.control_plane, &self.door.tail);
        let (request, batches) = attach(request, control_plane, tail, call, idempotency_key);
        let limits = self.limits();
        let look_every = limits.ping_after.min(limits.heartbeat_after) / 3;
        let place = Arc::new(Place::new(last_event_id, look_every));
        let request = request.data(Arc::clone(&place));
        let kind = admitted.kind;
        Ok(Operation { kind, transport, place, asked, order, request, batches, bill })
    }

    /// Runs a query within its time; a mutation to its end, whether anybody waits for it or not.
    pub async fn run(&self, operation: Operation) -> Response {
        let (kind, transport) = (operation.kind, operation.transport);
        let span = info_span!(
            "execute",
            graphql.operation.r#type = %kind,
            graphql.operation.name = operation.asked.operation_name,
        );
        let execution = execute(self.door.schema.clone(), Arc::clone(&self.nulls), operation);
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

    /// The items of a subscription.
    pub fn follow(&self, operation: Operation) -> impl Stream<Item = Response> + use<> {
        let Operation { transport, asked, order, request, batches, .. } = operation;
        let nulls = Arc::clone(&self.nulls);
        let mut following = Following::new(&self.door.metrics, transport);
        let items = self.door.schema.execute_stream(request);
        let items = AssertUnwindSafe(batches.drive_stream(items)).catch_unwind();
        items.map(move |item| {
            let mut item = item.unwrap_or_else(|_| panicked());
            settle(&mut item, &nulls, &asked, &order);
            following.note(&item);
            item
        })
    }
}

async fn execute(schema: Schema, nulls: Arc<Nulls>, operation: Operation) -> Response {
    let execution = operation.batches.drive(schema.execute(operation.request));
    let execution = AssertUnwindSafe(execution).catch_unwind();
    let Ok(mut response) = execution.await else {
        return panicked();
    };
    // A change costs what it was taken to cost, whatever it answers with.
    let came_to = (operation.kind == OperationType::Query)
        .then(|| guard::OPERATION + operation.order.objects(&response.data));
    settle(&mut response, &nulls, &operation.asked, &operation.order);
    response.extension("cost", operation.bill.settle(came_to))
}

fn settle(response: &mut Response, nulls: &Nulls, asked: &Asked, order: &Order) {
    if !response.errors.is_empty() {
        nulls.restore(asked, response);
        errors::settle(response);
        fields::name(&mut response.errors, asked);
    }
    order.arrange(&mut response.data);
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
