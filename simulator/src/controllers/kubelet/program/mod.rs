//! What containers run. A `command` that is a shell's (`sh -c …`) is read as a script, of which
//! `echo`, `cat`, `sleep`, `exit`, `true`, `false` and BuildKit's `buildctl` do what they say; any
//! other command is traced in the log and ends well or, in a Pod that is always restarted, goes on.

mod build;
mod invocation;
mod script;
mod shell;

use std::time::Duration;

pub(super) use invocation::Invocation;

/// One run of a program, known from its start to its end.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Program {
    /// Each with the time from the start.
    pub lines: Vec<(Duration, String)>,
    pub end: Option<Exit>,
    /// What it leaves at its container's `terminationMessagePath`.
    pub message: String,
}

/// How a program ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exit {
    pub after: Duration,
    pub code: i64,
}
