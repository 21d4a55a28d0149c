use async_trait::async_trait;
use diesel::prelude::*;
use domain::{
    Result,
    delivery::{
        Application, ApplicationFilter, BuiltImage, DeliveryReads, Deployment, DeploymentFilter,
        Environment, EnvironmentFilter, Standing, Used, Version, VersionFilter,
    },
    ids::{ApplicationId, DeploymentId, EnvironmentId, TenantId, VersionId},
    page::{Page, PageRequest},
};

use super::{
    catalogue_rows::{ApplicationRow, EnvironmentRow, VersionRow},
    deployment_rows::{BuiltImageRow, DeploymentRow, StandingRow},
};
use crate::{
    backend::{Conn, run},
    by_ids::by_ids,
    error::database,
    run::RunQueryDsl,
    schema::{applications, built_images, deployments, environments, standings, versions},
    types::{AsText, texts},
};

#[async_trait]
impl DeliveryReads for Conn {
    async fn versions_by_id(&mut self, ids: &[VersionId]) -> Result<Vec<Version>> {
        by_ids!(self, versions, ids, VersionRow => Version)
    }

    async fn versions(
        &mut self,
        filter: &VersionFilter,
        page: &PageRequest,
    ) -> Result<Page<Version>> {
        self.version_list(filter, page).await
    }

    async fn applications_by_id(&mut self, ids: &[ApplicationId]) -> Result<Vec<Application>> {
        by_ids!(self, applications, ids, ApplicationRow => Application)
    }

    async fn applications(
        &mut self,
        filter: &ApplicationFilter,
        page: &PageRequest,
    ) -> Result<Page<Application>> {
        self.application_list(filter, page).await
    }

    async fn environments_by_id(&mut self, ids: &[EnvironmentId]) -> Result<Vec<Environment>> {
        by_ids!(self, environments, ids, EnvironmentRow => Environment)
    }

    async fn environments(
        &mut self,
        filter: &EnvironmentFilter,
        page: &PageRequest,
    ) -> Result<Page<Environment>> {
        self.environment_list(filter, page).await
    }

    async fn deployments_by_id(&mut self, ids: &[DeploymentId]) -> Result<Vec<Deployment>> {
        by_ids!(self, deployments, ids, DeploymentRow => Deployment)
    }

    async fn deployments(
        &mut self,
        filter: &DeploymentFilter,
        page: &PageRequest,
    ) -> Result<Page<Deployment>> {
        self.deployment_list(filter, page).await
    }

    async fn version_of_tag(
        &mut self,
        tenant: TenantId,
        repository: &str,
        tag: &str,
    ) -> Result<Option<VersionId>> {
        let found: Option<AsText<VersionId>> = run!(self, |c| versions::table
            .select(versions::id)
            .filter(versions::tenant_id.eq(AsText(tenant)))
            .filter(versions::repository.eq(repository).and(versions::git_tag.eq(tag)))
            .filter(versions::deleted_at.is_null())
            .first(c))
        .optional()
        .map_err(database)?;
        Ok(found.map(|id| id.0))
    }

    async fn application_named(
        &mut self,
        tenant: TenantId,
        name: &str,
    ) -> Result<Option<ApplicationId>> {
        let found: Option<AsText<ApplicationId>> = run!(self, |c| applications::table
            .select(applications::id)
            .filter(applications::tenant_id.eq(AsText(tenant)).and(applications::name.eq(name)))
            .filter(applications::deleted_at.is_null())
            .first(c))
        .optional()
        .map_err(database)?;
        Ok(found.map(|id| id.0))
    }

    async fn environment_named(
        &mut self,
        tenant: TenantId,
        name: &str,
    ) -> Result<Option<EnvironmentId>> {
        let found: Option<AsText<EnvironmentId>> = run!(self, |c| environments::table
            .select(environments::id)
            .filter(environments::tenant_id.eq(AsText(tenant)).and(environments::name.eq(name)))
            .filter(environments::deleted_at.is_null())
            .first(c))
        .optional()
        .map_err(database)?;
        Ok(found.map(|id| id.0))
    }

    async fn live_deployment_of(&mut self, used: Used) -> Result<Option<DeploymentId>> {
        self.live_deployment(used).await
    }

    async fn last_success(&mut self, before: &Deployment) -> Result<Option<VersionId>> {
        self.last_success_before(before).await
    }

    async fn standings(
        &mut self,
        environment: EnvironmentId,
        applications: &[ApplicationId],
    ) -> Result<Vec<Standing>> {
        let ids = texts(applications);
        let rows: Vec<StandingRow> = run!(self.quick(ids.len()), |c| standings::table
            .filter(standings::environment_id.eq(AsText(environment)))
            .filter(standings::application_id.eq_any(&ids))
            .load(c))
        .map_err(database)?;
        Ok(rows.into_iter().map(Standing::from).collect())
    }

    async fn built_image(
        &mut self,
        application: ApplicationId,
        version: VersionId,
    ) -> Result<Option<BuiltImage>> {
        let row: Option<BuiltImageRow> = run!(self.quick(1), |c| built_images::table
            .find((AsText(application), AsText(version)))
            .first(c))
        .optional()
        .map_err(database)?;
        Ok(row.map(BuiltImage::from))
    }
}
