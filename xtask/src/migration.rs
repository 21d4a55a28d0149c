//! A new step of the one portable set in `migrations/`.

use std::{fs, process::Command};

use anyhow::{Result, ensure};

use crate::process;

pub fn create(name: &str) -> Result<()> {
    let is_snake = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    ensure!(
        !name.is_empty() && name.chars().all(is_snake),
        "the name is not in snake case: {name}"
    );
    let directory = process::root().join("migrations").join(format!("{}_{name}", utc_time()?));
    fs::create_dir_all(&directory)?;
    for file in ["up.sql", "down.sql"] {
        let file = directory.join(file);
        fs::write(&file, "")?;
        println!("{}", file.display());
    }
    Ok(())
}

fn utc_time() -> Result<String> {
    let output = Command::new("date").args(["-u", "+%Y-%m-%d-%H%M%S"]).output()?;
    ensure!(output.status.success(), "date: {}", output.status);
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
