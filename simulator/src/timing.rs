use std::time::Duration;

/// How long the cluster takes for what takes time.
#[derive(Clone, Debug)]
pub struct Timing {
    /// Before a controller acts on a change. At zero it has acted when the next request comes;
    /// more lets `observedGeneration` lag, as on a busy cluster.
    pub react: Duration,
    /// From a Pod's creation to its node.
    pub schedule: Duration,
    /// From its node to its image, or to the failure to get it.
    pub pull: Duration,
    /// From the first Pod that wants a claim to its volume.
    pub provision: Duration,
    /// From the image to a running container.
    pub start: Duration,
    /// From running to ready.
    pub ready: Duration,
    /// From a Pod's deletion to its end; its grace period caps it.
    pub terminate: Duration,
    /// How long a container lives whose image name contains `crash` or `oom`.
    pub crash_after: Duration,
    /// How long a container takes in a Pod that is not to be restarted.
    pub complete: Duration,
    /// The first wait of a crash loop or a failed pull; each further one is twice as long.
    pub back_off: Duration,
    pub back_off_limit: Duration,
    /// From an Ingress to its address.
    pub address: Duration,
    /// Between attempts of a controller that was refused, by a quota for example.
    pub retry: Duration,
    /// From the failure of a node to the eviction of its Pods.
    pub evict: Duration,
    /// Between the bookmarks of a watch.
    pub bookmark: Duration,
    /// How long an Event is kept.
    pub event_retention: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            react: Duration::ZERO,
            schedule: Duration::from_millis(50),
            pull: Duration::from_millis(900),
            provision: Duration::from_millis(300),
            start: Duration::from_millis(300),
            ready: Duration::from_millis(600),
            terminate: Duration::from_secs(1),
            crash_after: Duration::from_secs(1),
            complete: Duration::from_secs(2),
            back_off: Duration::from_secs(10),
            back_off_limit: Duration::from_secs(300),
            address: Duration::from_secs(1),
            retry: Duration::from_secs(5),
            evict: Duration::from_secs(300),
            bookmark: Duration::from_secs(10),
            event_retention: Duration::from_secs(3600),
        }
    }
}
