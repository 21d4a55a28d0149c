use std::{
    env,
    fs::{self, File},
    io::{BufRead, BufReader, Lines, Write},
    net::TcpStream,
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};

use super::Database;

/// The program itself, as its users start it.
pub struct Process {
    child: Child,
    /// Kept open, as a terminal would.
    _stdout: Lines<BufReader<ChildStdout>>,
    /// Where it listens.
    pub address: String,
    log: PathBuf,
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
        let log = database.folder.path().join("slipway.log");
        let mut child = Command::new(Self::program()?)
            .env("SLIPWAY_LISTEN", "127.0.0.1:0")
            .env("SLIPWAY_DATABASE_URL", &database.url)
            .env("SLIPWAY_TOKEN_KEY", "a key that all processes of a test share")
            .env("SLIPWAY_ADMIN_EMAIL", "root@example.com")
            .env("SLIPWAY_ADMIN_PASSWORD", super::app::PASSWORD)
            .env("SLIPWAY_TASK_LEASE", "5s")
            .envs(settings.iter().copied())
            .current_dir(database.folder.path())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let address = first.strip_prefix("Slipway listens on http://").unwrap();
        Some(Self { address: address.trim_end_matches('/').to_owned(), child, _stdout: lines, log })
    }

    /// As `kill -9` does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// One request over a connection of its own.
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
        let body = json!({ "query": document, "variables": variables }).to_string();
        let authorization =
            token.map_or(String::new(), |token| format!("authorization: Bearer {token}\r\n"));
        let request = format!(
            "POST /graphql HTTP/1.0\r\nhost: slipway\r\ncontent-type: application/json\r\n\
             x-request-id: {id}\r\n{authorization}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let answer = std::io::read_to_string(stream).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
