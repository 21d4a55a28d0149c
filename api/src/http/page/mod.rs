//! What a browser finds at the graph: GraphiQL, or a plain page where that was not built in.

mod assets;
mod plain;

use axum::{
    Router,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use http::header;

/// Whatever is loaded comes from this server. Monaco, GraphiQL's editor, writes its colours and the
/// places of its lines into the page as styles; its symbols and wavy lines are data in style sheets.
const POLICY: &str = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; \
     style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub fn show() -> Response {
    match console::page() {
        Some(page) => ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(page)).into_response(),
        None => plain::show(),
    }
}

/// What the page loads, and the plain page for those who prefer it.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/plain", get(async || plain::show()))
        .route("/assets/{name}", get(assets::serve))
}
