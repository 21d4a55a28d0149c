//! StatefulSets: numbered Pods, one after the other, each with claims that outlive it.

mod claims;
mod pods;
mod revision;
mod set;
mod status;
