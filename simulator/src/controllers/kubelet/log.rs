use jiff::Timestamp;

use super::container::{ContainerRun, End, Stage};
use crate::{clock::later, object::after};

/// How many lines of a log are remembered for a container that goes on and on.
const LOG_LIMIT: i64 = 1000;
const HEARTBEAT_SECONDS: i64 = 10;
/// How much of its log stands for a container's last message, where it leaves none.
const LAST_LINES: usize = 80;
const LAST_BYTES: usize = 2048;

impl ContainerRun {
    /// The lines of the present container or the one before, or why there are none.
    pub fn log(&self, now: Timestamp, previous: bool) -> Result<Vec<(Timestamp, String)>, &str> {
        if previous {
            let end = if self.is_running() { &self.former_end } else { &self.end };
            let end = end.as_ref().ok_or("no earlier container")?;
            return Ok(self.lines(end.started, Some(end), end.finished));
        }
        match (&self.stage, &self.end, self.started) {
            (Stage::Running, _, Some(started)) => Ok(self.lines(started, None, now)),
            (_, Some(end), _) => Ok(self.lines(end.started, Some(end), end.finished)),
            (Stage::PullFailed, ..) => Err("trying and failing to pull image"),
            (Stage::PullBackOff, ..) => Err("image can't be pulled"),
            (Stage::Misconfigured(_), ..) => Err("CreateContainerConfigError"),
            _ => Err("ContainerCreating"),
        }
    }

    /// The end of what the present container has written.
    pub(super) fn last_words(&self, started: Timestamp, now: Timestamp) -> String {
        let lines = self.lines(started, None, now);
        let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
        let text: String = last.iter().map(|(_, line)| format!("{line}\n")).collect();
        let from = text.ceil_char_boundary(text.len().saturating_sub(LAST_BYTES));
        text[from..].to_owned()
    }

    fn lines(
        &self,
        started: Timestamp,
        end: Option<&End>,
        until: Timestamp,
    ) -> Vec<(Timestamp, String)> {
        if let Some(program) = &self.program {
            let lines = program.lines.iter();
            let lines = lines.map(|(offset, line)| (later(started, *offset), line.clone()));
            return lines.filter(|(at, _)| *at <= until).collect();
        }
        let mut lines = vec![(started, format!("{}: starting {}", self.name, self.image))];
        if let Some(port) = self.ports.first() {
            lines.push((started, format!("{}: listening on port {port}", self.name)));
        }
        let beats = started.duration_until(until).as_secs() / HEARTBEAT_SECONDS;
        for beat in (beats - LOG_LIMIT).max(0)..beats {
            let at = after(started, (beat + 1) * HEARTBEAT_SECONDS);
            lines.push((at, format!("{}: serving", self.name)));
        }
        match end {
            Some(End { code: 1, finished, .. }) => {
                let text = format!("{}: fatal: giving up, exiting with code 1", self.name);
                lines.push((*finished, text));
            }
            Some(End { code: 0, finished, .. }) => {
                lines.push((*finished, format!("{}: done", self.name)));
            }
            _ => {}
        }
        lines
    }
}
