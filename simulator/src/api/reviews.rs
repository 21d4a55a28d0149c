//! Questions about the caller.

use http::{Method, StatusCode, request::Parts};
use serde_json::{Value, json};

use super::{answer::Answer, rights};
use crate::{
    access::{Account, Rule},
    cluster::Cluster,
    object::{map_mut, seconds},
    status_error::StatusError,
};

pub(super) const AUTHENTICATION: &str = "authentication.k8s.io";
pub(super) const AUTHORIZATION: &str = "authorization.k8s.io";

const REVIEWS: &[(&str, &str, &str)] = &[
    (AUTHENTICATION, "selfsubjectreviews", "SelfSubjectReview"),
    (AUTHORIZATION, "selfsubjectaccessreviews", "SelfSubjectAccessReview"),
    (AUTHORIZATION, "selfsubjectrulesreviews", "SelfSubjectRulesReview"),
];

/// Names and kinds of a group's reviews.
pub(super) fn of_group(group: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    REVIEWS.iter().filter(move |(own, ..)| *own == group).map(|(_, name, kind)| (*name, *kind))
}

/// The answer, if the path is that of a review.
pub(super) fn answer(
    parts: &Parts,
    body: &[u8],
    cluster: &Cluster,
    caller: Option<&Account>,
) -> Option<Answer> {
    let (group, _, kind) = REVIEWS
        .iter()
        .find(|(group, name, _)| parts.uri.path() == format!("/apis/{group}/v1/{name}"))?;
    if parts.method != Method::POST {
        return Some(Answer::refusal(&StatusError::method_not_allowed()));
    }
    // Typed clients send protobuf. What they ask does not matter to the administrator, whom the
    // answer is always yes for.
    let mut review: Value = serde_json::from_slice(body).unwrap_or_default();
    map_mut(&mut review);
    review["apiVersion"] = json!(format!("{group}/v1"));
    review["kind"] = json!(kind);
    review["metadata"] = json!({});
    match *kind {
        "SelfSubjectAccessReview" => {
            let attributes = map_mut(&mut review["spec"]).values_mut();
            for attribute in attributes.filter_map(Value::as_object_mut) {
                attribute.retain(|_, value| value != "");
            }
            review["status"] = json!({"allowed": is_allowed(&review["spec"], caller)});
        }
        "SelfSubjectRulesReview" => {
            review["spec"] = json!({});
            review["status"] = rules(caller);
        }
        _ => {
            review["metadata"]["creationTimestamp"] = json!(seconds(cluster.now()));
            let admin = ("simulated-admin", "system:masters");
            let (name, group) = caller.map_or(admin, |it| (&it.name, "system:serviceaccounts"));
            review["status"] = json!({"userInfo": {
                "username": name,
                "groups": [group, "system:authenticated"],
            }});
        }
    }
    Some(Answer::json(StatusCode::CREATED, review))
}

fn is_allowed(spec: &Value, caller: Option<&Account>) -> bool {
    let Some(account) = caller else {
        return true;
    };
    let (access, namespace) = rights::reviewed(&spec["resourceAttributes"]);
    account.may(&access, namespace)
}

fn rules(caller: Option<&Account>) -> Value {
    let all = json!([{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]);
    let shown = |rule: &Rule| json!({"verbs": rule.verbs, "apiGroups": rule.groups, "resources": rule.resources});
    json!({
        "resourceRules": caller.map_or(all, |it| it.rules.iter().map(shown).collect()),
        "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
        "incomplete": false,
    })
}
