//! One document that asks nothing of anybody else.

use std::sync::LazyLock;

use axum::response::{Html, IntoResponse, Response};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::header;
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

static PAGE: LazyLock<String> = LazyLock::new(|| {
    include_str!("page.html").replace("/* style */", STYLE).replace("/* script */", SCRIPT)
});

/// Nothing runs on the page but its own script, and it talks to nobody but its own server.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
});

pub fn show() -> Response {
    let policy = [(header::CONTENT_SECURITY_POLICY, POLICY.as_str())];
    (policy, Html(PAGE.as_str())).into_response()
}

fn hash(source: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(source)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_allows_what_stands_in_the_page_and_nothing_else() {
        assert!(PAGE.contains(&format!("<style>{STYLE}</style>")));
        assert!(PAGE.contains(&format!("<script type=\"module\">{SCRIPT}</script>")));
        assert!(!PAGE.contains(" style=") && !PAGE.contains("://"));
        assert!(!POLICY.contains("unsafe"));
    }
}
