use std::{panic::AssertUnwindSafe, sync::Arc};

use async_graphql::{Request, ServerError, Variables};
use domain::{Call, error::ErrorCode, events::Cursor};
use futures::{Stream, StreamExt};

use super::{
    answer::{Outcome, Written},
    asked::Asked,
    errors::{code_of, is_request_error},
    front_door::Desk,
    operation::{panicked, settle},
};
use crate::graphql::{Batches, Place, attach};

/// What is asked, with what, and by whom.
#[derive(Clone)]
pub struct Question {
    pub asked: Arc<Asked>,
    /// Whether the engine has found the document valid before.
    pub is_known: bool,
    pub variables: Variables,
    pub call: Call,
    pub idempotency_key: Option<String>,
}

/// What a subscription yields, as it is written.
pub struct Item {
    pub text: String,
    /// What a reader resumes by.
    pub id: Option<String>,
    pub code: Option<ErrorCode>,
    /// Where the subscription did not begin.
    pub refused: Option<Vec<ServerError>>,
}

impl Desk {
    /// The request to the engine, with what is to be run beside it.
    pub fn request(&self, question: &Question, place: &Arc<Place>) -> (Request, Batches) {
        let Question { asked, variables, call, idempotency_key, .. } = question;
        let mut request = Request::new("").variables(variables.clone()).data(Arc::clone(place));
        request.operation_name = asked.operation_name.clone();
        request.set_parsed_query(asked.document.clone());
        let (control_plane, tail) = (&self.door.control_plane, &self.door.tail);
        attach(request, control_plane, tail, call.clone(), idempotency_key.clone())
    }

    /// The items of a subscription that is executed for one reader.
    pub fn items(
        &self,
        question: &Question,
        place: Arc<Place>,
    ) -> impl Stream<Item = Item> + Send + use<> {
        let (request, batches) = self.request(question, &place);
        let (asked, nulls) = (Arc::clone(&question.asked), Arc::clone(&self.nulls));
        let schema = if question.is_known { &self.door.unchecked } else { &self.door.schema };
        let items = batches.drive_stream(schema.execute_stream(request));
        AssertUnwindSafe(items).catch_unwind().map(move |item| {
            let mut item = item.unwrap_or_else(|_| panicked());
            settle(&mut item, &nulls, &asked);
            Item::new(item, place.take_item())
        })
    }
}

impl Item {
    pub fn new(outcome: impl Into<Outcome>, id: Option<String>) -> Self {
        let response = match outcome.into() {
            Outcome::Executed(response) => response,
            Outcome::Compiled(text) => return Self { text, id, code: None, refused: None },
        };
        let code = response.errors.first().and_then(code_of);
        let refused = is_request_error(&response).then(|| response.errors.clone());
        let text = serde_json::to_string(&Written::from(response));
        let text = text.expect("a response has no keys but texts");
        Self { text, id, code, refused }
    }

    /// Of the event that it is about; none of an error.
    pub fn cursor(&self) -> Option<Cursor> {
        self.id.as_ref()?.parse().ok()
    }
}
