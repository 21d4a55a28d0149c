use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{DevCluster, SearchCluster};
use crate::{
    error::{Error, Result},
    ids::{ClusterId, TenantId, UserId},
    page::{PageKey, SortField},
    quota::Amounts,
};

/// What a tenant has made to run things in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cluster {
    pub id: ClusterId,
    pub tenant_id: TenantId,
    pub owner_id: UserId,
    /// Unique in its scope among the clusters that hold their name.
    pub name: String,
    pub status: ClusterStatus,
    pub body: ClusterBody,
    /// Why its last workflow failed, while it is FAILED.
    pub failure: Option<String>,
    /// When its name came free: deleted, or a failed creation that has been cleaned up.
    pub released_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub deleted_at: Option<Timestamp>,
    pub version: i64,
}

/// What kind of cluster it is, with what only that kind has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ClusterBody {
    Search(SearchCluster),
    Dev(DevCluster),
}

/// How far the work on a cluster has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ClusterStatus {
    Creating,
    /// Its objects stand; whether they run is the cluster's to say.
    Created,
    Running,
    /// Taking on other replicas or resources.
    Scaling,
    Stopped,
    Deleting,
    Deleted,
    Failed,
}

/// What moves a cluster: commands of people, then what workflows came to. Commands queue, so a
/// cluster keeps its status until the first of them begins to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterAction {
    Update,
    Delete,
    /// Its objects stand as wanted.
    Stood,
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
pub struct ClusterFilter {
    pub status: Option<Vec<ClusterStatus>>,
    pub owner_id: Option<UserId>,
    pub tenant_id: Option<TenantId>,
    /// The tenants that the reader may see; `None` sees all.
    pub visible: Option<Vec<TenantId>>,
}

impl ClusterStatus {
    pub const ALL: &[Self] = &[
        Self::Creating,
        Self::Created,
        Self::Running,
        Self::Scaling,
        Self::Stopped,
        Self::Deleting,
        Self::Deleted,
        Self::Failed,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::Created => "CREATED",
            Self::Running => "RUNNING",
            Self::Scaling => "SCALING",
            Self::Stopped => "STOPPED",
            Self::Deleting => "DELETING",
            Self::Deleted => "DELETED",
            Self::Failed => "FAILED",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|status| status.as_str() == text)
    }

    /// The whole machine.
    pub fn next(self, action: ClusterAction) -> Option<Self> {
        use ClusterAction as Act;
        match (self, action) {
            (Self::Creating, Act::Update) => Some(Self::Creating),
            (Self::Created | Self::Scaling | Self::Failed, Act::Update) => Some(Self::Scaling),
            (Self::Deleting | Self::Deleted, Act::Delete) => None,
            (_, Act::Delete) => Some(Self::Deleting),
            (Self::Creating | Self::Scaling | Self::Failed, Act::Stood) => Some(Self::Created),
            (Self::Creating | Self::Running | Self::Stopped | Self::Failed, Act::Ran) => {
                Some(Self::Running)
            }
            (Self::Running | Self::Stopped | Self::Failed, Act::Halted) => Some(Self::Stopped),
            (Self::Deleting | Self::Deleted, Act::Fail) => None,
            (_, Act::Fail) => Some(Self::Failed),
            (Self::Deleting, Act::Vanished) => Some(Self::Deleted),
            _ => None,
        }
    }
}

impl ClusterAction {
    pub const ALL: &[Self] = &[
        Self::Update,
        Self::Delete,
        Self::Stood,
        Self::Ran,
        Self::Halted,
        Self::Fail,
        Self::Vanished,
    ];

    /// The status that the action aims at, for refusals.
    pub fn aim(self) -> ClusterStatus {
        match self {
            Self::Update => ClusterStatus::Scaling,
            Self::Delete => ClusterStatus::Deleting,
            Self::Stood => ClusterStatus::Created,
            Self::Ran => ClusterStatus::Running,
            Self::Halted => ClusterStatus::Stopped,
            Self::Fail => ClusterStatus::Failed,
            Self::Vanished => ClusterStatus::Deleted,
        }
    }
}

impl Cluster {
    /// One that is being made.
    pub(super) fn new(
        tenant_id: TenantId,
        owner_id: UserId,
        name: String,
        body: ClusterBody,
        now: Timestamp,
    ) -> Self {
        Self {
            id: ClusterId::fresh(),
            tenant_id,
            owner_id,
            name,
            status: ClusterStatus::Creating,
            body,
            failure: None,
            released_at: None,
            created_at: now,
            updated_at: now,
            deleted_at: None,
            version: 0,
        }
    }

    pub fn apply(mut self, action: ClusterAction, now: Timestamp) -> Result<Self> {
        let deletion = matches!(action, ClusterAction::Delete | ClusterAction::Vanished);
        let cleaned_up = self.released_at.is_some() && !deletion;
        let Some(status) = self.status.next(action).filter(|_| !cleaned_up) else {
            return Err(self.refused(action.aim()));
        };
        self.status = status;
        self.updated_at = now;
        self.failure = None;
        if action == ClusterAction::Vanished {
            self.deleted_at = Some(now);
            self.released_at = self.released_at.or(Some(now));
        }
        Ok(self)
    }

    /// FAILED, with the reason.
    pub fn fail(self, reason: Option<String>, now: Timestamp) -> Result<Self> {
        let mut failed = self.apply(ClusterAction::Fail, now)?;
        failed.failure = reason;
        Ok(failed)
    }

    pub(super) fn refused(&self, to: ClusterStatus) -> Error {
        Error::InvalidTransition {
            what: format!("cluster {}", self.id),
            from: self.status.as_str(),
            to: to.as_str(),
        }
    }

    /// Where its name is unique.
    pub fn scope(&self) -> String {
        match &self.body {
            ClusterBody::Search(_) => self.tenant_id.to_string(),
            ClusterBody::Dev(dev) => DevCluster::scope(&dev.host),
        }
    }

    /// Its own namespace in the platform's cluster.
    pub fn namespace(&self) -> Option<&str> {
        match &self.body {
            ClusterBody::Search(search) => Some(&search.target_namespace),
            ClusterBody::Dev(_) => None,
        }
    }

    /// What it takes of its tenant's quota, from its creation until its name is free.
    pub(super) fn takes(&self) -> Result<Amounts> {
        match &self.body {
            ClusterBody::Search(search) => search.takes(),
            ClusterBody::Dev(_) => Ok(DevCluster::takes()),
        }
    }

    pub fn search(&self) -> Option<&SearchCluster> {
        match &self.body {
            ClusterBody::Search(search) => Some(search),
            ClusterBody::Dev(_) => None,
        }
    }

    pub fn dev(&self) -> Option<&DevCluster> {
        match &self.body {
            ClusterBody::Dev(dev) => Some(dev),
            ClusterBody::Search(_) => None,
        }
    }

    pub(super) fn dev_mut(&mut self) -> Option<&mut DevCluster> {
        match &mut self.body {
            ClusterBody::Dev(dev) => Some(dev),
            ClusterBody::Search(_) => None,
        }
    }

    /// Where it stands in a list that is ordered so.
    pub fn page_key(&self, by: SortField) -> PageKey {
        let value = match by {
            SortField::Name => self.name.as_str().into(),
            SortField::UpdatedAt => self.updated_at.into(),
            _ => self.created_at.into(),
        };
        PageKey::of(by, value, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_has_these_transitions_and_no_others() {
        let rows: Vec<String> = ClusterStatus::ALL
            .iter()
            .map(|from| {
                let moves: Vec<String> = ClusterAction::ALL
                    .iter()
                    .filter_map(|action| Some((action, from.next(*action)?)))
                    .map(|(action, to)| format!("{action:?}>{}", to.as_str()))
                    .collect();
                format!("{}: {}", from.as_str(), moves.join(" "))
            })
            .collect();

        assert_eq!(
            rows,
            [
                "CREATING: Update>CREATING Delete>DELETING Stood>CREATED Ran>RUNNING Fail>FAILED",
                "CREATED: Update>SCALING Delete>DELETING Fail>FAILED",
                "RUNNING: Delete>DELETING Ran>RUNNING Halted>STOPPED Fail>FAILED",
                "SCALING: Update>SCALING Delete>DELETING Stood>CREATED Fail>FAILED",
                "STOPPED: Delete>DELETING Ran>RUNNING Halted>STOPPED Fail>FAILED",
                "DELETING: Vanished>DELETED",
                "DELETED: ",
                "FAILED: Update>SCALING Delete>DELETING Stood>CREATED Ran>RUNNING Halted>STOPPED \
                 Fail>FAILED",
            ]
        );
    }
}
