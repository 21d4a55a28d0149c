use async_graphql::{Enum, InputObject, SimpleObject};
use domain::quota;

use crate::graphql::scalars::Long;

/// What is limited by a quota.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "quota::QuotaDimension")]
pub enum QuotaDimension {
    /// Instances that hold their name.
    Instances,
    /// Clusters that hold their name.
    Clusters,
    /// CPU in thousandths of a core; what a cluster may use at most, all replicas together.
    CpuMillis,
    /// Memory in MiB; what a cluster may use at most, all replicas together.
    MemoryMib,
    /// Disk in MiB, all replicas together.
    DiskMib,
    /// GPUs of all types.
    Gpu,
    /// Workflows that wait or run. Those that delete or mend do not count.
    RunningWorkflows,
}

/// How a tenant stands in one dimension.
#[derive(SimpleObject)]
pub struct QuotaLine {
    /// What is limited.
    dimension: QuotaDimension,
    /// The most that there may be; null where there is no limit.
    limit: Option<Long>,
    /// What stands.
    used: Long,
    /// What is on its way.
    reserved: Long,
    /// What is left of the limit; null where there is none.
    available: Option<Long>,
}

impl From<quota::QuotaLine> for QuotaLine {
    fn from(line: quota::QuotaLine) -> Self {
        Self {
            dimension: line.dimension.into(),
            limit: line.limit.map(Long),
            used: Long(line.used),
            reserved: Long(line.reserved),
            available: line.available().map(Long),
        }
    }
}

/// A limit in one dimension.
#[derive(InputObject)]
pub struct QuotaLimitInput {
    /// What is limited.
    dimension: QuotaDimension,
    /// The most that there may be, also below what there is; null for no limit.
    limit: Option<Long>,
}

impl From<QuotaLimitInput> for quota::QuotaLimit {
    fn from(input: QuotaLimitInput) -> Self {
        let QuotaLimitInput { dimension, limit } = input;
        Self { dimension: dimension.into(), limit: limit.map(|limit| limit.0) }
    }
}
