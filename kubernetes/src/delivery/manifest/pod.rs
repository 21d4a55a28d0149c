use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Container, LocalObjectReference, PodSecurityContext, PodSpec, PodTemplateSpec, SeccompProfile,
    SecurityContext,
};
use kube::api::ObjectMeta;

/// A pod of one container that has no business with the cluster.
pub(super) fn template(
    labels: BTreeMap<String, String>,
    container: Container,
    image_secret: Option<String>,
) -> PodTemplateSpec {
    PodTemplateSpec {
        metadata: Some(ObjectMeta { labels: Some(labels), ..ObjectMeta::default() }),
        spec: Some(PodSpec {
            containers: vec![container],
            automount_service_account_token: Some(false),
            enable_service_links: Some(false),
            image_pull_secrets: image_secret.map(|name| vec![LocalObjectReference { name }]),
            security_context: Some(PodSecurityContext {
                seccomp_profile: Some(SeccompProfile {
                    type_: "RuntimeDefault".to_owned(),
                    localhost_profile: None,
                }),
                ..PodSecurityContext::default()
            }),
            ..PodSpec::default()
        }),
    }
}

/// What a user's image may do.
pub(super) fn confined() -> SecurityContext {
    SecurityContext { allow_privilege_escalation: Some(false), ..SecurityContext::default() }
}
