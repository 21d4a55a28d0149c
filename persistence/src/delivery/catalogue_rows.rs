use diesel::prelude::*;
use domain::{
    delivery::{Application, Environment, EnvironmentType, Version},
    ids::{ApplicationId, EnvironmentId, TenantId, UserId, VersionId},
};
use serde_json::Value;

use crate::{
    schema::{applications, environments, versions},
    types::{AsJson, AsText, Micros},
};

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = versions, treat_none_as_null = true)]
pub(super) struct VersionRow {
    id: AsText<VersionId>,
    tenant_id: AsText<TenantId>,
    git_tag: String,
    git_commit: String,
    repository: String,
    description: String,
    created_by: AsText<UserId>,
    created_at: Micros,
    deleted_at: Option<Micros>,
}

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = applications, treat_none_as_null = true)]
pub(super) struct ApplicationRow {
    id: AsText<ApplicationId>,
    tenant_id: AsText<TenantId>,
    name: String,
    repository: String,
    kind: String,
    config: AsJson<Value>,
    created_at: Micros,
    updated_at: Micros,
    deleted_at: Option<Micros>,
    pub(super) revision: i64,
}

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = environments, treat_none_as_null = true)]
pub(super) struct EnvironmentRow {
    id: AsText<EnvironmentId>,
    tenant_id: AsText<TenantId>,
    name: String,
    kind: AsText<EnvironmentType>,
    is_active: bool,
    cluster: Option<String>,
    namespace: Option<String>,
    server: Option<String>,
    created_at: Micros,
    updated_at: Micros,
    deleted_at: Option<Micros>,
    pub(super) revision: i64,
}

impl From<VersionRow> for Version {
    fn from(row: VersionRow) -> Self {
        Self {
            id: row.id.0,
            tenant_id: row.tenant_id.0,
            git_tag: row.git_tag,
            git_commit: row.git_commit,
            repository: row.repository,
            description: row.description,
            created_by: row.created_by.0,
            created_at: row.created_at.0,
            deleted_at: row.deleted_at.map(|at| at.0),
        }
    }
}

impl From<&Version> for VersionRow {
    fn from(version: &Version) -> Self {
        Self {
            id: AsText(version.id),
            tenant_id: AsText(version.tenant_id),
            git_tag: version.git_tag.clone(),
            git_commit: version.git_commit.clone(),
            repository: version.repository.clone(),
            description: version.description.clone(),
            created_by: AsText(version.created_by),
            created_at: Micros(version.created_at),
            deleted_at: version.deleted_at.map(Micros),
        }
    }
}

impl From<ApplicationRow> for Application {
    fn from(row: ApplicationRow) -> Self {
        Self {
            id: row.id.0,
            tenant_id: row.tenant_id.0,
            name: row.name,
            repository: row.repository,
            kind: row.kind,
            config: row.config.0,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            deleted_at: row.deleted_at.map(|at| at.0),
            revision: row.revision,
        }
    }
}

impl From<&Application> for ApplicationRow {
    fn from(application: &Application) -> Self {
        Self {
            id: AsText(application.id),
            tenant_id: AsText(application.tenant_id),
            name: application.name.clone(),
            repository: application.repository.clone(),
            kind: application.kind.clone(),
            config: AsJson(application.config.clone()),
            created_at: Micros(application.created_at),
            updated_at: Micros(application.updated_at),
            deleted_at: application.deleted_at.map(Micros),
            revision: application.revision,
        }
    }
}

impl From<EnvironmentRow> for Environment {
    fn from(row: EnvironmentRow) -> Self {
        Self {
            id: row.id.0,
            tenant_id: row.tenant_id.0,
            name: row.name,
            kind: row.kind.0,
            is_active: row.is_active,
            cluster: row.cluster,
            namespace: row.namespace,
            server: row.server,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            deleted_at: row.deleted_at.map(|at| at.0),
            revision: row.revision,
        }
    }
}

impl From<&Environment> for EnvironmentRow {
    fn from(environment: &Environment) -> Self {
        Self {
            id: AsText(environment.id),
            tenant_id: AsText(environment.tenant_id),
            name: environment.name.clone(),
            kind: AsText(environment.kind),
            is_active: environment.is_active,
            cluster: environment.cluster.clone(),
            namespace: environment.namespace.clone(),
            server: environment.server.clone(),
            created_at: Micros(environment.created_at),
            updated_at: Micros(environment.updated_at),
            deleted_at: environment.deleted_at.map(Micros),
            revision: environment.revision,
        }
    }
}
