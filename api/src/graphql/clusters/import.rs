use async_graphql::{ComplexObject, Context, Enum, SimpleObject};
use domain::{Committed, clusters};

use super::dev::DevCluster;
use crate::graphql::{context::Ctx, error::Result, scalars::Cursor};

/// What came of a file of clusters.
#[derive(SimpleObject)]
pub struct ImportPayload {
    /// The safe position just before the effect.
    cursor: Cursor,
    /// Whether an earlier call with the same idempotency key had the effect.
    replayed: bool,
    /// What came of each row, in the order of the file.
    rows: Vec<ImportRow>,
}

/// What came of a row.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct ImportRow {
    /// Its line in the file, from 1.
    line: i32,
    /// The cluster that it names.
    name: String,
    /// What came of it.
    outcome: ImportOutcome,
    /// Why, and which ports are other than it says.
    message: Option<String>,
    #[graphql(skip)]
    row: clusters::ImportRow,
}

#[ComplexObject]
impl ImportRow {
    /// The cluster, where there is one of that name.
    async fn cluster(&self, ctx: &Context<'_>) -> Result<Option<DevCluster>> {
        let Some(id) = self.row.cluster_id else { return Ok(None) };
        Ok(ctx.loaders().clusters.load_one(id).await?.map(DevCluster))
    }
}

/// What came of a row of a file.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "clusters::ImportOutcome")]
pub enum ImportOutcome {
    /// There is a new cluster.
    Created,
    /// The cluster was there, and what may change of it has changed.
    Updated,
    /// The cluster was there as the row says.
    Unchanged,
    /// It cannot be as the row says; nothing has changed.
    Conflict,
    /// The row cannot be read; nothing has changed.
    Invalid,
}

impl From<clusters::ImportRow> for ImportRow {
    fn from(row: clusters::ImportRow) -> Self {
        Self {
            line: i32::try_from(row.line).unwrap_or(i32::MAX),
            name: row.name.clone(),
            outcome: row.outcome.into(),
            message: row.message.clone(),
            row,
        }
    }
}

impl From<Committed<clusters::Import>> for ImportPayload {
    fn from(committed: Committed<clusters::Import>) -> Self {
        let Committed { cursor, replayed, entity, workflow: _ } = committed;
        let rows = entity.rows.into_iter().map(ImportRow::from).collect();
        Self { cursor: Cursor(cursor), replayed, rows }
    }
}
