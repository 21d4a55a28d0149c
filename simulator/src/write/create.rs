use std::sync::Arc;

use serde_json::{Value, json};

use super::validate;
use crate::{
    defaults,
    kinds::{Generation, Kind, NAMESPACE},
    object::{is_terminating, key, map_mut, remove, seconds, text},
    ownership::{Managers, Writer, record_update},
    schema,
    state::State,
    status_error::{Cause, Result, StatusError},
    storage::Key,
};

/// An object that may be stored, and its state before admission, which is what its writer owns.
pub(super) struct Draft {
    pub object: Value,
    pub given: Value,
}

impl State {
    /// Makes an object; `namespace` is empty for what is cluster-wide.
    pub fn create(
        &mut self,
        kind: &'static Kind,
        namespace: &str,
        object: Value,
        writer: &Writer<'_>,
    ) -> Result<Arc<Value>> {
        let Draft { object, given } = self.draft(kind, namespace, object)?;
        let managers = record_update(kind, &Value::Null, &given, writer, self.now);
        Ok(self.store_new(kind, object, &managers, writer))
    }

    /// The object as it will be stored, if it may be.
    pub(super) fn draft(
        &mut self,
        kind: &'static Kind,
        namespace: &str,
        mut object: Value,
    ) -> Result<Draft> {
        if !text(&object["metadata"]["resourceVersion"]).is_empty() {
            let message = "resourceVersion should not be set on objects to be created";
            return Err(StatusError::unclassified(message));
        }
        self.name(kind, &mut object)?;
        let name = text(&object["metadata"]["name"]).to_owned();
        self.admit_to_namespace(kind, namespace, &name)?;
        if let Some(existing) = self.storage.get(&Key::new(kind, namespace, &name)) {
            return Err(StatusError::already_exists(kind, &name, is_terminating(existing)));
        }

        if self.storage.is_full(kind) {
            let why = format!("the simulated cluster has no room for more {}", kind.plural);
            return Err(StatusError::forbidden(kind, &name, &why));
        }

        schema::tidy(&mut object, &schema::of_kind(kind.name));
        object["apiVersion"] = json!(kind.api_version());
        object["kind"] = json!(kind.name);
        self.stamp(kind, namespace, &mut object);
        defaults::fill(kind, &mut object);
        validate::object(kind, &Value::Null, &object)?;
        let given = object.clone();
        self.complete(kind, &mut object);
        self.admit_to_limits(kind, &mut object)?;
        defaults::initial_status(kind, &mut object);
        self.admit_to_quota(kind, &object)?;
        Ok(Draft { object, given })
    }

    pub(super) fn store_new(
        &mut self,
        kind: &'static Kind,
        mut object: Value,
        managers: &Managers,
        writer: &Writer<'_>,
    ) -> Arc<Value> {
        object["metadata"]["managedFields"] = managers.to_json();
        if writer.dry_run {
            return Arc::new(object);
        }
        self.put(&key(kind, &object), object)
    }

    fn name(&mut self, kind: &Kind, object: &mut Value) -> Result<()> {
        let metadata = map_mut(&mut object["metadata"]);
        if metadata.get("name").is_some_and(|name| !text(name).is_empty()) {
            return Ok(());
        }
        let prefix = metadata.get("generateName").map(text).unwrap_or_default();
        if prefix.is_empty() {
            let why = "name or generateName is required";
            return Err(StatusError::invalid(kind, "", &[Cause::required("metadata.name", why)]));
        }
        let name = format!("{prefix}{}", self.ids.suffix());
        metadata.insert("name".into(), json!(name));
        Ok(())
    }

    fn admit_to_namespace(&self, kind: &Kind, namespace: &str, name: &str) -> Result<()> {
        if !kind.namespaced {
            return Ok(());
        }
        match self.storage.get(&Key::new(&NAMESPACE, "", namespace)) {
            None => Err(StatusError::not_found(&NAMESPACE, namespace)),
            Some(found) if is_terminating(found) => {
                Err(StatusError::namespace_terminating(kind, name, namespace))
            }
            Some(_) => Ok(()),
        }
    }

    fn stamp(&mut self, kind: &Kind, namespace: &str, object: &mut Value) {
        let uid = self.ids.uid();
        let metadata = &mut object["metadata"];
        for field in [
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "generation",
            "selfLink",
            "managedFields",
        ] {
            remove(metadata, field);
        }
        if kind.namespaced {
            metadata["namespace"] = json!(namespace);
        } else {
            remove(metadata, "namespace");
        }
        metadata["uid"] = json!(uid);
        metadata["creationTimestamp"] = json!(seconds(self.now));
        if kind.generation != Generation::Absent {
            metadata["generation"] = json!(1);
        }
    }
}
