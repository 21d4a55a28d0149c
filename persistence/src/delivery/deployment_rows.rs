use diesel::prelude::*;
use domain::{
    delivery::{
        BuiltImage, Course, Deployment, DeploymentFailure, DeploymentStatus, DeploymentStrategy,
        Release, Standing, Terms,
    },
    ids::{ApplicationId, DeploymentId, EnvironmentId, TenantId, UserId, VersionId, WorkflowId},
};

use crate::{
    schema::{built_images, deployment_applications, deployments, standings},
    types::{AsJson, AsText, Micros},
};

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = deployments, treat_none_as_null = true)]
pub(super) struct DeploymentRow {
    id: AsText<DeploymentId>,
    tenant_id: AsText<TenantId>,
    version_id: AsText<VersionId>,
    environment_id: AsText<EnvironmentId>,
    strategy: AsText<DeploymentStrategy>,
    status: AsText<DeploymentStatus>,
    failure: Option<AsText<DeploymentFailure>>,
    error_message: String,
    rollback_of: Option<AsText<DeploymentId>>,
    workflow_id: AsText<WorkflowId>,
    created_by: AsText<UserId>,
    created_at: Micros,
    updated_at: Micros,
    started_at: Option<Micros>,
    completed_at: Option<Micros>,
    courses: AsJson<Vec<Course>>,
    terms: AsJson<Terms>,
    pub(super) revision: i64,
}

#[derive(Insertable)]
#[diesel(table_name = deployment_applications)]
pub(super) struct ApplicationOfDeploymentRow {
    deployment_id: AsText<DeploymentId>,
    application_id: AsText<ApplicationId>,
}

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = standings, treat_none_as_null = true)]
pub(super) struct StandingRow {
    application_id: AsText<ApplicationId>,
    environment_id: AsText<EnvironmentId>,
    tenant_id: AsText<TenantId>,
    server: String,
    namespace: String,
    name: String,
    deployment_id: AsText<DeploymentId>,
    release: Option<AsJson<Release>>,
}

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = built_images)]
pub(super) struct BuiltImageRow {
    application_id: AsText<ApplicationId>,
    version_id: AsText<VersionId>,
    recipe: String,
    image: String,
}

impl From<DeploymentRow> for Deployment {
    fn from(row: DeploymentRow) -> Self {
        Self {
            id: row.id.0,
            tenant_id: row.tenant_id.0,
            version_id: row.version_id.0,
            environment_id: row.environment_id.0,
            strategy: row.strategy.0,
            status: row.status.0,
            failure: row.failure.map(|failure| failure.0),
            error_message: row.error_message,
            rollback_of: row.rollback_of.map(|id| id.0),
            workflow_id: row.workflow_id.0,
            created_by: row.created_by.0,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            started_at: row.started_at.map(|at| at.0),
            completed_at: row.completed_at.map(|at| at.0),
            courses: row.courses.0,
            terms: row.terms.0,
            revision: row.revision,
        }
    }
}

impl From<&Deployment> for DeploymentRow {
    fn from(deployment: &Deployment) -> Self {
        Self {
            id: AsText(deployment.id),
            tenant_id: AsText(deployment.tenant_id),
            version_id: AsText(deployment.version_id),
            environment_id: AsText(deployment.environment_id),
            strategy: AsText(deployment.strategy),
            status: AsText(deployment.status),
            failure: deployment.failure.map(AsText),
            error_message: deployment.error_message.clone(),
            rollback_of: deployment.rollback_of.map(AsText),
            workflow_id: AsText(deployment.workflow_id),
            created_by: AsText(deployment.created_by),
            created_at: Micros(deployment.created_at),
            updated_at: Micros(deployment.updated_at),
            started_at: deployment.started_at.map(Micros),
            completed_at: deployment.completed_at.map(Micros),
            courses: AsJson(deployment.courses.clone()),
            terms: AsJson(deployment.terms.clone()),
            revision: deployment.revision,
        }
    }
}

impl ApplicationOfDeploymentRow {
    pub(super) fn all(deployment: &Deployment) -> Vec<Self> {
        let row = |application_id| Self {
            deployment_id: AsText(deployment.id),
            application_id: AsText(application_id),
        };
        deployment.application_ids().into_iter().map(row).collect()
    }
}

impl From<StandingRow> for Standing {
    fn from(row: StandingRow) -> Self {
        Self {
            application_id: row.application_id.0,
            environment_id: row.environment_id.0,
            tenant_id: row.tenant_id.0,
            server: row.server,
            namespace: row.namespace,
            name: row.name,
            deployment_id: row.deployment_id.0,
            release: row.release.map(|json| json.0),
        }
    }
}

impl From<&Standing> for StandingRow {
    fn from(standing: &Standing) -> Self {
        Self {
            application_id: AsText(standing.application_id),
            environment_id: AsText(standing.environment_id),
            tenant_id: AsText(standing.tenant_id),
            server: standing.server.clone(),
            namespace: standing.namespace.clone(),
            name: standing.name.clone(),
            deployment_id: AsText(standing.deployment_id),
            release: standing.release.clone().map(AsJson),
        }
    }
}

impl From<BuiltImageRow> for BuiltImage {
    fn from(row: BuiltImageRow) -> Self {
        let BuiltImageRow { application_id, version_id, recipe, image } = row;
        Self { application_id: application_id.0, version_id: version_id.0, recipe, image }
    }
}

impl From<&BuiltImage> for BuiltImageRow {
    fn from(built: &BuiltImage) -> Self {
        Self {
            application_id: AsText(built.application_id),
            version_id: AsText(built.version_id),
            recipe: built.recipe.clone(),
            image: built.image.clone(),
        }
    }
}
