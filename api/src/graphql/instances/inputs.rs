use async_graphql::{InputObject, MaybeUndefined};
use domain::{
    commerce::SpecChange,
    ids::{TenantId, UserId},
    instances,
};

use super::instance::InstanceStatus;
use crate::graphql::{
    commerce::GpuInput,
    scalars::{Id, Json},
};
use serde_json::json;

/// Narrows a list of instances; what is absent does not. Deleted ones are listed only where
/// `status` asks for them.
#[derive(InputObject)]
pub struct InstanceFilter {
    /// Any of these.
    status: Option<Vec<InstanceStatus>>,
    /// Owned by this account.
    owner_id: Option<Id<UserId>>,
    /// Of this tenant.
    tenant_id: Option<Id<TenantId>>,
}

/// What changes of an instance's specification; what is absent stays, null clears.
#[derive(InputObject)]
pub struct UpdateInstanceInput {
    /// CPU in thousandths of a core: 1 to 1024000.
    cpu_millis: Option<i32>,
    /// Memory in MiB: 1 to 16777216.
    memory_mib: Option<i32>,
    /// GPUs; null takes them away.
    gpu: MaybeUndefined<GpuInput>,
    /// The container image.
    image: Option<String>,
    /// Further settings, all of them: `port` and `env`; null clears.
    config: MaybeUndefined<Json>,
    /// The secret environment, all of it: texts by name, 64 KiB at most; null takes it away. It
    /// is never read back. A variable that `config` has too keeps the value of `config`.
    secret_config: MaybeUndefined<Json>,
}

impl From<UpdateInstanceInput> for instances::InstanceChange {
    fn from(input: UpdateInstanceInput) -> Self {
        let UpdateInstanceInput { cpu_millis, memory_mib, gpu, image, config, secret_config } =
            input;
        let gpu = match gpu {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(None),
            MaybeUndefined::Value(gpu) => Some(Some(gpu.into())),
        };
        let config = match config {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(json!({})),
            MaybeUndefined::Value(config) => Some(config.0),
        };
        let secret_config = match secret_config {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(None),
            MaybeUndefined::Value(config) => Some(Some(config.0)),
        };
        let spec = SpecChange { cpu_millis, memory_mib, gpu, image, config };
        Self { spec, secret_config }
    }
}

impl From<InstanceFilter> for instances::InstanceFilter {
    fn from(filter: InstanceFilter) -> Self {
        let InstanceFilter { status, owner_id, tenant_id } = filter;
        Self {
            status: status.map(|status| status.into_iter().map(Into::into).collect()),
            owner_id: owner_id.map(|id| id.0),
            tenant_id: tenant_id.map(|id| id.0),
            visible: None,
        }
    }
}
