//! Objects as rows of a table, as `kubectl get` asks for them.

mod age;
mod columns;
mod pods;
mod printers;
mod workloads;

pub(super) use printers::{Printer, printer};
