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
//! The router answers as `kube::Client` expects, so it can stand in for a connection.
//!
//! Images decide how Pods fare: a name that contains `crash`, `oom`, `nopull` or `notready` does as it
//! says; the word `fail` ends a container with an error. In a Job a container ends well unless its
//! image says `forever`.
//!
//! A command that is a shell's, as `sh -c "echo hello; exit 3"`, is run as far as `echo`, `cat`,
//! `sleep`, `exit`, `true` and `false` go; what is written to `terminationMessagePath` becomes the
//! container's message. `buildctl build` writes its progress and, with `--metadata-file`, a digest
//! that depends on its options alone; the words `fail`, `missing` and `forever` in the name of the
//! Dockerfile or the context do as they say.
//!
//! Once it is ready a container answers HTTP on the ports that it declares, through the `proxy` of its
//! Pod or a Service: 200, or what the path (`/status/503`) or the image (`http503`) says.

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
