use std::sync::{Arc, Mutex, MutexGuard};

use async_graphql::parser::types::ExecutableDocument;

use super::{bounded::Bounded, guard::select, order::Order};
use crate::graphql::Plan;

/// How much text of documents is remembered; parsed, it takes some twenty times as much.
const MOST_BYTES: usize = 512 * 1024;

/// A document that the guard has let in, and which of its operations is asked for.
#[derive(Debug)]
pub struct Asked {
    pub query: String,
    pub document: ExecutableDocument,
    pub operation_name: Option<String>,
    pub order: Order,
    /// The short way to its answer, where there is one.
    pub plan: Option<Plan>,
}

/// What has been asked before and was found valid: it is neither parsed nor checked against the
/// schema again.
pub struct Remembered(Mutex<Bounded<Arc<Asked>>>);

impl Asked {
    pub fn new(
        query: String,
        document: ExecutableDocument,
        operation_name: Option<String>,
    ) -> Self {
        let operation = select(&document.operations, operation_name.as_deref()).ok();
        let plan = operation.and_then(|operation| Plan::of(&document, operation));
        let order = operation.map(|operation| Order::of(&document, operation)).unwrap_or_default();
        Self { query, document, operation_name, order, plan }
    }
}

impl Remembered {
    pub fn new() -> Self {
        Self(Mutex::new(Bounded::new(MOST_BYTES)))
    }

    pub fn get(&self, query: &str, operation_name: Option<&str>) -> Option<Arc<Asked>> {
        self.lock().get(&key(query, operation_name)).cloned()
    }

    pub fn put(&self, asked: &Arc<Asked>) {
        let key = key(&asked.query, asked.operation_name.as_deref());
        let bytes = key.len();
        self.lock().put(key, bytes, asked.clone());
    }

    fn lock(&self) -> MutexGuard<'_, Bounded<Arc<Asked>>> {
        self.0.lock().expect("nothing panics while it holds this lock")
    }
}

/// No name of an operation has a line break.
fn key(query: &str, operation_name: Option<&str>) -> String {
    format!("{}\n{query}", operation_name.unwrap_or_default())
}
