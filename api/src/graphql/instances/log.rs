use async_graphql::{Enum, ID, SimpleObject};
use domain::instances;

use crate::graphql::scalars::{DateTime, Json, id};

/// A line in the log of an instance: what was asked of it, what became of that, and what the
/// cluster complained of.
#[derive(SimpleObject)]
pub struct InstanceLog {
    /// Opaque; begins with `ilog_`. Good for telling lines apart, not for `node`.
    id: ID,
    /// What kind of line it is.
    #[graphql(name = "type")]
    kind: LogType,
    /// For people.
    message: String,
    /// The same for programs, where there is more to say.
    data: Option<Json>,
    /// When it was written.
    created_at: DateTime,
}

impl From<instances::InstanceLog> for InstanceLog {
    fn from(line: instances::InstanceLog) -> Self {
        Self {
            id: id(line.id),
            kind: line.log_type.into(),
            message: line.message,
            data: line.data.map(Json),
            created_at: DateTime(line.created_at),
        }
    }
}

/// What kind of line it is.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "instances::LogType")]
pub enum LogType {
    /// Something was done.
    Info,
    /// A workflow failed for good.
    Error,
    /// The cluster complained.
    Warning,
    /// The status changed; `data` has `from` and `to`.
    StateChange,
}
