use std::sync::Arc;

use serde_json::{Value, json};

use super::validate;
use crate::{
    defaults,
    kinds::{Generation, Kind, LEASE, NAMESPACE, POD},
    object::{entries, is_empty, is_terminating, items, remove, text, uid, version},
    ownership::{Applied, Managers, Operation, Writer, apply, record_update},
    schema,
    state::State,
    status_error::{Cause, Result, StatusError},
    storage::Key,
};

impl State {
    /// Puts `wanted` in the place of an object; the writer's subresource bounds what changes.
    pub fn update(&mut self, key: &Key, wanted: Value, writer: &Writer<'_>) -> Result<Arc<Value>> {
        let old = self.existing(key)?;
        require_version(key, &wanted)?;
        require_same_uid(key, &old, &wanted)?;
        let new = revised(key, &old, wanted, writer)?;
        let managers = record_update(key.kind, &old, &new, writer, self.now);
        Ok(self.store_revised(key, &old, new, managers, writer, Operation::Update))
    }

    /// Server-side apply. The answer says whether the object is new.
    pub fn apply(
        &mut self,
        key: &Key,
        mut config: Value,
        writer: &Writer<'_>,
        force: bool,
    ) -> Result<(Arc<Value>, bool)> {
        schema::tidy(&mut config, &schema::of_kind(key.kind.name));
        let Some(old) = self.get(key) else {
            if writer.subresource == "status" {
                return Err(StatusError::not_found(key.kind, &key.name));
            }
            let Applied { object, mut managers } =
                apply(key.kind, &Value::Null, &config, writer, force)?;
            let object = self.draft(key.kind, &key.namespace, object)?.object;
            managers.date(writer, Operation::Apply, self.now);
            return Ok((self.store_new(key.kind, object, &managers, writer), true));
        };
        refuse_other_uid(key, &old, &config)?;
        let Applied { object, managers } = apply(key.kind, &old, &config, writer, force)?;
        let new = revised(key, &old, object, writer)?;
        let stored = self.store_revised(key, &old, new, managers, writer, Operation::Apply);
        Ok((stored, false))
    }

    /// Writes a controller's view of an object, if it is still there.
    pub fn set_status(&mut self, key: &Key, status: Value, manager: &str) {
        if let Some(old) = self.get(key)
            && old["status"] != status
        {
            let mut wanted = (*old).clone();
            wanted["status"] = status;
            self.write(key, wanted, &Writer::status(manager));
        }
    }

    /// A controller's write. It holds the lock, so that only a rule can refuse it.
    pub fn write(&mut self, key: &Key, wanted: Value, writer: &Writer<'_>) {
        if let Err(refusal) = self.update(key, wanted, writer) {
            tracing::debug!(object = ?key, refusal = refusal.message(), "a controller was refused");
        }
    }

    pub fn existing(&self, key: &Key) -> Result<Arc<Value>> {
        self.get(key).ok_or_else(|| StatusError::not_found(key.kind, &key.name))
    }

    fn store_revised(
        &mut self,
        key: &Key,
        old: &Arc<Value>,
        mut new: Value,
        mut managers: Managers,
        writer: &Writer<'_>,
        operation: Operation,
    ) -> Arc<Value> {
        let changed = !is_same(old, &new);
        if !changed && managers.same_owners(&Managers::of(old)) {
            return Arc::clone(old);
        }
        if changed && operation == Operation::Apply {
            managers.date(writer, operation, self.now);
        }
        new["metadata"]["managedFields"] = managers.to_json();
        if managers.0.is_empty() {
            remove(&mut new["metadata"], "managedFields");
        }
        if writer.subresource != "status" && grows(key.kind, old, &new) {
            let generation = old["metadata"]["generation"].as_i64().unwrap_or(1);
            new["metadata"]["generation"] = json!(generation + 1);
        }
        if writer.dry_run {
            return Arc::new(new);
        }
        if is_released(key.kind, &new) {
            self.remove(key, new.clone());
            return Arc::new(new);
        }
        self.put(key, new)
    }
}

/// What of `wanted` this write may change, with defaults, laid over `old`.
fn revised(key: &Key, old: &Value, mut wanted: Value, writer: &Writer<'_>) -> Result<Value> {
    let given = version(&wanted);
    if !given.is_empty() && given != version(old) {
        return Err(StatusError::modified(key.kind, &key.name));
    }
    if writer.subresource == "status" {
        let new = with_status(old, &mut wanted);
        validate::status(key.kind, &new)?;
        return Ok(new);
    }
    let status = remove(&mut wanted, "status");
    schema::tidy(&mut wanted, &schema::of_kind(key.kind.name));
    if key.kind.status {
        wanted["status"] = old["status"].clone();
    } else if let Some(status) = status {
        wanted["status"] = status;
    }
    carry_over(key.kind, old, &mut wanted);
    defaults::carry_over(key.kind, old, &mut wanted);
    defaults::fill(key.kind, &mut wanted);
    refuse_new_finalizers(key, old, &wanted)?;
    validate::object(key.kind, old, &wanted)?;
    Ok(wanted)
}

/// The status of `wanted`, and its annotations, in which controllers keep notes beside it.
fn with_status(old: &Value, wanted: &mut Value) -> Value {
    let mut new = old.clone();
    new["status"] = wanted["status"].take();
    match remove(&mut wanted["metadata"], "annotations") {
        Some(annotations) if !is_empty(&annotations) => {
            new["metadata"]["annotations"] = annotations;
        }
        _ => {
            remove(&mut new["metadata"], "annotations");
        }
    }
    new
}

fn carry_over(kind: &Kind, old: &Value, wanted: &mut Value) {
    wanted["apiVersion"] = json!(kind.api_version());
    wanted["kind"] = json!(kind.name);
    for field in [
        "name",
        "generateName",
        "namespace",
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
        "managedFields",
    ] {
        match &old["metadata"][field] {
            Value::Null => {
                remove(&mut wanted["metadata"], field);
            }
            value => wanted["metadata"][field] = value.clone(),
        }
    }
}

fn require_version(key: &Key, wanted: &Value) -> Result<()> {
    if *key.kind == LEASE && version(wanted).is_empty() {
        let cause =
            Cause::invalid("metadata.resourceVersion", "0", "must be specified for an update");
        return Err(StatusError::invalid_as(key.kind.plural, key.kind.group, &key.name, &[cause]));
    }
    Ok(())
}

fn require_same_uid(key: &Key, old: &Value, wanted: &Value) -> Result<()> {
    let given = uid(wanted);
    if given.is_empty() || given == uid(old) {
        return Ok(());
    }
    let why = format!(
        "StorageError: invalid object, Code: 4, Key: /registry/{}/{}/{}, ResourceVersion: 0, \
         AdditionalErrorMsg: Precondition failed: UID in precondition: {given}, UID in object \
         meta: {}",
        key.kind.plural,
        key.namespace,
        key.name,
        uid(old)
    );
    Err(StatusError::uid_mismatch(key.kind, &key.name, &why))
}

/// An apply names each fault twice, as the real server does.
fn refuse_other_uid(key: &Key, old: &Value, config: &Value) -> Result<()> {
    let given = uid(config);
    if given.is_empty() || given == uid(old) {
        return Ok(());
    }
    let cause = Cause::invalid("metadata.uid", &format!("{given:?}"), "field is immutable");
    let causes = [cause.clone(), cause];
    Err(StatusError::invalid(key.kind, &key.name, &causes))
}

fn refuse_new_finalizers(key: &Key, old: &Value, new: &Value) -> Result<()> {
    if !is_terminating(old) {
        return Ok(());
    }
    let former = items(&old["metadata"]["finalizers"]);
    let added: Vec<String> = items(&new["metadata"]["finalizers"])
        .iter()
        .filter(|finalizer| !former.contains(finalizer))
        .map(|finalizer| format!("{:?}", text(finalizer)))
        .collect();
    if added.is_empty() {
        return Ok(());
    }
    let why = format!(
        "no new finalizers can be added if the object is being deleted, found new finalizers \
         []string{{{}}}",
        added.join(", ")
    );
    let cause = Cause::forbidden("metadata.finalizers", &why);
    Err(StatusError::invalid(key.kind, &key.name, &[cause.clone(), cause]))
}

/// Whether two states differ at most in the bookkeeping of the server.
fn is_same(old: &Value, new: &Value) -> bool {
    let kept_by_server = ["managedFields", "resourceVersion", "generation"];
    same_but_for(&["metadata"], old, new)
        && same_but_for(&kept_by_server, &old["metadata"], &new["metadata"])
}

fn same_but_for(ignored: &[&str], old: &Value, new: &Value) -> bool {
    let counts = |(name, _): &(&String, &Value)| !ignored.contains(&name.as_str());
    entries(old).filter(counts).all(|(name, value)| new.get(name) == Some(value))
        && entries(old).filter(counts).count() == entries(new).filter(counts).count()
}

fn grows(kind: &Kind, old: &Value, new: &Value) -> bool {
    match kind.generation {
        Generation::Absent => false,
        Generation::Spec => old["spec"] != new["spec"],
        Generation::SpecAndAnnotations => {
            old["spec"] != new["spec"]
                || old["metadata"]["annotations"] != new["metadata"]["annotations"]
        }
        Generation::Content => {
            let bare = |object: &Value| {
                let mut object = object.clone();
                remove(&mut object, "metadata");
                object
            };
            bare(old) != bare(new)
        }
    }
}

/// Whether nothing holds it back from its end any more.
fn is_released(kind: &Kind, object: &Value) -> bool {
    if !is_terminating(object) || !items(&object["metadata"]["finalizers"]).is_empty() {
        return false;
    }
    if *kind == NAMESPACE {
        return items(&object["spec"]["finalizers"]).is_empty();
    }
    *kind != POD || object["metadata"]["deletionGracePeriodSeconds"] == 0
}
