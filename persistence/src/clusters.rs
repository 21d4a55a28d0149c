use async_trait::async_trait;
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{Integer, Text},
};
use domain::{
    Error, Result,
    clusters::{
        Cluster, ClusterBody, ClusterFilter, ClusterReads, ClusterStatus, ClusterWrites, Import,
        ImportRow, PortLease, PortPurpose, Sighting, TakenPorts,
    },
    ids::{ClusterId, ImportId, TenantId, UserId},
    page::{Page, PageRequest},
};

use crate::{
    backend::{Conn, run},
    by_ids::by_ids,
    error::database,
    page::{keyset, stale},
    run::RunQueryDsl,
    schema::{cluster_sightings, clusters, imports, port_leases},
    types::{AsJson, AsText, Micros, texts},
};

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = clusters, treat_none_as_null = true)]
struct ClusterRow {
    id: AsText<ClusterId>,
    tenant_id: AsText<TenantId>,
    owner_id: AsText<UserId>,
    scope: String,
    name: String,
    namespace: Option<String>,
    status: AsText<ClusterStatus>,
    body: AsJson<ClusterBody>,
    failure: Option<String>,
    released_at: Option<Micros>,
    created_at: Micros,
    updated_at: Micros,
    deleted_at: Option<Micros>,
    version: i64,
}

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = cluster_sightings, treat_none_as_null = true)]
struct SightingRow {
    cluster_id: AsText<ClusterId>,
    ready_replicas: i32,
    total_replicas: i32,
    message: Option<String>,
    error_reason: Option<String>,
    observed_at: Micros,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = port_leases)]
struct LeaseRow {
    host: String,
    port: i32,
    purpose: AsText<PortPurpose>,
    cluster_id: AsText<ClusterId>,
    tenant_id: AsText<TenantId>,
    acquired_at: Micros,
}

/// Neighbouring ports that are leased.
#[derive(QueryableByName)]
struct RunRow {
    #[diesel(sql_type = Integer)]
    first: i32,
    #[diesel(sql_type = Integer)]
    last: i32,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = imports)]
struct ImportTableRow {
    id: AsText<ImportId>,
    tenant_id: AsText<TenantId>,
    hash: String,
    outcomes: AsJson<Vec<ImportRow>>,
    created_at: Micros,
}

macro_rules! filtered {
    ($backend:ident, $filter:expr) => {{
        let mut query = clusters::table.into_boxed::<$backend>();
        if let Some(visible) = &$filter.visible {
            query = query.filter(clusters::tenant_id.eq_any(texts(visible)));
        }
        query = match &$filter.status {
            Some(status) => query.filter(clusters::status.eq_any(texts(status))),
            None => query.filter(clusters::deleted_at.is_null()),
        };
        if let Some(owner) = $filter.owner_id {
            query = query.filter(clusters::owner_id.eq(AsText(owner)));
        }
        if let Some(tenant) = $filter.tenant_id {
            query = query.filter(clusters::tenant_id.eq(AsText(tenant)));
        }
        query
    }};
}

macro_rules! leases {
    ($backend:ident, $host:expr, $visible:expr) => {{
        let mut query = port_leases::table.into_boxed::<$backend>();
        if let Some(host) = $host {
            query = query.filter(port_leases::host.eq(host));
        }
        if let Some(visible) = $visible {
            query = query.filter(port_leases::tenant_id.eq_any(texts(visible)));
        }
        query.order((port_leases::host, port_leases::port))
    }};
}

#[async_trait]
impl ClusterReads for Conn {
    async fn clusters_by_id(&mut self, ids: &[ClusterId]) -> Result<Vec<Cluster>> {
        by_ids!(self, clusters, ids, ClusterRow => Cluster)
    }

    async fn clusters(
        &mut self,
        filter: &ClusterFilter,
        page: &PageRequest,
    ) -> Result<Page<Cluster>> {
        let rows: Vec<ClusterRow> =
            run!(self, |c, DB| keyset!(filtered!(DB, filter), page).load(c)).map_err(database)?;
        let total = match page.count {
            true => Some(
                run!(self, |c, DB| filtered!(DB, filter).count().get_result(c))
                    .map_err(database)?,
            ),
            false => None,
        };
        Ok(Page::from_rows(rows.into_iter().map(Cluster::from).collect(), page.first, total))
    }

    async fn latest_cluster(&mut self, scope: &str, name: &str) -> Result<Option<Cluster>> {
        let row: Option<ClusterRow> = run!(self, |c| clusters::table
            .filter(clusters::scope.eq(scope))
            .filter(clusters::name.eq(name))
            .order((clusters::created_at.desc(), clusters::id.desc()))
            .first(c))
        .optional()
        .map_err(database)?;
        Ok(row.map(Cluster::from))
    }

    async fn clusters_in(&mut self, namespaces: &[String]) -> Result<Vec<Cluster>> {
        let rows: Vec<ClusterRow> = run!(self, |c| clusters::table
            .filter(clusters::namespace.eq_any(namespaces))
            .filter(clusters::released_at.is_null())
            .load(c))
        .map_err(database)?;
        Ok(rows.into_iter().map(Cluster::from).collect())
    }

    async fn sightings(&mut self, clusters: &[ClusterId]) -> Result<Vec<Sighting>> {
        let rows: Vec<SightingRow> = run!(self, |c| cluster_sightings::table
            .filter(cluster_sightings::cluster_id.eq_any(texts(clusters)))
            .load(c))
        .map_err(database)?;
        Ok(rows.into_iter().map(Sighting::from).collect())
    }

    async fn sighted_clusters(&mut self) -> Result<Vec<ClusterId>> {
        let ids: Vec<AsText<ClusterId>> =
            run!(self, |c| cluster_sightings::table.select(cluster_sightings::cluster_id).load(c))
                .map_err(database)?;
        Ok(ids.into_iter().map(|id| id.0).collect())
    }

    async fn port_leases(
        &mut self,
        host: Option<&str>,
        visible: Option<&[TenantId]>,
    ) -> Result<Vec<PortLease>> {
        let rows: Vec<LeaseRow> =
            run!(self, |c, DB| leases!(DB, host, visible).load(c)).map_err(database)?;
        rows.into_iter().map(PortLease::try_from).collect()
    }

    async fn taken_ports(&mut self, host: &str) -> Result<TakenPorts> {
        // What stays when its place is taken from a port is the same within a run.
        let sql = "SELECT MIN(port) AS first, MAX(port) AS last FROM ( \
             SELECT port, port - ROW_NUMBER() OVER (ORDER BY port) AS run \
             FROM port_leases WHERE host = $1) numbered GROUP BY run";
        let runs: Vec<RunRow> =
            run!(self, |c| sql_query(sql).bind::<Text, _>(host).load(c)).map_err(database)?;
        let port = |port: i32| u16::try_from(port).map_err(Error::internal_from);
        runs.into_iter().map(|run| Ok(port(run.first)?..=port(run.last)?)).collect()
    }

    async fn imports_by_id(&mut self, ids: &[ImportId]) -> Result<Vec<Import>> {
        by_ids!(self, imports, ids, ImportTableRow => Import)
    }

    async fn latest_import(&mut self) -> Result<Option<Import>> {
        let row: Option<ImportTableRow> = run!(self, |c| imports::table
            .order((imports::created_at.desc(), imports::id.desc()))
            .first(c))
        .optional()
        .map_err(database)?;
        Ok(row.map(Import::from))
    }
}

#[async_trait]
impl ClusterWrites for Conn {
    async fn insert_cluster(&mut self, cluster: &Cluster) -> Result<bool> {
        let row = ClusterRow::from(cluster);
        let inserted = run!(self, |c| diesel::insert_into(clusters::table)
            .values(&row)
            .on_conflict_do_nothing()
            .execute(c))
        .map_err(database)?;
        Ok(inserted == 1)
    }

    async fn update_cluster(&mut self, cluster: &Cluster) -> Result<()> {
        let row = ClusterRow { version: cluster.version + 1, ..ClusterRow::from(cluster) };
        let unchanged =
            clusters::id.eq(AsText(cluster.id)).and(clusters::version.eq(cluster.version));
        let changed =
            run!(self, |c| diesel::update(clusters::table).filter(unchanged).set(&row).execute(c))
                .map_err(database)?;
        stale(changed, "cluster", cluster.id)
    }

    async fn save_sighting(&mut self, sighting: &Sighting) -> Result<()> {
        let row = SightingRow {
            cluster_id: AsText(sighting.cluster_id),
            ready_replicas: sighting.ready_replicas,
            total_replicas: sighting.total_replicas,
            message: sighting.message.clone(),
            error_reason: sighting.error_reason.clone(),
            observed_at: Micros(sighting.observed_at),
        };
        run!(self, |c| diesel::insert_into(cluster_sightings::table)
            .values(&row)
            .on_conflict(cluster_sightings::cluster_id)
            .do_update()
            .set(&row)
            .execute(c))
        .map(drop)
        .map_err(database)
    }

    async fn delete_sighting(&mut self, cluster: ClusterId) -> Result<()> {
        let gone = cluster_sightings::cluster_id.eq(AsText(cluster));
        run!(self, |c| diesel::delete(cluster_sightings::table).filter(gone).execute(c))
            .map(drop)
            .map_err(database)
    }

    async fn lease_ports(&mut self, leases: &[PortLease]) -> Result<usize> {
        let rows: Vec<_> = leases.iter().map(LeaseRow::from).collect();
        run!(
            self,
            sqlite: |c| async {
                let mut leased = 0;
                for row in &rows {
                    let lease = diesel::insert_into(port_leases::table).values(row);
                    leased += lease.on_conflict_do_nothing().execute(c).await?;
                }
                Ok(leased)
            },
            postgres: |c| diesel::insert_into(port_leases::table)
                .values(&rows)
                .on_conflict_do_nothing()
                .execute(c)
        )
        .map_err(database)
    }

    async fn release_ports(&mut self, cluster: ClusterId) -> Result<()> {
        let held = port_leases::cluster_id.eq(AsText(cluster));
        run!(self, |c| diesel::delete(port_leases::table).filter(held).execute(c))
            .map(drop)
            .map_err(database)
    }

    async fn insert_import(&mut self, import: &Import) -> Result<()> {
        let row = ImportTableRow {
            id: AsText(import.id),
            tenant_id: AsText(import.tenant_id),
            hash: import.hash.clone(),
            outcomes: AsJson(import.rows.clone()),
            created_at: Micros(import.created_at),
        };
        run!(self, |c| diesel::insert_into(imports::table).values(&row).execute(c))
            .map(drop)
            .map_err(database)
    }
}

impl From<ClusterRow> for Cluster {
    fn from(row: ClusterRow) -> Self {
        Self {
            id: row.id.0,
            tenant_id: row.tenant_id.0,
            owner_id: row.owner_id.0,
            name: row.name,
            status: row.status.0,
            body: row.body.0,
            failure: row.failure,
            released_at: row.released_at.map(|at| at.0),
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            deleted_at: row.deleted_at.map(|at| at.0),
            version: row.version,
        }
    }
}

impl From<&Cluster> for ClusterRow {
    fn from(cluster: &Cluster) -> Self {
        Self {
            id: AsText(cluster.id),
            tenant_id: AsText(cluster.tenant_id),
            owner_id: AsText(cluster.owner_id),
            scope: cluster.scope(),
            name: cluster.name.clone(),
            namespace: cluster.namespace().map(str::to_owned),
            status: AsText(cluster.status),
            body: AsJson(cluster.body.clone()),
            failure: cluster.failure.clone(),
            released_at: cluster.released_at.map(Micros),
            created_at: Micros(cluster.created_at),
            updated_at: Micros(cluster.updated_at),
            deleted_at: cluster.deleted_at.map(Micros),
            version: cluster.version,
        }
    }
}

impl From<SightingRow> for Sighting {
    fn from(row: SightingRow) -> Self {
        Self {
            cluster_id: row.cluster_id.0,
            ready_replicas: row.ready_replicas,
            total_replicas: row.total_replicas,
            message: row.message,
            error_reason: row.error_reason,
            observed_at: row.observed_at.0,
        }
    }
}

impl TryFrom<LeaseRow> for PortLease {
    type Error = Error;

    fn try_from(row: LeaseRow) -> Result<Self> {
        Ok(Self {
            host: row.host,
            port: row.port.try_into().map_err(Error::internal_from)?,
            purpose: row.purpose.0,
            cluster_id: row.cluster_id.0,
            tenant_id: row.tenant_id.0,
            acquired_at: row.acquired_at.0,
        })
    }
}

impl From<&PortLease> for LeaseRow {
    fn from(lease: &PortLease) -> Self {
        Self {
            host: lease.host.clone(),
            port: lease.port.into(),
            purpose: AsText(lease.purpose),
            cluster_id: AsText(lease.cluster_id),
            tenant_id: AsText(lease.tenant_id),
            acquired_at: Micros(lease.acquired_at),
        }
    }
}

impl From<ImportTableRow> for Import {
    fn from(row: ImportTableRow) -> Self {
        Self {
            id: row.id.0,
            tenant_id: row.tenant_id.0,
            hash: row.hash,
            rows: row.outcomes.0,
            created_at: row.created_at.0,
        }
    }
}
