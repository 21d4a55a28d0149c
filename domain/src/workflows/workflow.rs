use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{TenantId, WorkflowId};

/// One durable run of a graph of tasks for a subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Workflow {
    pub id: WorkflowId,
    pub tenant_id: TenantId,
    pub kind: WorkflowKind,
    /// What it is for.
    pub subject_id: String,
    #[serde(flatten)]
    pub lanes: Lanes,
    /// Its place among the workflows of its group; smaller goes first.
    pub lane_number: i64,
    pub status: WorkflowStatus,
    /// Set once somebody wants it stopped, with why.
    pub cancel_reason: Option<String>,
    /// Whether what was made is being removed; no retry from here on.
    pub compensating: bool,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub completed_at: Option<Timestamp>,
}

/// What a workflow needs for itself alone while it runs: some lanes of a group, all at once. The
/// bookkeeping of a group goes on under one lock, so that nobody ever holds one lane and waits for
/// another.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Lanes {
    #[serde(rename = "laneGroup")]
    pub group: String,
    /// None means the whole group.
    #[serde(rename = "lanes")]
    pub members: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WorkflowStatus {
    Pending,
    Running,
    Success,
    Failed,
    Canceled,
}

/// How a workflow ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Success,
    Failed,
    Canceled,
}

impl Workflow {
    /// Whether the other one has to end before this one may begin.
    pub fn is_behind(&self, other: &Self) -> bool {
        other.lane_number < self.lane_number && self.lanes.meet(&other.lanes)
    }
}

impl Lanes {
    pub fn whole(group: impl Into<String>) -> Self {
        Self { group: group.into(), members: Vec::new() }
    }

    fn meet(&self, other: &Self) -> bool {
        self.group == other.group
            && (self.members.is_empty()
                || other.members.is_empty()
                || self.members.iter().any(|lane| other.members.contains(lane)))
    }
}

impl WorkflowStatus {
    pub const ALL: &[Self] =
        &[Self::Pending, Self::Running, Self::Success, Self::Failed, Self::Canceled];
    pub const LIVE: &[Self] = &[Self::Pending, Self::Running];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Success => "SUCCESS",
            Self::Failed => "FAILED",
            Self::Canceled => "CANCELED",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|status| status.as_str() == text)
    }

    pub fn is_live(self) -> bool {
        Self::LIVE.contains(&self)
    }
}

impl From<Ending> for WorkflowStatus {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Success => Self::Success,
            Ending::Failed => Self::Failed,
            Ending::Canceled => Self::Canceled,
        }
    }
}

macro_rules! kinds {
    ($($name:ident $text:literal;)*) => {
        /// The kinds of workflow that there are, as clients filter on them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum WorkflowKind { $(#[serde(rename = $text)] $name),* }

        impl WorkflowKind {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

kinds! {
    ProvisionInstance "provision_instance";
    StartInstance "start_instance";
    StopInstance "stop_instance";
    RestartInstance "restart_instance";
    UpdateInstance "update_instance";
    ReconcileInstance "reconcile_instance";
    DeleteInstance "delete_instance";
    SweepInstance "sweep_instance";
    CreateSearchCluster "create_search_cluster";
    UpdateSearchCluster "update_search_cluster";
    ReconcileSearchCluster "reconcile_search_cluster";
    DeleteSearchCluster "delete_search_cluster";
    CreateDevCluster "create_dev_cluster";
    StartDevCluster "start_dev_cluster";
    StopDevCluster "stop_dev_cluster";
    DeleteDevCluster "delete_dev_cluster";
    RollingDeployment "rolling_deployment";
    BlueGreenDeployment "blue_green_deployment";
}

impl WorkflowKind {
    /// Whether it counts against its tenant's quota: what removes or mends never has to wait.
    pub fn takes_quota(self) -> bool {
        !self.removes() && !matches!(self, Self::ReconcileInstance | Self::ReconcileSearchCluster)
    }

    /// Whether it is to leave nothing.
    pub fn removes(self) -> bool {
        matches!(
            self,
            Self::DeleteInstance
                | Self::SweepInstance
                | Self::DeleteSearchCluster
                | Self::DeleteDevCluster
        )
    }

    /// Whether its compensation runs when it fails, and not only when it is cancelled. A failed
    /// deployment stays as it stands, so that a task can be tried again.
    pub fn undoes_failures(self) -> bool {
        !matches!(self, Self::RollingDeployment | Self::BlueGreenDeployment)
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text)
    }
}

#[derive(Clone, Debug, Default)]
pub struct WorkflowFilter {
    pub status: Option<Vec<WorkflowStatus>>,
    /// As the client wrote it: an unknown kind matches nothing.
    pub kind: Option<String>,
    pub subject_id: Option<String>,
    pub tenant_id: Option<TenantId>,
    pub visible: Option<Vec<TenantId>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_meet_where_they_share_one_or_either_is_the_whole_group() {
        let lanes = |group: &str, members: &[&str]| Lanes {
            group: group.to_owned(),
            members: members.iter().map(ToString::to_string).collect(),
        };
        let api_and_web = lanes("env", &["api", "web"]);

        assert!(api_and_web.meet(&lanes("env", &["web", "jobs"])));
        assert!(api_and_web.meet(&Lanes::whole("env")));
        assert!(Lanes::whole("env").meet(&api_and_web));
        assert!(!api_and_web.meet(&lanes("env", &["jobs"])));
        assert!(!api_and_web.meet(&lanes("other", &["api"])));
    }
}
