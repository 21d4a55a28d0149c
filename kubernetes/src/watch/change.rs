use domain::runtime::{Observation, ObservedWorkload, Owner, Pod};

use crate::evidence::{Clue, Warning};

/// What an object has become, as little of it as is needed.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Workload(Workload),
    WorkloadGone(Owner),
    Pod(WatchedPod),
    PodGone(Pod),
    /// Something that a workload or its pods depend on; `None` where it is gone.
    Surrounding {
        owner: Owner,
        uid: String,
        now: Option<Surrounding>,
    },
    /// An Event, by its name, about the object with a uid; `None` where it has been forgotten.
    Warning {
        about: String,
        name: String,
        now: Option<Warning>,
    },
    /// What nothing else bears on.
    Alone(Observation),
}

/// A Deployment or a StatefulSet.
#[derive(Clone, Debug)]
pub(super) struct Workload {
    pub(super) uid: String,
    pub(super) seen: ObservedWorkload,
    /// Whether it has fewer pods than it wants.
    pub(super) lacks_pods: bool,
}

#[derive(Clone, Debug)]
pub(super) struct WatchedPod {
    pub(super) seen: Pod,
    /// The uid of what made it.
    pub(super) maker: Option<String>,
    /// The names of the claims that it mounts, unless it is well.
    pub(super) claims: Vec<String>,
    pub(super) clue: Option<Clue>,
    /// The end of its log, where that is the clue.
    pub(super) log: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Surrounding {
    ReplicaSet {
        revision: Option<i32>,
        /// Why it makes no pod.
        failure: Option<Warning>,
    },
    /// An EndpointSlice, with how many of its endpoints are ready.
    Endpoints(i32),
    /// A claim that has no volume.
    Claim { name: String, phase: String, class: Option<String> },
}
