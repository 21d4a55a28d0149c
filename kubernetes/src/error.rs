//! What a cluster's refusal comes to in the domain.

use domain::error::Error;
use kube::core::Status;

/// Refusals that stand until somebody changes something keep the API server's words; what may go
/// by itself is `Unavailable`.
pub(crate) fn cluster(error: kube::Error) -> Error {
    match error {
        kube::Error::Api(status) => refused(*status),
        kube::Error::HyperError(_) | kube::Error::Service(_) | kube::Error::ReadEvents(_) => {
            Error::unavailable("the cluster", error)
        }
        error => Error::Internal {
            context: "the cluster was not understood".to_owned(),
            source: Some(error.into()),
        },
    }
}

/// Whether the answer is that there is no such object, or no namespace for it.
pub(crate) fn is_absent(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.is_not_found())
}

/// Whether a log was asked for that the container does not have: it has not been started, or not
/// before.
pub(crate) fn has_no_log(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 400)
}

/// Whether a call failed because there is no such namespace.
pub(crate) fn lacks_namespace(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else {
        return false;
    };
    let kind = status.details.as_ref().map(|details| details.kind.as_str());
    status.is_not_found() && kind == Some("namespaces")
}

fn refused(status: Status) -> Error {
    match status.code {
        // Credentials are renewed on disk, so 401 may pass.
        401 | 408 | 409 | 429 | 500.. => Error::unavailable("the cluster", status),
        403 if is_terminating(&status) => {
            Error::unavailable("the namespace, which is terminating,", status)
        }
        403 => Error::Forbidden(status.message),
        422 => invalid(status),
        _ => Error::Internal {
            context: format!("the cluster refused: {}", status.message),
            source: Some(status.into()),
        },
    }
}

/// Whether the namespace is on its way out; once it is gone it can be made again.
fn is_terminating(status: &Status) -> bool {
    status
        .details
        .iter()
        .flat_map(|details| &details.causes)
        .any(|cause| cause.reason == "NamespaceTerminating")
}

fn invalid(status: Status) -> Error {
    let cause = status.details.and_then(|details| details.causes.into_iter().next());
    let field = cause.map(|cause| cause.field).filter(|field| !field.is_empty());
    Error::invalid(field.unwrap_or_else(|| "object".to_owned()), status.message)
}

#[cfg(test)]
mod tests {
    use domain::error::ErrorCode;
    use serde_json::{Value, json};

    use super::*;

    fn api(status: Value) -> kube::Error {
        kube::Error::Api(serde_json::from_value(status).expect("it is a Status"))
    }

    fn code(status: Value) -> ErrorCode {
        cluster(api(status)).code()
    }

    #[test]
    fn what_may_pass_by_itself_is_retryable() {
        for code in [401, 408, 409, 429, 500, 502, 503, 504] {
            let error = cluster(api(json!({ "code": code, "message": "no" })));
            assert!(error.retryable(), "{code}");
        }
        let broken = cluster(kube::Error::Service("connection refused".into()));
        assert!(broken.retryable());
    }

    #[test]
    fn a_quota_refusal_keeps_its_words() {
        let message = r#"pods "big" is forbidden: exceeded quota: unit, requested: cpu=2"#;

        let error = cluster(api(json!({
            "code": 403,
            "reason": "Forbidden",
            "message": message,
            "details": { "name": "big", "kind": "pods" },
        })));

        assert_eq!(error.code(), ErrorCode::Forbidden);
        assert!(!error.retryable());
        assert_eq!(error.to_string(), message);
    }

    #[test]
    fn a_terminating_namespace_is_waited_for() {
        let code = code(json!({
            "code": 403,
            "reason": "Forbidden",
            "message": "unable to create new content in namespace a because it is being terminated",
            "details": { "causes": [{
                "reason": "NamespaceTerminating",
                "message": "namespace a is being terminated",
                "field": "metadata.namespace",
            }] },
        }));

        assert_eq!(code, ErrorCode::Unavailable);
    }

    #[test]
    fn an_invalid_object_names_the_field() {
        let error = cluster(api(json!({
            "code": 422,
            "reason": "Invalid",
            "message": "Deployment.apps \"web\" is invalid: spec.replicas: Invalid value: -1",
            "details": { "name": "web", "kind": "Deployment", "causes": [
                { "reason": "FieldValueInvalid", "message": "Invalid value: -1", "field": "spec.replicas" },
                { "reason": "FieldValueRequired", "message": "Required value", "field": "spec.template" },
            ] },
        })));

        let Error::Invalid { field, message } = error else { panic!("{error:?}") };
        assert_eq!(field, "spec.replicas");
        assert_eq!(message, "Deployment.apps \"web\" is invalid: spec.replicas: Invalid value: -1");
    }

    #[test]
    fn the_rest_is_internal() {
        assert_eq!(code(json!({ "code": 400, "message": "bad" })), ErrorCode::Internal);
        assert_eq!(code(json!({ "code": 404, "message": "no such path" })), ErrorCode::Internal);
    }

    #[test]
    fn an_absent_namespace_is_told_from_an_absent_object() {
        let absent = |kind| {
            api(
                json!({ "code": 404, "reason": "NotFound", "details": { "name": "a", "kind": kind } }),
            )
        };

        assert!(lacks_namespace(&absent("namespaces")));
        assert!(!lacks_namespace(&absent("deployments")));
        assert!(is_absent(&absent("deployments")));
    }
}
