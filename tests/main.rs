//! Slipway as its users meet it: over HTTP and WebSockets, on a real store, against the simulated
//! cluster. `SLIPWAY_TEST_DATABASE=postgres://…` runs the same tests on PostgreSQL.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests fail by panicking and find their services in the environment"
)]

mod support;

mod access;
mod api_tokens;
mod architecture;
mod bus;
mod clock_jumps;
mod commerce;
mod compiled;
mod crash;
mod delivery;
mod deploy;
mod deployment_costs;
mod deployment_failures;
mod deployment_progress;
mod deployment_recovery;
mod deployment_scale;
mod deployments;
mod dev_cluster_races;
mod dev_cluster_recovery;
mod dev_cluster_tools;
mod dev_clusters;
mod documents;
mod drift;
mod embedded;
mod events;
mod examples;
mod feeds;
mod forgeries;
mod front_door;
mod front_page;
mod guesses;
mod hang_ups;
mod held_writes;
mod hostile;
mod http;
mod identity;
mod import_command;
mod imports;
mod in_cluster;
mod instances;
mod interleavings;
mod logs;
mod main_job;
mod metrics;
mod mirror;
mod model;
mod observers;
mod operations;
mod outage;
mod own_cluster;
mod pod_logs;
mod processes;
mod proof;
mod quota;
mod rates;
mod real_cluster;
mod recovery;
mod reference;
mod rolling_restart;
mod safe_head;
mod scale;
mod schema;
mod search_cluster_recovery;
mod search_clusters;
mod secrets;
mod socket_life;
mod sse;
mod stalled_readers;
mod subscriptions;
mod tenants;
mod traces;
mod why_not_running;
mod workflows;
