use async_graphql::{Context, Object, SimpleObject};

use super::{
    context::{Ctx, StartCursor},
    error::Result,
    scalars::Cursor,
};

/// What the server is and where workloads run.
#[derive(SimpleObject)]
pub struct Platform {
    /// The server's version.
    version: &'static str,
    /// The clusters that workloads run in.
    targets: Vec<Target>,
}

/// A cluster that workloads run in.
#[derive(SimpleObject)]
pub struct Target {
    /// Its name.
    name: String,
    /// Whether it is simulated: nothing real runs, and what runs is gone with the server.
    simulated: bool,
    /// Whether the watch on it works; while it does not, what is shown of pods may be old.
    connected: bool,
}

#[derive(Default)]
pub struct PlatformQuery;

#[Object]
impl PlatformQuery {
    /// The safe position in the event log, read before anything else in the response. A
    /// subscription with `after` set to it misses nothing that the response does not show;
    /// something that it shows may come once more.
    async fn cursor(&self, ctx: &Context<'_>) -> Result<Cursor> {
        let StartCursor(cursor) = ctx.data_unchecked();
        Ok(Cursor(*cursor))
    }

    /// What the server is and where workloads run.
    async fn platform(&self, ctx: &Context<'_>) -> Result<Platform> {
        let targets = ctx.control_plane().targets().await?;
        let targets = targets.into_iter().map(|(target, connected)| Target {
            name: target.name,
            simulated: target.simulated,
            connected,
        });
        Ok(Platform { version: env!("CARGO_PKG_VERSION"), targets: targets.collect() })
    }
}
