use async_graphql::{Object, SimpleObject};
use domain::commerce;

use crate::graphql::scalars::Json;

pub struct ComputeSpec(pub commerce::ComputeSpec);

/// What a workload gets and runs.
#[Object]
impl ComputeSpec {
    /// CPU in thousandths of a core.
    async fn cpu_millis(&self) -> i32 {
        self.0.cpu_millis
    }
    /// Memory in MiB.
    async fn memory_mib(&self) -> i32 {
        self.0.memory_mib
    }
    /// GPUs, where the workload has any.
    async fn gpu(&self) -> Option<Gpu> {
        self.0.gpu.as_ref().map(|gpu| Gpu { kind: gpu.kind, count: gpu.count })
    }
    /// The container image.
    async fn image(&self) -> &str {
        &self.0.image
    }
    /// Further settings: `port` (the container listens there; default 8080) and `env` (texts by
    /// name).
    async fn config(&self) -> Json {
        Json(self.0.config.clone())
    }
}

/// GPUs of one type.
#[derive(SimpleObject)]
pub struct Gpu {
    /// Which type of GPU, as the platform numbers them.
    #[graphql(name = "type")]
    kind: i32,
    /// How many.
    count: i32,
}
