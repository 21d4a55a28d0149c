use std::{sync::Arc, time::Duration};

use anyhow::Context;
use async_graphql::parser::parse_schema;
use axum::{Router, response::Redirect, routing::get};
use domain::ControlPlane;
use http::{HeaderName, HeaderValue, Method};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_http::cors::CorsLayer;

use super::{
    asked::Remembered,
    budgets::Budgets,
    documents::Documents,
    entrance::enter,
    feeds::Feeds,
    graphql,
    guard::Guard,
    health,
    limits::Limits,
    nulls::Nulls,
    page,
    routes::{GRAPHQL, Routes},
    scrape,
    seats::Seats,
};
use crate::{
    auth::Gatekeeper,
    config::Door,
    graphql::{LogTail, Schema},
    metrics::Metrics,
};

/// How long a browser need not ask again what a page may do.
const PREFLIGHT_LIFE: Duration = Duration::from_secs(3_600);

/// What the routes need of the rest of the program.
pub struct FrontDoor {
    pub schema: Schema,
    /// The same, but for the check of documents against it.
    pub unchecked: Schema,
    pub gatekeeper: Gatekeeper,
    pub control_plane: Arc<ControlPlane>,
    pub tail: Arc<LogTail>,
    pub metrics: Arc<Metrics>,
    pub settings: Door,
    /// Cancelled when the server is about to stop: it is not ready any more.
    pub leaving: CancellationToken,
    /// Cancelled when the server stops: sockets are then closed with 1001.
    pub shutdown: CancellationToken,
    /// Holds every socket and mutation under way, so that the server can wait for them.
    pub tasks: TaskTracker,
}

/// What the handlers share.
pub(super) struct Desk {
    pub door: FrontDoor,
    pub guard: Guard,
    pub nulls: Arc<Nulls>,
    pub documents: Documents,
    pub remembered: Remembered,
    pub feeds: Feeds,
    pub budgets: Budgets,
    pub seats: Arc<Seats>,
    pub sdl: String,
}

impl Desk {
    fn new(door: FrontDoor) -> anyhow::Result<Self> {
        let sdl = crate::graphql::sdl();
        let schema = parse_schema(&sdl).expect("a schema's own text is well-formed");
        let limits = &door.settings.limits;
        let trusted = door.settings.trusted_documents.as_deref();
        Ok(Self {
            guard: Guard::new(limits.clone(), &schema),
            nulls: Arc::new(Nulls::new(&schema)),
            documents: Documents::new(trusted, limits.kept_bytes)?,
            remembered: Remembered::new(),
            feeds: Feeds::new(&schema),
            budgets: Budgets::new(limits),
            seats: Arc::default(),
            sdl,
            door,
        })
    }

    pub fn limits(&self) -> &Limits {
        &self.door.settings.limits
    }

    /// How old word of where a quiet reader stands may be.
    pub fn look_every(&self) -> Duration {
        let limits = self.limits();
        limits.ping_after.min(limits.heartbeat_after) / 3
    }
}

/// Everything that a server answers.
pub fn routes(door: FrontDoor) -> anyhow::Result<Routes> {
    let cors = cors(&door.settings.allowed_origins)?;
    let desk = Arc::new(Desk::new(door)?);
    let router = Router::new()
        .route("/", get(async || Redirect::temporary(GRAPHQL)))
        .route(GRAPHQL, get(enter).fallback(graphql::not_allowed))
        .nest("/console", page::routes())
        .route("/schema.graphql", get(health::schema))
        .merge(for_operators())
        .with_state(Arc::clone(&desk));
    Ok(Routes::new(desk, true, cors, router))
}

/// What a process answers that only works: whoever watches over it asks.
pub fn probes(door: FrontDoor) -> anyhow::Result<Routes> {
    let desk = Arc::new(Desk::new(door)?);
    let router = for_operators().with_state(Arc::clone(&desk));
    Ok(Routes::new(desk, false, None, router))
}

fn for_operators() -> Router<Arc<Desk>> {
    Router::new()
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(scrape::show))
}

/// What pages of other origins may do; nothing where none is allowed.
fn cors(origins: &[String]) -> anyhow::Result<Option<CorsLayer>> {
    if origins.is_empty() {
        return Ok(None);
    }
    let origins = origins.iter().map(|origin| origin.parse::<HeaderValue>());
    let origins: Vec<_> = origins.collect::<Result<_, _>>().context("SLIPWAY_ALLOWED_ORIGINS")?;
    let sent =
        ["authorization", "content-type", "idempotency-key", "last-event-id", "x-request-id"];
    let layer = CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(sent.map(HeaderName::from_static))
        .expose_headers(["retry-after", "x-request-id"].map(HeaderName::from_static))
        .max_age(PREFLIGHT_LIFE);
    Ok(Some(layer))
}
