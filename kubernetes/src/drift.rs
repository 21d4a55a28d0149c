//! Whether objects are as they were applied. What is applied is noted on the object itself, so
//! that one look at it tells; fields that others add are theirs and do not count.

use std::fmt::Debug;

use domain::runtime::{Place, Workload};
use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        apps::v1::Deployment,
        core::v1::{Secret, Service},
        networking::v1::Ingress,
    },
};
use kube::{Client, Resource};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{conventions::Conventions, find::find, manifest};

/// Bears the object as it was applied last, without this annotation.
const APPLIED: &str = "slipway.io/applied";

/// Fields that are one value each, whoever sets a part of them: what others add changes them.
const WHOLE: &[&str] =
    &["spec.selector", "spec.rules", "spec.tls", "spec.template.spec.nodeSelector"];

/// The object with a note of itself.
pub(crate) fn noted<K: Resource + Serialize>(mut object: K) -> K {
    let note = plain(&object).to_string();
    object.meta_mut().annotations.get_or_insert_default().insert(APPLIED.to_owned(), note);
    object
}

/// Whether the object holds all that its note says.
pub(crate) fn is_intact<K: Resource + Serialize>(object: &K) -> bool {
    let note = object.meta().annotations.as_ref().and_then(|all| all.get(APPLIED));
    let applied = note.and_then(|note| serde_json::from_str::<Value>(note).ok());
    applied.is_some_and(|applied| difference(&applied, &plain(object), "").is_none())
}

/// Where a workload's objects are other than an apply would make them.
pub(crate) async fn drift(
    client: &Client,
    workload: &Workload,
    conventions: &Conventions,
) -> kube::Result<Vec<String>> {
    let deployment = manifest::deployment(workload, conventions);
    let service = manifest::service(workload);
    let ingress = manifest::ingress(workload, conventions);
    let (deployment, service, ingress, secret) = futures::try_join!(
        of::<Deployment>(client, &workload.place, &deployment),
        of::<Service>(client, &workload.place, &service),
        of::<Ingress>(client, &workload.place, &ingress),
        of_secret(client, workload),
    )?;
    Ok([deployment, service, ingress, secret].into_iter().flatten().collect())
}

/// Only whether it is there: what it holds is known to the cluster alone.
async fn of_secret(client: &Client, workload: &Workload) -> kube::Result<Option<String>> {
    let Workload { place, secret: Some(_), .. } = workload else {
        return Ok(None);
    };
    let found = find::<Secret>(client, place).await?;
    Ok(found.is_none().then(|| format!("Secret {} is missing", place.name)))
}

async fn of<K>(client: &Client, place: &Place, wanted: &K) -> kube::Result<Option<String>>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned,
{
    let named = |what: String| format!("{} {}{what}", K::kind(&()), place.name);
    let Some(found) = find::<K>(client, place).await? else {
        return Ok(Some(named(" is missing".to_owned())));
    };
    let unnoted = || (!is_intact(&found)).then(|| format!("{APPLIED} is not as it was written"));
    let difference = difference(&plain(wanted), &plain(&found), "").or_else(unnoted);
    Ok(difference.map(|difference| named(format!(": {difference}"))))
}

fn plain<K: Serialize>(object: &K) -> Value {
    serde_json::to_value(object).expect("an object is plain data")
}

/// The first field of `wanted` that `found` has not, or has otherwise.
fn difference(wanted: &Value, found: &Value, path: &str) -> Option<String> {
    match (wanted, found) {
        // What is empty is left out by the server.
        (wanted, Value::Null) if is_empty(wanted) => None,
        (Value::Object(fields), Value::Object(there)) => of_fields(fields, there, path),
        (Value::Array(items), Value::Array(there)) => of_items(items, there, path),
        (wanted, found) if wanted == found => None,
        (_, Value::Null) => Some(format!("{path} is not there")),
        (wanted, found) => Some(format!("{path} is {found}, not {wanted}")),
    }
}

fn of_fields(
    fields: &Map<String, Value>,
    there: &Map<String, Value>,
    path: &str,
) -> Option<String> {
    let dot = if path.is_empty() { "" } else { "." };
    let below = |name: &str| format!("{path}{dot}{name}");
    let found = |name: &str| there.get(name).unwrap_or(&Value::Null);
    let changed = fields.iter().find_map(|(name, it)| difference(it, found(name), &below(name)));
    let added = || there.keys().find(|name| WHOLE.contains(&path) && !fields.contains_key(*name));
    changed.or_else(|| Some(format!("{} was added", below(added()?))))
}

fn of_items(items: &[Value], there: &[Value], path: &str) -> Option<String> {
    let changed = items.iter().enumerate().find_map(|(n, item)| {
        let path = format!("{path}[{n}]");
        let differences = || there.iter().map(|it| difference(item, it, &path));
        if differences().any(|difference| difference.is_none()) {
            return None;
        }
        differences().nth(n).flatten().or_else(|| Some(format!("{path} is not there")))
    });
    let whole = || WHOLE.iter().any(|whole| path.starts_with(whole));
    let added = || (there.len() > items.len() && whole()).then_some(items.len());
    changed.or_else(|| Some(format!("{path}[{}] was added", added()?)))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_empty),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_others_add_is_no_difference() {
        let wanted = json!({ "spec": { "env": [{ "name": "A", "value": "1" }], "note": "" } });
        let found = json!({
            "spec": { "env": [{ "name": "X" }, { "name": "A", "value": "1", "of": "it" }], "more": 1 },
            "status": {},
        });

        assert_eq!(difference(&wanted, &found, ""), None);
    }

    #[test]
    fn what_is_other_or_gone_is_named() {
        let wanted = json!({ "spec": { "replicas": 1, "env": [{ "name": "A", "value": "1" }] } });
        let found = |replicas: Value, env: Value| {
            difference(&wanted, &json!({ "spec": { "replicas": replicas, "env": env } }), "")
        };
        let env = json!([{ "name": "A", "value": "1" }]);

        assert_eq!(found(json!(3), env.clone()).as_deref(), Some("spec.replicas is 3, not 1"));
        assert_eq!(found(Value::Null, env).as_deref(), Some("spec.replicas is not there"));
        assert_eq!(
            found(json!(1), json!([{ "name": "A", "value": "2" }])).as_deref(),
            Some("spec.env[0].value is \"2\", not \"1\"")
        );
        assert_eq!(found(json!(1), json!([])).as_deref(), Some("spec.env[0] is not there"));
    }

    #[test]
    fn what_is_added_to_a_field_that_is_one_value_is_named() {
        let path = json!({ "path": "/", "backend": "web" });
        let rule = |paths: Value| json!({ "host": "a", "http": { "paths": paths } });
        let wanted =
            json!({ "spec": { "selector": { "a": "1" }, "rules": [rule(json!([path]))] } });
        let found = |selector: Value, rules: Value| {
            difference(&wanted, &json!({ "spec": { "selector": selector, "rules": rules } }), "")
        };
        let (selector, rules) = (json!({ "a": "1" }), json!([rule(json!([path]))]));

        let narrower = found(json!({ "a": "1", "b": "2" }), rules.clone());
        let another_rule = found(selector.clone(), json!([rules[0], { "host": "b" }]));
        let another_path = found(selector.clone(), json!([rule(json!([path, { "path": "/b" }]))]));

        assert_eq!(found(selector, rules), None);
        assert_eq!(narrower.as_deref(), Some("spec.selector.b was added"));
        assert_eq!(another_rule.as_deref(), Some("spec.rules[1] was added"));
        assert_eq!(another_path.as_deref(), Some("spec.rules[0].http.paths[1] was added"));
    }
}
