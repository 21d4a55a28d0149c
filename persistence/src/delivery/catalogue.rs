//! Lists of versions, applications and environments.

use diesel::prelude::*;
use domain::{
    Result,
    delivery::{
        Application, ApplicationFilter, Environment, EnvironmentFilter, Version, VersionFilter,
    },
    page::{Page, PageRequest},
};

use super::catalogue_rows::{ApplicationRow, EnvironmentRow, VersionRow};
use crate::{
    backend::{Conn, run},
    error::database,
    page::keyset,
    run::RunQueryDsl,
    schema::{applications, environments, versions},
    types::{AsText, texts},
};

/// What the lists of the three share: whose they are, and whether deleted ones are among them.
macro_rules! living {
    ($backend:ident, $table:ident, $filter:expr) => {{
        let mut query = $table::table.into_boxed::<$backend>();
        if let Some(visible) = &$filter.visible {
            query = query.filter($table::tenant_id.eq_any(texts(visible)));
        }
        if let Some(tenant) = $filter.tenant_id {
            query = query.filter($table::tenant_id.eq(AsText(tenant)));
        }
        if !$filter.deleted {
            query = query.filter($table::deleted_at.is_null());
        }
        query
    }};
}

macro_rules! filtered_versions {
    ($backend:ident, $filter:expr) => {{
        let mut query = living!($backend, versions, $filter);
        if let Some(repository) = &$filter.repository {
            query = query.filter(versions::repository.eq(repository));
        }
        query
    }};
}

macro_rules! filtered_applications {
    ($backend:ident, $filter:expr) => {{
        let mut query = living!($backend, applications, $filter);
        if let Some(repository) = &$filter.repository {
            query = query.filter(applications::repository.eq(repository));
        }
        if let Some(kind) = &$filter.kind {
            query = query.filter(applications::kind.eq(kind));
        }
        query
    }};
}

macro_rules! filtered_environments {
    ($backend:ident, $filter:expr) => {{
        let mut query = living!($backend, environments, $filter);
        if let Some(kind) = $filter.kind {
            query = query.filter(environments::kind.eq(AsText(kind)));
        }
        if let Some(active) = $filter.is_active {
            query = query.filter(environments::is_active.eq(active));
        }
        query
    }};
}

impl Conn {
    pub(super) async fn version_list(
        &mut self,
        filter: &VersionFilter,
        page: &PageRequest,
    ) -> Result<Page<Version>> {
        let rows: Vec<VersionRow> =
            run!(self, |c, DB| keyset!(filtered_versions!(DB, filter), page).load(c))
                .map_err(database)?;
        let total = match page.count {
            true => Some(
                run!(self, |c, DB| filtered_versions!(DB, filter).count().get_result(c))
                    .map_err(database)?,
            ),
            false => None,
        };
        Ok(Page::from_rows(rows.into_iter().map(Version::from).collect(), page.first, total))
    }

    pub(super) async fn application_list(
        &mut self,
        filter: &ApplicationFilter,
        page: &PageRequest,
    ) -> Result<Page<Application>> {
        let rows: Vec<ApplicationRow> =
            run!(self, |c, DB| keyset!(filtered_applications!(DB, filter), page).load(c))
                .map_err(database)?;
        let total = match page.count {
            true => Some(
                run!(self, |c, DB| filtered_applications!(DB, filter).count().get_result(c))
                    .map_err(database)?,
            ),
            false => None,
        };
        Ok(Page::from_rows(rows.into_iter().map(Application::from).collect(), page.first, total))
    }

    pub(super) async fn environment_list(
        &mut self,
        filter: &EnvironmentFilter,
        page: &PageRequest,
    ) -> Result<Page<Environment>> {
        let rows: Vec<EnvironmentRow> =
            run!(self, |c, DB| keyset!(filtered_environments!(DB, filter), page).load(c))
                .map_err(database)?;
        let total = match page.count {
            true => Some(
                run!(self, |c, DB| filtered_environments!(DB, filter).count().get_result(c))
                    .map_err(database)?,
            ),
            false => None,
        };
        Ok(Page::from_rows(rows.into_iter().map(Environment::from).collect(), page.first, total))
    }
}
