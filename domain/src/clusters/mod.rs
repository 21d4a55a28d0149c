mod cluster;
mod create_dev;
mod csv_rows;
mod dev;
mod dev_steps;
mod import;
mod ports;
mod provider;
mod run_dev;
mod service;
mod settle;
mod store;

pub use cluster::{Cluster, ClusterAction, ClusterBody, ClusterFilter, ClusterStatus};
pub use dev::{DevCluster, DevClusterProvider, NewDevCluster};
pub use dev_steps::{
    AwaitAbsence, AwaitAddress, CreateDevCluster, ProbePorts, RemoveDevCluster, StartDevCluster,
    StopDevCluster, VerifyDevCluster,
};
pub use import::{Import, ImportOutcome, ImportRow};
pub use ports::{PortChange, PortLease, PortPurpose, PortRange, PortRules, Ports};
pub use provider::{DevMachine, DevProvider, DevState, Said};
pub(crate) use settle::{revive, settle};
pub use store::{ClusterReads, ClusterWrites};
