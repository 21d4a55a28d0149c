//! Lists of deployments, and what is searched among them.

use diesel::{dsl::count_star, prelude::*};
use domain::{
    Result,
    delivery::{Deployment, DeploymentFilter, DeploymentStatus, Used},
    ids::{DeploymentId, VersionId},
    page::{Page, PageRequest},
};

use super::deployment_rows::DeploymentRow;
use crate::{
    backend::{Conn, run},
    error::database,
    page::keyset,
    run::RunQueryDsl,
    schema::{deployment_applications, deployments, versions},
    types::{AsText, Micros, texts},
};

macro_rules! filtered_deployments {
    ($backend:ident, $filter:expr) => {{
        let mut query = deployments::table.into_boxed::<$backend>();
        if let Some(visible) = &$filter.visible {
            query = query.filter(deployments::tenant_id.eq_any(texts(visible)));
        }
        if let Some(status) = &$filter.status {
            query = query.filter(deployments::status.eq_any(texts(status)));
        }
        if let Some(environment) = $filter.environment_id {
            query = query.filter(deployments::environment_id.eq(AsText(environment)));
        }
        if let Some(version) = $filter.version_id {
            query = query.filter(deployments::version_id.eq(AsText(version)));
        }
        if let Some(tenant) = $filter.tenant_id {
            query = query.filter(deployments::tenant_id.eq(AsText(tenant)));
        }
        query
    }};
}

impl Conn {
    pub(super) async fn deployment_list(
        &mut self,
        filter: &DeploymentFilter,
        page: &PageRequest,
    ) -> Result<Page<Deployment>> {
        let rows: Vec<DeploymentRow> =
            run!(self, |c, DB| keyset!(filtered_deployments!(DB, filter), page).load(c))
                .map_err(database)?;
        let total = match page.count {
            true => Some(
                run!(self, |c, DB| filtered_deployments!(DB, filter).count().get_result(c))
                    .map_err(database)?,
            ),
            false => None,
        };
        Ok(Page::from_rows(rows.into_iter().map(Deployment::from).collect(), page.first, total))
    }

    pub(super) async fn live_deployment(&mut self, used: Used) -> Result<Option<DeploymentId>> {
        let live = texts(DeploymentStatus::LIVE);
        let found: Option<AsText<DeploymentId>> = run!(self, |c, DB| {
            let mut query = deployments::table
                .select(deployments::id)
                .filter(deployments::status.eq_any(&live))
                .into_boxed::<DB>();
            query = match used {
                Used::Version(id) => query.filter(deployments::version_id.eq(AsText(id))),
                Used::Environment(id) => query.filter(deployments::environment_id.eq(AsText(id))),
                Used::Application(id) => {
                    let theirs = deployment_applications::table
                        .select(deployment_applications::deployment_id)
                        .filter(deployment_applications::application_id.eq(AsText(id)));
                    query.filter(deployments::id.eq_any(theirs))
                }
            };
            query.first(c)
        })
        .optional()
        .map_err(database)?;
        Ok(found.map(|id| id.0))
    }

    pub(super) async fn last_success_before(
        &mut self,
        before: &Deployment,
    ) -> Result<Option<VersionId>> {
        let ids = texts(&before.application_ids());
        let all = i64::try_from(ids.len()).unwrap_or(i64::MAX);
        let found: Option<AsText<VersionId>> = run!(self, |c| deployment_applications::table
            .inner_join(deployments::table.inner_join(versions::table))
            .filter(deployments::environment_id.eq(AsText(before.environment_id)))
            .filter(deployments::status.eq(DeploymentStatus::Success.as_str()))
            .filter(deployments::created_at.lt(Micros(before.created_at)))
            .filter(deployments::version_id.ne(AsText(before.version_id)))
            .filter(versions::deleted_at.is_null())
            .filter(deployment_applications::application_id.eq_any(&ids))
            .group_by((deployments::id, deployments::version_id, deployments::created_at))
            .having(count_star().eq(all))
            .order(deployments::created_at.desc())
            .select(deployments::version_id)
            .first(c))
        .optional()
        .map_err(database)?;
        Ok(found.map(|id| id.0))
    }
}
