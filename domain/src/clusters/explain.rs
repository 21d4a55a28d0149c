use super::{Cluster, ClusterStatus, Health, Sighting};
use crate::{
    explanation::{self, Explanation},
    runtime::Pod,
};

/// What is known of a search cluster besides itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Circumstances<'a> {
    pub sighting: Option<&'a Sighting>,
    pub pods: &'a [Pod],
    /// What holds up the workflow that runs for it.
    pub trouble: Option<&'a str>,
    /// Whether the watch on the cluster works.
    pub connected: bool,
}

/// Why it does not run; `None` for a cluster that runs, or that nobody wants to run.
pub fn explain(cluster: &Cluster, known: Circumstances<'_>) -> Option<Explanation> {
    use ClusterStatus::{Deleted, Deleting};
    let Circumstances { sighting, pods, trouble, connected } = known;
    if matches!(cluster.status, Deleting | Deleted) {
        return None;
    }
    if let Some(failure) = &cluster.failure {
        return Some(explanation::of_failure(failure));
    }
    if Health::of(sighting, pods) == Health::Running {
        return None;
    }
    let failure =
        sighting.and_then(|it| Some((it.error_reason.as_deref()?, it.message.as_deref())));
    Some(explanation::explain(explanation::Circumstances { failure, pods, trouble, connected }))
}
