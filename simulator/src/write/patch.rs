use std::sync::Arc;

use serde_json::Value;

use super::strategic;
use crate::{
    kinds::Kind,
    object::name,
    ownership::Writer,
    schema::{self, Fault},
    state::State,
    status_error::{Result, StatusError},
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
    pub fn patch(&mut self, key: &Key, patch: &Patch, writer: &Writer<'_>) -> Result<Arc<Value>> {
        let old = self.existing(key)?;
        let wanted = patch.applied_to((*old).clone(), key.kind.name)?;
        if name(&wanted) != key.name {
            return Err(StatusError::bad_request(format!(
                "the name of the object ({}) does not match the name on the URL ({})",
                name(&wanted),
                key.name
            )));
        }
        refuse_misfits(key.kind, &wanted)?;
        self.update(key, wanted, writer)
    }
}

/// A patch can put anything anywhere; what does not fit the types goes no further.
fn refuse_misfits(kind: &Kind, object: &Value) -> Result<()> {
    let faults = schema::check(object, &schema::of_kind(kind.name));
    match faults.iter().find_map(Fault::misfit) {
        None => Ok(()),
        Some(why) => Err(StatusError::undecodable(kind, &why)),
    }
}
