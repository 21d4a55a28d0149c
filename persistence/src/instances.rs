use async_trait::async_trait;
use diesel::prelude::*;
use domain::{
    Result,
    commerce::ComputeSpec,
    ids::{InstanceId, OrderId, ProcessId, TenantId, UserId},
    instances::{
        Instance, InstanceFilter, InstanceReads, InstanceRuntime, InstanceStatus, InstanceSummary,
        InstanceWrites, ObserverLease,
    },
    page::{Page, PageRequest},
    runtime::{Owner, Pod, Target},
    store::Transaction,
};

use crate::{
    backend::{Conn, run},
    by_ids::by_ids,
    error::database,
    page::{keyset, stale},
    run::RunQueryDsl,
    schema::{instances, pods, runtimes, targets},
    summaries::InstanceSummaryRow,
    types::{AsJson, AsText, Micros, texts},
};

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = instances, treat_none_as_null = true)]
struct InstanceRow {
    id: AsText<InstanceId>,
    number: i64,
    tenant_id: AsText<TenantId>,
    owner_id: AsText<UserId>,
    order_id: Option<AsText<OrderId>>,
    name: String,
    status: AsText<InstanceStatus>,
    spec: AsJson<ComputeSpec>,
    namespace: String,
    host: String,
    restart_token: Option<String>,
    failure: Option<String>,
    released_at: Option<Micros>,
    created_at: Micros,
    updated_at: Micros,
    deleted_at: Option<Micros>,
    version: i64,
}

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = runtimes, treat_none_as_null = true)]
struct RuntimeRow {
    instance_id: AsText<InstanceId>,
    ready_replicas: i32,
    total_replicas: i32,
    message: Option<String>,
    error_reason: Option<String>,
    observed_at: Micros,
    ready_endpoints: Option<i32>,
}

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = pods, treat_none_as_null = true)]
struct PodRow {
    uid: String,
    owner_id: AsText<Owner>,
    name: String,
    namespace: String,
    phase: String,
    ready: bool,
    restarts: i32,
    node: Option<String>,
    ip: Option<String>,
    reason: Option<String>,
    message: Option<String>,
    last_termination: Option<String>,
    started_at: Option<Micros>,
    last_exit_code: Option<i32>,
    evidence: AsJson<Vec<String>>,
    revision: Option<i32>,
}

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = targets, treat_none_as_null = true)]
struct TargetRow {
    name: String,
    simulated: bool,
    connected: bool,
    observer: Option<AsText<ProcessId>>,
    fence: i64,
    leased_until: Option<Micros>,
}

macro_rules! filtered {
    ($backend:ident, $filter:expr) => {{
        let mut query = instances::table.into_boxed::<$backend>();
        if let Some(visible) = &$filter.visible {
            query = query.filter(instances::tenant_id.eq_any(texts(visible)));
        }
        query = match &$filter.status {
            Some(status) => query.filter(instances::status.eq_any(texts(status))),
            None => query.filter(instances::deleted_at.is_null()),
        };
        if let Some(owner) = $filter.owner_id {
            query = query.filter(instances::owner_id.eq(AsText(owner)));
        }
        if let Some(tenant) = $filter.tenant_id {
            query = query.filter(instances::tenant_id.eq(AsText(tenant)));
        }
        query
    }};
}

#[async_trait]
impl InstanceReads for Conn {
    async fn instances_by_id(&mut self, ids: &[InstanceId]) -> Result<Vec<Instance>> {
        by_ids!(self, instances, ids, InstanceRow => Instance)
    }

    async fn instance_by_number(&mut self, number: i64) -> Result<Option<Instance>> {
        let row: Option<InstanceRow> =
            run!(self, |c| instances::table.filter(instances::number.eq(number)).first(c))
                .optional()
                .map_err(database)?;
        Ok(row.map(Instance::from))
    }

    async fn instances(
        &mut self,
        filter: &InstanceFilter,
        page: &PageRequest,
    ) -> Result<Page<Instance>> {
        let rows: Vec<InstanceRow> =
            run!(self, |c, DB| keyset!(filtered!(DB, filter), page).load(c)).map_err(database)?;
        let total = self.total_instances(filter, page).await?;
        Ok(Page::from_rows(rows.into_iter().map(Instance::from).collect(), page.first, total))
    }

    async fn instance_summaries_by_id(
        &mut self,
        ids: &[InstanceId],
    ) -> Result<Vec<InstanceSummary>> {
        type Row = InstanceSummaryRow;
        by_ids!(self, instances, Row::as_select(), ids, Row => InstanceSummary)
    }

    async fn instance_summaries(
        &mut self,
        filter: &InstanceFilter,
        page: &PageRequest,
    ) -> Result<Page<InstanceSummary>> {
        let rows: Vec<InstanceSummaryRow> =
            run!(self, |c, DB| keyset!(filtered!(DB, filter), page)
                .select(InstanceSummaryRow::as_select())
                .load(c))
            .map_err(database)?;
        let total = self.total_instances(filter, page).await?;
        let rows = rows.into_iter().map(InstanceSummary::from).collect();
        Ok(Page::from_rows(rows, page.first, total))
    }

    async fn runtimes(&mut self, instances: &[InstanceId]) -> Result<Vec<InstanceRuntime>> {
        let ids = texts(instances);
        let rows: Vec<RuntimeRow> = run!(self.quick(ids.len()), |c| runtimes::table
            .filter(runtimes::instance_id.eq_any(&ids))
            .load(c))
        .map_err(database)?;
        Ok(rows.into_iter().map(InstanceRuntime::from).collect())
    }

    async fn observed_instances(&mut self) -> Result<Vec<InstanceId>> {
        let ids: Vec<AsText<InstanceId>> =
            run!(self, |c| runtimes::table.select(runtimes::instance_id).load(c))
                .map_err(database)?;
        Ok(ids.into_iter().map(|id| id.0).collect())
    }

    async fn pods_of(&mut self, owners: &[Owner]) -> Result<Vec<Pod>> {
        let ids = texts(owners);
        let rows: Vec<PodRow> = run!(self.quick(ids.len()), |c| pods::table
            .filter(pods::owner_id.eq_any(&ids))
            .order((pods::owner_id, pods::name))
            .load(c))
        .map_err(database)?;
        Ok(rows.into_iter().map(Pod::from).collect())
    }

    async fn observed_pods(&mut self) -> Result<Vec<Pod>> {
        let rows: Vec<PodRow> = run!(self, |c| pods::table.load(c)).map_err(database)?;
        Ok(rows.into_iter().map(Pod::from).collect())
    }

    async fn pod(&mut self, uid: &str) -> Result<Option<Pod>> {
        let row: Option<PodRow> = run!(self, |c| pods::table.filter(pods::uid.eq(uid)).first(c))
            .optional()
            .map_err(database)?;
        Ok(row.map(Pod::from))
    }

    async fn target_connected(&mut self, target: &str) -> Result<bool> {
        let connected: Option<bool> = run!(self, |c| targets::table
            .select(targets::connected)
            .filter(targets::name.eq(target))
            .first(c))
        .optional()
        .map_err(database)?;
        Ok(connected.unwrap_or(false))
    }

    async fn target_fence(&mut self, target: &str) -> Result<Option<i64>> {
        run!(self, |c| targets::table
            .select(targets::fence)
            .filter(targets::name.eq(target))
            .first(c))
        .optional()
        .map_err(database)
    }
}

#[async_trait]
impl InstanceWrites for Conn {
    async fn insert_instance(&mut self, instance: &Instance) -> Result<bool> {
        let row = InstanceRow::from(instance);
        let inserted = run!(self, |c| diesel::insert_into(instances::table)
            .values(&row)
            .on_conflict_do_nothing()
            .execute(c))
        .map_err(database)?;
        Ok(inserted == 1)
    }

    async fn update_instance(&mut self, instance: &Instance) -> Result<()> {
        let row = InstanceRow { version: instance.version + 1, ..InstanceRow::from(instance) };
        let unchanged =
            instances::id.eq(AsText(instance.id)).and(instances::version.eq(instance.version));
        let changed =
            run!(self, |c| diesel::update(instances::table).filter(unchanged).set(&row).execute(c))
                .map_err(database)?;
        stale(changed, "instance", instance.id)
    }

    async fn save_runtime(&mut self, runtime: &InstanceRuntime) -> Result<()> {
        let row = RuntimeRow {
            instance_id: AsText(runtime.instance_id),
            ready_replicas: runtime.ready_replicas,
            total_replicas: runtime.total_replicas,
            message: runtime.message.clone(),
            error_reason: runtime.error_reason.clone(),
            observed_at: Micros(runtime.observed_at),
            ready_endpoints: runtime.ready_endpoints,
        };
        run!(self, |c| diesel::insert_into(runtimes::table)
            .values(&row)
            .on_conflict(runtimes::instance_id)
            .do_update()
            .set(&row)
            .execute(c))
        .map(drop)
        .map_err(database)
    }

    async fn delete_runtime(&mut self, instance: InstanceId) -> Result<()> {
        let gone = runtimes::instance_id.eq(AsText(instance));
        run!(self, |c| diesel::delete(runtimes::table).filter(gone).execute(c))
            .map(drop)
            .map_err(database)
    }

    async fn save_pod(&mut self, pod: &Pod) -> Result<()> {
        let row = PodRow::from(pod);
        run!(self, |c| diesel::insert_into(pods::table)
            .values(&row)
            .on_conflict(pods::uid)
            .do_update()
            .set(&row)
            .execute(c))
        .map(drop)
        .map_err(database)
    }

    async fn delete_pod(&mut self, uid: &str) -> Result<()> {
        run!(self, |c| diesel::delete(pods::table).filter(pods::uid.eq(uid)).execute(c))
            .map(drop)
            .map_err(database)
    }

    async fn save_connection(&mut self, target: &str, connected: bool) -> Result<()> {
        let known = targets::table.filter(targets::name.eq(target));
        run!(self, |c| diesel::update(known).set(targets::connected.eq(connected)).execute(c))
            .map(drop)
            .map_err(database)
    }

    async fn lease_target(
        &mut self,
        target: &Target,
        lease: &ObserverLease,
    ) -> Result<Option<i64>> {
        let now = Transaction::now(self);
        let known = targets::table.filter(targets::name.eq(&target.name));
        let found: Option<TargetRow> =
            run!(self, |c| known.first(c)).optional().map_err(database)?;
        let mut row = found.unwrap_or_else(|| TargetRow::of(target));
        let mine = row.observer.as_ref().is_some_and(|holder| holder.0 == lease.process);
        let void = now.checked_add(lease.at_most).unwrap_or(now);
        let free = row.leased_until.is_none_or(|until| until.0 <= now || until.0 > void);
        if !(mine || free || lease.by_force) {
            return Ok(None);
        }
        if !mine {
            row.observer = Some(AsText(lease.process));
            row.fence += 1;
        }
        row.leased_until = now.checked_add(lease.lasts).ok().map(Micros);
        run!(self, |c| diesel::insert_into(targets::table)
            .values(&row)
            .on_conflict(targets::name)
            .do_update()
            .set(&row)
            .execute(c))
        .map_err(database)?;
        Ok(Some(row.fence))
    }
}

impl TargetRow {
    fn of(target: &Target) -> Self {
        Self {
            name: target.name.clone(),
            simulated: target.simulated,
            connected: false,
            observer: None,
            fence: 0,
            leased_until: None,
        }
    }
}

impl Conn {
    /// How many instances there are, where a page asks for that.
    async fn total_instances(
        &mut self,
        filter: &InstanceFilter,
        page: &PageRequest,
    ) -> Result<Option<i64>> {
        if !page.count {
            return Ok(None);
        }
        let total = run!(self, |c, DB| filtered!(DB, filter).count().get_result(c));
        total.map(Some).map_err(database)
    }
}

impl From<InstanceRow> for Instance {
    fn from(row: InstanceRow) -> Self {
        Self {
            id: row.id.0,
            number: row.number,
            tenant_id: row.tenant_id.0,
            owner_id: row.owner_id.0,
            order_id: row.order_id.map(|id| id.0),
            name: row.name,
            status: row.status.0,
            spec: row.spec.0,
            namespace: row.namespace,
            host: row.host,
            restart_token: row.restart_token,
            failure: row.failure,
            released_at: row.released_at.map(|at| at.0),
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            deleted_at: row.deleted_at.map(|at| at.0),
            version: row.version,
        }
    }
}

impl From<&Instance> for InstanceRow {
    fn from(instance: &Instance) -> Self {
        Self {
            id: AsText(instance.id),
            number: instance.number,
            tenant_id: AsText(instance.tenant_id),
            owner_id: AsText(instance.owner_id),
            order_id: instance.order_id.map(AsText),
            name: instance.name.clone(),
            status: AsText(instance.status),
            spec: AsJson(instance.spec.clone()),
            namespace: instance.namespace.clone(),
            host: instance.host.clone(),
            restart_token: instance.restart_token.clone(),
            failure: instance.failure.clone(),
            released_at: instance.released_at.map(Micros),
            created_at: Micros(instance.created_at),
            updated_at: Micros(instance.updated_at),
            deleted_at: instance.deleted_at.map(Micros),
            version: instance.version,
        }
    }
}

impl From<RuntimeRow> for InstanceRuntime {
    fn from(row: RuntimeRow) -> Self {
        Self {
            instance_id: row.instance_id.0,
            ready_replicas: row.ready_replicas,
            total_replicas: row.total_replicas,
            message: row.message,
            error_reason: row.error_reason,
            observed_at: row.observed_at.0,
            ready_endpoints: row.ready_endpoints,
        }
    }
}

impl From<PodRow> for Pod {
    fn from(row: PodRow) -> Self {
        Self {
            uid: row.uid,
            owner: row.owner_id.0,
            name: row.name,
            namespace: row.namespace,
            phase: row.phase,
            ready: row.ready,
            restarts: row.restarts,
            node: row.node,
            ip: row.ip,
            reason: row.reason,
            message: row.message,
            last_termination: row.last_termination,
            started_at: row.started_at.map(|at| at.0),
            last_exit_code: row.last_exit_code,
            evidence: row.evidence.0,
            revision: row.revision,
        }
    }
}

impl From<&Pod> for PodRow {
    fn from(pod: &Pod) -> Self {
        Self {
            uid: pod.uid.clone(),
            owner_id: AsText(pod.owner),
            name: pod.name.clone(),
            namespace: pod.namespace.clone(),
            phase: pod.phase.clone(),
            ready: pod.ready,
            restarts: pod.restarts,
            node: pod.node.clone(),
            ip: pod.ip.clone(),
            reason: pod.reason.clone(),
            message: pod.message.clone(),
            last_termination: pod.last_termination.clone(),
            started_at: pod.started_at.map(Micros),
            last_exit_code: pod.last_exit_code,
            evidence: AsJson(pod.evidence.clone()),
            revision: pod.revision,
        }
    }
}
