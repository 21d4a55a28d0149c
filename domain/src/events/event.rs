use jiff::Timestamp;
use serde_json::Value;

use crate::ids::{TenantId, UserId};

/// A fact in the log, with its subject as it was right after.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub position: i64,
    pub event_type: EventType,
    pub subject: Subject,
    pub tenant_id: Option<TenantId>,
    /// Who did it; `None` for the system itself.
    pub actor_id: Option<UserId>,
    /// What led to it where nobody did it directly, such as a workflow's id.
    pub cause: Option<String>,
    pub request_id: Option<String>,
    /// The status before, where the event is about a new one; for what the cluster showed, the
    /// trouble before.
    pub previous: Option<String>,
    pub at: Timestamp,
    /// The entity's after-image.
    pub data: Value,
}

/// What an event is about. Ids of all kinds stand here as their text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    pub id: String,
    /// The thing that it belongs to and that is followed together with it: a task's workflow, a
    /// workflow's subject.
    pub parent_id: Option<String>,
}

impl Subject {
    /// Whether it is this thing, or belongs to it.
    pub fn concerns(&self, id: &str) -> bool {
        self.id == id || self.parent_id.as_deref() == Some(id)
    }
}

/// An event before the store has given it a position.
#[derive(Clone, Debug)]
pub struct NewEvent {
    pub event_type: EventType,
    pub subject: Subject,
    pub tenant_id: Option<TenantId>,
    pub previous: Option<String>,
    pub data: Value,
}

/// Which events a reader wants; what is absent does not narrow.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    pub types: Option<Vec<EventType>>,
    pub subject_id: Option<String>,
    /// The subject's parent.
    pub parent_id: Option<String>,
    /// The subject or its parent.
    pub about: Option<String>,
    pub tenant_id: Option<TenantId>,
    pub actor_id: Option<UserId>,
    /// The tenants whose events the reader may see; `None` sees all.
    pub visible: Option<Vec<TenantId>>,
}

impl EventFilter {
    /// The same rule that the store applies in SQL.
    pub fn matches(&self, event: &Event) -> bool {
        fn fits<T: PartialEq>(wanted: &Option<T>, have: Option<&T>) -> bool {
            wanted.as_ref().is_none_or(|wanted| have == Some(wanted))
        }
        self.types.as_ref().is_none_or(|types| types.contains(&event.event_type))
            && fits(&self.subject_id, Some(&event.subject.id))
            && fits(&self.parent_id, event.subject.parent_id.as_ref())
            && self.about.as_ref().is_none_or(|about| event.subject.concerns(about))
            && fits(&self.tenant_id, event.tenant_id.as_ref())
            && fits(&self.actor_id, event.actor_id.as_ref())
            && self.visible.as_ref().is_none_or(|visible| {
                event.tenant_id.is_some_and(|tenant| visible.contains(&tenant))
            })
    }
}

macro_rules! event_types {
    ($($name:ident $text:literal;)*) => {
        /// The types of event that there are, as clients filter on them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum EventType { $($name),* }

        impl EventType {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$name),)* _ => None }
            }
        }
    };
}

event_types! {
    LogRestored "LOG_RESTORED";
    UserRegistered "USER_REGISTERED";
    UserStatusChanged "USER_STATUS_CHANGED";
    UserRolesChanged "USER_ROLES_CHANGED";
    UserPasswordChanged "USER_PASSWORD_CHANGED";
    UserLoggedOut "USER_LOGGED_OUT";
    TenantCreated "TENANT_CREATED";
    TenantMemberSet "TENANT_MEMBER_SET";
    TenantMemberRemoved "TENANT_MEMBER_REMOVED";
    TenantQuotaSet "TENANT_QUOTA_SET";
    ApiTokenCreated "API_TOKEN_CREATED";
    ApiTokenRevoked "API_TOKEN_REVOKED";
    ProductCreated "PRODUCT_CREATED";
    ProductUpdated "PRODUCT_UPDATED";
    OrderPlaced "ORDER_PLACED";
    OrderPaid "ORDER_PAID";
    OrderCancelled "ORDER_CANCELLED";
    OrderCompleted "ORDER_COMPLETED";
    InstanceCreated "INSTANCE_CREATED";
    InstanceDeleted "INSTANCE_DELETED";
    InstanceSpecChanged "INSTANCE_SPEC_CHANGED";
    InstanceImageUpdated "INSTANCE_IMAGE_UPDATED";
    InstanceImageRemoved "INSTANCE_IMAGE_REMOVED";
    InstanceStarted "INSTANCE_STARTED";
    InstanceStopped "INSTANCE_STOPPED";
    InstanceStatusChanged "INSTANCE_STATUS_CHANGED";
    InstanceK8sSync "INSTANCE_K8S_SYNC";
    InstanceNetworkUpdated "INSTANCE_NETWORK_UPDATED";
    ClusterCreated "CLUSTER_CREATED";
    ClusterUpdated "CLUSTER_UPDATED";
    ClusterStatusChanged "CLUSTER_STATUS_CHANGED";
    ClusterDeleted "CLUSTER_DELETED";
    ClusterK8sSync "CLUSTER_K8S_SYNC";
    ClustersImported "CLUSTERS_IMPORTED";
    PodAdded "POD_ADDED";
    PodModified "POD_MODIFIED";
    PodDeleted "POD_DELETED";
    VersionCreated "VERSION_CREATED";
    VersionDeleted "VERSION_DELETED";
    ApplicationCreated "APPLICATION_CREATED";
    ApplicationUpdated "APPLICATION_UPDATED";
    ApplicationDeleted "APPLICATION_DELETED";
    EnvironmentCreated "ENVIRONMENT_CREATED";
    EnvironmentUpdated "ENVIRONMENT_UPDATED";
    EnvironmentDeleted "ENVIRONMENT_DELETED";
    DeploymentCreated "DEPLOYMENT_CREATED";
    DeploymentStatusChanged "DEPLOYMENT_STATUS_CHANGED";
    WorkflowChanged "WORKFLOW_CHANGED";
    TaskChanged "TASK_CHANGED";
    TaskLogged "TASK_LOGGED";
}

impl EventType {
    pub const ORDER: &[Self] =
        &[Self::OrderPlaced, Self::OrderPaid, Self::OrderCancelled, Self::OrderCompleted];
    pub const INSTANCE: &[Self] = &[
        Self::InstanceCreated,
        Self::InstanceDeleted,
        Self::InstanceSpecChanged,
        Self::InstanceImageUpdated,
        Self::InstanceImageRemoved,
        Self::InstanceStarted,
        Self::InstanceStopped,
        Self::InstanceStatusChanged,
        Self::InstanceK8sSync,
        Self::InstanceNetworkUpdated,
    ];
    pub const CLUSTER: &[Self] = &[
        Self::ClusterCreated,
        Self::ClusterUpdated,
        Self::ClusterStatusChanged,
        Self::ClusterDeleted,
        Self::ClusterK8sSync,
    ];
    pub const DEPLOYMENT: &[Self] = &[Self::DeploymentCreated, Self::DeploymentStatusChanged];
    pub const POD: &[Self] = &[Self::PodAdded, Self::PodModified, Self::PodDeleted];
}
