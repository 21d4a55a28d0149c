//! From the bytes of a request to an object of the right kind.

use serde_json::Value;

use super::request::Call;
use crate::{
    kinds::Kind,
    object::text,
    quantity::UNREADABLE,
    schema::{self, Fault},
    status_error::{Result, StatusError},
};

/// The object of a create or update, and the warnings that go with it.
pub(super) fn object(call: &Call) -> Result<(Value, Vec<String>)> {
    if !matches!(
        call.content_type.as_str(),
        "application/json" | "application/yaml" | "*/*"
    ) {
        return Err(StatusError::unsupported_body());
    }
    let kind = call.target.kind;
    let object: Value =
        serde_json::from_slice(&call.body).map_err(|error| unreadable(kind, &error, &call.body))?;
    check_kind(kind, &object)?;
    check_place(call, &object)?;
    let warnings = check_fields(call, kind, &object)?;
    Ok((object, warnings))
}

/// The configuration of an apply.
pub(super) fn configuration(call: &Call) -> Result<Value> {
    let kind = call.target.kind;
    let config: Value = serde_json::from_slice(&call.body)
        .map_err(|error| StatusError::bad_request(format!("error decoding YAML: {error}")))?;
    if !config.is_object() {
        return Err(StatusError::bad_request(
            "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot \
             unmarshal array into Go value of type map[string]interface {}",
        ));
    }
    let (version, name) = (text(&config["apiVersion"]), text(&config["kind"]));
    if name != kind.name || version != kind.api_version() {
        let message = format!("invalid object type: {version}, Kind={name}");
        return Err(StatusError::bad_request(message));
    }
    if !config["metadata"]["managedFields"].is_null() {
        return Err(StatusError::bad_request(
            "metadata.managedFields must be nil",
        ));
    }
    check_place(call, &config)?;
    check_typed(call, kind, &config)?;
    Ok(config)
}

fn check_kind(kind: &Kind, object: &Value) -> Result<()> {
    if !object.is_object() || !object["metadata"].is_object() && !object["metadata"].is_null() {
        let message = format!(
            "the object provided is unrecognized (must be of type {})",
            kind.name
        );
        return Err(StatusError::bad_request(message));
    }
    let given = text(&object["kind"]);
    let version = text(&object["apiVersion"]);
    if given == kind.name && version == kind.api_version() {
        return Ok(());
    }
    let short = version.rsplit('/').next().unwrap_or_default();
    Err(StatusError::bad_request(if given.is_empty() {
        format!(
            "the object provided is unrecognized (must be of type {}): couldn't get version/kind",
            kind.name
        )
    } else {
        format!(
            "{given} in version {short:?} cannot be handled as a {}: converting ({short}.{given}) \
             to (core.{}): unknown conversion",
            kind.name, kind.name
        )
    }))
}

fn check_place(call: &Call, object: &Value) -> Result<()> {
    let metadata = &object["metadata"];
    if let (Some(name), given) = (&call.target.name, text(&metadata["name"]))
        && !given.is_empty()
        && given != name
    {
        return Err(StatusError::bad_request(format!(
            "the name of the object ({given}) does not match the name on the URL ({name})"
        )));
    }
    let namespace = text(&metadata["namespace"]);
    let here = call.target.namespace.as_deref().unwrap_or_default();
    if !namespace.is_empty() && namespace != here {
        return Err(StatusError::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    Ok(())
}

fn check_fields(call: &Call, kind: &Kind, object: &Value) -> Result<Vec<String>> {
    let validation = call.query.text("fieldValidation").unwrap_or("Warn");
    let faults = schema::check(object, &schema::of_kind(kind.name));
    if let Some(why) = faults.iter().find_map(Fault::misfit) {
        return Err(StatusError::undecodable(kind, &why));
    }
    let unknown: Vec<String> = faults
        .iter()
        .filter_map(|fault| match fault {
            Fault::UnknownField(path) => Some(path.trim_start_matches('.')),
            _ => None,
        })
        .map(|path| format!("unknown field {path:?}"))
        .collect();
    match validation {
        "Strict" if !unknown.is_empty() => {
            let why = format!("strict decoding error: {}", unknown.join(", "));
            Err(StatusError::undecodable(kind, &why))
        }
        "Ignore" => Ok(Vec::new()),
        _ => Ok(unknown),
    }
}

/// Typed merging knows no leniency: whatever does not fit is a failure of the server.
fn check_typed(call: &Call, kind: &Kind, config: &Value) -> Result<()> {
    let name = call.target.name.as_deref().unwrap_or_default();
    let namespace = call.target.namespace.as_deref().unwrap_or_default();
    let which = format!(
        "({namespace}/{name}; {}, Kind={})",
        kind.api_version(),
        kind.name
    );
    let patch = format!("failed to create typed patch object {which}");
    let Some(fault) = schema::check(config, &schema::of_kind(kind.name))
        .into_iter()
        .next()
    else {
        return Ok(());
    };
    Err(StatusError::unclassified(match fault {
        Fault::UnknownField(path) => format!("{patch}: {path}: field not declared in schema"),
        Fault::WrongType {
            path,
            expected,
            got,
        } => {
            format!("{patch}: {path}: expected {expected}, got {got}")
        }
        Fault::UnreadableQuantity => format!(
            "failed to convert new object {which} to proper version: unable to convert \
             unstructured object to {}, Kind={}: {}",
            kind.api_version(),
            kind.name,
            UNREADABLE
        ),
    }))
}

fn unreadable(kind: &Kind, error: &serde_json::Error, body: &[u8]) -> StatusError {
    let shown = match body {
        [] => "<empty>".into(),
        body => String::from_utf8_lossy(&body[..body.len().min(1024)]),
    };
    StatusError::bad_request(format!(
        "the object provided is unrecognized (must be of type {}): couldn't get version/kind; \
         json parse error: {error} ({shown})",
        kind.name
    ))
}
