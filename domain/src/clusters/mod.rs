mod cluster;
mod create_dev;
mod create_search;
mod csv_rows;
mod dev;
mod dev_steps;
mod explain;
mod import;
mod ports;
mod provider;
mod quantity;
mod run_dev;
mod run_search;
mod runtime;
mod search;
mod search_steps;
mod service;
mod settle;
mod sight;
mod store;

pub use cluster::{Cluster, ClusterAction, ClusterBody, ClusterFilter, ClusterStatus};
pub use dev::{DevCluster, DevClusterProvider, NewDevCluster};
pub use dev_steps::{
    AwaitAbsence, AwaitAddress, CreateDevCluster, ProbePorts, RemoveDevCluster, StartDevCluster,
    StopDevCluster, VerifyDevCluster,
};
pub use explain::{Circumstances, explain};
pub use import::{Import, ImportOutcome, ImportRow};
pub use ports::{PortChange, PortLease, PortPurpose, PortRange, PortRules, Ports, TakenPorts};
pub use provider::{DevMachine, DevProvider, DevState, Said};
pub use runtime::{ClusterPlace, SearchPart, SearchRuntime, SearchWorkload};
pub use search::{NewSearchCluster, SearchCluster, SearchResources, SearchSize, VectorSpec};
pub use search_steps::{
    ApplySearchPart, AwaitSearchRollout, ConfigureIndices, ExpandVolumes, RemoveSearchPart,
};
pub(crate) use settle::{revive, settle};
pub use sight::{Health, Sighting};
pub use store::{ClusterReads, ClusterWrites};
