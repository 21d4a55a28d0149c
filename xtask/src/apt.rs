//! Debian's packages of the servers that the suite wants.

use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, process::Command};

use anyhow::{Context, Result, ensure};

use crate::process;

/// Installs what is missing, or says what to install.
pub fn install(packages: &[&str]) -> Result<()> {
    let command = format!("apt-get install {}", packages.join(" "));
    ensure!(process::is_root(), "missing on this machine; as root, run: {command}");
    let _no_services = NoServices::declare();
    process::run(apt_get(&["update"])).context("apt-get update")?;
    let mut install = apt_get(&["install", "--yes", "--no-install-recommends"]);
    install.args(packages);
    process::run(install).context(command)
}

fn apt_get(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["--quiet", "--quiet", "-o", "DPkg::Lock::Timeout=300"])
        .args(arguments);
    command
}

const POLICY: &str = "/usr/sbin/policy-rc.d";

/// While this lives, Debian's packages do not start their services. A machine with a policy of its
/// own keeps it.
struct NoServices {
    ours: bool,
}

impl NoServices {
    fn declare() -> Self {
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o755).open(POLICY);
        let written = file.and_then(|mut file| file.write_all(b"#!/bin/sh\nexit 101\n"));
        Self { ours: written.is_ok() }
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.ours {
            fs::remove_file(POLICY).ok();
        }
    }
}
