//! `schema.graphql`, as the binary prints it.

use std::{fs, process::Stdio};

use anyhow::{Result, ensure};

use crate::process;

pub fn write() -> Result<()> {
    let output = process::cargo(&["run", "--quiet", "--bin", "slipway", "--", "schema"])
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "slipway schema: {}", output.status);
    fs::write(process::root().join("schema.graphql"), output.stdout)?;
    Ok(())
}
