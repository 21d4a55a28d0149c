use std::collections::BTreeSet;

use base64::{Engine, prelude::BASE64_STANDARD};
use domain::delivery::Login;
use serde_json::{Value, json};

/// What Docker Hub is called in credentials.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// A `config.json` with one login for the registries of these images.
pub(super) fn credentials<'a>(login: &Login, images: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let registries: BTreeSet<&str> = images.into_iter().map(registry).collect();
    let Login { username, password } = login;
    let auth = basic(login);
    let entry = json!({ "username": username, "password": password, "auth": auth });
    let auths: Value =
        registries.into_iter().map(|registry| (registry.to_owned(), entry.clone())).collect();
    json!({ "auths": auths }).to_string().into_bytes()
}

/// A login as HTTP's basic authentication writes it.
pub(super) fn basic(Login { username, password }: &Login) -> String {
    BASE64_STANDARD.encode(format!("{username}:{password}"))
}

/// A first part that looks like a host is one; all else is Docker Hub's.
fn registry(image: &str) -> &str {
    match image.split_once('/') {
        Some((host, _)) if host == "localhost" || host.contains(['.', ':']) => host,
        _ => DOCKER_HUB,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_for_the_registries_of_its_images() {
        let login = Login { username: "ada".to_owned(), password: "s3cret".to_owned() };
        let images = ["registry.example:5000/a/b:1", "registry.example:5000/c", "acme/web:1"];

        let config: Value = serde_json::from_slice(&credentials(&login, images)).unwrap();

        let entry = json!({ "username": "ada", "password": "s3cret", "auth": "YWRhOnMzY3JldA==" });
        assert_eq!(
            config,
            json!({ "auths": { "registry.example:5000": entry, DOCKER_HUB: entry } })
        );
    }
}
