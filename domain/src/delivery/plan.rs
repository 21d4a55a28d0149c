//! From a deployment to its tasks: pure, so that it can be asked again whenever more is known.
//! One chain for each application, side by side.
//!
//! ```text
//! ROLLING     build → test → deploy → health_check
//! BLUE_GREEN  build → deploy_green → health_check → switch_traffic → cleanup_blue
//! cancelled   remove_jobs, restore_release
//! ```

use std::collections::BTreeMap;

use super::{
    ApplicationConfig, DeploymentStrategy, ImageBuild, Release, Route, Slot,
    facts::{Facts, Link},
    steps::{
        Build, BuildConfig, CleanupBlue, CleanupConfig, Deploy, DeployConfig, DeployGreen,
        GreenConfig, HealthCheck, HealthConfig, RemoveJobs, RestoreRelease, Stage, SwitchConfig,
        SwitchTraffic, Test, TestConfig,
    },
};
use crate::{
    error::Result,
    workflows::{NewTask, Plan},
};

pub(super) fn plan(facts: &Facts) -> Result<Plan> {
    let mut tasks = Vec::new();
    for link in facts.links() {
        let chain = Chain::of(link)?;
        match facts.deployment.strategy {
            DeploymentStrategy::Rolling => tasks.extend(chain.rolling()),
            DeploymentStrategy::BlueGreen => tasks.extend(chain.blue_green()),
        }
        tasks.extend(chain.undoing());
    }
    Ok(Plan {
        kind: facts.deployment.strategy.workflow_kind(),
        tenant_id: facts.deployment.tenant_id,
        subject_id: facts.deployment.id.to_string(),
        tasks,
    })
}

/// The tasks of one application.
struct Chain<'a> {
    link: Link<'a>,
    config: ApplicationConfig,
    stage: Stage,
    /// Where it is released; the first guess before its turn has come.
    slot: Slot,
}

impl<'a> Chain<'a> {
    fn of(link: Link<'a>) -> Result<Self> {
        let deployment = &link.facts.deployment;
        let stage = Stage {
            place: link.place(),
            deployment_id: deployment.id,
            kubeconfig: link.facts.kubeconfig.clone(),
            secrets: link.secrets(),
        };
        let slot = link.course.slot.unwrap_or(first_slot(deployment.strategy));
        Ok(Self { link, config: link.config()?, stage, slot })
    }

    fn rolling(&self) -> Vec<NewTask> {
        let Self { config, stage, .. } = self;
        let deploy = Deploy {
            stage: stage.clone(),
            config: DeployConfig {
                strategy: "rolling-update".to_owned(),
                replicas: config.replicas,
                max_unavailable: config.max_unavailable,
            },
            leftover: self.link.course.leftover,
            release: self.release(),
        };
        let limit = self.link.facts.deployment.terms.task_limit;
        vec![
            self.build(),
            self.test().after(&[self.name("build")]),
            NewTask::new(self.name("deploy"), &deploy).after(&[self.name("test")]).within(limit),
            self.health_check(None).after(&[self.name("deploy")]),
        ]
    }

    fn blue_green(&self) -> Vec<NewTask> {
        let Self { config, stage, slot, .. } = self;
        let green = DeployGreen {
            stage: stage.clone(),
            config: GreenConfig {
                environment: Slot::Green.as_str().to_owned(),
                replicas: config.replicas,
                slot: *slot,
            },
            release: self.release(),
        };
        let switch = SwitchTraffic {
            stage: stage.clone(),
            config: SwitchConfig { from: slot.other(), to: *slot },
            route: self.route(*slot),
            release: self.release(),
        };
        let cleanup = CleanupBlue {
            stage: stage.clone(),
            config: CleanupConfig { delay: config.cleanup_delay_seconds, slot: slot.other() },
            stood: self.link.course.before.is_some(),
        };
        let limit = self.link.facts.deployment.terms.task_limit;
        vec![
            self.build(),
            NewTask::new(self.name("deploy_green"), &green)
                .after(&[self.name("build")])
                .within(limit),
            self.health_check(Some(Slot::Green)).after(&[self.name("deploy_green")]),
            NewTask::new(self.name("switch_traffic"), &switch)
                .after(&[self.name("health_check")])
                .within(limit),
            NewTask::new(self.name("cleanup_blue"), &cleanup)
                .after(&[self.name("switch_traffic")])
                .within(limit + config.cleanup_delay()),
        ]
    }

    fn undoing(&self) -> [NewTask; 2] {
        let stage = self.stage.clone();
        let restore = RestoreRelease {
            stage: stage.clone(),
            slot: self.slot,
            before: self.link.course.before.clone(),
        };
        [
            NewTask::new(self.name("remove_jobs"), &RemoveJobs { stage }).as_compensation(),
            NewTask::new(self.name("restore_release"), &restore).as_compensation(),
        ]
    }

    fn build(&self) -> NewTask {
        let Self { config, stage, link, .. } = self;
        let version = &link.facts.version;
        let tags = vec![link.image_tag()];
        let step = Build {
            stage: stage.clone(),
            config: BuildConfig {
                dockerfile: config.dockerfile.clone(),
                context: config.context.clone(),
                tags: tags.clone(),
            },
            image: ImageBuild {
                repository: version.repository.clone(),
                git_tag: version.git_tag.clone(),
                commit: version.git_commit.clone(),
                dockerfile: config.dockerfile.clone(),
                context: config.context.clone(),
                build_args: config.build_args.clone(),
                tags,
            },
            pushed_to: link.repository_of_images(),
            limit: link.facts.deployment.terms.job_limit,
        };
        NewTask::new(self.name("build"), &step)
            .within(step.limit)
            .skipped_if(link.course.given || (link.course.slot.is_none() && config.image.is_some()))
    }

    fn test(&self) -> NewTask {
        let Self { config, stage, link, .. } = self;
        let step = Test {
            stage: stage.clone(),
            config: TestConfig {
                test_command: config.test_command.clone(),
                coverage_threshold: config.coverage_threshold,
            },
            image: link.course.image.clone(),
            environment: self.environment(),
            limit: link.facts.deployment.terms.job_limit,
        };
        NewTask::new(self.name("test"), &step)
            .within(step.limit)
            .skipped_if(config.test_command.is_none())
    }

    fn health_check(&self, target: Option<Slot>) -> NewTask {
        let Self { config, stage, slot, .. } = self;
        let health = &config.health_check;
        let step = HealthCheck {
            stage: stage.clone(),
            config: HealthConfig {
                endpoint: health.path.clone(),
                expected_status: health.expected_status,
                interval: health.interval_seconds,
                timeout: health.timeout_seconds,
                target,
            },
            slot: *slot,
            port: config.port,
        };
        NewTask::new(self.name("health_check"), &step).within(config.health_timeout())
    }

    /// Known once the image is.
    fn release(&self) -> Option<Release> {
        let Self { config, stage, slot, link } = self;
        Some(Release {
            place: stage.place.clone(),
            slot: *slot,
            deployment_id: stage.deployment_id,
            image: link.course.image.clone()?,
            port: config.port,
            replicas: config.replicas,
            max_unavailable: config.max_unavailable,
            environment: self.environment(),
        })
    }

    fn route(&self, slot: Slot) -> Route {
        Route { place: self.stage.place.clone(), slot }
    }

    fn environment(&self) -> BTreeMap<String, String> {
        let Facts { version, environment, .. } = self.link.facts;
        let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        BTreeMap::from([
            variable("PORT", &self.config.port.to_string()),
            variable("SLIPWAY_ENVIRONMENT", &environment.name),
            variable("SLIPWAY_VERSION", &version.git_tag),
            variable("SLIPWAY_COMMIT", &version.git_commit),
        ])
    }

    fn name(&self, step: &str) -> String {
        format!("{step} {}", self.link.application.name)
    }
}

/// Where an application is released that stands nowhere yet.
pub(super) fn first_slot(strategy: DeploymentStrategy) -> Slot {
    match strategy {
        DeploymentStrategy::Rolling => Slot::Blue,
        DeploymentStrategy::BlueGreen => Slot::Green,
    }
}
