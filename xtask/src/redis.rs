//! A private Redis: a free port, nothing kept.

use std::{
    net::TcpStream,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::process::{self, Server};

pub const PACKAGE: &str = "redis-server";

pub struct Redis {
    // Before its directory, for it is dropped first.
    _server: Server,
    _directory: TempDir,
    port: u16,
}

impl Redis {
    pub fn start(program: &Path) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("slipway-redis-").tempdir()?;
        let port = process::free_port()?;
        let mut redis = process::tied(program, "TERM");
        redis
            .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
            .args(["--save", "", "--appendonly", "no", "--dir"])
            .arg(directory.path());
        let mut server = Server::start(redis, &directory.path().join("log"), "TERM")?;
        let is_ready = || TcpStream::connect(("127.0.0.1", port)).is_ok();
        server.wait_until(is_ready).context("Redis")?;
        Ok(Self { _server: server, _directory: directory, port })
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

pub fn find() -> Option<PathBuf> {
    process::find_all("redis-server").into_iter().next()
}
