use std::sync::{Arc, Mutex};

use async_graphql::{Context, Value};
use domain::{Call, ControlPlane, Error, Idempotency, events::Cursor};

use super::{live::LogTail, loaders::Loaders};
use crate::keys::TokenKeys;

/// The HTTP header `Idempotency-Key`, for a document with one mutation.
pub struct IdempotencyHeader(pub Option<String>);

/// What a change has been refused with that is not to be tried again.
pub struct Refused(Mutex<Option<Error>>);

impl Refused {
    pub fn new(error: Error) -> Self {
        Self(Mutex::new(Some(error)))
    }

    fn take(&self) -> Option<Error> {
        self.0.lock().expect("nothing panics while it holds this lock").take()
    }
}

/// The safe position when the operation began.
pub struct StartCursor(pub Cursor);

/// What a resolver reaches for.
pub(super) trait Ctx<'a> {
    fn control_plane(&self) -> &'a Arc<ControlPlane>;
    fn tail(&self) -> &'a Arc<LogTail>;
    fn call(&self) -> &'a Call;
    fn loaders(&self) -> &'a Loaders;
    /// The call of a mutation, under its idempotency key where it has one. Fails where the mutation
    /// has been refused already.
    fn keyed(&self, key: Option<String>) -> Result<Call, Error>;
    /// Whether the selection asks for this field right below.
    fn asks(&self, field: &str) -> bool;
}

impl<'a> Ctx<'a> for Context<'a> {
    fn control_plane(&self) -> &'a Arc<ControlPlane> {
        self.data_unchecked()
    }

    fn tail(&self) -> &'a Arc<LogTail> {
        self.data_unchecked()
    }

    fn call(&self) -> &'a Call {
        self.data_unchecked()
    }

    fn loaders(&self) -> &'a Loaders {
        self.data_unchecked()
    }

    fn keyed(&self, key: Option<String>) -> Result<Call, Error> {
        if let Some(error) = self.data_opt().and_then(Refused::take) {
            return Err(error);
        }
        let key = match key {
            Some(key) => Some(key),
            None => header(self)?,
        };
        let idempotency = key.map(|key| idempotency(self, key)).transpose()?;
        Ok(Call { idempotency, ..self.call().clone() })
    }

    fn asks(&self, field: &str) -> bool {
        self.look_ahead().field(field).exists()
    }
}

fn header(ctx: &Context<'_>) -> Result<Option<String>, Error> {
    let header: &IdempotencyHeader = ctx.data_unchecked();
    let Some(key) = header.0.clone() else {
        return Ok(None);
    };
    let mutations = ctx.query_env.operation.node.selection_set.node.items.len();
    if mutations == 1 {
        return Ok(Some(key));
    }
    Err(Error::invalid("Idempotency-Key", "is for a document with one mutation"))
}

fn idempotency(ctx: &Context<'_>, key: String) -> Result<Idempotency, Error> {
    if !(1..=255).contains(&key.chars().count()) || key.chars().any(char::is_control) {
        return Err(Error::invalid("idempotencyKey", "must be 1 to 255 printable characters"));
    }
    Ok(Idempotency { key, fingerprints: fingerprints(ctx)? })
}

/// Keyed hashes of the mutation and its arguments, the key itself left out: they tell inputs apart
/// and give none away. One by each key that is accepted, the current one first.
fn fingerprints(ctx: &Context<'_>) -> Result<Vec<String>, Error> {
    let arguments = ctx
        .field()
        .arguments()
        .map_err(|error| Error::internal(format!("arguments cannot be read: {}", error.message)))?;
    let mut arguments: Vec<(String, Value)> = arguments
        .into_iter()
        .filter(|(name, _)| name != "idempotencyKey")
        .map(|(name, value)| (name.to_string(), sorted(value)))
        .collect();
    arguments.sort_by(|a, b| a.0.cmp(&b.0));
    let mut input = ctx.field().name().to_owned();
    for (name, value) in arguments {
        input.push_str(&format!("\0{name}\0{value}"));
    }
    let keys: &TokenKeys = ctx.data_unchecked();
    Ok(keys.accepted().map(|key| key.keyed_hash([input.as_bytes()])).collect())
}

/// The same value with its object fields in one order.
fn sorted(value: Value) -> Value {
    match value {
        Value::List(items) => Value::List(items.into_iter().map(sorted).collect()),
        Value::Object(fields) => {
            let mut fields: Vec<_> =
                fields.into_iter().map(|(name, value)| (name, sorted(value))).collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(fields.into_iter().collect())
        }
        plain => plain,
    }
}
