use std::{collections::BTreeMap, ops::ControlFlow, time::Duration};

use super::{
    Exit, Program, build,
    script::{Command, Join},
};

/// A longer message is cut, as a kubelet does.
const LONGEST_MESSAGE: usize = 4096;

/// Runs the commands of a script, one after the other.
pub(super) struct Shell {
    /// How long a program takes that has something to do.
    work: Duration,
    serves: bool,
    stops_at_failure: bool,
    elapsed: Duration,
    lines: Vec<(Duration, String)>,
    files: BTreeMap<String, String>,
}

/// How a command went: on with its code, or the end of the script.
type Flow = ControlFlow<Option<i64>, i64>;

impl Shell {
    pub fn new(work: Duration, serves: bool, stops_at_failure: bool) -> Self {
        Self {
            work,
            serves,
            stops_at_failure,
            elapsed: Duration::ZERO,
            lines: Vec::new(),
            files: BTreeMap::new(),
        }
    }

    pub fn run(mut self, commands: &[Command], message_path: &str) -> Program {
        let code = match self.run_all(commands) {
            ControlFlow::Break(code) => code,
            ControlFlow::Continue(code) => Some(code),
        };
        let after = self.elapsed.max(self.work);
        let mut message = self.files.remove(message_path).unwrap_or_default();
        message.truncate(message.floor_char_boundary(LONGEST_MESSAGE));
        Program { lines: self.lines, end: code.map(|code| Exit { after, code }), message }
    }

    fn run_all(&mut self, commands: &[Command]) -> Flow {
        let mut code = 0;
        for (index, command) in commands.iter().enumerate() {
            let skipped = match command.join {
                Join::Always => false,
                Join::AfterSuccess => code != 0,
                Join::AfterFailure => code == 0,
            };
            if skipped {
                continue;
            }
            code = self.run_one(command)?;
            let asked = commands.get(index + 1).is_some_and(|next| next.join != Join::Always);
            if code != 0 && self.stops_at_failure && !asked {
                return ControlFlow::Break(Some(code));
            }
        }
        ControlFlow::Continue(code)
    }

    fn run_one(&mut self, command: &Command) -> Flow {
        let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
        let (output, flow) = match words.as_slice() {
            ["echo", text @ ..] => (text.join(" ") + "\n", ControlFlow::Continue(0)),
            ["cat", names @ ..] => self.cat(names),
            ["true" | ":"] => (String::new(), ControlFlow::Continue(0)),
            ["false"] => (String::new(), ControlFlow::Continue(1)),
            ["exit", code @ ..] => {
                let code = code.first().and_then(|code| code.parse().ok());
                (String::new(), ControlFlow::Break(Some(code.unwrap_or(0))))
            }
            ["sleep", time] => (String::new(), self.sleep(time)),
            ["set", options] => {
                self.stops_at_failure |= options.starts_with('-') && options.contains('e');
                (String::new(), ControlFlow::Continue(0))
            }
            ["exec", ..] => {
                let rest = Command { words: command.words[1..].to_vec(), ..command.clone() };
                let code = self.run_one(&rest)?;
                (String::new(), ControlFlow::Break(Some(code)))
            }
            [name, arguments @ ..] if name.rsplit('/').next().is_some_and(build::is_builder) => {
                return self.build(arguments);
            }
            _ => {
                self.write(&format!("+ {}", words.join(" ")), None);
                (String::new(), self.work())
            }
        };
        self.write(&output, command.output.as_deref());
        flow
    }

    /// Into the log, line by line, or into a file.
    fn write(&mut self, text: &str, file: Option<&str>) {
        match file {
            Some(file) => self.files.entry(file.to_owned()).or_default().push_str(text),
            None => {
                let at = self.elapsed;
                self.lines.extend(text.lines().map(|line| (at, line.to_owned())));
            }
        }
    }

    fn cat(&self, names: &[&str]) -> (String, Flow) {
        let mut text = String::new();
        let mut code = 0;
        for name in names {
            match self.files.get(*name) {
                Some(content) => text.push_str(content),
                None => {
                    text.push_str(&format!("cat: {name}: No such file or directory\n"));
                    code = 1;
                }
            }
        }
        (text, ControlFlow::Continue(code))
    }

    fn sleep(&mut self, time: &str) -> Flow {
        match time.trim_end_matches('s').parse() {
            Ok(seconds) => {
                self.elapsed += Duration::from_secs(seconds);
                ControlFlow::Continue(0)
            }
            Err(_) => ControlFlow::Break(None),
        }
    }

    fn work(&mut self) -> Flow {
        if self.serves {
            return ControlFlow::Break(None);
        }
        self.elapsed += self.work;
        ControlFlow::Continue(0)
    }

    fn build(&mut self, arguments: &[&str]) -> Flow {
        let build = build::run(arguments);
        let each = self.work / u32::try_from(build.lines.len()).unwrap_or(u32::MAX).max(1);
        for line in build.lines {
            self.write(&line, None);
            self.elapsed += each;
        }
        if let Some((file, metadata)) = build.metadata {
            self.files.insert(file, metadata);
        }
        match build.code {
            Some(code) => ControlFlow::Continue(code),
            None => ControlFlow::Break(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::script, *};

    fn run(script: &str) -> Program {
        let commands = script::parse(script, &script::Scope::default());
        let shell = Shell::new(Duration::from_secs(2), false, false);
        shell.run(&commands, "/dev/termination-log")
    }

    fn outcome(script: &str) -> (String, Option<(u64, i64)>) {
        let program = run(script);
        let lines: Vec<_> = program.lines.into_iter().map(|(_, line)| line).collect();
        (lines.join("|"), program.end.map(|end| (end.after.as_secs(), end.code)))
    }

    #[test]
    fn scripts_do_what_they_say() {
        let cases = [
            ("echo one; echo two", ("one|two", Some((2, 0)))),
            ("echo no > file && cat file", ("no", Some((2, 0)))),
            ("cat none", ("cat: none: No such file or directory", Some((2, 1)))),
            ("false && echo no || echo yes", ("yes", Some((2, 0)))),
            ("echo first; exit 3; echo second", ("first", Some((2, 3)))),
            ("npm test && exit 4", ("+ npm test", Some((2, 4)))),
            ("set -e; false; echo no", ("", Some((2, 1)))),
            ("set -e; false || true; echo yes", ("yes", Some((2, 0)))),
            ("exec sleep 10", ("", Some((10, 0)))),
            ("echo up; sleep infinity", ("up", None)),
        ];
        for (script, (log, end)) in cases {
            assert_eq!(outcome(script), (log.to_owned(), end), "{script}");
        }
    }

    #[test]
    fn lines_come_in_their_time_and_the_message_is_a_file() {
        let program = run("echo a; sleep 5; echo b; echo bye > /dev/termination-log");

        let times: Vec<_> = program.lines.iter().map(|(at, _)| at.as_secs()).collect();
        assert_eq!((times, program.message.as_str()), (vec![0, 5], "bye\n"));
    }
}
