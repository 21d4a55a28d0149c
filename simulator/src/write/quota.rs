use serde_json::Value;

use crate::{
    kinds::{CLAIM, KINDS, Kind, POD, QUOTA},
    object::{entries, items, name, namespace, text},
    quantity::Quantity,
    state::State,
    status_error::{Result, StatusError},
};

impl State {
    pub(super) fn admit_to_quota(&self, kind: &'static Kind, object: &Value) -> Result<()> {
        for (_, quota) in self.storage.list(&QUOTA, Some(namespace(object))) {
            let refusal =
                unstated(quota, kind, object).or_else(|| self.exceeded(quota, kind, object));
            if let Some(why) = refusal {
                return Err(StatusError::forbidden(kind, name(object), &why));
            }
        }
        Ok(())
    }

    fn exceeded(&self, quota: &Value, kind: &'static Kind, object: &Value) -> Option<String> {
        let mut requested = Vec::new();
        let mut used = Vec::new();
        let mut limited = Vec::new();
        for (resource, limit) in entries(&quota["spec"]["hard"]) {
            let more = contribution(resource, kind, object);
            let limit = Quantity::of(limit).unwrap_or(Quantity::ZERO);
            let before = usage(self, resource, namespace(quota));
            if more != Quantity::ZERO && before.plus(more).exceeds(limit) {
                requested.push(format!("{resource}={more}"));
                used.push(format!("{resource}={before}"));
                limited.push(format!("{resource}={limit}"));
            }
        }
        (!requested.is_empty()).then(|| {
            format!(
                "exceeded quota: {}, requested: {}, used: {}, limited: {}",
                name(quota),
                requested.join(","),
                used.join(","),
                limited.join(",")
            )
        })
    }
}

/// What a quota on cpu or memory misses in a Pod.
fn unstated(quota: &Value, kind: &Kind, object: &Value) -> Option<String> {
    if *kind != POD {
        return None;
    }
    let missing: Vec<String> = entries(&quota["spec"]["hard"])
        .filter_map(|(resource, _)| {
            let (list, unit) = compute_resource(resource)?;
            let containers: Vec<&str> = items(&object["spec"]["containers"])
                .iter()
                .filter(|container| container["resources"][list][unit].is_null())
                .map(|container| text(&container["name"]))
                .collect();
            let stated = containers.is_empty() || !matches!(unit, "cpu" | "memory");
            (!stated).then(|| format!("{resource} for: {}", containers.join(",")))
        })
        .collect();
    (!missing.is_empty())
        .then(|| format!("failed quota: {}: must specify {}", name(quota), missing.join("; ")))
}

/// How much of a quota's resource is used in a namespace.
pub(crate) fn usage(state: &State, resource: &str, namespace: &str) -> Quantity {
    KINDS
        .iter()
        .copied()
        .filter(|kind| counts(resource, kind))
        .flat_map(|kind| state.storage.list(kind, Some(namespace)))
        .map(|(key, object)| contribution(resource, key.kind, object))
        .fold(Quantity::ZERO, Quantity::plus)
}

/// How much of a quota's resource one object takes.
fn contribution(resource: &str, kind: &'static Kind, object: &Value) -> Quantity {
    if !counts(resource, kind) || is_finished(kind, object) {
        return Quantity::ZERO;
    }
    if *kind == CLAIM && resource == "requests.storage" {
        return Quantity::of(&object["spec"]["resources"]["requests"]["storage"])
            .unwrap_or(Quantity::ZERO);
    }
    match compute_resource(resource) {
        Some((list, unit)) => items(&object["spec"]["containers"])
            .iter()
            .filter_map(|container| Quantity::of(&container["resources"][list][unit]))
            .fold(Quantity::ZERO, Quantity::plus),
        None => Quantity::count(1),
    }
}

fn is_finished(kind: &Kind, object: &Value) -> bool {
    *kind == POD && matches!(text(&object["status"]["phase"]), "Succeeded" | "Failed")
}

fn counts(resource: &str, kind: &'static Kind) -> bool {
    if resource == "requests.storage" {
        return *kind == CLAIM;
    }
    if compute_resource(resource).is_some() {
        return *kind == POD;
    }
    match resource.strip_prefix("count/") {
        Some(plural) => plural == kind.qualified_plural(),
        None => kind.group.is_empty() && resource == kind.plural,
    }
}

/// `requests` or `limits`, and the unit, for what containers ask for.
fn compute_resource(resource: &str) -> Option<(&'static str, &str)> {
    match resource {
        "cpu" | "memory" | "ephemeral-storage" => Some(("requests", resource)),
        "requests.storage" => None,
        _ => match resource.split_once('.')? {
            ("requests", unit) => Some(("requests", unit)),
            ("limits", unit) => Some(("limits", unit)),
            _ => None,
        },
    }
}
