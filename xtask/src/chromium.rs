//! Chromium, for the tests that need a browser.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{apt, process};

const PACKAGE: &str = "chromium";
const PROGRAMS: [&str; 4] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

pub fn find_or_install() -> Result<PathBuf> {
    if let Some(found) = find() {
        return Ok(found);
    }
    apt::install(&[PACKAGE]).context("no Chromium")?;
    find().context("Chromium is installed, but not to be found")
}

fn find() -> Option<PathBuf> {
    PROGRAMS.iter().flat_map(|program| process::find_all(program)).next()
}
