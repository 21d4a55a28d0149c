//! What a deployment is planned from, as the store has it now.

use super::{
    Application, ApplicationConfig, Course, Deployment, Environment, Place, Standing, Version,
};
use crate::{
    error::{Error, Result},
    identity::Tenant,
    secrets::SealedSecret,
    work::Work,
};

pub(super) struct Facts {
    pub deployment: Deployment,
    pub version: Version,
    pub environment: Environment,
    pub tenant: Tenant,
    /// In the order of the deployment's courses.
    pub applications: Vec<Application>,
    pub standings: Vec<Standing>,
    pub kubeconfig: Option<SealedSecret>,
    /// Those that applications have.
    pub secrets: Vec<(String, SealedSecret)>,
}

/// The same for one of its applications.
#[derive(Clone, Copy)]
pub(super) struct Link<'a> {
    pub facts: &'a Facts,
    pub course: &'a Course,
    pub application: &'a Application,
}

impl Facts {
    pub async fn load(work: &mut Work, deployment: Deployment) -> Result<Self> {
        let missing = || Error::internal(format!("{} refers to what is missing", deployment.id));
        let ids = deployment.application_ids();
        let version = work.tx.versions_by_id(&[deployment.version_id]).await?.pop();
        let environment = work.tx.environments_by_id(&[deployment.environment_id]).await?.pop();
        let tenant = work.tx.tenants_by_id(&[deployment.tenant_id]).await?.pop();
        let mut applications = work.tx.applications_by_id(&ids).await?;
        applications.sort_by_key(|it| ids.iter().position(|id| *id == it.id));
        if applications.len() != ids.len() {
            return Err(missing());
        }
        let environment = environment.ok_or_else(missing)?;
        let standings = work.tx.standings(environment.id, &ids).await?;
        let mut owners: Vec<String> = ids.iter().map(ToString::to_string).collect();
        owners.push(environment.id.to_string());
        let mut secrets: Vec<(String, SealedSecret)> = work
            .tx
            .secrets(&owners)
            .await?
            .into_iter()
            .map(|stored| (stored.owner, stored.secret))
            .collect();
        let own = environment.id.to_string();
        let kubeconfig =
            secrets.iter().position(|(owner, _)| *owner == own).map(|at| secrets.swap_remove(at).1);
        Ok(Self {
            version: version.ok_or_else(missing)?,
            tenant: tenant.ok_or_else(missing)?,
            environment,
            applications,
            standings,
            kubeconfig,
            secrets,
            deployment,
        })
    }

    pub fn links(&self) -> impl Iterator<Item = Link<'_>> {
        let pairs = self.deployment.courses.iter().zip(&self.applications);
        pairs.map(|(course, application)| Link { facts: self, course, application })
    }
}

impl Link<'_> {
    pub fn config(&self) -> Result<ApplicationConfig> {
        self.application.config()
    }

    pub fn standing(&self) -> Option<&'_ Standing> {
        self.facts.standings.iter().find(|it| it.application_id == self.application.id)
    }

    pub fn place(&self) -> Place {
        let name = self.standing().map_or(&self.application.name, |standing| &standing.name);
        Place {
            namespace: self.facts.environment.real_namespace(&self.facts.tenant),
            application: name.clone(),
            application_id: self.application.id,
            environment_id: self.facts.environment.id,
        }
    }

    pub fn secrets(&self) -> Option<SealedSecret> {
        let owner = self.application.id.to_string();
        self.facts.secrets.iter().find(|(of, _)| *of == owner).map(|(_, sealed)| sealed.clone())
    }

    /// Where its images go, without a tag.
    pub fn repository_of_images(&self) -> String {
        let Facts { deployment, tenant, .. } = self.facts;
        format!("{}/{}/{}", deployment.terms.registry, tenant.org_id, self.application.name)
    }

    pub fn image_tag(&self) -> String {
        let fits = |c: char| if c.is_ascii_alphanumeric() || "_.-".contains(c) { c } else { '-' };
        let tag: String = self.facts.version.git_tag.chars().map(fits).collect();
        format!("{}:{tag}", self.repository_of_images())
    }
}
