//! Children of this command, none of which may outlive it.
//!
//! A step (cargo, apt-get) leads a process group of its own, to which a signal for us is passed on;
//! it then fails, and the servers stop as their guards are dropped. A server stays out of the
//! terminal's group too, so that Ctrl-C ends the tests before their database.

use std::{
    env,
    ffi::OsString,
    fs,
    io::{self, BufRead, BufReader},
    net::TcpListener,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);
/// Of a server that ended, in an error.
const LOG_LINES: usize = 40;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
/// The process group of the running step.
static STEP: Mutex<Option<u32>> = Mutex::new(None);

pub fn forward_signals() -> Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    thread::spawn(move || {
        for _ in signals.forever() {
            // Under the lock, or a step that starts just now would not hear of it.
            let step = STEP.lock().unwrap_or_else(PoisonError::into_inner);
            INTERRUPTED.store(true, Ordering::SeqCst);
            if let Some(group) = *step {
                send("TERM", &format!("-{group}"));
            }
        }
    });
    Ok(())
}

pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// Runs a step to its successful end.
pub fn run(mut command: Command) -> Result<()> {
    let child = start_step(&mut command)?;
    finish_step(child)
}

/// As `run`, with each line that the step prints.
pub fn run_with_lines(mut command: Command, mut on_line: impl FnMut(&str) + Send) -> Result<()> {
    let (reader, writer) = io::pipe()?;
    command.stdout(writer.try_clone()?).stderr(writer);
    let child = start_step(&mut command)?;
    // It holds the pipe open.
    drop(command);
    thread::scope(|scope| {
        scope.spawn(move || {
            for line in BufReader::new(reader).lines().map_while(Result::ok) {
                on_line(&line);
            }
        });
        finish_step(child)
    })
}

pub fn succeeds(mut command: Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    run(command).is_ok()
}

fn start_step(command: &mut Command) -> Result<Child> {
    let mut step = STEP.lock().unwrap_or_else(PoisonError::into_inner);
    ensure!(!interrupted(), "interrupted");
    let child = command
        .stdin(Stdio::null())
        .process_group(0)
        .spawn()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    *step = Some(child.id());
    Ok(child)
}

fn finish_step(mut child: Child) -> Result<()> {
    let status = child.wait();
    *STEP.lock().unwrap_or_else(PoisonError::into_inner) = None;
    // What it left behind would also hold our pipe open.
    send("KILL", &format!("-{}", child.id()));
    ensure!(!interrupted(), "interrupted");
    succeed(status?)
}

fn succeed(status: ExitStatus) -> Result<()> {
    ensure!(status.success(), "{status}");
    Ok(())
}

/// A server that stops when this is dropped, or when this process dies.
pub struct Server {
    child: Child,
    log: PathBuf,
    stop_signal: &'static str,
}

impl Server {
    /// Starts a command made by `tied`, its output going to the file `log`.
    pub fn start(mut command: Command, log: &Path, stop_signal: &'static str) -> Result<Self> {
        let output = fs::File::create(log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot run {}", command.get_program().display()))?;
        Ok(Self { child, log: log.to_owned(), stop_signal })
    }

    pub fn wait_until(&mut self, ready: impl Fn() -> bool) -> Result<()> {
        let start = Instant::now();
        while !ready() {
            ensure!(!interrupted(), "interrupted");
            self.check()?;
            ensure!(start.elapsed() < START_LIMIT, "not ready in time: {}", self.log()?);
            thread::sleep(POLL);
        }
        Ok(())
    }

    /// Fails when the server has ended.
    pub fn check(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("{status}: {}", self.log()?);
        }
        Ok(())
    }

    /// The end of what it printed.
    fn log(&self) -> Result<String> {
        let log = fs::read_to_string(&self.log)?;
        let before = log.lines().count().saturating_sub(LOG_LINES);
        Ok(log.lines().skip(before).collect::<Vec<_>>().join("\n"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        send(self.stop_signal, &self.child.id().to_string());
        let start = Instant::now();
        while let Ok(None) = self.child.try_wait() {
            if start.elapsed() > STOP_LIMIT {
                self.child.kill().ok();
                self.child.wait().ok();
                return;
            }
            thread::sleep(POLL);
        }
    }
}

/// A command that gets the signal when this process dies, however that comes about.
pub fn tied(program: &Path, signal: &str) -> Command {
    if find_all("setpriv").is_empty() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", signal, "--"]).arg(program);
    command
}

/// Through the shell, for a safe `kill` that every machine has.
fn send(signal: &str, target: &str) {
    Command::new("sh")
        .args(["-c", r#"kill -s "$0" -- "$1""#, signal, target])
        .stderr(Stdio::null())
        .status()
        .ok();
}

/// All programs of this name in PATH.
pub fn find_all(program: &str) -> Vec<PathBuf> {
    env::split_paths(&variable("PATH"))
        .map(|folder| folder.join(program))
        .filter(|file| file.is_file())
        .collect()
}

/// The workspace's directory. From the environment, not the build: clones may share a target
/// directory.
pub fn root() -> PathBuf {
    PathBuf::from(variable("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

/// Where cargo builds to, by where this program is.
pub fn target() -> PathBuf {
    let this = env::current_exe().unwrap_or_default();
    this.ancestors().nth(2).map(Path::to_owned).unwrap_or_default()
}

#[expect(clippy::disallowed_methods, reason = "what cargo and the shell set, not a setting")]
fn variable(name: &str) -> OsString {
    env::var_os(name).unwrap_or_default()
}

pub fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|this| this.uid() == 0)
}

pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Cargo at the workspace's root.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(arguments).current_dir(root());
    command
}
