//! What moves the cluster: each controller looks at one object at a time, level-triggered, and may
//! ask to look again at a later moment.

mod address;
mod bootstrap;
mod claim;
mod deployment;
mod deployment_status;
mod endpoints;
mod events;
mod garbage;
mod job;
mod kubelet;
mod legacy_endpoints;
mod load;
mod namespace;
mod node;
mod queue;
mod quota;
mod replica_set;
mod rolling;
mod scheduler;
mod stateful_set;

pub(crate) use kubelet::PodRun;
pub(crate) use load::Loads;
pub(crate) use queue::Queue;

use crate::ownership::Writer;

const MANAGER: &str = "kube-controller-manager";
/// How controllers write the main part of an object.
const CONTROLLER: Writer<'static> = Writer::controller(MANAGER);
