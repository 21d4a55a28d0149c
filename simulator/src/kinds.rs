//! The registry: every resource this cluster knows, one constant each.

use std::{
    cmp::Ordering,
    hash::{Hash, Hasher},
};

/// What a write must change for `metadata.generation` to grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generation {
    Absent,
    Spec,
    /// Also everything outside metadata and status, for kinds without a spec.
    Content,
    SpecAndAnnotations,
}

#[derive(Debug)]
pub(crate) struct Kind {
    pub group: &'static str,
    pub version: &'static str,
    pub name: &'static str,
    pub plural: &'static str,
    pub singular: &'static str,
    pub short_names: &'static [&'static str],
    pub namespaced: bool,
    pub generation: Generation,
    pub status: bool,
    pub scale: bool,
    /// Field selectors beyond `metadata.name` and `metadata.namespace`.
    pub fields: &'static [&'static str],
    /// Shown by `kubectl get all`.
    pub in_all: bool,
}

impl Kind {
    const fn new(
        group: &'static str,
        version: &'static str,
        name: &'static str,
        plural: &'static str,
        singular: &'static str,
    ) -> Self {
        Self {
            group,
            version,
            name,
            plural,
            singular,
            short_names: &[],
            namespaced: true,
            generation: Generation::Absent,
            status: false,
            scale: false,
            fields: &[],
            in_all: false,
        }
    }

    const fn cluster_wide(mut self) -> Self {
        self.namespaced = false;
        self
    }

    const fn short(mut self, names: &'static [&'static str]) -> Self {
        self.short_names = names;
        self
    }

    const fn generation(mut self, generation: Generation) -> Self {
        self.generation = generation;
        self
    }

    const fn with_status(mut self) -> Self {
        self.status = true;
        self
    }

    const fn with_scale(mut self) -> Self {
        self.scale = true;
        self
    }

    const fn selectable(mut self, fields: &'static [&'static str]) -> Self {
        self.fields = fields;
        self
    }

    const fn in_all(mut self) -> Self {
        self.in_all = true;
        self
    }

    /// `v1` for the core group, `apps/v1` and the like for others.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// The plural with its group, as in `deployments.apps`.
    pub fn qualified_plural(&self) -> String {
        qualified(self.plural, self.group)
    }

    /// The kind with its group, as in `Deployment.apps`.
    pub fn qualified_name(&self) -> String {
        qualified(self.name, self.group)
    }
}

fn qualified(name: &str, group: &str) -> String {
    if group.is_empty() { name.to_owned() } else { format!("{name}.{group}") }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        (self.group, self.plural) == (other.group, other.plural)
    }
}

impl Eq for Kind {}

impl PartialOrd for Kind {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Kind {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.group, self.plural).cmp(&(other.group, other.plural))
    }
}

impl Hash for Kind {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.group, self.plural).hash(state);
    }
}

pub(crate) static NAMESPACE: Kind = Kind::new("", "v1", "Namespace", "namespaces", "namespace")
    .cluster_wide()
    .short(&["ns"])
    .with_status()
    .selectable(&["status.phase"]);
pub(crate) static NODE: Kind = Kind::new("", "v1", "Node", "nodes", "node")
    .cluster_wide()
    .short(&["no"])
    .with_status()
    .selectable(&["spec.unschedulable"]);
pub(crate) static POD: Kind = Kind::new("", "v1", "Pod", "pods", "pod")
    .short(&["po"])
    .generation(Generation::Spec)
    .with_status()
    .in_all()
    .selectable(&[
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "status.phase",
        "status.podIP",
    ]);
pub(crate) static SERVICE: Kind = Kind::new("", "v1", "Service", "services", "service")
    .short(&["svc"])
    .with_status()
    .in_all()
    .selectable(&["spec.clusterIP", "spec.type"]);
pub(crate) static CONFIG_MAP: Kind =
    Kind::new("", "v1", "ConfigMap", "configmaps", "configmap").short(&["cm"]);
pub(crate) static SECRET: Kind =
    Kind::new("", "v1", "Secret", "secrets", "secret").selectable(&["type"]);
pub(crate) static EVENT: Kind =
    Kind::new("", "v1", "Event", "events", "event").short(&["ev"]).selectable(&[
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ]);
pub(crate) static ENDPOINTS: Kind =
    Kind::new("", "v1", "Endpoints", "endpoints", "endpoints").short(&["ep"]);
pub(crate) static CLAIM: Kind =
    Kind::new("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", "persistentvolumeclaim")
        .short(&["pvc"])
        .with_status();
pub(crate) static QUOTA: Kind =
    Kind::new("", "v1", "ResourceQuota", "resourcequotas", "resourcequota")
        .short(&["quota"])
        .with_status();
pub(crate) static LIMIT_RANGE: Kind =
    Kind::new("", "v1", "LimitRange", "limitranges", "limitrange").short(&["limits"]);
pub(crate) static SERVICE_ACCOUNT: Kind =
    Kind::new("", "v1", "ServiceAccount", "serviceaccounts", "serviceaccount").short(&["sa"]);
pub(crate) static DEPLOYMENT: Kind =
    Kind::new("apps", "v1", "Deployment", "deployments", "deployment")
        .short(&["deploy"])
        .generation(Generation::SpecAndAnnotations)
        .with_status()
        .with_scale()
        .in_all();
pub(crate) static REPLICA_SET: Kind =
    Kind::new("apps", "v1", "ReplicaSet", "replicasets", "replicaset")
        .short(&["rs"])
        .generation(Generation::Spec)
        .with_status()
        .with_scale()
        .in_all()
        .selectable(&["status.replicas"]);
pub(crate) static STATEFUL_SET: Kind =
    Kind::new("apps", "v1", "StatefulSet", "statefulsets", "statefulset")
        .short(&["sts"])
        .generation(Generation::Spec)
        .with_status()
        .with_scale()
        .in_all();
pub(crate) static CONTROLLER_REVISION: Kind =
    Kind::new("apps", "v1", "ControllerRevision", "controllerrevisions", "controllerrevision");
pub(crate) static JOB: Kind = Kind::new("batch", "v1", "Job", "jobs", "job")
    .generation(Generation::Spec)
    .with_status()
    .in_all()
    .selectable(&["status.successful"]);
pub(crate) static INGRESS: Kind =
    Kind::new("networking.k8s.io", "v1", "Ingress", "ingresses", "ingress")
        .short(&["ing"])
        .generation(Generation::Spec)
        .with_status();
pub(crate) static NETWORK_POLICY: Kind =
    Kind::new("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", "networkpolicy")
        .short(&["netpol"])
        .generation(Generation::Spec);
pub(crate) static DISRUPTION_BUDGET: Kind =
    Kind::new("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", "poddisruptionbudget")
        .short(&["pdb"])
        .generation(Generation::Spec)
        .with_status();
pub(crate) static ROLE: Kind = Kind::new(RBAC, "v1", "Role", "roles", "role");
pub(crate) static ROLE_BINDING: Kind =
    Kind::new(RBAC, "v1", "RoleBinding", "rolebindings", "rolebinding");
pub(crate) static CLUSTER_ROLE: Kind =
    Kind::new(RBAC, "v1", "ClusterRole", "clusterroles", "clusterrole").cluster_wide();
pub(crate) static CLUSTER_ROLE_BINDING: Kind =
    Kind::new(RBAC, "v1", "ClusterRoleBinding", "clusterrolebindings", "clusterrolebinding")
        .cluster_wide();
pub(crate) static ENDPOINT_SLICE: Kind =
    Kind::new("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", "endpointslice")
        .generation(Generation::Content);
pub(crate) static LEASE: Kind = Kind::new("coordination.k8s.io", "v1", "Lease", "leases", "lease");

const RBAC: &str = "rbac.authorization.k8s.io";

pub(crate) static KINDS: &[&Kind] = &[
    &CONFIG_MAP,
    &ENDPOINTS,
    &EVENT,
    &LIMIT_RANGE,
    &NAMESPACE,
    &NODE,
    &CLAIM,
    &POD,
    &QUOTA,
    &SECRET,
    &SERVICE_ACCOUNT,
    &SERVICE,
    &CONTROLLER_REVISION,
    &DEPLOYMENT,
    &REPLICA_SET,
    &STATEFUL_SET,
    &JOB,
    &LEASE,
    &ENDPOINT_SLICE,
    &INGRESS,
    &NETWORK_POLICY,
    &DISRUPTION_BUDGET,
    &ROLE,
    &ROLE_BINDING,
    &CLUSTER_ROLE,
    &CLUSTER_ROLE_BINDING,
];

/// The resource at `group`/`version`, by its plural.
pub(crate) fn find(group: &str, version: &str, plural: &str) -> Option<&'static Kind> {
    KINDS
        .iter()
        .copied()
        .find(|kind| kind.group == group && kind.version == version && kind.plural == plural)
}

/// The resource that an `apiVersion` and `kind` name.
pub(crate) fn find_by_name(api_version: &str, name: &str) -> Option<&'static Kind> {
    KINDS.iter().copied().find(|kind| kind.name == name && kind.api_version() == api_version)
}
