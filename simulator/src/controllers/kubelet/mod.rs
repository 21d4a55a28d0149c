//! The stand-in for all kubelets: it takes Pods through their states on the clock.

mod container;
mod missing;
mod pod;
mod status;

pub(crate) use pod::PodRun;
