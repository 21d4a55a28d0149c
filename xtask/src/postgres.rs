//! A private PostgreSQL: a free port and a temporary directory.

use std::{
    cmp::Reverse,
    fs,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::{
    apt,
    process::{self, Server},
};

pub const PACKAGE: &str = "postgresql";

const SETTINGS: [&str; 3] =
    ["max_connections=400", "listen_addresses=127.0.0.1", "unix_socket_directories="];
/// A test run does not mind to lose all.
pub const FOR_TESTS: &[&str] =
    &["fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_wal_size=256MB"];

pub struct Postgres {
    // Before its directory, for it is dropped first.
    server: Server,
    _directory: TempDir,
    port: u16,
}

impl Postgres {
    pub fn start(binaries: &Path, settings: &[&str]) -> Result<Self> {
        let account = Account::for_server()?;
        let directory = temporary_directory()?;
        if let Some(account) = &account {
            chown(directory.path(), Some(account.user), Some(account.group))?;
        }
        let data = directory.path().join("data");
        let command = |mut command: Command| {
            command.current_dir(directory.path()).env("LC_ALL", "C");
            if let Some(account) = &account {
                command.uid(account.user).gid(account.group);
            }
            command
        };

        let mut initdb = command(Command::new(binaries.join("initdb")));
        initdb
            .args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-locale"])
            .args(["--no-sync", "--no-instructions", "--pgdata"])
            .arg(&data);
        let mut output = String::new();
        process::run_with_lines(initdb, |line| output = format!("{output}\n{line}"))
            .with_context(|| format!("initdb:{output}"))?;

        let port = process::free_port()?;
        let mut postgres = command(process::tied(&binaries.join("postgres"), "QUIT"));
        postgres.arg("-D").arg(&data).arg("-p").arg(port.to_string());
        for setting in SETTINGS.iter().chain(settings) {
            postgres.args(["-c", setting]);
        }
        let mut server = Server::start(postgres, &directory.path().join("log"), "QUIT")?;
        server.wait_until(|| is_ready(&data)).context("PostgreSQL")?;
        Ok(Self { server, _directory: directory, port })
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Fails when the server has ended, with the end of its log.
    pub fn check(&mut self) -> Result<()> {
        self.server.check().context("PostgreSQL")
    }
}

pub fn serve() -> Result<()> {
    let mut postgres = Postgres::start(&find_or_install()?, FOR_TESTS)?;
    println!("{}", postgres.url());
    while !process::interrupted() {
        postgres.check()?;
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

pub fn find_or_install() -> Result<PathBuf> {
    if find().is_none() {
        apt::install(&[PACKAGE])?;
    }
    find().context("PostgreSQL is not to be found")
}

/// The directory of the newest server's programs.
pub fn find() -> Option<PathBuf> {
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut directories: Vec<_> = process::find_all("postgres")
        .into_iter()
        .chain(debian.map(|version| version.path().join("bin/postgres")))
        .filter_map(|postgres| Some(postgres.canonicalize().ok()?.parent()?.to_owned()))
        .filter(|directory| directory.join("initdb").is_file())
        .collect();
    directories.sort_by_cached_key(|directory| Reverse(version(directory)));
    directories.into_iter().next()
}

/// The numbers of `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn version(binaries: &Path) -> Vec<u32> {
    let output = Command::new(binaries.join("postgres")).arg("--version").output();
    let text = output.map(|output| output.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let number = text.split_whitespace().nth(2).unwrap_or_default();
    number.split('.').map_while(|part| part.parse().ok()).collect()
}

/// The server writes its state in line 8 of its lock file; `pg_ctl --wait` looks there as well.
fn is_ready(data: &Path) -> bool {
    let lock = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
    lock.lines().nth(7).is_some_and(|state| state.trim() == "ready")
}

/// PostgreSQL refuses to run as root.
struct Account {
    user: u32,
    group: u32,
}

impl Account {
    fn for_server() -> Result<Option<Self>> {
        if !process::is_root() {
            return Ok(None);
        }
        let accounts = fs::read_to_string("/etc/passwd")?;
        let account = Self::find(&accounts, "postgres").or_else(|| Self::find(&accounts, "nobody"));
        account.map(Some).context("PostgreSQL needs a user `postgres` or `nobody` to run as")
    }

    fn find(accounts: &str, name: &str) -> Option<Self> {
        let fields = accounts.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let account = fields.into_iter().find(|fields| fields[0] == name)?;
        let user = account.get(2)?.parse().ok()?;
        let group = account.get(3)?.parse().ok()?;
        Some(Self { user, group })
    }
}

/// Root's TMPDIR may be closed to the server's account.
fn temporary_directory() -> Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("slipway-postgres-");
    let directory = if process::is_root() { builder.tempdir_in("/tmp") } else { builder.tempdir() };
    Ok(directory?)
}
