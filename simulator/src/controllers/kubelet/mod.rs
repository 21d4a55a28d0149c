//! The stand-in for all kubelets: it takes Pods through their states on the clock.

mod behaviour;
mod container;
mod http;
mod log;
mod missing;
mod pod;
mod program;
mod status;

pub(crate) use pod::PodRun;
