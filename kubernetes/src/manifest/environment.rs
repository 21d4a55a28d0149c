use k8s_openapi::api::core::v1::{EnvFromSource, EnvVar, SecretEnvSource};

/// Variables of a container, as they are written; `None` where there are none. The API server drops
/// a value that is empty, so that to apply it again would be a change.
pub(crate) fn environment<'a>(
    variables: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Option<Vec<EnvVar>> {
    let variable = |(name, value): (&str, &str)| EnvVar {
        name: name.to_owned(),
        value: Some(literal(value)).filter(|value| !value.is_empty()),
        value_from: None,
    };
    Some(variables.into_iter().map(variable).collect()).filter(|all: &Vec<_>| !all.is_empty())
}

/// All that a Secret holds, as variables of a container that does not start without it.
pub(crate) fn secret_environment(secret: &str) -> EnvFromSource {
    let secret_ref = SecretEnvSource { name: secret.to_owned(), optional: Some(false) };
    EnvFromSource { secret_ref: Some(secret_ref), ..EnvFromSource::default() }
}

/// Kubernetes would read `$(NAME)` and `$$` in a value or an argument; a doubled `$` stands for
/// itself.
pub(crate) fn literal(text: &str) -> String {
    text.replace('$', "$$")
}
