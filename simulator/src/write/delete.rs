use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    kinds::{NAMESPACE, POD},
    object::{after, is_terminating, items, seconds, text, uid, version},
    state::State,
    status_error::{Result, StatusError},
    storage::Key,
};

/// What becomes of the dependents of a deleted object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Propagation {
    /// They go after it.
    #[default]
    Background,
    /// They go before it.
    Foreground,
    /// They stay.
    Orphan,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct DeleteOptions {
    pub propagation: Propagation,
    pub grace: Option<i64>,
    pub uid: Option<String>,
    pub version: Option<String>,
    pub dry_run: bool,
}

/// The last state seen, and whether the object has gone with it.
pub(crate) struct Deletion {
    pub object: Arc<Value>,
    pub gone: bool,
}

impl State {
    pub fn delete(&mut self, key: &Key, options: &DeleteOptions) -> Result<Deletion> {
        let old = self.existing(key)?;
        check_preconditions(key, &old, options)?;
        if *key.kind == NAMESPACE {
            return Ok(self.delete_namespace(key, &old, options));
        }
        let mut new = (*old).clone();
        add_finalizer(&mut new, options.propagation);
        let held = !items(&new["metadata"]["finalizers"]).is_empty();
        let grace = self.grace(key, &old, options);
        if options.dry_run {
            return Ok(Deletion { object: old, gone: grace == 0 && !held });
        }
        if *key.kind == POD {
            self.mark_deleted(&mut new, &old, grace);
        }
        if grace == 0 && !held {
            return Ok(match self.remove(key, new) {
                Some(object) => Deletion { object, gone: true },
                None => Deletion { object: old, gone: true },
            });
        }
        if *key.kind != POD {
            self.mark_deleted(&mut new, &old, grace);
        }
        let object = if new == *old { old } else { self.put(key, new) };
        Ok(Deletion { object, gone: false })
    }

    fn delete_namespace(
        &mut self,
        key: &Key,
        old: &Arc<Value>,
        options: &DeleteOptions,
    ) -> Deletion {
        if is_terminating(old) || options.dry_run {
            return Deletion { object: Arc::clone(old), gone: false };
        }
        let mut new = (**old).clone();
        new["metadata"]["deletionTimestamp"] = json!(seconds(self.now));
        new["status"]["phase"] = json!("Terminating");
        Deletion { object: self.put(key, new), gone: false }
    }

    /// Seconds until a kubelet must have let go; 0 where nothing runs.
    fn grace(&self, key: &Key, old: &Value, options: &DeleteOptions) -> i64 {
        let runs = *key.kind == POD
            && !text(&old["spec"]["nodeName"]).is_empty()
            && !matches!(text(&old["status"]["phase"]), "Succeeded" | "Failed");
        if !runs {
            return 0;
        }
        let wanted = options
            .grace
            .or_else(|| old["spec"]["terminationGracePeriodSeconds"].as_i64())
            .unwrap_or(30)
            .max(0);
        match old["metadata"]["deletionGracePeriodSeconds"].as_i64() {
            Some(current) => wanted.min(current),
            None => wanted,
        }
    }

    fn mark_deleted(&self, new: &mut Value, old: &Value, grace: i64) {
        let current = old["metadata"]["deletionGracePeriodSeconds"].as_i64();
        if is_terminating(old) && current.is_some_and(|current| current <= grace) {
            return;
        }
        let metadata = &mut new["metadata"];
        metadata["deletionTimestamp"] = json!(seconds(after(self.now, grace)));
        metadata["deletionGracePeriodSeconds"] = json!(grace);
        if !is_terminating(old)
            && let Some(generation) = metadata["generation"].as_i64()
        {
            metadata["generation"] = json!(generation + 1);
        }
    }
}

fn check_preconditions(key: &Key, old: &Value, options: &DeleteOptions) -> Result<()> {
    if let Some(wanted) = options.uid.as_deref().filter(|wanted| *wanted != uid(old)) {
        let why = format!(
            "the UID in the precondition ({wanted}) does not match the UID in record ({}). The \
             object might have been deleted and then recreated",
            uid(old)
        );
        return Err(StatusError::precondition(key.kind, &key.name, &why));
    }
    if let Some(wanted) = options.version.as_deref().filter(|wanted| *wanted != version(old)) {
        let why = format!(
            "the ResourceVersion in the precondition ({wanted}) does not match the \
             ResourceVersion in record ({}). The object might have been modified",
            version(old)
        );
        return Err(StatusError::precondition(key.kind, &key.name, &why));
    }
    Ok(())
}

fn add_finalizer(object: &mut Value, propagation: Propagation) {
    let finalizer = match propagation {
        Propagation::Background => return,
        Propagation::Foreground => "foregroundDeletion",
        Propagation::Orphan => "orphan",
    };
    let mut finalizers = items(&object["metadata"]["finalizers"]).to_vec();
    if !finalizers.iter().any(|present| present == finalizer) {
        finalizers.push(json!(finalizer));
    }
    object["metadata"]["finalizers"] = Value::Array(finalizers);
}
