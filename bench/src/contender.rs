//! A server under measurement: its process, and what the kernel says of it.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{net::TcpStream, time::sleep};

const START_LIMIT: Duration = Duration::from_secs(60);
const END_LIMIT: Duration = Duration::from_secs(10);
/// What the kernel counts CPU time in, on every Linux of today.
const TICKS_PER_SECOND: u64 = 100;

/// How a server's schema is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Slipway,
    /// That of the others, which have only the slice that is compared.
    Plain,
    /// As PostGraphile has it from the tables.
    Tables,
}

pub struct Contender {
    pub name: &'static str,
    pub dialect: Dialect,
    pub address: SocketAddr,
    child: Child,
}

/// CPU time that was used up.
#[derive(Clone, Copy, Default)]
pub struct Cpu(u64);

impl Contender {
    /// Starts a command that listens at an address of `SLIPWAY_LISTEN` or behind `--listen`.
    pub async fn start(
        name: &'static str,
        dialect: Dialect,
        command: impl FnOnce(&str) -> Command,
    ) -> Result<Self> {
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let mut command = command(&address.to_string());
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let child = child.with_context(|| format!("{name} does not start"))?;
        let mut contender = Self { name, dialect, address, child };
        let begun = tokio::time::Instant::now();
        while TcpStream::connect(address).await.is_err() {
            ensure!(contender.child.try_wait()?.is_none(), "{name} has ended");
            ensure!(begun.elapsed() < START_LIMIT, "{name} does not listen");
            sleep(Duration::from_millis(20)).await;
        }
        Ok(contender)
    }

    pub fn cpu(&self) -> Result<Cpu> {
        Stat::of(self.child.id()).map(|stat| stat.cpu)
    }

    /// What it has in memory, in KiB.
    pub fn resident_kib(&self) -> Result<u64> {
        self.status("VmRSS:")
    }

    /// The most that it had in memory since it was last forgotten, in KiB.
    pub fn peak_kib(&self) -> Result<u64> {
        self.status("VmHWM:")
    }

    pub fn forget_peak(&self) -> Result<()> {
        Ok(fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5")?)
    }

    fn status(&self, name: &str) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let line = line.context("the server has ended")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }
}

impl Drop for Contender {
    /// As Ctrl-C ends it: what it has to write down is written.
    fn drop(&mut self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).ok();
        let begun = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && begun.elapsed() < END_LIMIT {
            thread::sleep(Duration::from_millis(20));
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Cpu {
    pub fn since(self, before: Self) -> Self {
        Self(self.0.saturating_sub(before.0))
    }

    pub fn millis(self) -> f64 {
        self.0 as f64 * 1_000.0 / TICKS_PER_SECOND as f64
    }

    /// Of this process.
    pub fn own() -> Result<Self> {
        Stat::of(std::process::id()).map(|stat| stat.cpu)
    }

    /// Of a PostgreSQL with all its processes, those that have ended included.
    pub fn of_postgres(main: u32) -> Result<Self> {
        let processes = fs::read_dir("/proc")?.flatten();
        let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let stats = ids.filter_map(|id| Stat::of(id).ok());
        let living: u64 = stats.filter(|stat| stat.parent == main).map(|stat| stat.cpu.0).sum();
        let main = Stat::of(main)?;
        Ok(Self(living + main.cpu.0 + main.ended_children.0))
    }
}

struct Stat {
    parent: u32,
    cpu: Cpu,
    ended_children: Cpu,
}

impl Stat {
    fn of(process: u32) -> Result<Self> {
        let stat = fs::read_to_string(Path::new("/proc").join(process.to_string()).join("stat"))?;
        // The name before it may hold anything.
        let (_, fields) = stat.rsplit_once(") ").context("no stat")?;
        let fields: Vec<&str> = fields.split(' ').collect();
        let number = |at: usize| fields.get(at).and_then(|field| field.parse().ok()).unwrap_or(0);
        Ok(Self {
            parent: u32::try_from(number(1))?,
            cpu: Cpu(number(11) + number(12)),
            ended_children: Cpu(number(13) + number(14)),
        })
    }
}

/// The process that all processes of a PostgreSQL descend from.
pub fn parent_of(process: u32) -> Result<u32> {
    Stat::of(process).map(|stat| stat.parent)
}
