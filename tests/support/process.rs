use std::{
    env,
    fs::{self, File},
    io::{self, BufRead, BufReader, Lines, Write},
    net::TcpStream,
    path::PathBuf,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::Database;

/// How long an answer may take, also that of a process which is stopped meanwhile.
const PATIENCE: Duration = Duration::from_secs(30);
static STARTED: AtomicUsize = AtomicUsize::new(0);

/// The program itself, as its users start it.
pub struct Process {
    child: Child,
    /// Kept open, as a terminal would.
    _stdout: Lines<BufReader<ChildStdout>>,
    /// Where it listens.
    pub address: String,
    log: PathBuf,
    /// Where it works, for as long as it does.
    _folder: Arc<TempDir>,
}

impl Process {
    /// Where the program was built: as said by SLIPWAY_BIN, or beside the tests.
    pub fn program() -> Option<PathBuf> {
        let beside = || {
            let tests = env::current_exe().ok()?;
            Some(tests.parent()?.parent()?.join("slipway")).filter(|path| path.exists())
        };
        env::var_os("SLIPWAY_BIN").map(PathBuf::from).or_else(beside)
    }

    /// Starts it on a database and waits until it listens.
    pub fn start(database: &Database) -> Option<Self> {
        Self::start_with(database, &[])
    }

    pub fn start_with(database: &Database, settings: &[(&str, &str)]) -> Option<Self> {
        let command = Command::new(Self::program()?);
        Some(Self::start_by(command, database, settings))
    }

    /// Runs a command that starts it, and waits until it listens.
    pub fn start_by(mut command: Command, database: &Database, settings: &[(&str, &str)]) -> Self {
        command
            .env("SLIPWAY_LISTEN", "127.0.0.1:0")
            .env("SLIPWAY_DATABASE_URL", &database.url)
            .env("SLIPWAY_TOKEN_KEY", super::app::KEY)
            .env("SLIPWAY_ADMIN_EMAIL", "root@example.com")
            .env("SLIPWAY_ADMIN_PASSWORD", super::app::PASSWORD)
            .env("SLIPWAY_TASK_LEASE", "5s")
            .envs(settings.iter().copied());
        Self::run(command, database)
    }

    /// Runs a command that serves Slipway, beside its database, and waits until it listens.
    pub fn run(mut command: Command, database: &Database) -> Self {
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let log = database.folder.path().join(format!("slipway-{number}.log"));
        let mut child = command
            .current_dir(database.folder.path())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines
            .by_ref()
            .find_map(|line| {
                let line = line.unwrap();
                Some(line.split_once("Slipway listens on http://")?.1.to_owned())
            })
            .expect("it says where it listens");
        let address = address.trim_end_matches('/').to_owned();
        Self { address, child, _stdout: lines, log, _folder: database.folder.clone() }
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Sends a signal, such as `STOP`.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// As `kill -9` does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop, as `kill` does.
    pub fn terminate(self) -> Self {
        self.signal("TERM");
        self
    }

    /// Waits until it has ended by itself.
    pub fn wait(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// A query by nobody in particular.
    pub fn ask(address: &str, document: &str) -> Value {
        post(address, "a-test", None, document, &json!({})).unwrap()
    }

    /// A query by whoever has the token.
    pub fn ask_as(address: &str, token: &str, document: &str) -> Value {
        post(address, "a-test", Some(token), document, &json!({})).unwrap()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// One request, which must be answered.
    pub fn send(&self, token: Option<&str>, document: &str, variables: &Value) -> Value {
        self.send_as("a-test", token, document, variables)
    }

    /// A request of that id.
    pub fn send_as(
        &self,
        id: &str,
        token: Option<&str>,
        document: &str,
        variables: &Value,
    ) -> Value {
        post(&self.address, id, token, document, variables).unwrap()
    }

    /// One request; an error where the process dies meanwhile.
    pub fn try_send(
        &self,
        token: Option<&str>,
        document: &str,
        variables: &Value,
    ) -> io::Result<Value> {
        Self::try_ask(&self.address, token, document, variables)
    }

    /// One request to whoever listens there, perhaps nobody.
    pub fn try_ask(
        address: &str,
        token: Option<&str>,
        document: &str,
        variables: &Value,
    ) -> io::Result<Value> {
        post(address, "a-test", token, document, variables)
    }

    /// The memory that it has, in KiB.
    pub fn resident_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

/// A request over a connection of its own.
fn post(
    address: &str,
    id: &str,
    token: Option<&str>,
    document: &str,
    variables: &Value,
) -> io::Result<Value> {
    let body = json!({ "query": document, "variables": variables }).to_string();
    let authorization =
        token.map_or(String::new(), |token| format!("authorization: Bearer {token}\r\n"));
    let request = format!(
        "POST /graphql HTTP/1.0\r\nhost: slipway\r\ncontent-type: application/json\r\n\
         x-request-id: {id}\r\n{authorization}content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(request.as_bytes())?;
    let answer = io::read_to_string(stream)?;
    let (_, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(serde_json::from_str(body)?)
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
