//! Who makes development clusters: k3d and kind through their command lines, or nobody, while all
//! behaves as if.

mod cli;
mod command;
mod simulated;

pub use cli::CliProvider;
pub use simulated::SimulatedProvider;
