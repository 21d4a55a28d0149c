//! The graph: merged roots, and what a request carries into its resolvers.

mod batches;
mod clusters;
mod commerce;
mod compiled;
mod connection;
mod context;
mod delivery;
mod error;
mod events;
mod explanation;
mod identity;
mod instances;
mod live;
mod loaders;
mod node;
mod order_by;
mod place;
mod platform;
mod scalars;
mod secret;
mod workflows;

use std::sync::Arc;

use async_graphql::{
    MergedObject, MergedSubscription, Request, SDLExportOptions, SchemaBuilder, ValidationMode,
};
use domain::{Call, ControlPlane};

use crate::keys::TokenKeys;

pub use batches::Batches;
pub use compiled::{Answer, Leave, Plan, Reader};
pub use context::Refused;
use context::{IdempotencyHeader, StartCursor};
pub use error::coded;
pub use live::LogTail;
pub use place::Place;

pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// Where every read begins.
#[derive(MergedObject, Default)]
pub struct Query(
    platform::PlatformQuery,
    node::NodeQuery,
    identity::IdentityQuery,
    identity::TenantQuery,
    commerce::CommerceQuery,
    instances::InstanceQuery,
    clusters::ClusterQuery,
    delivery::DeliveryQuery,
    workflows::WorkflowQuery,
    events::EventQuery,
);

/// Every change. Fields are nullable, so that a refused one does not hide its committed neighbours;
/// each takes an idempotencyKey, under which a repeated call has one effect and one answer.
#[derive(MergedObject, Default)]
pub struct Mutation(
    identity::IdentityMutation,
    identity::TenantMutation,
    identity::ApiTokenMutation,
    commerce::CommerceMutation,
    instances::InstanceMutation,
    clusters::ClusterMutation,
    delivery::DeliveryMutation,
    workflows::WorkflowMutation,
);

/// Everything that changes, live. With `after`, what has happened since that cursor comes first,
/// in order, without a gap or a repeat; without it, only what happens from now on.
#[derive(MergedSubscription, Default)]
pub struct Subscription(
    commerce::CommerceSubscription,
    instances::InstanceSubscription,
    clusters::ClusterSubscription,
    delivery::DeliverySubscription,
    workflows::WorkflowSubscription,
    events::EventSubscription,
);

/// The schema over a control plane. The document guard stands before it; its own limits are a
/// second line.
pub fn schema(
    control_plane: Arc<ControlPlane>,
    tail: Arc<LogTail>,
    keys: TokenKeys,
    check: ValidationMode,
) -> Schema {
    builder()
        .validation_mode(check)
        .data(control_plane)
        .data(tail)
        .data(keys)
        .limit_recursive_depth(48)
        .disable_suggestions()
        .finish()
}

/// The schema's text, as `schema.graphql` holds it.
pub fn sdl() -> String {
    let schema = builder().finish();
    schema.sdl_with_options(
        SDLExportOptions::new().sorted_arguments().prefer_single_line_descriptions(),
    )
}

fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    async_graphql::Schema::build(Query::default(), Mutation::default(), Subscription::default())
        .register_output_type::<error::ErrorCodeName>()
        .register_output_type::<clusters::ClusterAsNode>()
}

/// Puts what a request knows into it: who calls, and loaders of its own, whose batches the
/// operation has to be driven with.
pub fn attach(
    request: Request,
    control_plane: &Arc<ControlPlane>,
    tail: &LogTail,
    call: Call,
    idempotency_key: Option<String>,
) -> (Request, Batches) {
    let batches = Batches::default();
    let request = request
        .data(call)
        .data(loaders::Loaders::new(control_plane, &batches))
        .data(StartCursor(tail.head()))
        .data(IdempotencyHeader(idempotency_key));
    (request, batches)
}
