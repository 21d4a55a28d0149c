use std::sync::Arc;

use async_graphql::parser::parse_schema;
use axum::{Router, middleware::from_fn_with_state, response::Redirect, routing::get};
use domain::ControlPlane;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    entrance::enter, graphql, guard::Guard, health, limits::Limits, measures, nulls::Nulls, page,
    seats::Seats, stamp::stamp,
};
use crate::{
    auth::Gatekeeper,
    config::Door,
    graphql::{LogTail, Schema},
    metrics::Metrics,
};

/// What the routes need of the rest of the program.
pub struct FrontDoor {
    pub schema: Schema,
    pub gatekeeper: Gatekeeper,
    pub control_plane: Arc<ControlPlane>,
    pub tail: Arc<LogTail>,
    pub metrics: Arc<Metrics>,
    pub settings: Door,
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
    pub seats: Arc<Seats>,
    pub sdl: String,
}

impl Desk {
    pub fn limits(&self) -> &Limits {
        &self.door.settings.limits
    }
}

pub fn router(door: FrontDoor) -> Router {
    let sdl = crate::graphql::sdl();
    let schema = parse_schema(&sdl).expect("a schema's own text is well-formed");
    let guard = Guard::new(door.settings.limits.clone(), &schema);
    let nulls = Arc::new(Nulls::new(&schema));
    let graphql = get(enter).post(graphql::post).fallback(graphql::not_allowed);
    let desk = Arc::new(Desk { door, guard, nulls, seats: Arc::default(), sdl });
    Router::new()
        .route("/", get(async || Redirect::temporary("/graphql")))
        .route("/graphql", graphql)
        .nest("/console", page::routes())
        .route("/schema.graphql", get(health::schema))
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(measures::show))
        .layer(from_fn_with_state(Arc::clone(&desk), stamp))
        .with_state(desk)
}
