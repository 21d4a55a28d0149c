use std::sync::Arc;

use serde_json::Value;

use super::strategic;
use crate::{
    kinds::Kind,
    object::name,
    ownership::Writer,
    schema::{self, Fault},
    state::State,
    status_error::{Cause, Result, StatusError},
    storage::Key,
};

/// A change to an object, other than an apply.
pub(crate) enum Patch {
    Merge(Value),
    Json(json_patch::Patch),
    Strategic(Value),
}

impl Patch {
    /// `object` with this done to it.
    pub fn applied_to(&self, mut object: Value, kind: &str) -> Result<Value> {
        match self {
            Self::Merge(patch) => json_patch::merge(&mut object, patch),
            Self::Json(patch) => json_patch::patch(&mut object, patch)
                .map_err(|_| StatusError::unprocessable_patch())?,
            Self::Strategic(patch) => {
                strategic::merge(&mut object, patch, &schema::of_kind(kind));
            }
        }
        if object["metadata"].is_object() {
            Ok(object)
        } else {
            Err(StatusError::unprocessable_patch())
        }
    }
}

impl State {
    /// The object and the fields in it that its kind does not know.
    pub fn patch(
        &mut self,
        key: &Key,
        patch: &Patch,
        writer: &Writer<'_>,
        strict: bool,
    ) -> Result<(Arc<Value>, Vec<String>)> {
        let old = self.existing(key)?;
        let wanted = patch.applied_to((*old).clone(), key.kind.name)?;
        if name(&wanted) != key.name {
            return Err(StatusError::bad_request(format!(
                "the name of the object ({}) does not match the name on the URL ({})",
                name(&wanted),
                key.name
            )));
        }
        let unknown = unknown_fields(key.kind, &wanted)?;
        if strict && !unknown.is_empty() {
            let why = format!("strict decoding error: {}", unknown.join(", "));
            let cause = Cause::invalid("patch", &format!("{:?}", wanted.to_string()), &why);
            return Err(StatusError::invalid_as("", "", "", &[cause]));
        }
        Ok((self.update(key, wanted, writer)?, unknown))
    }
}

/// A patch can put anything anywhere; what does not fit the types goes no further.
fn unknown_fields(kind: &Kind, object: &Value) -> Result<Vec<String>> {
    let faults = schema::check(object, &schema::of_kind(kind.name));
    match faults.iter().find_map(Fault::misfit) {
        None => Ok(faults.iter().filter_map(Fault::unknown).collect()),
        Some(why) => Err(StatusError::undecodable(kind, &why)),
    }
}
