use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    super::{ImageBuild, JobWork},
    Stage,
    job::{JobEnd, JobRun},
    stage::GIT_SSH_KEY,
};
use crate::{
    error::{Error, Result},
    workflows::{Executor, Outcome, Outside, TaskLog},
};

/// Builds an image from the version's commit and pushes it.
#[derive(Serialize, Deserialize)]
pub struct Build {
    pub config: BuildConfig,
    pub image: ImageBuild,
    /// The image's name without a tag.
    pub pushed_to: String,
    pub limit: SignedDuration,
    #[serde(flatten)]
    pub stage: Stage,
}

#[derive(Serialize, Deserialize)]
pub struct BuildConfig {
    pub dockerfile: String,
    pub context: String,
    pub tags: Vec<String>,
}

impl Executor for Build {
    const KIND: &'static str = "build";

    async fn run(&self, outside: &Outside, log: &mut TaskLog) -> Result<Outcome> {
        let (stage, kind, limit) = (&self.stage, Self::KIND, self.limit);
        let run = JobRun { stage, outside, kind, limit };
        let judge = |end: &JobEnd, (): &(), log: &mut TaskLog| self.judge(end, log);
        run.follow(log, || self.work(outside), |(): &mut (), _| {}, judge).await
    }
}

impl Build {
    fn judge(&self, end: &JobEnd, log: &mut TaskLog) -> Outcome {
        let output = match end {
            JobEnd::Failed(reason) => return Outcome::Fail { reason: reason.clone() },
            JobEnd::Succeeded(output) => output.as_deref(),
        };
        let Some(digest) = output.and_then(digest) else {
            return Outcome::Fail { reason: "the build left no digest of its image".to_owned() };
        };
        let image = format!("{}@{digest}", self.pushed_to);
        log.line(format!("built {image}"));
        let tags = &self.image.tags;
        Outcome::Done(
            json!({ "artifactUrl": image, "image": image, "digest": digest, "tags": tags }),
        )
    }

    fn work(&self, outside: &Outside) -> Result<JobWork> {
        let Self { image, stage, .. } = self;
        if image.is_reached_by_ssh() && stage.open(outside)?.git_key.is_none() {
            return Err(Error::Conflict(format!(
                "the repository is reached by ssh, and the application has no secret {GIT_SSH_KEY}"
            )));
        }
        Ok(JobWork::Build(image.clone()))
    }
}

/// The digest that stands alone in what a build left.
fn digest(output: &str) -> Option<&str> {
    let digest = output.trim();
    let hex = digest.strip_prefix("sha256:")?;
    (hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit())).then_some(digest)
}
