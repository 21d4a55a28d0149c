use std::{
    fs,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::process;

pub const ADMIN_EMAIL: &str = "admin@slipway.local";
pub const ADMIN_PASSWORD: &str = "correct horse battery";
/// In which the kernel counts.
const TICKS_A_SECOND: f64 = 100.0;
const START_LIMIT: Duration = Duration::from_secs(30);

/// The program, built for release, on a store of its own.
pub struct Server {
    child: Child,
    pub address: String,
    _folder: TempDir,
}

impl Server {
    pub fn start(settings: &[(&str, &str)]) -> Result<Self> {
        Self::start_part(&super::program()?, &[], settings)
    }

    /// Starts a program with these arguments, such as `work`.
    pub fn start_part(
        program: &Path,
        arguments: &[&str],
        settings: &[(&str, &str)],
    ) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let address = format!("127.0.0.1:{}", process::free_port()?);
        let child = Command::new(program)
            .args(arguments)
            .env("SLIPWAY_LISTEN", &address)
            .env("SLIPWAY_LOG", "error")
            .env("SLIPWAY_ADMIN_EMAIL", ADMIN_EMAIL)
            .env("SLIPWAY_ADMIN_PASSWORD", ADMIN_PASSWORD)
            .envs(settings.iter().copied())
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            // What ends this command lets it say why, instead of ending the server under it.
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot run {}", program.display()))?;
        let server = Self { child, address, _folder: folder };
        let start = Instant::now();
        while std::net::TcpStream::connect(&server.address).is_err() {
            ensure!(start.elapsed() < START_LIMIT, "the server does not listen");
            sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    /// The processor time that it has used.
    pub fn cpu_seconds(&self) -> Result<f64> {
        let told = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        used(&told).context("the server is gone")
    }

    /// The processor time that its threads of a name have used.
    pub fn cpu_seconds_of_threads(&self, name: &str) -> Result<f64> {
        let mut seconds = 0.0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let told = fs::read_to_string(thread?.path().join("stat")).unwrap_or_default();
            if told.contains(&format!("({name})")) {
                seconds += used(&told).unwrap_or_default();
            }
        }
        Ok(seconds)
    }

    /// The memory that it has, in KiB.
    pub fn resident_kib(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let line = line.context("the server is gone")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The processor time that the kernel tells of a process or a thread.
fn used(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: f64 = ticks.map(|it| it.parse::<f64>().unwrap_or_default()).sum();
    Some(ticks / TICKS_A_SECOND)
}
