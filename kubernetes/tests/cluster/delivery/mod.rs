//! Applications that are built, tested and run in the simulated cluster.

mod jobs;
mod news;
mod probes;
mod releases;
mod routes;
mod sites;
mod yard;
