//! A Kubernetes cluster inside one process: the API of a real server, and behind it controllers,
//! a scheduler and kubelets that move objects through their states on a clock the caller owns.
//!
//! ```
//! use simulator::{Clock, Cluster};
//!
//! let cluster = Cluster::new(Clock::system());
//! let router = cluster.router();
//! # drop(router);
//! ```
//!
//! The router answers as `kube::Client` expects, so it can stand in for a connection. Images decide
//! how Pods fare: a name that contains `crash`, `oom`, `nopull` or `notready` does as it says. In a
//! Job the word `fail` ends a container with an error, and `forever` lets it go on.

mod access;
mod api;
mod clock;
mod cluster;
mod controllers;
mod defaults;
mod faults;
mod ids;
mod kinds;
mod kubeconfig;
mod object;
mod ownership;
mod quantity;
mod schema;
mod selectors;
mod state;
mod status_error;
mod storage;
mod timing;
mod write;

pub use access::{Access, Account, Rule};
pub use clock::Clock;
pub use cluster::Cluster;
pub use faults::{Calls, Fault, Faults};
pub use kubeconfig::kubeconfig;
pub use timing::Timing;
