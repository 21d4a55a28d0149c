use std::collections::BTreeMap;

use domain::delivery::Secrets;
use k8s_openapi::api::core::v1::Container;

use super::pod::confined;
use crate::manifest::{environment, literal, secret_environment};

/// `secret` is the Secret of the application's own variables.
pub(super) fn container(
    image: &str,
    command: &str,
    variables: &BTreeMap<String, String>,
    secrets: &Secrets,
    secret: &str,
) -> Container {
    let own = variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    Container {
        image: Some(image.to_owned()),
        command: Some(["/bin/sh", "-c"].map(str::to_owned).into()),
        args: Some(vec![literal(command)]),
        env: environment(own),
        env_from: secrets.environment.as_ref().map(|_| vec![secret_environment(secret)]),
        security_context: Some(confined()),
        ..Container::default()
    }
}
