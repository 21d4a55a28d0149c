//! One command line, run to its end: arguments go as they are, no shell reads them.

use std::{io::ErrorKind, process::Stdio, time::Duration};

use domain::{Error, Result, clusters::Said};
use tokio::{io::AsyncWriteExt, process::Command as Process, time::timeout};

/// How long a command may take before it is killed.
const PATIENCE: Duration = Duration::from_secs(270);
/// How much of what it writes is kept: the end.
const MOST_KEPT: usize = 32 * 1024;

pub struct Command<'a> {
    program: &'static str,
    arguments: Vec<String>,
    input: &'a str,
}

pub struct Output {
    pub success: bool,
    pub stdout: String,
    pub stderr: String,
}

impl<'a> Command<'a> {
    pub fn new<S: Into<String>>(
        program: &'static str,
        arguments: impl IntoIterator<Item = S>,
    ) -> Self {
        let arguments = arguments.into_iter().map(Into::into).collect();
        Self { program, arguments, input: "" }
    }

    pub fn reading(self, input: &'a str) -> Self {
        Self { input, ..self }
    }

    /// `Unavailable` where the program is missing or does not come to an end.
    pub async fn output(&self) -> Result<Output> {
        let mut process = Process::new(self.program);
        process.args(&self.arguments).kill_on_drop(true);
        process.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = process.spawn().map_err(|error| self.missing(error))?;
        let mut stdin = child.stdin.take().expect("it is piped");
        let fed = async {
            // A program that reads nothing closes its end.
            let _ = stdin.write_all(self.input.as_bytes()).await;
            drop(stdin);
        };
        let ran = async { futures::join!(fed, child.wait_with_output()).1 };
        let ended = timeout(PATIENCE, ran).await.map_err(|late| self.unavailable(late))?;
        let ended = ended.map_err(|error| self.unavailable(error))?;
        Ok(Output {
            success: ended.status.success(),
            stdout: tail(&ended.stdout),
            stderr: tail(&ended.stderr),
        })
    }

    /// Runs it for a task: with all that it writes.
    pub async fn say(&self) -> Result<Said> {
        let Output { success, stdout, stderr } = self.output().await?;
        let shown = format!("$ {} {}", self.program, self.arguments.join(" "));
        let written = stdout.lines().chain(stderr.lines()).map(str::trim_end);
        let lines: Vec<_> =
            std::iter::once(shown.as_str()).chain(written).map(str::to_owned).collect();
        let failure = (!success).then(|| match lines.last() {
            Some(last) if lines.len() > 1 => format!("{} failed: {last}", self.program),
            _ => format!("{} failed", self.program),
        });
        Ok(Said { lines, failure })
    }

    fn missing(&self, error: std::io::Error) -> Error {
        match (error.kind(), self.program) {
            (ErrorKind::NotFound, "k3d") => Error::unavailable("k3d, to be installed,", error),
            (ErrorKind::NotFound, "kind") => Error::unavailable("kind, to be installed,", error),
            (ErrorKind::NotFound, _) => Error::unavailable("docker, to be installed,", error),
            _ => self.unavailable(error),
        }
    }

    fn unavailable(&self, error: impl Into<domain::error::Source>) -> Error {
        Error::unavailable(self.program, error)
    }
}

fn tail(bytes: &[u8]) -> String {
    let from = bytes.len().saturating_sub(MOST_KEPT);
    String::from_utf8_lossy(&bytes[from..]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn arguments_reach_the_program_as_they_are() {
        let hostile = ["$(id)", "a; b", "`c`", "d e", "*"];
        let command = Command::new("printf", ["[%s]"].into_iter().chain(hostile));

        let output = command.output().await.expect("printf is everywhere");

        assert_eq!(output.stdout, "[$(id)][a; b][`c`][d e][*]");
    }

    #[tokio::test]
    async fn what_fails_says_what_it_wrote_last() {
        let said = Command::new("cat", ["/nowhere"]).say().await.expect("cat is everywhere");

        let failure = said.failure.expect("there is no such file");
        assert!(failure.starts_with("cat failed: cat: /nowhere"), "{failure}");
        assert_eq!(said.lines[0], "$ cat /nowhere");
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_unavailable() {
        let missing = Command::new("no-such-program", ["x"]).output().await;

        assert!(matches!(missing, Err(Error::Unavailable { .. })));
    }

    #[tokio::test]
    async fn a_program_is_given_its_input() {
        let echoed = Command::new("cat", ["-"]).reading("hello").output().await;

        assert_eq!(echoed.expect("cat is everywhere").stdout, "hello");
    }
}
