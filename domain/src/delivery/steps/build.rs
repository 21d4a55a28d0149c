use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    super::{ImageBuild, JobWork},
    Stage,
    job::{Followed, JobEnd, JobRun},
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
        let output = match run.follow(log, || self.work(outside), |(): &mut (), _| {}).await? {
            Followed::Going(outcome) => return Ok(outcome),
            Followed::Ended(JobEnd::Failed(reason), ()) => return Ok(Outcome::Fail { reason }),
            Followed::Ended(JobEnd::Succeeded(output), ()) => output,
        };
        let Some(digest) = output.as_deref().and_then(digest) else {
            let reason = "the build left no digest of its image".to_owned();
            return Ok(Outcome::Fail { reason });
        };
        let image = format!("{}@{digest}", self.pushed_to);
        log.line(format!("built {image}"));
        let tags = &self.image.tags;
        Ok(Outcome::Done(
            json!({ "artifactUrl": image, "image": image, "digest": digest, "tags": tags }),
        ))
    }
}

impl Build {
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
