//! From the bytes of a request to an object of the right kind.

use base64::{DecodeError, Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::request::Call;
use crate::{
    kinds::{Kind, SECRET},
    object::{entries, text},
    quantity::UNREADABLE,
    schema::{self, Fault},
    status_error::{Result, StatusError},
};

/// The object of a create or update, and the warnings that go with it.
pub(super) fn object(call: &Call) -> Result<(Value, Vec<String>)> {
    check_format(call)?;
    let kind = call.target.kind;
    let object: Value = if call.content_type == "application/yaml" {
        read_yaml(&call.body)?
    } else {
        serde_json::from_slice(&call.body).map_err(|error| unreadable(kind, &error, &call.body))?
    };
    check_kind(kind, &object)?;
    check_place(call, &object)?;
    let warnings = check_fields(call, kind, &object)?;
    if *kind == SECRET {
        check_encoding(kind, &object)?;
    }
    Ok((object, warnings))
}

/// The options of a deletion; null where none are given.
pub(super) fn options(call: &Call) -> Result<Value> {
    if call.body.is_empty() {
        return Ok(Value::Null);
    }
    check_format(call)?;
    serde_json::from_slice(&call.body).map_err(|error| StatusError::bad_request(error.to_string()))
}

/// The configuration of an apply.
pub(super) fn configuration(call: &Call) -> Result<Value> {
    let kind = call.target.kind;
    let config = read_yaml(&call.body)?;
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
        return Err(StatusError::bad_request("metadata.managedFields must be nil"));
    }
    check_place(call, &config)?;
    check_typed(call, kind, &config)?;
    Ok(config)
}

/// YAML, of which JSON is a part.
fn read_yaml(body: &[u8]) -> Result<Value> {
    if let Ok(value) = serde_json::from_slice(body) {
        return Ok(value);
    }
    serde_saphyr::from_slice(body)
        .map_err(|error| StatusError::bad_request(format!("error decoding YAML: {error}")))
}

fn check_format(call: &Call) -> Result<()> {
    match call.content_type.as_str() {
        "application/json" | "application/yaml" | "*/*" => Ok(()),
        _ => Err(StatusError::unsupported_body()),
    }
}

fn check_kind(kind: &Kind, object: &Value) -> Result<()> {
    if !object.is_object() || !object["metadata"].is_object() && !object["metadata"].is_null() {
        let message =
            format!("the object provided is unrecognized (must be of type {})", kind.name);
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
    let unknown: Vec<String> = faults.iter().filter_map(Fault::unknown).collect();
    match validation {
        "Strict" if !unknown.is_empty() => {
            let why = format!("strict decoding error: {}", unknown.join(", "));
            Err(StatusError::undecodable(kind, &why))
        }
        "Ignore" => Ok(Vec::new()),
        _ => Ok(unknown),
    }
}

/// The values of a Secret are base64.
fn check_encoding(kind: &Kind, object: &Value) -> Result<()> {
    for (_, value) in entries(&object["data"]) {
        let at = match STANDARD.decode(text(value)) {
            Ok(_) => continue,
            Err(DecodeError::InvalidByte(at, _) | DecodeError::InvalidLastSymbol(at, _)) => at,
            Err(_) => text(value).len(),
        };
        let why = format!("illegal base64 data at input byte {at}");
        return Err(StatusError::undecodable(kind, &why));
    }
    Ok(())
}

/// Typed merging knows no leniency: whatever does not fit is a failure of the server.
fn check_typed(call: &Call, kind: &Kind, config: &Value) -> Result<()> {
    let name = call.target.name.as_deref().unwrap_or_default();
    let namespace = call.target.namespace.as_deref().unwrap_or_default();
    let which = format!("({namespace}/{name}; {}, Kind={})", kind.api_version(), kind.name);
    let patch = format!("failed to create typed patch object {which}");
    let Some(fault) = schema::check(config, &schema::of_kind(kind.name)).into_iter().next() else {
        return Ok(());
    };
    Err(StatusError::unclassified(match fault {
        Fault::UnknownField(path) => format!("{patch}: {path}: field not declared in schema"),
        Fault::WrongType { path, expected, got } => {
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
    let (error, shown) = match body {
        [] => ("unexpected end of JSON input".to_owned(), "<empty>".into()),
        body => (error.to_string(), String::from_utf8_lossy(&body[..body.len().min(1024)])),
    };
    StatusError::bad_request(format!(
        "the object provided is unrecognized (must be of type {}): couldn't get version/kind; \
         json parse error: {error} ({shown})",
        kind.name
    ))
}
