use async_trait::async_trait;

use super::{Amounts, QuotaHeld, QuotaLimit};
use crate::{error::Result, ids::TenantId};

#[async_trait]
pub trait QuotaReads {
    /// What administrators have set.
    async fn quota_limits(&mut self, tenants: &[TenantId]) -> Result<Vec<(TenantId, QuotaLimit)>>;
    /// What the tenants' things take, workflows under way included, summed up.
    async fn quota_held(&mut self, tenants: &[TenantId]) -> Result<Vec<QuotaHeld>>;
}

#[async_trait]
pub trait QuotaWrites {
    async fn set_quota_limit(&mut self, tenant: TenantId, limit: &QuotaLimit) -> Result<()>;
    /// Reserves so much for a subject, in the place of what it had.
    async fn claim_quota(
        &mut self,
        tenant: TenantId,
        subject: &str,
        amounts: &Amounts,
    ) -> Result<()>;
    /// What was reserved for a subject is in use.
    async fn use_quota(&mut self, subject: &str) -> Result<()>;
    async fn release_quota(&mut self, subject: &str) -> Result<()>;
}
