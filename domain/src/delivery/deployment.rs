use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Release, Slot};
use crate::{
    error::{Error, Result},
    ids::{ApplicationId, DeploymentId, EnvironmentId, TenantId, UserId, VersionId, WorkflowId},
    page::{PageKey, SortField},
    workflows::{Lanes, WorkflowKind},
};

/// Rolling a version of applications out to an environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    pub id: DeploymentId,
    pub tenant_id: TenantId,
    pub version_id: VersionId,
    pub environment_id: EnvironmentId,
    pub strategy: DeploymentStrategy,
    pub status: DeploymentStatus,
    pub failure: Option<DeploymentFailure>,
    /// Empty while nothing is wrong.
    pub error_message: String,
    pub rollback_of: Option<DeploymentId>,
    pub workflow_id: WorkflowId,
    pub created_by: UserId,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub completed_at: Option<Timestamp>,
    /// One for each application, in the order that they were named in.
    pub courses: Vec<Course>,
    pub terms: Terms,
    /// Counts the changes of its row.
    pub revision: i64,
}

/// How one application of a deployment gets on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Course {
    pub application_id: ApplicationId,
    /// Where it is released; known once its turn has come.
    pub slot: Option<Slot>,
    /// What stood there when its turn came.
    pub before: Option<Release>,
    /// Where a deployment that failed may have left a release beside that.
    #[serde(default)]
    pub leftover: Option<Slot>,
    /// What runs; known at once, or once it is built.
    pub image: Option<String>,
    /// Whether that was known when its turn came, so that nothing is built.
    pub given: bool,
}

/// Settings of the platform as they were when the deployment was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Terms {
    /// Where images are pushed to, such as `registry.example.com/slipway`.
    pub registry: String,
    /// How long a build or a test may take.
    pub job_limit: SignedDuration,
    /// How long any other task may take.
    pub task_limit: SignedDuration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeploymentStrategy {
    Rolling,
    BlueGreen,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeploymentStatus {
    Pending,
    Running,
    Success,
    Failed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeploymentFailure {
    TaskFailed,
    CanceledByUser,
    Timeout,
}

#[derive(Clone, Debug)]
pub struct NewDeployment {
    pub version_id: VersionId,
    pub application_ids: Vec<ApplicationId>,
    pub environment_id: EnvironmentId,
    pub strategy: DeploymentStrategy,
}

#[derive(Clone, Debug, Default)]
pub struct DeploymentFilter {
    pub status: Option<Vec<DeploymentStatus>>,
    pub environment_id: Option<EnvironmentId>,
    pub version_id: Option<VersionId>,
    pub tenant_id: Option<TenantId>,
    pub visible: Option<Vec<TenantId>>,
}

impl DeploymentStrategy {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rolling => "ROLLING",
            Self::BlueGreen => "BLUE_GREEN",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Rolling, Self::BlueGreen].into_iter().find(|it| it.as_str() == text)
    }

    /// Where it releases what stands in `slot`.
    pub fn slot_beside(self, slot: Slot) -> Slot {
        match self {
            Self::Rolling => slot,
            Self::BlueGreen => slot.other(),
        }
    }

    pub fn workflow_kind(self) -> WorkflowKind {
        match self {
            Self::Rolling => WorkflowKind::RollingDeployment,
            Self::BlueGreen => WorkflowKind::BlueGreenDeployment,
        }
    }
}

impl DeploymentStatus {
    pub const ALL: &[Self] = &[Self::Pending, Self::Running, Self::Success, Self::Failed];
    pub const LIVE: &[Self] = &[Self::Pending, Self::Running];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Success => "SUCCESS",
            Self::Failed => "FAILED",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|status| status.as_str() == text)
    }

    pub fn is_live(self) -> bool {
        Self::LIVE.contains(&self)
    }

    /// The whole state machine: a failed one goes on when its tasks are tried again.
    fn leads_to(self, to: Self) -> bool {
        use DeploymentStatus::{Failed, Pending, Running, Success};
        matches!(
            (self, to),
            (Pending, Running | Failed) | (Running, Success | Failed) | (Failed, Pending)
        )
    }
}

impl DeploymentFailure {
    pub const ALL: &[Self] = &[Self::TaskFailed, Self::CanceledByUser, Self::Timeout];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::TaskFailed => "TASK_FAILED",
            Self::CanceledByUser => "CANCELED_BY_USER",
            Self::Timeout => "TIMEOUT",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|failure| failure.as_str() == text)
    }
}

impl Deployment {
    /// What an error says of one that somebody has cancelled.
    pub const CANCELED: &str = "Deployment cancelled by user";
    pub const MOST_APPLICATIONS: usize = 20;

    pub fn application_ids(&self) -> Vec<ApplicationId> {
        self.courses.iter().map(|course| course.application_id).collect()
    }

    /// One deployment at a time for an application in an environment.
    pub fn lanes(&self) -> Lanes {
        let members = self.courses.iter().map(|course| course.application_id.to_string());
        Lanes { group: self.environment_id.to_string(), members: members.collect() }
    }

    /// Whether its turn has come: from then on it is known what stood there before.
    pub fn has_had_its_turn(&self) -> bool {
        self.courses.iter().all(|course| course.slot.is_some())
    }

    pub fn begun(self, now: Timestamp) -> Result<Self> {
        let begun = self.into(DeploymentStatus::Running, now)?;
        Ok(Self { started_at: Some(now), ..begun })
    }

    pub fn succeeded(self, now: Timestamp) -> Result<Self> {
        let done = self.into(DeploymentStatus::Success, now)?;
        Ok(Self { completed_at: Some(now), ..done })
    }

    pub fn failed(self, failure: DeploymentFailure, why: String, now: Timestamp) -> Result<Self> {
        let failed = self.into(DeploymentStatus::Failed, now)?;
        let failure = Some(failure);
        Ok(Self { failure, error_message: why, completed_at: Some(now), ..failed })
    }

    /// On its way again.
    pub fn revived(self, now: Timestamp) -> Result<Self> {
        let pending = self.into(DeploymentStatus::Pending, now)?;
        Ok(Self {
            failure: None,
            error_message: String::new(),
            started_at: None,
            completed_at: None,
            ..pending
        })
    }

    fn into(self, to: DeploymentStatus, now: Timestamp) -> Result<Self> {
        if self.status.leads_to(to) {
            return Ok(Self { status: to, updated_at: now, ..self });
        }
        Err(self.refused(to))
    }

    pub(super) fn refused(&self, to: DeploymentStatus) -> Error {
        Error::InvalidTransition {
            what: format!("deployment {}", self.id),
            from: self.status.as_str(),
            to: to.as_str(),
        }
    }

    /// Where it stands in a list that is ordered so.
    pub fn page_key(&self, by: SortField) -> PageKey {
        let value = match by {
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
    fn only_what_the_table_allows_leads_on() {
        let allowed: Vec<String> = DeploymentStatus::ALL
            .iter()
            .flat_map(|from| DeploymentStatus::ALL.iter().map(move |to| (*from, *to)))
            .filter(|(from, to)| from.leads_to(*to))
            .map(|(from, to)| format!("{} {}", from.as_str(), to.as_str()))
            .collect();

        assert_eq!(
            allowed,
            [
                "PENDING RUNNING",
                "PENDING FAILED",
                "RUNNING SUCCESS",
                "RUNNING FAILED",
                "FAILED PENDING",
            ]
        );
    }
}
