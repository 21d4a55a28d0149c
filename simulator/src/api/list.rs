//! Reading one object or many.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{answer::Answer, events_v1, request::Call};
use crate::{
    kinds::{ENDPOINTS, Kind},
    object::{remove, text},
    selectors::{FieldSelector, LabelSelector},
    state::State,
    status_error::{Cause, Result, StatusError},
    storage::Key,
};

const ENDPOINTS_WARNING: &str =
    "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice";

pub(super) fn get(state: &State, call: &Call) -> Result<Answer> {
    version_asked_for(state, call)?;
    let object = state.existing(&call.target.key())?;
    Ok(warned(call, Answer::ok((*object).clone())))
}

/// What a list or watch is confined to.
pub(super) struct Selection {
    pub labels: LabelSelector,
    pub fields: FieldSelector,
}

impl Selection {
    pub fn of(call: &Call) -> Result<Self> {
        let labels = LabelSelector::parse(call.query.text("labelSelector").unwrap_or_default())?;
        let fields = call.query.text("fieldSelector").unwrap_or_default();
        let fields =
            if call.target.renamed { events_v1::selector(fields) } else { fields.to_owned() };
        Ok(Self { labels, fields: FieldSelector::parse(&fields, call.target.kind)? })
    }

    pub fn includes(&self, object: &Value) -> bool {
        self.labels.matches(&object["metadata"]["labels"]) && self.fields.matches(object)
    }

    fn is_everything(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }
}

pub(super) fn list(state: &State, call: &Call) -> Result<Answer> {
    let selection = Selection::of(call)?;
    let page = Page::of(state, call)?;
    let (version, objects) = page.objects(state, call)?;
    let mut found: Found = objects
        .into_iter()
        .filter(|(key, object)| page.is_after_start(key) && selection.includes(object))
        .collect();

    let mut metadata = json!({"resourceVersion": version.to_string()});
    if let Some(limit) = page.limit.filter(|limit| *limit < found.len()) {
        let rest = found.split_off(limit);
        if let Some((last, _)) = found.last() {
            metadata["continue"] = json!(token(version as i64, last));
        }
        if selection.is_everything() {
            metadata["remainingItemCount"] = json!(rest.len());
        }
    }
    let items: Vec<Value> = found.iter().map(|(_, object)| item(object)).collect();
    Ok(warned(call, Answer::ok(as_list(call.target.kind, &metadata, &items))))
}

pub(super) fn as_list(kind: &Kind, metadata: &Value, items: &[Value]) -> Value {
    json!({
        "kind": format!("{}List", kind.name),
        "apiVersion": kind.api_version(),
        "metadata": metadata,
        "items": items,
    })
}

/// An object without what its list already says.
pub(super) fn item(object: &Value) -> Value {
    let mut item = object.clone();
    remove(&mut item, "kind");
    remove(&mut item, "apiVersion");
    item
}

pub(super) fn version_given(call: &Call) -> Result<Option<u64>> {
    let Some(given) = call.query.text("resourceVersion") else {
        return Ok(None);
    };
    let version = given.parse().map_err(|_| {
        StatusError::bad_request(format!(
            "invalid resource version: resourceVersion: Invalid value: {given:?}: \
             strconv.ParseUint: parsing {given:?}: invalid syntax"
        ))
    })?;
    Ok(Some(version))
}

/// The version that a read must not be older than.
fn version_asked_for(state: &State, call: &Call) -> Result<Option<u64>> {
    let wanted = version_given(call)?;
    let current = state.storage.version();
    match wanted {
        Some(wanted) if wanted > current => {
            Err(StatusError::version_of_the_future(wanted, current))
        }
        wanted => Ok(wanted),
    }
}

type Found = Vec<(Key, Arc<Value>)>;

/// Which part of a list is wanted, and as of when.
struct Page {
    limit: Option<usize>,
    exact: Option<u64>,
    /// Namespace and name of the last object of the page before.
    start: Option<(String, String)>,
}

impl Page {
    fn of(state: &State, call: &Call) -> Result<Self> {
        check_match(call)?;
        let limit = call.query.number("limit")?.filter(|limit| *limit > 0);
        let mut page =
            Self { limit: limit.and_then(|n| n.try_into().ok()), exact: None, start: None };
        if let Some(token) = call.query.text("continue") {
            let (version, start) = read_token(token)?;
            page.exact = u64::try_from(version).ok();
            page.start = Some(start);
            return Ok(page);
        }
        let version = version_asked_for(state, call)?;
        match call.query.text("resourceVersionMatch") {
            Some("Exact") => page.exact = version,
            None if version == Some(0) => page.limit = None,
            _ => {}
        }
        Ok(page)
    }

    fn objects(&self, state: &State, call: &Call) -> Result<(u64, Found)> {
        let (kind, namespace) = (call.target.kind, call.target.namespace.as_deref());
        let Some(version) = self.exact else {
            let objects = state.storage.list(kind, namespace);
            let objects = objects.map(|(key, object)| (key.clone(), Arc::clone(object)));
            return Ok((state.storage.version(), objects.collect()));
        };
        match state.storage.list_at(version, kind, namespace) {
            Ok(objects) => Ok((version, objects.into_iter().collect())),
            Err(_) => Err(self.expired(kind)),
        }
    }

    fn expired(&self, kind: &'static Kind) -> StatusError {
        let Some((namespace, name)) = &self.start else {
            return StatusError::expired("The resourceVersion for the provided list is too old.");
        };
        StatusError::expired(
            "The provided continue parameter is too old to display a consistent list result. You \
             can start a new list without the continue parameter, or use the continue token in \
             this response to retrieve the remainder of the results. Continuing with the provided \
             token results in an inconsistent list - objects that were created, modified, or \
             deleted between the time the first chunk was returned and now may show up in the list.",
        )
        .continuing_with(token(-1, &Key::new(kind, namespace, name)))
    }

    fn is_after_start(&self, key: &Key) -> bool {
        self.start
            .as_ref()
            .is_none_or(|(namespace, name)| (&key.namespace, &key.name) > (namespace, name))
    }
}

fn check_match(call: &Call) -> Result<()> {
    let Some(given) = call.query.text("resourceVersionMatch") else {
        return Ok(());
    };
    let field = "resourceVersionMatch";
    let cause = if call.query.text("resourceVersion").is_none() {
        let why = "resourceVersionMatch is forbidden unless resourceVersion is provided";
        Cause::forbidden(field, why)
    } else if !matches!(given, "Exact" | "NotOlderThan") {
        Cause::unsupported(field, &format!("{given:?}"), &["Exact", "NotOlderThan", ""])
    } else {
        return Ok(());
    };
    Err(StatusError::invalid_options("ListOptions", cause))
}

fn token(version: i64, last: &Key) -> String {
    let start = format!("{}/{}\u{0}", last.namespace, last.name);
    let content = json!({"v": "meta.k8s.io/v1", "rv": version, "start": start});
    URL_SAFE_NO_PAD.encode(content.to_string())
}

fn read_token(token: &str) -> Result<(i64, (String, String))> {
    let refuse = |why: &str| {
        StatusError::bad_request(format!(
            "invalid continue token: continue key is not valid: {why}"
        ))
    };
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|error| refuse(&error.to_string()))?;
    let content: Value =
        serde_json::from_slice(&bytes).map_err(|error| refuse(&error.to_string()))?;
    let start = text(&content["start"]).trim_end_matches('\u{0}');
    match (content["rv"].as_i64(), start.split_once('/')) {
        (Some(version), Some((namespace, name))) => {
            Ok((version, (namespace.to_owned(), name.to_owned())))
        }
        _ => Err(refuse("it lacks a version or a start")),
    }
}

fn warned(call: &Call, answer: Answer) -> Answer {
    if *call.target.kind == ENDPOINTS {
        answer.warn(vec![ENDPOINTS_WARNING.to_owned()])
    } else {
        answer
    }
}
