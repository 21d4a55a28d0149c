//! A task whose work is a Job: started, and followed until it ends. What it came to is stored before
//! it is cleared away, so that nothing is lost with it: where that is well, the task that follows
//! does so, where not, the task itself before it fails.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    super::{Job, JobLog, JobName, JobState, JobWork, Site},
    Stage,
};
use crate::{
    error::{Error, Result},
    runtime::LogPosition,
    workflows::{Outcome, Outside, TaskLog},
};

/// How long the rest of a log is waited for that cannot be read.
const PATIENCE: SignedDuration = SignedDuration::from_secs(30);
/// How often it is looked at what takes long.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_secs(10);
/// What a task waits for as long as all goes well.
const RUNS: &str = "the Job runs";
const READ: &str = "the log is being read";

/// What a Job has come to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum JobEnd {
    /// With what it left.
    Succeeded(Option<String>),
    /// With why.
    Failed(String),
}

/// How far a task has come with its Job.
#[derive(Serialize, Deserialize)]
struct Memo<N> {
    job: String,
    since: Timestamp,
    /// How far its log has been read.
    read: Option<String>,
    /// Since when it could not be read on, where that is so.
    #[serde(default)]
    stuck_since: Option<Timestamp>,
    /// What was noticed in the log.
    noticed: N,
    end: Option<JobEnd>,
}

/// Runs a Job to its end.
pub(super) struct JobRun<'a> {
    pub stage: &'a Stage,
    pub outside: &'a Outside,
    /// Such as `build`.
    pub kind: &'static str,
    pub limit: SignedDuration,
}

impl JobRun<'_> {
    /// `notice` sees each line of the log once, `judge` says what the end comes to.
    pub async fn follow<N>(
        &self,
        log: &mut TaskLog,
        work: impl FnOnce() -> Result<JobWork>,
        notice: impl Fn(&mut N, &str),
        judge: impl FnOnce(&JobEnd, &N, &mut TaskLog) -> Outcome,
    ) -> Result<Outcome>
    where
        N: Default + Serialize + DeserializeOwned,
    {
        let site = self.stage.site(self.outside).await?;
        let Some(mut memo) = self.outside.turn.recall::<Memo<N>>() else {
            return self.begin::<N>(&*site, log, work()?).await;
        };
        if let Some(end) = &memo.end {
            return Ok(match clear(&*site, self.stage).await? {
                true => judge(end, &memo.noticed, log),
                false => self.again("its pods end"),
            });
        }
        let name = self.name(memo.job.clone());
        let Some(state) = site.job(&name).await? else {
            return self.start(&*site, &memo, log, work()?).await;
        };
        let piece = site.job_log(&name, memo.read()?).await?;
        let (is_whole, came_on) = (piece.is_whole, !piece.lines.is_empty());
        memo.take_over(piece, log, notice);
        match end_of(state) {
            _ if !is_whole && came_on => resume(&memo, SignedDuration::ZERO, READ),
            Err(trouble) => self.going(&memo, trouble.as_deref().unwrap_or(RUNS)),
            Ok(_) if !is_whole && memo.is_patient(self.outside.turn.now) => {
                resume(&memo, self.stage.pause(), READ)
            }
            Ok(end) => {
                if !is_whole {
                    log.line("the rest of the log could not be read");
                }
                let outcome = judge(&end, &memo.noticed, log);
                if matches!(outcome, Outcome::Done(_)) {
                    return Ok(outcome);
                }
                memo.end = Some(end);
                resume(&memo, SignedDuration::ZERO, "the Job is being removed")
            }
        }
    }

    /// What an earlier attempt or the task before has left goes first, so that two never run at
    /// once: also a Job of which nobody could note any more that it was started.
    async fn begin<N: Default + Serialize>(
        &self,
        site: &dyn Site,
        log: &mut TaskLog,
        work: JobWork,
    ) -> Result<Outcome> {
        if !clear(site, self.stage).await? {
            return Ok(self.again("the pods of an earlier attempt end"));
        }
        let id = self.stage.deployment_id.to_string();
        let application = &self.stage.place.application;
        let (kind, tail, attempt) = (self.kind, &id[id.len() - 8..], self.outside.turn.attempt);
        let job = format!("{application}-{kind}-{tail}-{attempt}");
        let memo = Memo {
            job,
            since: self.outside.turn.now,
            read: None,
            stuck_since: None,
            noticed: N::default(),
            end: None,
        };
        self.start(site, &memo, log, work).await
    }

    async fn start<N: Serialize>(
        &self,
        site: &dyn Site,
        memo: &Memo<N>,
        log: &mut TaskLog,
        work: JobWork,
    ) -> Result<Outcome> {
        let Stage { place, deployment_id, .. } = self.stage;
        let (name, limit) = (self.name(memo.job.clone()), self.limit);
        let (place, deployment_id) = (place.clone(), *deployment_id);
        let job = Job { name, place, deployment_id, limit, work };
        site.start_job(&job, &self.stage.open(self.outside)?).await?;
        log.line(format!("Job {} started in {}", memo.job, self.stage.place.namespace));
        self.going(memo, RUNS)
    }

    fn name(&self, name: String) -> JobName {
        JobName { namespace: self.stage.place.namespace.clone(), name }
    }

    /// Looks less often at what takes long.
    fn going<N: Serialize>(&self, memo: &Memo<N>, reason: &str) -> Result<Outcome> {
        let eighth = self.outside.turn.now.duration_since(memo.since) / 8;
        resume(memo, eighth.clamp(self.stage.pause(), LONGEST_PAUSE), reason)
    }

    fn again(&self, reason: &str) -> Outcome {
        Outcome::Wait { at_most: self.stage.pause(), reason: reason.to_owned() }
    }
}

impl<N> Memo<N> {
    fn read(&self) -> Result<Option<LogPosition>> {
        self.read.as_deref().map(str::parse).transpose()
    }

    /// Takes over what the Job has written since.
    fn take_over(&mut self, piece: JobLog, log: &mut TaskLog, notice: impl Fn(&mut N, &str)) {
        if !piece.lines.is_empty() {
            self.stuck_since = None;
        }
        for line in piece.lines {
            self.read = Some(line.position.to_string());
            notice(&mut self.noticed, &line.text);
            log.line(line.text);
        }
    }

    /// Whether what could not be read of the log is still waited for.
    fn is_patient(&mut self, now: Timestamp) -> bool {
        let since = *self.stuck_since.get_or_insert(now);
        now.duration_since(since) < PATIENCE
    }
}

/// Removes the Jobs of a deployment for an application; whether nothing of them is at work any more.
pub(super) async fn clear(site: &dyn Site, stage: &Stage) -> Result<bool> {
    site.remove_jobs(&stage.place, stage.deployment_id).await
}

/// How a Job has ended, or what holds it up.
fn end_of(state: JobState) -> Result<JobEnd, Option<String>> {
    match state {
        JobState::Running { trouble } => {
            Err(trouble.map(|trouble| format!("{}: {}", trouble.reason, trouble.message)))
        }
        JobState::Succeeded { output } => Ok(JobEnd::Succeeded(output)),
        JobState::Failed { exit_code: Some(code), trouble } => {
            Ok(JobEnd::Failed(match trouble.message.as_str() {
                "" => format!("exit code {code}"),
                message => format!("exit code {code}: {message}"),
            }))
        }
        JobState::Failed { exit_code: None, trouble } => {
            Ok(JobEnd::Failed(format!("{}: {}", trouble.reason, trouble.message)))
        }
    }
}

fn resume<N: Serialize>(memo: &Memo<N>, after: SignedDuration, reason: &str) -> Result<Outcome> {
    let memo = serde_json::to_value(memo).map_err(Error::internal_from)?;
    Ok(Outcome::Resume { memo, after, reason: reason.to_owned() })
}
