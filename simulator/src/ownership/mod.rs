//! Server-side apply: who owns which field.

mod apply;
mod compare;
mod field_set;
mod managers;
mod merge;

pub(crate) use apply::{Applied, apply};
pub(crate) use managers::{Managers, Operation, Writer, record_update};
