//! `metadata.managedFields`, read, written and kept up with updates.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{compare::difference, field_set::FieldSet};
use crate::{
    kinds::Kind,
    object::{entries, items, seconds, text},
    schema,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    Apply,
    Update,
}

/// On whose behalf a write is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writer<'a> {
    pub manager: &'a str,
    /// `status` or `scale`; empty for the object itself.
    pub subresource: &'a str,
    pub dry_run: bool,
}

impl<'a> Writer<'a> {
    pub const fn controller(manager: &'a str) -> Self {
        Self { manager, subresource: "", dry_run: false }
    }

    pub const fn status(manager: &'a str) -> Self {
        Self { manager, subresource: "status", dry_run: false }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub manager: String,
    pub operation: Operation,
    pub subresource: String,
    pub api_version: String,
    pub time: Option<String>,
    pub fields: FieldSet,
}

impl Entry {
    pub fn is_of(&self, writer: &Writer<'_>, operation: Operation) -> bool {
        self.manager == writer.manager
            && self.subresource == writer.subresource
            && self.operation == operation
    }

    /// As conflicts name it.
    pub fn description(&self) -> String {
        let manager = &self.manager;
        match (self.operation, self.subresource.as_str()) {
            (Operation::Apply, _) => format!("{manager:?}"),
            (Operation::Update, "") => format!("{manager:?} using {}", self.api_version),
            (Operation::Update, part) => {
                format!("{manager:?} with subresource {part:?} using {}", self.api_version)
            }
        }
    }

    fn from_json(value: &Value) -> Self {
        let operation = match text(&value["operation"]) {
            "Apply" => Operation::Apply,
            _ => Operation::Update,
        };
        Self {
            manager: text(&value["manager"]).to_owned(),
            operation,
            subresource: text(&value["subresource"]).to_owned(),
            api_version: text(&value["apiVersion"]).to_owned(),
            time: value["time"].as_str().map(str::to_owned),
            fields: FieldSet::from_json(&value["fieldsV1"]),
        }
    }

    fn to_json(&self) -> Value {
        let operation = match self.operation {
            Operation::Apply => "Apply",
            Operation::Update => "Update",
        };
        let mut entry = json!({
            "manager": self.manager,
            "operation": operation,
            "apiVersion": self.api_version,
            "fieldsType": "FieldsV1",
            "fieldsV1": self.fields.to_json(),
        });
        if let Some(time) = &self.time {
            entry["time"] = json!(time);
        }
        if !self.subresource.is_empty() {
            entry["subresource"] = json!(self.subresource);
        }
        entry
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Managers(pub Vec<Entry>);

impl Managers {
    pub fn of(object: &Value) -> Self {
        Self(items(&object["metadata"]["managedFields"]).iter().map(Entry::from_json).collect())
    }

    pub fn to_json(&self) -> Value {
        let mut entries: Vec<&Entry> = self.0.iter().collect();
        entries.sort_by_key(|entry| (entry.operation, &entry.time, &entry.manager));
        entries.into_iter().map(Entry::to_json).collect()
    }

    /// The entry of this writer, made if there is none.
    pub fn entry(
        &mut self,
        writer: &Writer<'_>,
        operation: Operation,
        api_version: &str,
    ) -> &mut Entry {
        let index = match self.0.iter().position(|entry| entry.is_of(writer, operation)) {
            Some(index) => index,
            None => {
                self.0.push(Entry {
                    manager: writer.manager.to_owned(),
                    operation,
                    subresource: writer.subresource.to_owned(),
                    api_version: api_version.to_owned(),
                    time: None,
                    fields: FieldSet::default(),
                });
                self.0.len() - 1
            }
        };
        &mut self.0[index]
    }

    /// Dates the writer's entry, if it still has one.
    pub fn date(&mut self, writer: &Writer<'_>, operation: Operation, now: Timestamp) {
        if let Some(entry) = self.0.iter_mut().find(|entry| entry.is_of(writer, operation)) {
            entry.time = Some(seconds(now));
        }
    }

    pub fn drop_empty(&mut self) {
        self.0.retain(|entry| !entry.fields.is_empty());
    }

    /// All entries but for their times.
    pub fn same_owners(&self, other: &Self) -> bool {
        let timeless = |managers: &Self| -> Vec<Entry> {
            let mut entries = managers.0.clone();
            entries.iter_mut().for_each(|entry| entry.time = None);
            entries.sort_by_key(|entry| {
                (entry.operation, entry.manager.clone(), entry.subresource.clone())
            });
            entries
        };
        timeless(self) == timeless(other)
    }
}

/// The managers after a create (from null), update or patch.
pub(crate) fn record_update(
    kind: &Kind,
    before: &Value,
    after: &Value,
    writer: &Writer<'_>,
    now: Timestamp,
) -> Managers {
    let mut managers = Managers::of(before);
    let root = schema::of_kind(kind.name);
    let mut difference =
        difference(&owned_part(kind, before, writer), &owned_part(kind, after, writer), &root);
    let stopped = |object: &Value| object["spec"]["replicas"] == 0;
    if writer.subresource == "scale" && (stopped(before) || stopped(after)) {
        difference.removed.add(&std::mem::take(&mut difference.changed));
    }
    for entry in &mut managers.0 {
        entry.fields.subtract(&difference.removed);
        if !entry.is_of(writer, Operation::Update) {
            entry.fields.subtract(&difference.changed);
        }
    }
    if !difference.changed.is_empty() {
        let entry = managers.entry(writer, Operation::Update, &kind.api_version());
        entry.fields.add(&difference.changed);
        entry.time = (writer.subresource != "scale").then(|| seconds(now));
    }
    managers.drop_empty();
    managers
}

/// Fields of the metadata that nobody can own.
const BOOKKEEPING: [&str; 10] = [
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
    "generation",
    "managedFields",
    "resourceVersion",
];

/// The object without what nobody can own, nor this write touch.
pub(super) fn owned_part(kind: &Kind, object: &Value, writer: &Writer<'_>) -> Value {
    let leaves_status = kind.status && writer.subresource != "status";
    let mut part = Map::new();
    for (name, value) in entries(object) {
        match name.as_str() {
            "apiVersion" | "kind" => {}
            "status" if leaves_status => {}
            "metadata" => {
                let own = entries(value).filter(|(name, _)| !BOOKKEEPING.contains(&name.as_str()));
                let own: Map<String, Value> =
                    own.map(|(name, value)| (name.clone(), value.clone())).collect();
                if !own.is_empty() {
                    part.insert(name.clone(), Value::Object(own));
                }
            }
            _ => {
                part.insert(name.clone(), value.clone());
            }
        }
    }
    Value::Object(part)
}
