//! Real clients, and what is there for their users: the rules for `schema.graphql` and for the
//! operations to copy, the example in the browser, and the clients' tests.

use std::{path::Path, process::Command};

use anyhow::Result;

use crate::{npm, process, suite::Totals};

/// Names, descriptions and shape of the schema; names and validity of the operations.
pub fn lint() -> Result<()> {
    process::run(npm(&["run", "lint"])?)
}

/// Generates the types of its operations, checks all types, and builds.
pub fn build_web() -> Result<()> {
    process::run(npm(&["run", "build", "--workspace", "web"])?)
}

/// Against the built server.
pub fn test(binary: &Path, totals: &mut Totals) -> Result<()> {
    let mut command = npm(&["test", "--workspace", "clients"])?;
    command.env("SLIPWAY_BIN", binary);
    process::run_with_lines(command, |line| {
        println!("{line}");
        totals.add_node(line);
    })
}

/// npm where the packages are that it needs.
fn npm(arguments: &[&str]) -> Result<Command> {
    let folder = process::root().join("examples");
    npm::install(&folder)?;
    let mut command = npm::npm(&folder, &["--silent"]);
    command.args(arguments);
    Ok(command)
}
