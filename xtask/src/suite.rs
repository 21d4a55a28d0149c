//! One run of the tests by `cargo nextest`, or `cargo test` where that is not installed.

use std::{
    fmt,
    io::{self, IsTerminal},
    path::Path,
    process::Command,
};

use anyhow::Result;

use crate::process;

pub struct Suite<'a> {
    pub runner: Runner,
    pub filter: Option<&'a str>,
    pub binary: &'a Path,
    pub redis: Option<String>,
}

impl Suite<'_> {
    pub fn run_on_sqlite(&self, totals: &mut Totals) -> Result<()> {
        self.run(self.command(&["--workspace"]), totals)
    }

    /// Only the packages whose tests reach a database.
    pub fn run_on_postgres(&self, url: &str, totals: &mut Totals) -> Result<()> {
        let mut command = self.command(self.runner.packages_with_a_database());
        command.env("SLIPWAY_TEST_DATABASE", url);
        self.run(command, totals)
    }

    fn command(&self, packages: &[&str]) -> Command {
        let mut command = match self.runner {
            Runner::Nextest => process::cargo(&["nextest", "run", "--no-tests=pass"]),
            Runner::Libtest => process::cargo(&["test"]),
        };
        command
            .arg("--no-fail-fast")
            .args(packages)
            .args(self.filter)
            .env("SLIPWAY_BIN", self.binary)
            .env_remove("SLIPWAY_TEST_DATABASE")
            .env_remove("SLIPWAY_TEST_REDIS");
        if let Some(redis) = &self.redis {
            command.env("SLIPWAY_TEST_REDIS", redis);
        }
        command
    }

    fn run(&self, mut command: Command, totals: &mut Totals) -> Result<()> {
        if io::stdout().is_terminal() {
            command.env("CARGO_TERM_COLOR", "always");
        }
        process::run_with_lines(command, |line| {
            println!("{line}");
            totals.add(self.runner, line);
        })
    }
}

#[derive(Clone, Copy)]
pub enum Runner {
    Nextest,
    Libtest,
}

impl Runner {
    pub fn installed() -> Self {
        if process::succeeds(process::cargo(&["nextest", "--version"])) {
            Self::Nextest
        } else {
            Self::Libtest
        }
    }

    /// Nextest builds the whole workspace as for the other suite, and then chooses.
    fn packages_with_a_database(self) -> &'static [&'static str] {
        match self {
            Self::Nextest => {
                &["--workspace", "-E", "package(slipway-tests) or package(persistence)"]
            }
            Self::Libtest => &["-p", "slipway-tests", "-p", "persistence"],
        }
    }

    /// The part of a summary line that has the counts. Nextest also repeats libtest's summary, in
    /// the output of a failed test.
    fn counts(self, line: &str) -> Option<&str> {
        match self {
            Self::Nextest => {
                Some(line.trim_start().strip_prefix("Summary [")?.split_once(" run: ")?.1)
            }
            Self::Libtest => line.strip_prefix("test result: "),
        }
    }
}

/// The sums over the runners' summary lines.
#[derive(Default)]
pub struct Totals {
    passed: u32,
    failed: u32,
}

impl Totals {
    pub fn ran_any(&self) -> bool {
        self.passed + self.failed > 0
    }

    fn add(&mut self, runner: Runner, line: &str) {
        let line = without_colours(line);
        let words: Vec<_> = runner
            .counts(&line)
            .unwrap_or_default()
            .split_whitespace()
            .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
            .collect();
        for pair in words.windows(2) {
            let Ok(count) = pair[0].parse::<u32>() else {
                continue;
            };
            match pair[1] {
                "passed" => self.passed += count,
                // "exec failed" and "timed out" are nextest's.
                "failed" | "exec" | "timed" => self.failed += count,
                _ => {}
            }
        }
    }

    /// Node's runner gives each count a line of its own, such as `ℹ pass 3`.
    pub fn add_node(&mut self, line: &str) {
        let line = without_colours(line);
        let count = line.strip_prefix("ℹ ").and_then(|rest| rest.trim_end().split_once(' '));
        match count.map(|(what, count)| (what, count.parse::<u32>())) {
            Some(("pass", Ok(count))) => self.passed += count,
            Some(("fail" | "cancelled", Ok(count))) => self.failed += count,
            _ => {}
        }
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// Drops the terminal's escapes, `ESC [ … m`.
fn without_colours(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').map_or("", |(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(runner: Runner, lines: &[&str]) -> String {
        let mut totals = Totals::default();
        for line in lines {
            totals.add(runner, line);
        }
        totals.to_string()
    }

    #[test]
    fn totals_sum_the_lines_of_cargo_test() {
        let lines = [
            "running 3 tests",
            "test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 4 filtered out",
            "test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out",
        ];

        assert_eq!(totals(Runner::Libtest, &lines), "5 passed, 1 failed");
    }

    #[test]
    fn totals_sum_the_lines_of_nextest() {
        let lines = [
            "    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 6 filtered out",
            "     Summary [   0.030s] 3 tests run: 3 passed (1 slow, 2 leaky), 1 skipped",
            "     Summary [   9.1s] 5/9 tests run: 2 passed, 1 failed, 1 exec failed, 1 timed out",
        ];

        assert_eq!(totals(Runner::Nextest, &lines), "5 passed, 3 failed");
    }

    #[test]
    fn totals_sum_the_lines_of_node() {
        let mut totals = Totals::default();
        for line in ["✔ pass 9 (1.2ms)", "ℹ tests 5", "ℹ pass 3", "ℹ fail 1", "ℹ cancelled 1"]
        {
            totals.add_node(line);
        }

        assert_eq!(totals.to_string(), "3 passed, 2 failed");
    }

    #[test]
    fn totals_see_through_colours() {
        let lines = ["\u{1b}[32;1m     Summary\u{1b}[0m [ 0.1s] \u{1b}[1m2\u{1b}[0m tests run: \
             \u{1b}[1m2\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, 0 skipped"];

        assert_eq!(totals(Runner::Nextest, &lines), "2 passed, 0 failed");
    }
}
