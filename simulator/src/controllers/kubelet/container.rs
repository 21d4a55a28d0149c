use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    behaviour::{Behaviour, Fate, behaviour},
    pod::{KUBELET, full_name},
    program::{Invocation, Program},
};
use crate::{
    clock::later,
    controllers::events::Note,
    object::{int, items, text},
    timing::Timing,
};

/// How long a container stays down before it is started again for the first time.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

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
    /// What the container said last, in its own words.
    pub message: String,
    pub id: String,
}

#[derive(Clone, Debug)]
pub(crate) struct ContainerRun {
    pub(super) name: String,
    pub(super) image: String,
    pub(super) ports: Vec<i64>,
    behaviour: Behaviour,
    /// What it is told to run, where its image leaves that open.
    invocation: Option<Invocation>,
    pub(super) program: Option<Program>,
    fate: Fate,
    /// Whether its log speaks for it when it fails without a message.
    falls_back_to_log: bool,
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
pub(super) enum Restart {
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
        let behaviour = behaviour(image, restart_policy);
        let invocation = Invocation::of(container, restart_policy == Restart::Always);
        Self {
            name: text(&container["name"]).to_owned(),
            image: image.to_owned(),
            ports: items(&container["ports"]).iter().map(|it| int(&it["containerPort"])).collect(),
            behaviour,
            invocation: invocation.filter(|_| behaviour.is_open()),
            program: None,
            fate: Fate::Lingers,
            falls_back_to_log: container["terminationMessagePolicy"] == "FallbackToLogsOnError",
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
        self.program = self.invocation.as_ref().map(|it| it.run(timing.complete));
        self.fate = self.fate(timing);
        self.due = match self.fate {
            Fate::Ends { after, .. } | Fate::Serves { after } => Some(later(now, after)),
            Fate::Lingers => None,
        };
        vec![
            Note::normal(KUBELET, "Created", format!("Created container: {}", self.name)),
            Note::normal(KUBELET, "Started", format!("Started container {}", self.name)),
        ]
    }

    fn fate(&self, timing: &Timing) -> Fate {
        let ends = |after, code, reason| Fate::Ends { after, code, reason };
        let end = self.program.as_ref().map(|program| program.end);
        match (self.behaviour, end) {
            (Behaviour::Crash, _) => ends(timing.crash_after, 1, "Error"),
            (Behaviour::OutOfMemory, _) => ends(timing.crash_after, 137, "OOMKilled"),
            (Behaviour::NeverReady | Behaviour::NeverPulled, _) => Fate::Lingers,
            (_, Some(Some(end))) => {
                ends(end.after, end.code, if end.code == 0 { "Completed" } else { "Error" })
            }
            (Behaviour::Complete, None) => ends(timing.complete, 0, "Completed"),
            (Behaviour::Serve, None) | (_, Some(None)) => {
                Fate::Serves { after: timing.ready.max(self.ready_delay) }
            }
        }
    }

    fn live(&mut self, now: Timestamp) -> Vec<Note> {
        match self.fate {
            Fate::Ends { code, reason, .. } => self.finish(code, reason, now),
            Fate::Serves { .. } | Fate::Lingers => {
                self.ready = true;
                self.due = None;
            }
        }
        Vec::new()
    }

    fn finish(&mut self, code: i64, reason: &'static str, now: Timestamp) {
        let started = self.started.unwrap_or(now);
        let message = self.message(code, started, now);
        let id = self.id.clone();
        self.end = Some(End { code, reason, started, finished: now, message, id });
        self.ready = false;
        let again = match self.restart_policy {
            Restart::Always => true,
            Restart::OnFailure => code != 0,
            Restart::Never => false,
        };
        self.stage = if again { Stage::Ended } else { Stage::Finished };
        self.due = again.then(|| later(now, RESTART_PAUSE));
    }

    fn message(&self, code: i64, started: Timestamp, now: Timestamp) -> String {
        let left = self.program.as_ref().map(|program| program.message.clone());
        match left.filter(|message| !message.is_empty()) {
            Some(message) => message,
            None if self.falls_back_to_log && code != 0 => self.last_words(started, now),
            None => String::new(),
        }
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
}

/// The back-off after that many failures before.
fn wait(timing: &Timing, failures: u32) -> Duration {
    let factor = 2_u32.saturating_pow(failures);
    timing.back_off.saturating_mul(factor).min(timing.back_off_limit)
}
