//! What the progress of a deployment's workflow means for the deployment, and what its tasks are
//! told of what has been found out meanwhile. All of it in the transaction of the progress, under
//! the lock of the environment.

use super::{
    ApplicationConfig, BuiltImage, Course, Deployment, DeploymentFailure, DeploymentFilter,
    DeploymentStatus, Release, Standing,
    facts::{Facts, Link},
    plan::{first_slot, plan},
    steps::{Build, Deploy, RestoreRelease, SwitchTraffic},
};
use crate::{
    error::{Error, Result},
    events::EventType,
    ids::{ApplicationId, TaskId},
    page::PageRequest,
    secrets::SealedSecret,
    work::Work,
    workflows::{Ending, Executor, Task, TaskStatus, Workflow},
};

/// The first task of it has started.
pub(crate) async fn begin(work: &mut Work, workflow: &Workflow) -> Result<()> {
    let deployment = work.deployment(workflow.subject_id.parse()?).await?;
    let previous = deployment.status.as_str();
    let deployment = deployment.begun(work.now())?;
    work.save(&deployment, EventType::DeploymentStatusChanged, Some(previous)).await
}

pub(crate) async fn settle(work: &mut Work, workflow: &Workflow, ending: Ending) -> Result<()> {
    let deployment = work.deployment(workflow.subject_id.parse()?).await?;
    let previous = deployment.status.as_str();
    let now = work.now();
    let deployment = match ending {
        Ending::Success => deployment.succeeded(now)?,
        Ending::Canceled => {
            let why = Deployment::CANCELED.to_owned();
            deployment.failed(DeploymentFailure::CanceledByUser, why, now)?
        }
        Ending::Failed => {
            let task = work.failed_task(workflow).await?;
            let late = task.as_ref().is_some_and(Task::timed_out);
            let failure = match late {
                true => DeploymentFailure::Timeout,
                false => DeploymentFailure::TaskFailed,
            };
            deployment.failed(failure, task.map(told).unwrap_or_default(), now)?
        }
    };
    work.save(&deployment, EventType::DeploymentStatusChanged, Some(previous)).await
}

fn told(task: Task) -> String {
    let Task { name, error, .. } = task;
    format!("{name}: {}", error.unwrap_or_default())
}

/// On its way again, unless a later one has had its turn since: what stands is that one's.
pub(crate) async fn revive(work: &mut Work, workflow: &Workflow) -> Result<()> {
    let deployment = work.deployment(workflow.subject_id.parse()?).await?;
    work.hold(&deployment).await?;
    let facts = Facts::load(work, deployment).await?;
    facts.refuse_if_gone()?;
    let deployment = facts.deployment;
    let superseded = deployment.has_had_its_turn()
        && facts.standings.iter().any(|it| it.deployment_id != deployment.id);
    if superseded || facts.standings.len() < deployment.courses.len() {
        let why = format!("a later deployment has followed deployment {}", deployment.id);
        return Err(Error::Conflict(why));
    }
    let previous = deployment.status.as_str();
    let deployment = deployment.revived(work.now())?;
    work.save(&deployment, EventType::DeploymentStatusChanged, Some(previous)).await
}

/// Tells the open tasks what is known now. When its turn comes, that is what stands where it will
/// be released, and which images are there already.
pub(crate) async fn prepare(
    work: &mut Work,
    workflow: &Workflow,
    tasks: &mut [Task],
) -> Result<()> {
    let deployment = work.deployment(workflow.subject_id.parse()?).await?;
    let mut facts = Facts::load(work, deployment).await?;
    if facts.deployment.has_had_its_turn() {
        return fit(tasks, &facts);
    }
    work.take_turn(&mut facts).await?;
    fit(tasks, &facts)?;
    skip(tasks, &facts, work)
}

/// A task has succeeded: what it made is noted where others look for it.
pub(crate) async fn achieve(
    work: &mut Work,
    workflow: &Workflow,
    done: TaskId,
    tasks: &mut [Task],
) -> Result<()> {
    let Some(done) = tasks.iter().find(|task| task.id == done) else {
        return Ok(());
    };
    let payload = done.payload.clone();
    let read = |error| Error::internal_from(error);
    match done.kind.as_str() {
        Build::KIND => {
            let step: Build = serde_json::from_value(payload).map_err(read)?;
            let image = done.result.as_ref().and_then(|result| result["image"].as_str());
            let image = image.ok_or_else(|| Error::internal("a build without an image"))?;
            let image = image.to_owned();
            let deployment = work.deployment(workflow.subject_id.parse()?).await?;
            let facts = Facts::load(work, deployment).await?;
            let facts = work.built(facts, step.stage.place.application_id, image).await?;
            fit(tasks, &facts)
        }
        Deploy::KIND => {
            let step: Deploy = serde_json::from_value(payload).map_err(read)?;
            work.stands(workflow, step.stage.place.application_id, step.release).await
        }
        SwitchTraffic::KIND => {
            let step: SwitchTraffic = serde_json::from_value(payload).map_err(read)?;
            work.stands(workflow, step.stage.place.application_id, step.release).await
        }
        RestoreRelease::KIND => {
            let step: RestoreRelease = serde_json::from_value(payload).map_err(read)?;
            work.stands(workflow, step.stage.place.application_id, step.before).await
        }
        _ => Ok(()),
    }
}

/// Gives the tasks that have not begun the payloads of a new plan.
fn fit(tasks: &mut [Task], facts: &Facts) -> Result<()> {
    for new in plan(facts)?.tasks {
        let Some(task) = tasks.iter_mut().find(|task| task.name == new.name) else {
            continue;
        };
        if task.status == TaskStatus::Pending && !task.claim.leased {
            (task.payload, task.time_limit) = (new.payload, new.time_limit);
        }
    }
    Ok(())
}

/// Decides, before any of them has begun, which tasks are needed.
fn skip(tasks: &mut [Task], facts: &Facts, work: &Work) -> Result<()> {
    for new in plan(facts)?.tasks {
        let Some(task) = tasks.iter_mut().find(|task| task.name == new.name) else {
            continue;
        };
        match (new.skipped, task.status) {
            (true, TaskStatus::Pending) => task.end(TaskStatus::Skipped, work.now()),
            (false, TaskStatus::Skipped) => {
                task.reset(work.now());
                (task.payload, task.time_limit) = (new.payload, new.time_limit);
            }
            _ => {}
        }
    }
    Ok(())
}

impl Facts {
    fn refuse_if_gone(&self) -> Result<()> {
        let gone = |what: &str| Err(Error::Conflict(format!("{what} has been deleted")));
        if self.environment.deleted_at.is_some() {
            return gone("the environment");
        }
        if self.version.deleted_at.is_some() {
            return gone("the version");
        }
        if self.applications.iter().any(|application| application.deleted_at.is_some()) {
            return gone("an application");
        }
        Ok(())
    }
}

impl Work {
    /// Holds off whoever would delete what a deployment uses, in the order in which a new one does.
    async fn hold(&mut self, deployment: &Deployment) -> Result<()> {
        let mut applications = deployment.application_ids();
        applications.sort();
        for id in applications {
            self.tx.lock(&id.to_string()).await?;
        }
        self.tx.lock(&deployment.version_id.to_string()).await
    }

    /// Gives the open tasks of all deployments to an environment its other kubeconfig, but for
    /// those that are being executed.
    pub(super) async fn rekey(
        &mut self,
        environment: &str,
        kubeconfig: Option<&SealedSecret>,
    ) -> Result<()> {
        let kubeconfig = serde_json::to_value(kubeconfig).map_err(Error::internal_from)?;
        for workflow in self.tx.live_workflows(&[environment.to_owned()]).await? {
            let before = self.tx.tasks_of_workflows(&[workflow.id]).await?;
            let mut tasks = before.clone();
            let open = |task: &&mut Task| task.status.is_live() && !task.claim.leased;
            for task in tasks.iter_mut().filter(open) {
                task.payload["kubeconfig"] = kubeconfig.clone();
            }
            self.save_tasks(&workflow, &before, &tasks).await?;
        }
        Ok(())
    }

    async fn take_turn(&mut self, facts: &mut Facts) -> Result<()> {
        let mut courses = Vec::new();
        for link in facts.links() {
            courses.push(self.course(link).await?);
        }
        for standing in &mut facts.standings {
            standing.deployment_id = facts.deployment.id;
            self.tx.save_standing(standing).await?;
        }
        facts.deployment.courses = courses;
        self.tx.update_deployment(&facts.deployment).await?;
        facts.deployment.revision += 1;
        Ok(())
    }

    /// What is known of an application once it is its turn.
    async fn course(&mut self, link: Link<'_>) -> Result<Course> {
        let (deployment, config) = (&link.facts.deployment, link.config()?);
        let before = link.standing().and_then(|standing| standing.release.clone());
        let slot = before.as_ref().map_or(first_slot(deployment.strategy), |before| {
            deployment.strategy.slot_beside(before.slot)
        });
        let image = match self.image_of_old(link).await? {
            None => self.image_at_hand(link, &config).await?,
            old => old,
        };
        Ok(Course {
            application_id: link.application.id,
            slot: Some(slot),
            before,
            leftover: self.has_been_left(link).await?.then_some(slot.other()),
            given: image.is_some(),
            image,
        })
    }

    /// Whether the deployment before may have left a release that has no traffic. One that was
    /// called off has not, but to look for it is cheap.
    async fn has_been_left(&mut self, link: Link<'_>) -> Result<bool> {
        let Some(before) = link.standing().map(|standing| standing.deployment_id) else {
            return Ok(false);
        };
        Ok(self.deployment(before).await?.status == DeploymentStatus::Failed)
    }

    /// For a rollback, what ran when the version was last rolled out there with success.
    async fn image_of_old(&mut self, link: Link<'_>) -> Result<Option<String>> {
        let Deployment { version_id, environment_id, rollback_of, .. } = link.facts.deployment;
        if rollback_of.is_none() {
            return Ok(None);
        }
        let filter = DeploymentFilter {
            status: Some(vec![DeploymentStatus::Success]),
            environment_id: Some(environment_id),
            version_id: Some(version_id),
            ..DeploymentFilter::default()
        };
        let page = self.tx.deployments(&filter, &PageRequest::all()).await?;
        let mut courses = page.items.into_iter().flat_map(|old| old.courses);
        let course = courses.find(|course| course.application_id == link.application.id);
        Ok(course.and_then(|course| course.image))
    }

    /// What the application names, or what was built of the version by the same recipe.
    async fn image_at_hand(
        &mut self,
        link: Link<'_>,
        config: &ApplicationConfig,
    ) -> Result<Option<String>> {
        if config.image.is_some() {
            return Ok(config.image.clone());
        }
        let built = self.tx.built_image(link.application.id, link.facts.version.id).await?;
        let recipe = config.recipe().to_string();
        Ok(built.filter(|built| built.recipe == recipe).map(|built| built.image))
    }

    /// An image is there: the deployment goes on with it, and later ones find it.
    async fn built(&mut self, mut facts: Facts, id: ApplicationId, image: String) -> Result<Facts> {
        let link = facts.links().find(|link| link.application.id == id);
        let link = link.ok_or_else(|| Error::internal("a build of nothing"))?;
        let built = BuiltImage {
            application_id: id,
            version_id: facts.version.id,
            recipe: link.config()?.recipe().to_string(),
            image: image.clone(),
        };
        self.tx.save_built_image(&built).await?;
        let courses = &mut facts.deployment.courses;
        for course in courses.iter_mut().filter(|course| course.application_id == id) {
            course.image = Some(image.clone());
        }
        self.tx.update_deployment(&facts.deployment).await?;
        facts.deployment.revision += 1;
        Ok(facts)
    }

    /// This has the traffic now.
    async fn stands(
        &mut self,
        workflow: &Workflow,
        application: ApplicationId,
        release: Option<Release>,
    ) -> Result<()> {
        let environment = workflow.lanes.group.parse()?;
        let standing = self.tx.standings(environment, &[application]).await?.pop();
        let Some(standing) = standing else {
            return Err(Error::internal("a release stands where nothing may"));
        };
        self.tx.save_standing(&Standing { release, ..standing }).await.map(drop)
    }
}
