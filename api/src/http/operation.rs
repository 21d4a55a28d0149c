use std::panic::AssertUnwindSafe;

use async_graphql::{Request, Response, parser::types::OperationType};
use domain::{error::ErrorCode, identity::Caller};
use futures::{FutureExt, Stream, StreamExt};
use tokio::time::timeout;
use tracing::Instrument;

use super::{errors::settle, front_door::Desk, guard::Admitted, params::Params, refusal::Refusal};
use crate::graphql::{Schema, attach};

/// An admitted operation with everything it runs with.
pub struct Operation {
    pub kind: OperationType,
    request: Request,
}

/// Who asks, and under which names.
pub struct Asker {
    pub caller: Caller,
    pub request_id: String,
    pub idempotency_key: Option<String>,
}

impl Desk {
    pub fn operation(&self, params: Params, admitted: Admitted, asker: Asker) -> Operation {
        let mut request = Request::new(params.query).variables(params.variables);
        request.operation_name = params.operation_name;
        request.set_parsed_query(admitted.document);
        let Asker {
            caller,
            request_id,
            idempotency_key,
        } = asker;
        let (control_plane, tail) = (&self.door.control_plane, &self.door.tail);
        let request = attach(
            request,
            control_plane,
            tail,
            caller,
            request_id,
            idempotency_key,
        );
        Operation {
            kind: admitted.kind,
            request,
        }
    }

    /// Runs a query within its time; a mutation to its end, whether anybody waits for it or not.
    pub async fn run(&self, operation: Operation) -> Response {
        let execution = execute(self.door.schema.clone(), operation.request);
        if operation.kind == OperationType::Mutation {
            let task = self.door.tasks.spawn(execution.in_current_span());
            return task.await.unwrap_or_else(|_| interrupted());
        }
        let time = self.door.limits.query_time;
        timeout(time, execution).await.unwrap_or_else(|_| {
            let message = format!("the query took longer than {} s", time.as_secs());
            Refusal::new(ErrorCode::Unavailable, message).into_response()
        })
    }

    /// The items of a subscription.
    pub fn follow(&self, operation: Operation) -> impl Stream<Item = Response> + use<> {
        let items = self.door.schema.execute_stream(operation.request);
        AssertUnwindSafe(items)
            .catch_unwind()
            .map(|item| match item {
                Ok(mut item) => {
                    settle(&mut item);
                    item
                }
                Err(_) => panicked(),
            })
    }
}

async fn execute(schema: Schema, request: Request) -> Response {
    let execution = AssertUnwindSafe(schema.execute(request)).catch_unwind();
    let Ok(mut response) = execution.await else {
        return panicked();
    };
    settle(&mut response);
    response
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
