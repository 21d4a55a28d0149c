//! What moves the cluster: each controller looks at one object at a time, level-triggered, and may
//! ask to look again at a later moment.

mod address;
mod bootstrap;
mod deployment;
mod deployment_status;
mod endpoints;
mod events;
mod garbage;
mod kubelet;
mod load;
mod namespace;
mod queue;
mod quota;
mod replica_set;
mod rolling;
mod scheduler;

pub(crate) use kubelet::PodRun;
pub(crate) use load::Loads;
pub(crate) use queue::Queue;

use crate::ownership::Writer;

const MANAGER: &str = "kube-controller-manager";
/// How controllers write the main part of an object.
const CONTROLLER: Writer<'static> = Writer::controller(MANAGER);
