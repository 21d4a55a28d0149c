//! Questions about the caller. Everyone is the administrator of a simulated cluster.

use http::{Method, StatusCode, request::Parts};
use serde_json::{Value, json};

use super::answer::Answer;
use crate::{
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
pub(super) fn answer(parts: &Parts, body: &[u8], cluster: &Cluster) -> Option<Answer> {
    let (group, _, kind) = REVIEWS
        .iter()
        .find(|(group, name, _)| parts.uri.path() == format!("/apis/{group}/v1/{name}"))?;
    if parts.method != Method::POST {
        return Some(Answer::refusal(&StatusError::method_not_allowed()));
    }
    // Typed clients send protobuf. What they ask does not matter: the answer is always yes.
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
            review["status"] = json!({"allowed": true});
        }
        "SelfSubjectRulesReview" => {
            review["spec"] = json!({});
            review["status"] = rules();
        }
        _ => {
            review["metadata"]["creationTimestamp"] = json!(seconds(cluster.now()));
            review["status"] = json!({"userInfo": {
                "username": "simulated-admin",
                "groups": ["system:masters", "system:authenticated"],
            }});
        }
    }
    Some(Answer::json(StatusCode::CREATED, review))
}

fn rules() -> Value {
    json!({
        "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
        "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
        "incomplete": false,
    })
}
