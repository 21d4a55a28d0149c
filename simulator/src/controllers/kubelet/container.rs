use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::pod::{KUBELET, full_name};
use crate::{
    clock::later,
    controllers::events::Note,
    object::{after, int, items, text},
    timing::Timing,
};

/// How long a container stays down before it is started again for the first time.
const RESTART_PAUSE: Duration = Duration::from_secs(1);
/// How many lines of a log are remembered for a container that goes on and on.
const LOG_LIMIT: i64 = 1000;
const HEARTBEAT_SECONDS: i64 = 10;

/// What an image makes its container do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behaviour {
    Serve,
    Complete,
    Crash,
    OutOfMemory,
    NeverPulled,
    NeverReady,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Stage {
    Creating,
    PullFailed,
    PullBackOff,
    Misconfigured(String),
    Starting,
    Running,
    Ended,
    BackOff(Duration),
    /// Ended, and not to be started again.
    Finished,
}

/// How a container ended.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub code: i64,
    pub reason: &'static str,
    pub started: Timestamp,
    pub finished: Timestamp,
    pub id: String,
}

#[derive(Clone, Debug)]
pub(crate) struct ContainerRun {
    pub(super) name: String,
    pub(super) image: String,
    port: Option<i64>,
    behaviour: Behaviour,
    restart_policy: Restart,
    pub(super) stage: Stage,
    pub(super) due: Option<Timestamp>,
    pub(super) ready: bool,
    pub(super) restarts: u32,
    pull_failures: u32,
    pub(super) started: Option<Timestamp>,
    /// The present or last container; empty before the first.
    pub(super) id: String,
    pub(super) end: Option<End>,
    pub(super) former_end: Option<End>,
    ready_delay: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Restart {
    Always,
    OnFailure,
    Never,
}

impl Restart {
    fn of(policy: &str) -> Self {
        match policy {
            "Never" => Self::Never,
            "OnFailure" => Self::OnFailure,
            _ => Self::Always,
        }
    }
}

impl ContainerRun {
    pub fn new(container: &Value, policy: &str, due: Timestamp) -> Self {
        let image = text(&container["image"]);
        let restart_policy = Restart::of(policy);
        let probe = int(&container["readinessProbe"]["initialDelaySeconds"]);
        Self {
            name: text(&container["name"]).to_owned(),
            image: image.to_owned(),
            port: items(&container["ports"]).first().map(|port| int(&port["containerPort"])),
            behaviour: behaviour(image, restart_policy),
            restart_policy,
            stage: Stage::Creating,
            due: Some(due),
            ready: false,
            restarts: 0,
            pull_failures: 0,
            started: None,
            id: String::new(),
            end: None,
            former_end: None,
            ready_delay: Duration::from_secs(u64::try_from(probe).unwrap_or_default()),
        }
    }

    /// Whether anything has been done about it.
    pub fn has_begun(&self) -> bool {
        self.stage != Stage::Creating
    }

    pub fn is_running(&self) -> bool {
        self.stage == Stage::Running
    }

    /// The next stage, and what is to be told of it.
    pub(super) fn step(
        &mut self,
        pod: &Value,
        timing: &Timing,
        now: Timestamp,
        obstacle: &Option<String>,
        id: &str,
    ) -> Vec<Note> {
        match &self.stage {
            Stage::Creating | Stage::PullBackOff if self.behaviour == Behaviour::NeverPulled => {
                self.fail_to_pull(now)
            }
            Stage::PullFailed => self.back_off_pulling(timing, now),
            Stage::Creating | Stage::PullBackOff | Stage::Misconfigured(_) => {
                self.prepare(timing, now, obstacle)
            }
            Stage::Starting | Stage::BackOff(_) => self.start(timing, now, id),
            Stage::Running => self.live(now),
            Stage::Ended => self.recover(pod, timing, now, id),
            Stage::Finished => {
                self.due = None;
                Vec::new()
            }
        }
    }

    /// Ends it because its Pod goes.
    pub fn stop(&mut self, now: Timestamp) {
        if self.is_running() {
            self.finish(0, "Completed", now);
        }
        self.stage = if self.end.is_some() { Stage::Finished } else { self.stage.clone() };
        self.ready = false;
        self.due = None;
    }

    fn fail_to_pull(&mut self, now: Timestamp) -> Vec<Note> {
        self.stage = Stage::PullFailed;
        self.due = Some(later(now, RESTART_PAUSE));
        let image = &self.image;
        vec![
            Note::normal(KUBELET, "Pulling", format!("Pulling image {image:?}")),
            Note::warning(
                KUBELET,
                "Failed",
                format!("Failed to pull image {image:?}: {}", self.pull_error()),
            ),
            Note::warning(KUBELET, "Failed", "Error: ErrImagePull".into()),
        ]
    }

    pub fn pull_error(&self) -> String {
        let image = &self.image;
        format!(
            "rpc error: code = NotFound desc = failed to pull and unpack image {image:?}: failed \
             to resolve reference {image:?}: not found"
        )
    }

    fn back_off_pulling(&mut self, timing: &Timing, now: Timestamp) -> Vec<Note> {
        self.stage = Stage::PullBackOff;
        self.due = Some(later(now, wait(timing, self.pull_failures)));
        self.pull_failures += 1;
        let message = format!("Back-off pulling image {:?}", self.image);
        vec![
            Note::normal(KUBELET, "BackOff", message),
            Note::warning(KUBELET, "Failed", "Error: ImagePullBackOff".into()),
        ]
    }

    fn prepare(&mut self, timing: &Timing, now: Timestamp, obstacle: &Option<String>) -> Vec<Note> {
        if let Some(obstacle) = obstacle {
            self.due = Some(later(now, timing.retry));
            let message = format!("Error: {obstacle}");
            self.stage = Stage::Misconfigured(obstacle.clone());
            return vec![Note::warning(KUBELET, "Failed", message)];
        }
        self.stage = Stage::Starting;
        self.due = Some(later(now, timing.start));
        let message = format!("Container image {:?} already present on machine", self.image);
        vec![Note::normal(KUBELET, "Pulled", message)]
    }

    fn start(&mut self, timing: &Timing, now: Timestamp, id: &str) -> Vec<Note> {
        if self.end.is_some() {
            self.restarts += 1;
            self.former_end = self.end.take();
        }
        self.stage = Stage::Running;
        self.id = format!("containerd://{id}");
        self.started = Some(now);
        self.due = match self.behaviour {
            Behaviour::Crash | Behaviour::OutOfMemory => Some(later(now, timing.crash_after)),
            Behaviour::Complete => Some(later(now, timing.complete)),
            Behaviour::Serve => Some(later(now, timing.ready.max(self.ready_delay))),
            Behaviour::NeverReady | Behaviour::NeverPulled => None,
        };
        vec![
            Note::normal(KUBELET, "Created", format!("Created container: {}", self.name)),
            Note::normal(KUBELET, "Started", format!("Started container {}", self.name)),
        ]
    }

    fn live(&mut self, now: Timestamp) -> Vec<Note> {
        match self.behaviour {
            Behaviour::Crash => self.finish(1, "Error", now),
            Behaviour::OutOfMemory => self.finish(137, "OOMKilled", now),
            Behaviour::Complete => self.finish(0, "Completed", now),
            _ => {
                self.ready = true;
                self.due = None;
            }
        }
        Vec::new()
    }

    fn finish(&mut self, code: i64, reason: &'static str, now: Timestamp) {
        let started = self.started.unwrap_or(now);
        self.end = Some(End { code, reason, started, finished: now, id: self.id.clone() });
        self.ready = false;
        let again = match self.restart_policy {
            Restart::Always => true,
            Restart::OnFailure => code != 0,
            Restart::Never => false,
        };
        self.stage = if again { Stage::Ended } else { Stage::Finished };
        self.due = again.then(|| later(now, RESTART_PAUSE));
    }

    fn recover(&mut self, pod: &Value, timing: &Timing, now: Timestamp, id: &str) -> Vec<Note> {
        if self.restarts == 0 {
            return self.start(timing, now, id);
        }
        let pause = wait(timing, self.restarts - 1);
        self.stage = Stage::BackOff(pause);
        self.due = Some(later(now, pause));
        let message =
            format!("Back-off restarting failed container {} in pod {}", self.name, full_name(pod));
        vec![Note::warning(KUBELET, "BackOff", message)]
    }

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

    fn lines(
        &self,
        started: Timestamp,
        end: Option<&End>,
        until: Timestamp,
    ) -> Vec<(Timestamp, String)> {
        let mut lines = vec![(started, format!("{}: starting {}", self.name, self.image))];
        if let Some(port) = self.port {
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

/// The back-off after that many failures before.
fn wait(timing: &Timing, failures: u32) -> Duration {
    let factor = 2_u32.saturating_pow(failures);
    timing.back_off.saturating_mul(factor).min(timing.back_off_limit)
}

/// Read from the name of the image, not from its registry.
fn behaviour(image: &str, restart: Restart) -> Behaviour {
    let name = image.rsplit('/').next().unwrap_or_default();
    let has_word =
        |known: fn(&str) -> bool| name.split(|c: char| !c.is_ascii_alphanumeric()).any(known);
    if name.contains("nopull") {
        Behaviour::NeverPulled
    } else if name.contains("crash") || has_word(|word| word == "fail") {
        Behaviour::Crash
    } else if has_word(|word| word.starts_with("oom")) {
        Behaviour::OutOfMemory
    } else if name.contains("notready") {
        Behaviour::NeverReady
    } else if restart == Restart::Always || has_word(|word| word == "forever") {
        Behaviour::Serve
    } else {
        Behaviour::Complete
    }
}
