//! npm, on machines that have Node.js.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};

use crate::process;

/// The oldest Node.js that the packages are made for.
const NODE: (u32, u32) = (20, 19);

/// Why npm is of no use here, if it is not.
pub fn missing() -> Option<String> {
    let found = node_version();
    if found >= Some(NODE) && !process::find_all("npm").is_empty() {
        return None;
    }
    let (major, minor) = NODE;
    Some(format!("Node.js {major}.{minor} or newer with npm is not installed"))
}

/// Fails where Node.js is older than this.
pub fn at_least((major, minor): (u32, u32)) -> Result<()> {
    let is_new = node_version() >= Some((major, minor));
    ensure!(is_new, "Node.js {major}.{minor} or newer is not installed");
    Ok(())
}

fn node_version() -> Option<(u32, u32)> {
    let output = Command::new("node").arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut numbers = text.trim_start_matches('v').split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// Installs what a folder's lockfile names, unless that stands there already.
pub fn install(folder: &Path) -> Result<()> {
    let wanted = fs::read(folder.join("package-lock.json"))?;
    // npm begins by removing the folder that this is in.
    let stamp = folder.join("node_modules/.installed-lockfile");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    process::run(npm(folder, &["ci", "--no-audit", "--no-fund"])).context("npm ci")?;
    fs::write(stamp, wanted)?;
    Ok(())
}

/// npm in a folder that has a `package.json`.
pub fn npm(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("npm");
    command.args(arguments).current_dir(folder);
    command
}
