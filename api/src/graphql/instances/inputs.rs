use async_graphql::InputObject;
use domain::{
    ids::{TenantId, UserId},
    instances,
};

use super::instance::InstanceStatus;
use crate::graphql::scalars::Id;

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
