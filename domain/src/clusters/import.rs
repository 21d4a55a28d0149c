//! Development clusters from a file of comma-separated values. It goes the same way as a client's
//! wish, row by row in one transaction: what it names and is not there is made.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Cluster, ClusterStatus, DevCluster, NewDevCluster, PortPurpose,
    csv_rows::{self, CsvRow},
    dev::{DevOrder, field_of},
};
use crate::{
    control_plane::{Call, Committed, ControlPlane, Settings},
    error::{Error, Result},
    events::EventType,
    identity::{Action, Object},
    ids::{ClusterId, ImportId, TenantId},
    quota::{Amounts, QuotaDimension},
    store::{Session, Transaction},
    work::{Entity, Work},
};

/// What came of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Import {
    pub id: ImportId,
    /// The tenant that its clusters belong to.
    pub tenant_id: TenantId,
    /// Tells one content of the file from another.
    pub hash: String,
    pub rows: Vec<ImportRow>,
    pub created_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportRow {
    pub line: u64,
    pub name: String,
    pub outcome: ImportOutcome,
    pub message: Option<String>,
    pub cluster_id: Option<ClusterId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ImportOutcome {
    Created,
    Updated,
    Unchanged,
    /// It cannot be as the row says.
    Conflict,
    /// The row says nothing that could be.
    Invalid,
}

impl ImportOutcome {
    /// Whether it is not as the row says.
    pub fn is_bad(self) -> bool {
        matches!(self, Self::Conflict | Self::Invalid)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Updated => "UPDATED",
            Self::Unchanged => "UNCHANGED",
            Self::Conflict => "CONFLICT",
            Self::Invalid => "INVALID",
        }
    }
}

/// What came of one row, and the cluster that it is about.
struct Outcome(ImportOutcome, Option<String>, Option<ClusterId>);

/// A row that makes sense, or why it does not.
type Parsed = (CsvRow, std::result::Result<DevOrder, String>);

impl ControlPlane {
    /// Makes the clusters that a file names in the caller's personal tenant. `hash` tells this
    /// content from another. With `dry_run` it only says what would come of it.
    pub async fn import_dev_clusters(
        &self,
        call: &Call,
        csv: &str,
        hash: String,
        dry_run: bool,
    ) -> Result<Committed<Import>> {
        call.actor()?.may(Action::Administer, Object::Platform)?;
        let rows: Vec<Parsed> =
            csv_rows::parse(csv)?.into_iter().map(|row| self.parsed(row)).collect();
        let busy = self.look_around(&rows).await?;
        let decide = async |work: &mut Work| {
            let import = work.import(&rows, &busy, hash, &self.settings).await?;
            match dry_run {
                true => Ok(import.rehearsed()),
                false => work.insert(&import, EventType::ClustersImported).await.map(|()| import),
            }
        };
        if dry_run { self.rehearse(call, decide).await } else { self.execute(call, decide).await }
    }

    /// Whether the last file that was imported had this content.
    pub async fn was_imported(&self, hash: &str) -> Result<bool> {
        let latest = self.reader().await?.latest_import().await?;
        Ok(latest.is_some_and(|import| import.hash == hash))
    }

    fn parsed(&self, row: CsvRow) -> Parsed {
        let order = row.cluster.clone().and_then(|new: NewDevCluster| {
            new.checked("", &self.settings.dev_hosts).map_err(|error| match error {
                Error::Invalid { field, message } => {
                    format!("{}: {message}", csv_rows::column_of(&field))
                }
                other => other.to_string(),
            })
        });
        (row, order)
    }

    /// Whether the clusters can be made at all, and which ports others listen on.
    async fn look_around(&self, rows: &[Parsed]) -> Result<BTreeSet<u16>> {
        let mut busy = BTreeSet::new();
        for order in rows.iter().filter_map(|(_, order)| order.as_ref().ok()) {
            self.ports.dev.check(order.provider).await?;
            busy.append(&mut self.busy_ports(order).await?);
        }
        Ok(busy)
    }
}

impl Work {
    async fn import(
        &mut self,
        rows: &[Parsed],
        busy: &BTreeSet<u16>,
        hash: String,
        settings: &Settings,
    ) -> Result<Import> {
        let tenant_id = self.tenant_to_change(None).await?.id;
        let (mut done, mut seen) = (Vec::new(), HashMap::new());
        for (row, order) in rows {
            let first = seen.entry(row.name.as_str()).or_insert(row.line);
            let Outcome(outcome, message, cluster_id) = match order {
                Err(reason) => Outcome(ImportOutcome::Invalid, Some(reason.clone()), None),
                Ok(_) if *first != row.line => conflict(format!("stands on line {first} already")),
                Ok(order) => self.import_row(order, busy, tenant_id, settings).await?,
            };
            let (line, name) = (row.line, row.name.clone());
            done.push(ImportRow { line, name, outcome, message, cluster_id });
        }
        Ok(Import { id: ImportId::fresh(), tenant_id, hash, rows: done, created_at: self.now() })
    }

    async fn import_row(
        &mut self,
        order: &DevOrder,
        busy: &BTreeSet<u16>,
        tenant: TenantId,
        settings: &Settings,
    ) -> Result<Outcome> {
        let scope = DevCluster::scope(&order.host);
        self.tx.lock(&scope).await?;
        let there = self.tx.latest_cluster(&scope, &order.name).await?;
        match there.filter(|there| there.released_at.is_none()) {
            Some(there) => self.import_again(there, order, tenant).await,
            None => self.import_new(order, busy, tenant, settings).await,
        }
    }

    async fn import_new(
        &mut self,
        order: &DevOrder,
        busy: &BTreeSet<u16>,
        tenant: TenantId,
        settings: &Settings,
    ) -> Result<Outcome> {
        let takes = DevCluster::takes().and(QuotaDimension::RunningWorkflows, 1);
        let lacking = self.lacking(tenant, takes.beyond(&Amounts::NONE)).await?;
        if !lacking.is_empty() {
            return Ok(conflict(Error::QuotaExceeded(lacking).to_string()));
        }
        match self.create_dev(order, busy, settings).await {
            Ok(cluster) => {
                let message = cluster.dev().and_then(moved);
                Ok(Outcome(ImportOutcome::Created, message, Some(cluster.id)))
            }
            Err(error @ Error::PortsExhausted { .. }) => Ok(conflict(error.to_string())),
            Err(error) => Err(error),
        }
    }

    /// A cluster that is there keeps its provider and its ports.
    async fn import_again(
        &mut self,
        mut cluster: Cluster,
        order: &DevOrder,
        tenant: TenantId,
    ) -> Result<Outcome> {
        if cluster.tenant_id != tenant {
            return Ok(conflict("the name is another tenant's".to_owned()));
        }
        if cluster.status == ClusterStatus::Deleting {
            return Ok(conflict("the cluster is being deleted".to_owned()));
        }
        let Some(dev) = cluster.dev_mut() else {
            return Ok(conflict("the name is that of another kind of cluster".to_owned()));
        };
        if let Some(difference) = fixed(dev, order) {
            return Ok(conflict(difference));
        }
        let flags = (
            order.register_portainer.unwrap_or(dev.register_portainer),
            order.haproxy_route.unwrap_or(dev.haproxy_route),
        );
        if flags == (dev.register_portainer, dev.haproxy_route) {
            return Ok(Outcome(ImportOutcome::Unchanged, None, Some(cluster.id)));
        }
        (dev.register_portainer, dev.haproxy_route) = flags;
        cluster.updated_at = self.now();
        self.save(&cluster, EventType::ClusterUpdated, None).await?;
        Ok(Outcome(ImportOutcome::Updated, None, Some(cluster.id)))
    }
}

impl Import {
    /// Without what is not there, for nothing was made.
    fn rehearsed(mut self) -> Self {
        for row in &mut self.rows {
            row.cluster_id = row.cluster_id.filter(|_| row.outcome != ImportOutcome::Created);
        }
        self
    }
}

fn conflict(reason: String) -> Outcome {
    Outcome(ImportOutcome::Conflict, Some(reason), None)
}

/// Where a row wants what cannot be changed.
fn fixed(dev: &DevCluster, order: &DevOrder) -> Option<String> {
    if dev.provider != order.provider {
        return Some(format!("the cluster is of {}, which is fixed", dev.provider.as_str()));
    }
    let other = |purpose: &PortPurpose| {
        let wanted = order.ports.get(*purpose);
        wanted.is_some()
            && wanted != dev.requested.get(*purpose)
            && wanted != Some(dev.ports.get(*purpose))
    };
    let purpose = PortPurpose::ALL.into_iter().find(other)?;
    let (field, port) = (csv_rows::column_of(field_of(purpose)), dev.ports.get(purpose));
    Some(format!("{field} is {port}, and the ports of a cluster are fixed"))
}

/// Which ports are other than the row says.
fn moved(dev: &DevCluster) -> Option<String> {
    let changes = dev.ports_changed();
    let told = changes.iter().map(|change| {
        let field = csv_rows::column_of(field_of(change.purpose));
        format!("{field} {} was taken: {}", change.requested, change.allocated)
    });
    (!changes.is_empty()).then(|| told.collect::<Vec<_>>().join("; "))
}

#[async_trait]
impl Entity for Import {
    type Id = ImportId;

    fn id(&self) -> ImportId {
        self.id
    }

    fn tenant_id(&self) -> Option<TenantId> {
        Some(self.tenant_id)
    }

    async fn find(session: &mut dyn Session, id: ImportId) -> Result<Option<Self>> {
        Ok(session.imports_by_id(&[id]).await?.pop())
    }

    async fn insert(&self, tx: &mut dyn Transaction) -> Result<()> {
        tx.insert_import(self).await
    }

    async fn update(&self, _: &mut dyn Transaction) -> Result<()> {
        Err(Error::internal("what came of a file does not change"))
    }
}
