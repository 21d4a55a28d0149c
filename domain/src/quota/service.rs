//! Limits are checked in the transaction that takes from them, under a lock of the tenant's: what
//! is taken is a row per thing, so that nothing can be counted twice or given back twice.

use std::collections::HashSet;

use serde_json::json;

use super::{Amounts, QuotaDimension, QuotaLimit, QuotaLine, QuotaShortfall};
use crate::{
    control_plane::{Call, Committed, ControlPlane},
    error::{Error, Result},
    events::{EventType, NewEvent, Subject},
    identity::{Action, Object, Tenant},
    ids::TenantId,
    work::{Work, image},
};

impl ControlPlane {
    /// Sets limits of a tenant; dimensions that are not named keep theirs.
    pub async fn set_tenant_quota(
        &self,
        call: &Call,
        id: TenantId,
        limits: &[QuotaLimit],
    ) -> Result<Committed<Tenant>> {
        self.execute(call, async |work| {
            work.actor()?.may(Action::Administer, Object::Platform)?;
            let tenant = work.seen::<Tenant>(id).await?;
            check(limits)?;
            work.tx.lock(&lock_of(id)).await?;
            for limit in limits {
                work.tx.set_quota_limit(id, limit).await?;
            }
            let mut data = image(&tenant)?;
            data["limits"] = json!(limits);
            work.tell(NewEvent {
                event_type: EventType::TenantQuotaSet,
                subject: Subject { id: id.to_string(), parent_id: None },
                tenant_id: Some(id),
                previous: None,
                data,
            });
            Ok(tenant)
        })
        .await
    }

    /// For edges: how tenants stand, in the order of `tenants`.
    pub async fn quota_of_tenants(&self, tenants: &[TenantId]) -> Result<Vec<Vec<QuotaLine>>> {
        let mut reader = self.reader().await?;
        let set = reader.quota_limits(tenants).await?;
        let held = reader.quota_held(tenants).await?;
        let lines = |tenant: &TenantId| {
            let set = set.iter().filter(|(of, _)| of == tenant).map(|(_, limit)| *limit);
            let limits = self.settings.quota_defaults.with(set);
            limits.lines(held.iter().filter(|held| held.tenant_id == *tenant))
        };
        Ok(tenants.iter().map(lines).collect())
    }
}

impl Work {
    /// Takes so much of a tenant's quota for a subject that has had `before`. What does not
    /// suffice is refused at the end of the mutation, all dimensions at once.
    pub(crate) async fn claim_quota(
        &mut self,
        tenant: TenantId,
        subject: &str,
        amounts: Amounts,
        before: Amounts,
    ) -> Result<()> {
        let lacking = self.lacking(tenant, amounts.beyond(&before)).await?;
        self.note_shortfalls(lacking);
        self.tx.claim_quota(tenant, subject, &amounts).await
    }

    /// Where so much more does not fit into a tenant's quota.
    pub(crate) async fn lacking(
        &mut self,
        tenant: TenantId,
        more: Amounts,
    ) -> Result<Vec<QuotaShortfall>> {
        let set = self.tx.quota_limits(&[tenant]).await?;
        let limits = self.quota_defaults().with(set.into_iter().map(|(_, limit)| limit));
        if more.some().all(|(dimension, _)| limits.get(dimension).is_none()) {
            return Ok(Vec::new());
        }
        self.tx.lock(&lock_of(tenant)).await?;
        let lines = limits.lines(&self.tx.quota_held(&[tenant]).await?);
        let lacking = |line: &QuotaLine| line.shortfall(more.get(line.dimension));
        Ok(lines.iter().filter_map(lacking).collect())
    }
}

fn check(limits: &[QuotaLimit]) -> Result<()> {
    let mut named: HashSet<QuotaDimension> = HashSet::new();
    for QuotaLimit { dimension, limit } in limits {
        if !named.insert(*dimension) {
            let message = format!("{} is there twice", dimension.as_str());
            return Err(Error::invalid("limits", message));
        }
        if limit.is_some_and(|limit| limit < 0) {
            return Err(Error::invalid("limits.limit", "must not be negative"));
        }
    }
    Ok(())
}

/// Whoever takes from a tenant's quota holds it to the end. It is the last lock to be taken.
fn lock_of(tenant: TenantId) -> String {
    format!("quota/{tenant}")
}
