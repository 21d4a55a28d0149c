use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    super::JobWork,
    Stage,
    job::{JobEnd, JobRun},
};
use crate::{
    error::{Error, Result},
    workflows::{Executor, Outcome, Outside, TaskLog},
};

/// Runs the test command in the image. Its exit code decides, and the coverage where a threshold
/// is set.
#[derive(Serialize, Deserialize)]
pub struct Test {
    pub config: TestConfig,
    pub image: Option<String>,
    pub environment: BTreeMap<String, String>,
    pub limit: SignedDuration,
    #[serde(flatten)]
    pub stage: Stage,
}

#[derive(Serialize, Deserialize)]
pub struct TestConfig {
    pub test_command: Option<String>,
    /// In percent.
    pub coverage_threshold: Option<f64>,
}

impl Executor for Test {
    const KIND: &'static str = "test";

    async fn run(&self, outside: &Outside, log: &mut TaskLog) -> Result<Outcome> {
        let (stage, kind, limit) = (&self.stage, Self::KIND, self.limit);
        let run = JobRun { stage, outside, kind, limit };
        let notice = |found: &mut Option<f64>, line: &str| *found = coverage(line).or(*found);
        let judge = |end: &JobEnd, found: &_, _: &mut _| self.judge(end, *found);
        run.follow(log, || self.work(), notice, judge).await
    }
}

impl Test {
    fn judge(&self, end: &JobEnd, coverage: Option<f64>) -> Outcome {
        let reason = match (end, self.config.coverage_threshold, coverage) {
            (JobEnd::Failed(reason), ..) => reason.clone(),
            (_, Some(threshold), Some(percent)) if percent < threshold => {
                format!("coverage is {percent} %, and {threshold} % are needed")
            }
            (_, Some(threshold), None) => {
                format!("{threshold} % of coverage are needed, and no line told it")
            }
            _ => return Outcome::Done(json!({ "exitCode": 0, "coverage": coverage })),
        };
        Outcome::Fail { reason }
    }

    fn work(&self) -> Result<JobWork> {
        let missing = |what: &str| Error::internal(format!("a test without {what}"));
        Ok(JobWork::Test {
            image: self.image.clone().ok_or_else(|| missing("an image"))?,
            command: self.config.test_command.clone().ok_or_else(|| missing("a command"))?,
            environment: self.environment.clone(),
        })
    }
}

/// The percentage behind `coverage:` in a line such as `coverage: 83.4% of statements`.
fn coverage(line: &str) -> Option<f64> {
    let (_, rest) = line.split_once("coverage:")?;
    let (number, _) = rest.split_once('%')?;
    number.trim().parse().ok().filter(|percent| (0.0..=100.0).contains(percent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coverage_stands_behind_its_name_and_before_the_percent_sign() {
        assert_eq!(coverage("ok  \tapi\t0.2s\tcoverage: 83.4% of statements"), Some(83.4));
        assert_eq!(coverage("coverage: 80 %"), Some(80.0));
        for none in ["coverage: [no statements]", "83.4%", "coverage: x%", "coverage: 101%"] {
            assert_eq!(coverage(none), None, "{none}");
        }
    }
}
