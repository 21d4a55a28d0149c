//! The forms that one object can be asked for in.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    events_v1,
    query::Query,
    table::{Printer, printer},
};
use crate::{kinds::Kind, object::version};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Representation {
    Plain,
    /// Events of the core group under the name of their own.
    Renamed,
    Metadata,
    Table(Included),
}

/// What a row of a table tells of its object beside the cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Included {
    Nothing,
    Metadata,
    Everything,
}

impl Representation {
    /// The first of the accepted forms that is known.
    pub fn of(accept: &str, query: &Query, renamed: bool) -> Self {
        let wanted = accept.split(',').find_map(|form| {
            form.split(';').find_map(|part| match part.trim() {
                "as=Table" => Some(Self::Table(included(query))),
                "as=PartialObjectMetadata" | "as=PartialObjectMetadataList" => Some(Self::Metadata),
                _ => None,
            })
        });
        let plain = if renamed { Self::Renamed } else { Self::Plain };
        wanted.unwrap_or(plain)
    }

    /// An object or a list of them, of that kind.
    pub fn show(self, kind: &Kind, body: Value, now: Timestamp) -> Value {
        match self {
            Self::Plain => body,
            Self::Renamed => events_v1::translated(&body),
            Self::Metadata => metadata_of(&body),
            Self::Table(included) => {
                let rows = match body["items"].as_array() {
                    Some(items) => items.clone(),
                    None => vec![body.clone()],
                };
                let metadata = match body["items"] {
                    Value::Null => json!({"resourceVersion": version(&body)}),
                    _ => body["metadata"].clone(),
                };
                let printer = printer(kind);
                let rows: Vec<Value> =
                    rows.iter().map(|object| row(kind, object, printer, included, now)).collect();
                table(&metadata, &json!(columns(printer)), &rows)
            }
        }
    }

    /// The object of a watch event; a table has its columns in the first one only.
    pub fn show_event(self, kind: &Kind, object: &Value, now: Timestamp, first: bool) -> Value {
        let mut shown = match self {
            // A bookmark is no row.
            Self::Table(_) if object["metadata"]["name"].is_null() => {
                table(&object["metadata"], &Value::Null, &[])
            }
            form => form.show(kind, object.clone(), now),
        };
        if matches!(self, Self::Table(_)) && !first {
            shown["columnDefinitions"] = Value::Null;
        }
        shown
    }
}

fn included(query: &Query) -> Included {
    match query.text("includeObject") {
        Some("None") => Included::Nothing,
        Some("Object") => Included::Everything,
        _ => Included::Metadata,
    }
}

fn metadata_of(body: &Value) -> Value {
    let (kind, content) = match body["items"].as_array() {
        Some(items) => {
            let items: Vec<Value> = items.iter().map(metadata_of).collect();
            ("PartialObjectMetadataList", Some(items))
        }
        None => ("PartialObjectMetadata", None),
    };
    let mut shown = json!({
        "kind": kind,
        "apiVersion": "meta.k8s.io/v1",
        "metadata": body["metadata"],
    });
    if let Some(items) = content {
        shown["items"] = json!(items);
    }
    shown
}

fn columns(printer: Printer) -> Vec<Value> {
    printer.columns.iter().map(|column| column.to_json()).collect()
}

fn row(kind: &Kind, object: &Value, printer: Printer, included: Included, now: Timestamp) -> Value {
    let shown = match included {
        Included::Nothing => Value::Null,
        Included::Metadata => metadata_of(object),
        Included::Everything => {
            let mut whole = object.clone();
            whole["kind"] = json!(kind.name);
            whole["apiVersion"] = json!(kind.api_version());
            whole
        }
    };
    json!({"cells": (printer.cells)(object, now), "object": shown})
}

fn table(metadata: &Value, columns: &Value, rows: &[Value]) -> Value {
    json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": columns,
        "rows": rows,
    })
}
