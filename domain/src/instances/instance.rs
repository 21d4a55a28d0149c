use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    commerce::ComputeSpec,
    error::{Error, Result},
    ids::{InstanceId, OrderId, TenantId, UserId},
    page::{PageKey, SortField},
    quota::{Amounts, QuotaDimension},
    runtime::{Place, Workload},
    secrets::SealedSecret,
};

/// One workload of a user: what an order buys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    pub id: InstanceId,
    pub number: i64,
    pub tenant_id: TenantId,
    pub owner_id: UserId,
    pub order_id: Option<OrderId>,
    /// Unique among the tenant's instances that hold their name.
    pub name: String,
    pub status: InstanceStatus,
    pub spec: ComputeSpec,
    /// As the cluster knows it.
    pub namespace: String,
    /// The host name of its address.
    pub host: String,
    /// Changes with each restart, so that a later apply does not undo or repeat it.
    pub restart_token: Option<String>,
    /// Why its last workflow failed, while it is FAILED.
    pub failure: Option<String>,
    /// When its name came free: deleted, or a failed creation that has been cleaned up.
    pub released_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub deleted_at: Option<Timestamp>,
    pub version: i64,
}

/// What lists mostly show of an [`Instance`]: half of its columns.
#[derive(Clone, Debug, PartialEq)]
pub struct InstanceSummary {
    pub id: InstanceId,
    pub number: i64,
    pub tenant_id: TenantId,
    pub owner_id: UserId,
    pub name: String,
    pub status: InstanceStatus,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub deleted_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum InstanceStatus {
    Creating,
    Running,
    Stopping,
    Stopped,
    Starting,
    Restarting,
    Updating,
    Failed,
    Deleting,
    Deleted,
}

/// What moves an instance: commands of people, then what workflows came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstanceAction {
    Start,
    Stop,
    Restart,
    /// Take on a new specification.
    Update,
    Delete,
    /// It runs as wanted.
    Ran,
    /// It is stopped as wanted.
    Halted,
    /// The workflow failed for good.
    Fail,
    /// Nothing of it is left.
    Vanished,
}

#[derive(Clone, Debug, Default)]
pub struct InstanceFilter {
    pub status: Option<Vec<InstanceStatus>>,
    pub owner_id: Option<UserId>,
    pub tenant_id: Option<TenantId>,
    /// The tenants that the reader may see; `None` sees all.
    pub visible: Option<Vec<TenantId>>,
}

/// Where an instance answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub url: String,
    pub port: i32,
}

/// What the cluster showed last of an instance's Deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceRuntime {
    pub instance_id: InstanceId,
    pub ready_replicas: i32,
    pub total_replicas: i32,
    pub message: Option<String>,
    pub error_reason: Option<String>,
    /// How many of its pods its Service sends traffic to; `None` while that has not been seen.
    #[serde(default)]
    pub ready_endpoints: Option<i32>,
    pub observed_at: Timestamp,
}

impl InstanceStatus {
    pub const ALL: &[Self] = &[
        Self::Creating,
        Self::Running,
        Self::Stopping,
        Self::Stopped,
        Self::Starting,
        Self::Restarting,
        Self::Updating,
        Self::Failed,
        Self::Deleting,
        Self::Deleted,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::Running => "RUNNING",
            Self::Stopping => "STOPPING",
            Self::Stopped => "STOPPED",
            Self::Starting => "STARTING",
            Self::Restarting => "RESTARTING",
            Self::Updating => "UPDATING",
            Self::Failed => "FAILED",
            Self::Deleting => "DELETING",
            Self::Deleted => "DELETED",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|status| status.as_str() == text)
    }

    /// The whole machine.
    pub fn next(self, action: InstanceAction) -> Option<Self> {
        use InstanceAction as Act;
        match (self, action) {
            (Self::Running | Self::Failed, Act::Stop) => Some(Self::Stopping),
            (Self::Running | Self::Failed, Act::Restart) => Some(Self::Restarting),
            (Self::Running | Self::Failed, Act::Update) => Some(Self::Updating),
            (Self::Stopped | Self::Failed, Act::Start) => Some(Self::Starting),
            (Self::Deleted | Self::Deleting, Act::Delete) => None,
            (_, Act::Delete) => Some(Self::Deleting),
            (Self::Creating | Self::Starting | Self::Restarting | Self::Updating, Act::Ran) => {
                Some(Self::Running)
            }
            (Self::Stopping, Act::Halted) => Some(Self::Stopped),
            (
                Self::Creating
                | Self::Starting
                | Self::Stopping
                | Self::Restarting
                | Self::Updating,
                Act::Fail,
            ) => Some(Self::Failed),
            (Self::Deleting, Act::Vanished) => Some(Self::Deleted),
            _ => None,
        }
    }
}

impl InstanceAction {
    pub const ALL: &[Self] = &[
        Self::Start,
        Self::Stop,
        Self::Restart,
        Self::Update,
        Self::Delete,
        Self::Ran,
        Self::Halted,
        Self::Fail,
        Self::Vanished,
    ];

    /// The status that the action aims at, for refusals.
    pub fn aim(self) -> InstanceStatus {
        match self {
            Self::Start => InstanceStatus::Starting,
            Self::Stop => InstanceStatus::Stopping,
            Self::Restart => InstanceStatus::Restarting,
            Self::Update => InstanceStatus::Updating,
            Self::Delete => InstanceStatus::Deleting,
            Self::Ran => InstanceStatus::Running,
            Self::Halted => InstanceStatus::Stopped,
            Self::Fail => InstanceStatus::Failed,
            Self::Vanished => InstanceStatus::Deleted,
        }
    }
}

impl InstanceSummary {
    /// Where it stands in a list that is ordered so.
    pub fn page_key(&self, by: SortField) -> PageKey {
        page_key(self.id, &self.name, self.created_at, self.updated_at, by)
    }
}

fn page_key(
    id: InstanceId,
    name: &str,
    created_at: Timestamp,
    updated_at: Timestamp,
    by: SortField,
) -> PageKey {
    let value = match by {
        SortField::Name => name.into(),
        SortField::UpdatedAt => updated_at.into(),
        _ => created_at.into(),
    };
    PageKey::of(by, value, id)
}

impl Instance {
    pub const LONGEST_NAME: usize = 40;
    /// The given name of the namespace that a tenant's instances share.
    pub const NAMESPACE: &str = "instances";

    pub fn apply(mut self, action: InstanceAction, now: Timestamp) -> Result<Self> {
        let deletion = matches!(action, InstanceAction::Delete | InstanceAction::Vanished);
        let cleaned_up = self.released_at.is_some() && !deletion;
        let next = self.status.next(action).filter(|_| !cleaned_up);
        let Some(status) = next else {
            return Err(Error::InvalidTransition {
                what: format!("instance {}", self.id),
                from: self.status.as_str(),
                to: action.aim().as_str(),
            });
        };
        self.status = status;
        self.updated_at = now;
        self.failure = None;
        if action == InstanceAction::Vanished {
            self.deleted_at = Some(now);
            self.released_at = self.released_at.or(Some(now));
        }
        Ok(self)
    }

    /// FAILED, with the reason.
    pub fn fail(self, reason: Option<String>, now: Timestamp) -> Result<Self> {
        let mut failed = self.apply(InstanceAction::Fail, now)?;
        failed.failure = reason;
        Ok(failed)
    }

    /// What it takes of its tenant's quota, from its creation until its name is free.
    pub fn takes(&self) -> Amounts {
        Amounts::of(QuotaDimension::Instances, 1)
            .and(QuotaDimension::CpuMillis, self.spec.cpu_millis.into())
            .and(QuotaDimension::MemoryMib, self.spec.memory_mib.into())
            .and(QuotaDimension::Gpu, self.spec.gpu.as_ref().map_or(0, |gpu| gpu.count.into()))
    }

    /// Its address, with TLS or without.
    pub fn endpoint(&self, tls: bool) -> Endpoint {
        let (scheme, port) = if tls { ("https", 443) } else { ("http", 80) };
        Endpoint { url: format!("{scheme}://{}", self.host), port }
    }

    /// Where it stands in a list that is ordered so.
    pub fn page_key(&self, by: SortField) -> PageKey {
        page_key(self.id, &self.name, self.created_at, self.updated_at, by)
    }

    pub fn place(&self) -> Place {
        Place { namespace: self.namespace.clone(), name: self.name.clone(), instance_id: self.id }
    }

    /// What should run while the instance is wanted, with what is stored of its secret.
    pub fn workload(&self, secret: Option<SealedSecret>) -> Workload {
        Workload {
            place: self.place(),
            spec: self.spec.clone(),
            replicas: 1,
            restart_token: self.restart_token.clone(),
            secret,
            host: self.host.clone(),
        }
    }

    /// Those whose objects should stand when nothing is under way.
    pub fn standing_filter() -> InstanceFilter {
        let status = Some(vec![InstanceStatus::Running, InstanceStatus::Stopped]);
        InstanceFilter { status, ..InstanceFilter::default() }
    }

    /// Whether no command is being carried out: what stands can be compared with what should.
    pub fn is_at_rest(&self) -> bool {
        self.wanted_replicas().is_some() || self.released_at.is_some()
    }

    /// How many replicas should stand when nothing is under way; `None` where nothing should.
    pub fn wanted_replicas(&self) -> Option<i32> {
        match self.status {
            InstanceStatus::Running => Some(1),
            InstanceStatus::Stopped => Some(0),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_has_these_transitions_and_no_others() {
        let rows: Vec<String> = InstanceStatus::ALL
            .iter()
            .map(|from| {
                let moves: Vec<String> = InstanceAction::ALL
                    .iter()
                    .filter_map(|action| Some((action, from.next(*action)?)))
                    .inspect(|(action, to)| assert_eq!(action.aim(), *to))
                    .map(|(action, to)| format!("{action:?}>{}", to.as_str()))
                    .collect();
                format!("{}: {}", from.as_str(), moves.join(" "))
            })
            .collect();

        assert_eq!(
            rows,
            [
                "CREATING: Delete>DELETING Ran>RUNNING Fail>FAILED",
                "RUNNING: Stop>STOPPING Restart>RESTARTING Update>UPDATING Delete>DELETING",
                "STOPPING: Delete>DELETING Halted>STOPPED Fail>FAILED",
                "STOPPED: Start>STARTING Delete>DELETING",
                "STARTING: Delete>DELETING Ran>RUNNING Fail>FAILED",
                "RESTARTING: Delete>DELETING Ran>RUNNING Fail>FAILED",
                "UPDATING: Delete>DELETING Ran>RUNNING Fail>FAILED",
                "FAILED: Start>STARTING Stop>STOPPING Restart>RESTARTING Update>UPDATING Delete>DELETING",
                "DELETING: Vanished>DELETED",
                "DELETED: ",
            ]
        );
    }
}
