//! GraphiQL as the built program serves it, in a real browser.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use crate::{chromium, npm, process, suite::Totals, test};

#[derive(Args)]
pub struct Options {
    /// Make the pictures of the documentation anew
    #[arg(long)]
    pictures: bool,
}

pub fn run(options: &Options) -> Result<()> {
    if let Some(reason) = npm::missing() {
        anyhow::bail!(reason);
    }
    let directory = tempfile::tempdir()?;
    let binary = directory.path().join("slipway");
    test::build_program(&binary)?;
    let pictures = options.pictures.then(|| process::root().join("docs/images"));
    test(&binary, pictures.as_deref(), &mut Totals::default())
}

/// The types of what npm builds, which its build does not look at.
pub fn check() -> Result<()> {
    npm::install(&folder())?;
    process::run(npm::npm(&folder(), &["run", "check"]))
}

/// Needs npm. Without a Chromium it says so, and is done.
pub fn test(binary: &Path, pictures: Option<&Path>, totals: &mut Totals) -> Result<()> {
    let chromium = match chromium::find_or_install() {
        Ok(chromium) => chromium,
        Err(error) => {
            println!("==> console: skipped, for {error:#}");
            return Ok(());
        }
    };
    npm::install(&folder())?;
    let mut command = npm::npm(&folder(), &["test"]);
    command.env("SLIPWAY_BIN", binary).env("CHROMIUM", chromium);
    match pictures {
        Some(folder) => command.env("SLIPWAY_PICTURES", folder),
        None => command.env_remove("SLIPWAY_PICTURES"),
    };
    process::run_with_lines(command, |line| {
        println!("{line}");
        totals.add_node(line);
    })
}

fn folder() -> PathBuf {
    process::root().join("console")
}
