use std::{panic::AssertUnwindSafe, sync::Arc};

use async_graphql::{Response, parser::types::OperationType, to_value};
use domain::{Call, Error, error::ErrorCode, identity::Caller};
use futures::{FutureExt, Stream, StreamExt, future::Either, stream};
use tracing::{Instrument, info_span};

use super::{
    address::Address,
    answer::Outcome,
    asked::Asked,
    bill::Bill,
    budgets::Payer,
    errors::{self, code_of, is_request_error},
    fields,
    front_door::Desk,
    guard::{self, Admitted},
    in_time::in_time,
    joinable::Joinable,
    measured::{Following, measured},
    nulls::Nulls,
    params::Params,
    question::{Item, Question},
    refusal::Refusal,
};
use crate::{
    graphql::{Answer, Leave, Place, Reader, Refused, Schema},
    metrics::Transport,
};

/// What the engine says of a subscription that is executed like a query.
const NOT_A_QUERY: &str = "Subscriptions are not supported on this transport.";

/// An admitted operation with everything it runs with.
pub struct Operation {
    pub kind: OperationType,
    pub transport: Transport,
    /// Where the reader of its items stands, if it has any.
    pub place: Arc<Place>,
    question: Question,
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
        let Asker { transport, address, caller, request_id, idempotency_key, last_event_id } =
            asker;
        let call = Call {
            caller,
            address: Some(address.ip()),
            request_id: Some(request_id),
            idempotency: None,
        };
        let place = Arc::new(Place::new(last_event_id, self.look_every()));
        let Admitted { asked, kind, is_known, .. } = admitted;
        let variables = params.variables;
        let question = Question { asked, is_known, variables, call, idempotency_key };
        Ok(Operation { kind, transport, place, question, bill })
    }

    /// Runs a query within its time; a mutation to its end, whether anybody waits for it or not.
    pub async fn run(self: &Arc<Self>, operation: Operation) -> Outcome {
        let (kind, transport) = (operation.kind, operation.transport);
        let span = info_span!(
            "execute",
            graphql.operation.r#type = %kind,
            graphql.operation.name = operation.question.asked.operation_name,
        );
        let execution = Box::pin(execute(Arc::clone(self), operation).instrument(span));
        let metrics = Arc::clone(&self.door.metrics);
        if kind == OperationType::Mutation {
            let execution = measured(metrics, transport, kind, execution);
            let task = self.door.tasks.spawn(execution.in_current_span());
            return task.await.unwrap_or_else(|_| interrupted().into());
        }
        let time = self.limits().query_time;
        let execution = in_time(time, execution).map(move |done| {
            done.unwrap_or_else(|| {
                let message = format!("the query took longer than {} s", time.as_secs());
                Refusal::new(ErrorCode::Unavailable, message).into_response().into()
            })
        });
        measured(metrics, transport, kind, execution).await
    }

    /// Goes the short way, where there is one for what was found valid before.
    async fn shortcut(&self, operation: &Operation) -> Result<Answer, Leave> {
        let Question { asked, is_known, variables, call, idempotency_key, .. } =
            &operation.question;
        let plan = asked.plan.as_ref().filter(|_| *is_known).ok_or(Leave::Untried)?;
        let (control_plane, has_key) = (&self.door.control_plane, idempotency_key.is_some());
        plan.run(&Reader { control_plane, call, variables, has_key }).await
    }

    /// A query that was found valid before is so again, unless by its variables: then the engine
    /// has an objection, and says what it would have said at first.
    async fn execute(&self, operation: &Operation, refused: Option<Error>) -> Response {
        if operation.question.is_known && operation.kind == OperationType::Query {
            let response = self.execute_on(&self.door.unchecked, operation, None).await;
            if response.errors.iter().all(|error| code_of(error).is_some()) {
                return response;
            }
        }
        self.execute_on(&self.door.schema, operation, refused).await
    }

    async fn execute_on(
        &self,
        schema: &Schema,
        operation: &Operation,
        refused: Option<Error>,
    ) -> Response {
        let (request, batches) = self.request(&operation.question, &operation.place);
        let request = match refused {
            Some(error) => request.data(Refused::new(error)),
            None => request,
        };
        batches.drive(schema.execute(request)).await
    }

    /// The items of a subscription.
    pub async fn follow(
        self: &Arc<Self>,
        operation: Operation,
    ) -> impl Stream<Item = Arc<Item>> + Send + use<> {
        let Operation { transport, mut question, place, .. } = operation;
        let mut following = Following::new(&self.door.metrics, transport);
        question.is_known = self.is_valid(&question, &place).await;
        let by_cursor = |field: &str| self.feeds.fields.contains(field);
        let joinable = Joinable::of(&question, &place, by_cursor).filter(|_| question.is_known);
        let items = match joinable {
            None => Either::Left(self.items(&question, place).map(Arc::new)),
            Some(joinable) => Either::Right(match self.join(joinable, place).await {
                Ok(reader) => Either::Left(reader.items()),
                Err(error) => {
                    let refused = Item::new(Refusal::from(error).into_response(), None);
                    Either::Right(stream::iter([Arc::new(refused)]))
                }
            }),
        };
        items.inspect(move |item| following.note(item.code))
    }

    /// Whether the engine has no objection to a subscription with its variables. It tells when it is asked to execute
    /// one as if it were a query, which it refuses for that alone.
    async fn is_valid(&self, question: &Question, place: &Arc<Place>) -> bool {
        let (request, _) = self.request(question, place);
        let refused = self.door.schema.execute(request).await;
        let is_valid = refused.errors.iter().all(|error| error.message == NOT_A_QUERY);
        if is_valid {
            self.remembered.put(&question.asked);
        }
        is_valid
    }
}

async fn execute(desk: Arc<Desk>, operation: Operation) -> Outcome {
    let Ok(answer) = AssertUnwindSafe(desk.shortcut(&operation)).catch_unwind().await else {
        return panicked().into();
    };
    // A change costs what it was taken to cost, whatever it answers with.
    let is_query = operation.kind == OperationType::Query;
    let refused = match answer {
        Ok(answer) => {
            desk.door.metrics.operations.went_compiled();
            let came_to = is_query.then(|| guard::OPERATION + answer.objects);
            return Outcome::compiled(&answer, &operation.bill.settle(came_to));
        }
        Err(Leave::Untried) => None,
        Err(Leave::Refused(error)) => Some(error),
    };
    let execution = AssertUnwindSafe(desk.execute(&operation, refused)).catch_unwind();
    let Ok(mut response) = execution.await else {
        return panicked().into();
    };
    let Question { asked, is_known, .. } = &operation.question;
    if !is_known && !is_request_error(&response) {
        desk.remembered.put(asked);
    }
    let came_to = is_query.then(|| guard::OPERATION + asked.order.objects(&response.data));
    settle(&mut response, &desk.nulls, asked);
    let cost = to_value(operation.bill.settle(came_to));
    response.extension("cost", cost.unwrap_or_default()).into()
}

pub fn settle(response: &mut Response, nulls: &Nulls, asked: &Asked) {
    if !response.errors.is_empty() {
        nulls.restore(asked, response);
        errors::settle(response);
        fields::name(&mut response.errors, asked);
    }
    asked.order.arrange(&mut response.data);
}

/// The panic itself has been reported by the panic hook.
pub fn panicked() -> Response {
    tracing::error!("an operation panicked");
    Refusal::internal().into_response()
}

/// The runtime is going down with the task.
fn interrupted() -> Response {
    Refusal::new(ErrorCode::Unavailable, "the server is stopping").into_response()
}
