use async_trait::async_trait;

use super::{
    Application, Course, Deployment, DeploymentFilter, DeploymentStatus, DeploymentStrategy,
    Environment, EnvironmentType, NewDeployment, Standing, Terms, Version, facts::Facts, plan,
    version::same_repository,
};
use crate::{
    control_plane::{Call, Committed, ControlPlane, Settings},
    error::{Error, Result},
    events::EventType,
    identity::{Action, Object},
    ids::{ApplicationId, DeploymentId, TenantId, VersionId, WorkflowId},
    names,
    page::{Page, PageRequest},
    store::{Session, Transaction},
    work::{Entity, Work},
};

/// What a deployment is made of, all of it held until the end of the transaction.
struct Wanted {
    environment: Environment,
    version: Version,
    applications: Vec<Application>,
    strategy: DeploymentStrategy,
    rollback_of: Option<DeploymentId>,
}

impl ControlPlane {
    /// Rolls a version of applications out; waits for the deployments of the same applications in
    /// the same environment that came before.
    pub async fn create_deployment(
        &self,
        call: &Call,
        new: NewDeployment,
    ) -> Result<Committed<Deployment>> {
        let NewDeployment { version_id, application_ids, environment_id, strategy } = new;
        check_number(&application_ids)?;
        self.execute(call, async |work| {
            let environment = work.living_environment(environment_id).await?;
            let applications = work.living_applications(&application_ids).await?;
            let version = work.living_version(version_id).await?;
            let rollback_of = None;
            let wanted = Wanted { environment, version, applications, strategy, rollback_of };
            work.deploy(wanted, &self.settings).await
        })
        .await
    }

    /// Rolls the same applications back to a version, by default the last one before it that was
    /// rolled out with success. A new deployment, which builds nothing that is built already.
    pub async fn rollback_deployment(
        &self,
        call: &Call,
        id: DeploymentId,
        target: Option<VersionId>,
    ) -> Result<Committed<Deployment>> {
        self.execute(call, async |work| {
            let old = work.deployment_to_change(id).await?;
            let environment = work.living_environment(old.environment_id).await?;
            let applications = work.living_applications(&old.application_ids()).await?;
            let target = match target {
                Some(target) => target,
                None => work.tx.last_success(&old).await?.ok_or_else(|| {
                    Error::Conflict("there is no earlier version to go back to".to_owned())
                })?,
            };
            let version = work.living_version(target).await?;
            let (strategy, rollback_of) = (old.strategy, Some(id));
            let wanted = Wanted { environment, version, applications, strategy, rollback_of };
            work.deploy(wanted, &self.settings).await
        })
        .await
    }

    /// Wants a deployment stopped and taken back. It is FAILED once that is so.
    pub async fn cancel_deployment(
        &self,
        call: &Call,
        id: DeploymentId,
        reason: Option<String>,
    ) -> Result<Committed<Deployment>> {
        let reason = reason.map(|reason| names::text("reason", &reason, 200)).transpose()?;
        self.execute(call, async |work| {
            let deployment = work.deployment_to_change(id).await?;
            if !deployment.status.is_live() {
                return Err(deployment.refused(DeploymentStatus::Failed));
            }
            let workflow = work.tx.workflows_by_id(&[deployment.workflow_id]).await?.pop();
            if let Some(workflow) = workflow.filter(|it| it.cancel_reason.is_none()) {
                work.cancel(workflow, reason.as_deref().unwrap_or("cancelled by a user")).await?;
            }
            work.deployment(id).await
        })
        .await
    }

    pub async fn deployments(
        &self,
        call: &Call,
        mut filter: DeploymentFilter,
        page: &PageRequest,
    ) -> Result<Page<Deployment>> {
        filter.visible = call.actor()?.scope().tenants();
        self.reader().await?.deployments(&filter, page).await
    }

    /// What the events of a deployment's tasks lead to: its workflow. For one that the caller may
    /// not see it leads nowhere.
    pub async fn lead_of_deployment(&self, call: &Call, id: DeploymentId) -> Result<String> {
        let actor = call.actor()?;
        let found = self.deployments_by_id(&[id]).await?.pop();
        let found = found.filter(|deployment| actor.sees(deployment.tenant_id));
        Ok(found.map_or_else(|| id.to_string(), |deployment| deployment.workflow_id.to_string()))
    }

    /// For edges: what a visible row points at is visible.
    pub async fn deployments_by_id(&self, ids: &[DeploymentId]) -> Result<Vec<Deployment>> {
        self.reader().await?.deployments_by_id(ids).await
    }
}

fn check_number(applications: &[ApplicationId]) -> Result<()> {
    let most = Deployment::MOST_APPLICATIONS;
    if !(1..=most).contains(&applications.len()) {
        let message = format!("must be 1 to {most} applications");
        return Err(Error::invalid("input.applicationIds", message));
    }
    let twice = |at: usize| applications[..at].contains(&applications[at]);
    if (1..applications.len()).any(twice) {
        return Err(Error::invalid("input.applicationIds", "must not name one twice"));
    }
    Ok(())
}

impl Work {
    pub(super) async fn deployment(&mut self, id: DeploymentId) -> Result<Deployment> {
        let found = self.tx.deployments_by_id(&[id]).await?.pop();
        found.ok_or_else(|| Error::not_found("deployment", id))
    }

    /// Loads a deployment that the caller may change, with its environment held: the lock of all
    /// its lanes.
    async fn deployment_to_change(&mut self, id: DeploymentId) -> Result<Deployment> {
        let actor = self.actor()?.clone();
        let deployment = self.deployment(id).await?;
        if !actor.sees(deployment.tenant_id) {
            return Err(Error::not_found("deployment", id));
        }
        actor.may(Action::Change, Object::Tenant(deployment.tenant_id))?;
        self.tx.lock(&deployment.environment_id.to_string()).await?;
        self.deployment(id).await
    }

    /// In the order in which they were named, and locked in the order of their ids.
    async fn living_applications(&mut self, ids: &[ApplicationId]) -> Result<Vec<Application>> {
        let mut sorted = ids.to_vec();
        sorted.sort();
        let mut applications = Vec::with_capacity(ids.len());
        for id in sorted {
            applications.push(self.living_application(id).await?);
        }
        applications.sort_by_key(|it| ids.iter().position(|id| *id == it.id));
        Ok(applications)
    }

    async fn deploy(&mut self, wanted: Wanted, settings: &Settings) -> Result<Deployment> {
        wanted.check()?;
        let deployment = Deployment {
            created_by: self.actor()?.user.id,
            created_at: self.now(),
            updated_at: self.now(),
            ..wanted.deployment(settings)?
        };
        self.claim_places(&deployment, &wanted).await?;
        self.insert(&deployment, EventType::DeploymentCreated).await?;
        let (id, lanes, workflow_id) = (deployment.id, deployment.lanes(), deployment.workflow_id);
        let facts = Facts::load(self, deployment).await?;
        self.start_in(lanes, workflow_id, plan::plan(&facts)?).await?;
        self.deployment(id).await
    }

    /// Takes the places that the applications will stand in, where they stand nowhere yet.
    async fn claim_places(&mut self, deployment: &Deployment, wanted: &Wanted) -> Result<()> {
        let Wanted { environment, applications, .. } = wanted;
        let ids = deployment.application_ids();
        let tenant = self.tx.tenants_by_id(&[environment.tenant_id]).await?.pop();
        let tenant = tenant.ok_or_else(|| Error::internal("an environment has no tenant"))?;
        let standings = self.tx.standings(environment.id, &ids).await?;
        for application in applications {
            let stands = |it: &Standing| {
                it.application_id == application.id && it.is_in(environment, &tenant)
            };
            if standings.iter().any(stands) {
                continue;
            }
            let standing = Standing {
                application_id: application.id,
                environment_id: environment.id,
                tenant_id: tenant.id,
                server: environment.server.clone().unwrap_or_default(),
                namespace: environment.real_namespace(&tenant),
                name: application.name.clone(),
                deployment_id: deployment.id,
                release: None,
            };
            if !self.tx.save_standing(&standing).await? {
                let Standing { name, namespace, .. } = standing;
                return Err(Error::Conflict(format!(
                    "another application or environment has {name} in namespace {namespace}"
                )));
            }
        }
        Ok(())
    }
}

impl Wanted {
    /// Refuses what does not fit together.
    fn check(&self) -> Result<()> {
        let Self { environment, version, applications, .. } = self;
        let name = &environment.name;
        if environment.kind == EnvironmentType::Physical {
            let why = format!("environment {name} is PHYSICAL: only KUBERNETES takes deployments");
            return Err(Error::Conflict(why));
        }
        if !environment.is_active {
            return Err(Error::Conflict(format!("environment {name} is not active")));
        }
        if version.tenant_id != environment.tenant_id {
            return Err(Error::invalid("input.versionId", "is of another tenant"));
        }
        for application in applications {
            let wrong = |message: String| Err(Error::invalid("input.applicationIds", message));
            if application.tenant_id != environment.tenant_id {
                return wrong(format!("{} is of another tenant", application.name));
            }
            let built = application.config()?.image.is_none();
            if built && !same_repository(&application.repository, &version.repository) {
                return wrong(format!("{} is of another repository", application.name));
            }
        }
        Ok(())
    }

    fn deployment(&self, settings: &Settings) -> Result<Deployment> {
        let course = |application: &Application| {
            Ok(Course {
                application_id: application.id,
                slot: None,
                before: None,
                leftover: None,
                image: application.config()?.image,
                given: false,
            })
        };
        Ok(Deployment {
            id: DeploymentId::fresh(),
            tenant_id: self.environment.tenant_id,
            version_id: self.version.id,
            environment_id: self.environment.id,
            strategy: self.strategy,
            status: DeploymentStatus::Pending,
            failure: None,
            error_message: String::new(),
            rollback_of: self.rollback_of,
            workflow_id: WorkflowId::fresh(),
            created_by: self.version.created_by,
            created_at: self.version.created_at,
            updated_at: self.version.created_at,
            started_at: None,
            completed_at: None,
            courses: self.applications.iter().map(course).collect::<Result<_>>()?,
            terms: Terms {
                registry: settings.registry.clone(),
                job_limit: settings.job_deadline,
                task_limit: settings.task_deadline,
            },
            revision: 0,
        })
    }
}

#[async_trait]
impl Entity for Deployment {
    type Id = DeploymentId;

    fn id(&self) -> DeploymentId {
        self.id
    }

    fn tenant_id(&self) -> Option<TenantId> {
        Some(self.tenant_id)
    }

    fn parent_id(&self) -> Option<String> {
        Some(self.environment_id.to_string())
    }

    async fn find(session: &mut dyn Session, id: DeploymentId) -> Result<Option<Self>> {
        Ok(session.deployments_by_id(&[id]).await?.pop())
    }

    async fn insert(&self, tx: &mut dyn Transaction) -> Result<()> {
        tx.insert_deployment(self).await
    }

    async fn update(&self, tx: &mut dyn Transaction) -> Result<()> {
        tx.update_deployment(self).await
    }
}
