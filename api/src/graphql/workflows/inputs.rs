use async_graphql::InputObject;
use domain::{
    ids::{DeploymentId, TenantId, WorkflowId},
    workflows,
};

use super::{task::TaskStatus, workflow::WorkflowStatus};
use crate::graphql::scalars::{AnyId, Id};

/// Narrows a list of workflows; what is absent does not.
#[derive(InputObject)]
pub struct WorkflowFilter {
    /// Any of these.
    status: Option<Vec<WorkflowStatus>>,
    /// Of this kind.
    kind: Option<String>,
    /// For this subject.
    subject_id: Option<AnyId>,
    /// Of this tenant.
    tenant_id: Option<Id<TenantId>>,
}

impl From<WorkflowFilter> for workflows::WorkflowFilter {
    fn from(filter: WorkflowFilter) -> Self {
        let WorkflowFilter { status, kind, subject_id, tenant_id } = filter;
        Self {
            status: status.map(|status| status.into_iter().map(Into::into).collect()),
            kind,
            subject_id: subject_id.map(|id| id.0.to_string()),
            tenant_id: tenant_id.map(|id| id.0),
            visible: None,
        }
    }
}

/// Narrows a list of tasks; what is absent does not.
#[derive(InputObject)]
pub struct TaskFilter {
    /// Any of these.
    status: Option<Vec<TaskStatus>>,
    /// Of this type.
    #[graphql(name = "type")]
    kind: Option<String>,
    /// Of this deployment.
    deployment_id: Option<Id<DeploymentId>>,
    /// Of this workflow.
    workflow_id: Option<Id<WorkflowId>>,
    /// Of this tenant.
    tenant_id: Option<Id<TenantId>>,
}

impl From<TaskFilter> for workflows::TaskFilter {
    fn from(filter: TaskFilter) -> Self {
        let TaskFilter { status, kind, deployment_id, workflow_id, tenant_id } = filter;
        Self {
            status: status.map(|status| status.into_iter().map(Into::into).collect()),
            kind,
            workflow_id: workflow_id.map(|id| id.0),
            subject_id: deployment_id.map(|id| id.0.to_string()),
            tenant_id: tenant_id.map(|id| id.0),
            visible: None,
        }
    }
}
