use async_trait::async_trait;
use diesel::{dsl::sql, prelude::*, sql_types::BigInt};
use domain::{
    Result,
    ids::TenantId,
    quota::{Amounts, QuotaDimension, QuotaHeld, QuotaLimit, QuotaReads, QuotaWrites},
    workflows::{WorkflowKind, WorkflowStatus},
};

use crate::{
    backend::{Conn, run},
    error::database,
    run::RunQueryDsl,
    schema::{quota_claims, quota_limits, workflows},
    types::{AsText, texts},
};

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = quota_limits, treat_none_as_null = true)]
struct LimitRow {
    tenant_id: AsText<TenantId>,
    dimension: AsText<QuotaDimension>,
    amount: Option<i64>,
}

#[derive(Insertable)]
#[diesel(table_name = quota_claims)]
struct ClaimRow<'a> {
    subject_id: &'a str,
    dimension: AsText<QuotaDimension>,
    tenant_id: AsText<TenantId>,
    amount: i64,
    in_use: bool,
}

#[async_trait]
impl QuotaReads for Conn {
    async fn quota_limits(&mut self, tenants: &[TenantId]) -> Result<Vec<(TenantId, QuotaLimit)>> {
        let rows: Vec<LimitRow> = run!(self, |c| quota_limits::table
            .filter(quota_limits::tenant_id.eq_any(texts(tenants)))
            .load(c))
        .map_err(database)?;
        let limit = |row: LimitRow| {
            let limit = QuotaLimit { dimension: row.dimension.0, limit: row.amount };
            (row.tenant_id.0, limit)
        };
        Ok(rows.into_iter().map(limit).collect())
    }

    async fn quota_held(&mut self, tenants: &[TenantId]) -> Result<Vec<QuotaHeld>> {
        let mut held = self.claims(tenants).await?;
        held.extend(self.workflows_under_way(tenants).await?);
        Ok(held)
    }
}

impl Conn {
    async fn claims(&mut self, tenants: &[TenantId]) -> Result<Vec<QuotaHeld>> {
        // The type of a sum differs between the databases.
        let sum = || sql::<BigInt>("CAST(SUM(amount) AS BIGINT)");
        let kept = (quota_claims::tenant_id, quota_claims::dimension, quota_claims::in_use);
        let rows: Vec<(AsText<TenantId>, AsText<QuotaDimension>, bool, i64)> =
            run!(self, |c| quota_claims::table
                .filter(quota_claims::tenant_id.eq_any(texts(tenants)))
                .group_by(kept)
                .select((
                    quota_claims::tenant_id,
                    quota_claims::dimension,
                    quota_claims::in_use,
                    sum()
                ))
                .load(c))
            .map_err(database)?;
        let held = |(tenant, dimension, in_use, amount): (AsText<_>, AsText<_>, _, _)| QuotaHeld {
            tenant_id: tenant.0,
            dimension: dimension.0,
            amount,
            in_use,
        };
        Ok(rows.into_iter().map(held).collect())
    }

    async fn workflows_under_way(&mut self, tenants: &[TenantId]) -> Result<Vec<QuotaHeld>> {
        let counted: Vec<&str> = WorkflowKind::ALL
            .iter()
            .filter(|kind| kind.takes_quota())
            .map(|kind| kind.as_str())
            .collect();
        let rows: Vec<(AsText<TenantId>, AsText<WorkflowStatus>, i64)> =
            run!(self, |c| workflows::table
                .filter(workflows::tenant_id.eq_any(texts(tenants)))
                .filter(workflows::status.eq_any(texts(WorkflowStatus::LIVE)))
                .filter(workflows::kind.eq_any(&counted))
                .group_by((workflows::tenant_id, workflows::status))
                .select((workflows::tenant_id, workflows::status, diesel::dsl::count_star()))
                .load(c))
            .map_err(database)?;
        let held = |(tenant, status, amount): (AsText<_>, AsText<_>, _)| QuotaHeld {
            tenant_id: tenant.0,
            dimension: QuotaDimension::RunningWorkflows,
            amount,
            in_use: status.0 == WorkflowStatus::Running,
        };
        Ok(rows.into_iter().map(held).collect())
    }
}

#[async_trait]
impl QuotaWrites for Conn {
    async fn set_quota_limit(&mut self, tenant: TenantId, limit: &QuotaLimit) -> Result<()> {
        let row = LimitRow {
            tenant_id: AsText(tenant),
            dimension: AsText(limit.dimension),
            amount: limit.limit,
        };
        run!(self, |c| diesel::insert_into(quota_limits::table)
            .values(&row)
            .on_conflict((quota_limits::tenant_id, quota_limits::dimension))
            .do_update()
            .set(&row)
            .execute(c))
        .map(drop)
        .map_err(database)
    }

    async fn claim_quota(
        &mut self,
        tenant: TenantId,
        subject: &str,
        amounts: &Amounts,
    ) -> Result<()> {
        self.release_quota(subject).await?;
        let claim = |(dimension, amount)| ClaimRow {
            subject_id: subject,
            dimension: AsText(dimension),
            tenant_id: AsText(tenant),
            amount,
            in_use: false,
        };
        for row in amounts.some().map(claim) {
            run!(self, |c| diesel::insert_into(quota_claims::table).values(&row).execute(c))
                .map_err(database)?;
        }
        Ok(())
    }

    async fn use_quota(&mut self, subject: &str) -> Result<()> {
        let reserved = quota_claims::subject_id.eq(subject).and(quota_claims::in_use.eq(false));
        run!(self, |c| diesel::update(quota_claims::table)
            .filter(reserved)
            .set(quota_claims::in_use.eq(true))
            .execute(c))
        .map(drop)
        .map_err(database)
    }

    async fn release_quota(&mut self, subject: &str) -> Result<()> {
        let held = quota_claims::subject_id.eq(subject);
        run!(self, |c| diesel::delete(quota_claims::table).filter(held).execute(c))
            .map(drop)
            .map_err(database)
    }
}
