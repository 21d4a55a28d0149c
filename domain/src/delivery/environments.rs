use async_trait::async_trait;

use super::{
    Environment, EnvironmentChange, EnvironmentFilter, Kubeconfig, NewEnvironment, Stage, Used,
};
use crate::{
    control_plane::{Call, Committed, ControlPlane},
    error::{Error, Result},
    events::EventType,
    ids::{EnvironmentId, TenantId},
    page::{Page, PageRequest},
    secrets::SecretValues,
    store::{Session, Transaction},
    work::{Entity, Work},
};

impl ControlPlane {
    pub async fn create_environment(
        &self,
        call: &Call,
        new: NewEnvironment,
    ) -> Result<Committed<Environment>> {
        let checked = new.kubeconfig.clone().map(|text| self.checked(text)).transpose()?;
        let (server, kubeconfig) = checked.unzip();
        self.execute(call, async |work| {
            let tenant = work.tenant_to_change(new.tenant_id).await?;
            let environment = Environment::new(new, tenant.id, work.now());
            let environment = Environment { server, ..environment }.checked(&tenant)?;
            work.free_environment_name(&environment).await?;
            work.insert(&environment, EventType::EnvironmentCreated).await?;
            if let Some(values) = &kubeconfig {
                let owner = environment.id.to_string();
                self.keep_secret(work, &owner, tenant.id, Some(values)).await?;
            }
            Ok(environment)
        })
        .await
    }

    /// Another cluster or namespace is refused while a deployment has not ended; other credentials
    /// for the same one hold at once.
    pub async fn update_environment(
        &self,
        call: &Call,
        id: EnvironmentId,
        mut change: EnvironmentChange,
    ) -> Result<Committed<Environment>> {
        let given = change.kubeconfig.take();
        let checked = given.map(|text| text.map(|text| self.checked(text)).transpose());
        let kubeconfig = checked.transpose()?.map(Option::unzip);
        self.execute(call, async |work| {
            let before = work.living_environment(id).await?;
            let mut environment = before.clone().changed(change, work.now());
            if let Some((server, _)) = &kubeconfig {
                environment.server.clone_from(server);
            }
            let tenant = work.tx.tenants_by_id(&[before.tenant_id]).await?.pop();
            let tenant = tenant.ok_or_else(|| Error::internal("an environment has no tenant"))?;
            let environment = environment.checked(&tenant)?;
            work.free_environment_name(&environment).await?;
            if environment.is_elsewhere(&before) {
                work.refuse_if_in_use(Used::Environment(id)).await?;
            }
            work.save(&environment, EventType::EnvironmentUpdated, None).await?;
            if let Some((_, values)) = &kubeconfig {
                let owner = id.to_string();
                self.keep_secret(work, &owner, environment.tenant_id, values.as_ref()).await?;
                let stored = work.tx.secrets(std::slice::from_ref(&owner)).await?.pop();
                work.rekey(&owner, stored.map(|stored| stored.secret).as_ref()).await?;
            }
            Ok(environment)
        })
        .await
    }

    /// Marks an environment as deleted; refused while a deployment to it has not ended. What
    /// stands in its cluster stays.
    pub async fn delete_environment(
        &self,
        call: &Call,
        id: EnvironmentId,
    ) -> Result<Committed<Environment>> {
        self.execute(call, async |work| {
            let environment = work.living_environment(id).await?;
            work.refuse_if_in_use(Used::Environment(id)).await?;
            work.tx.delete_secret(&id.to_string()).await?;
            work.tx.delete_standings_in(id).await?;
            let now = work.now();
            let environment = Environment { deleted_at: Some(now), updated_at: now, ..environment };
            work.save(&environment, EventType::EnvironmentDeleted, None).await?;
            Ok(environment)
        })
        .await
    }

    pub async fn environments(
        &self,
        call: &Call,
        mut filter: EnvironmentFilter,
        page: &PageRequest,
    ) -> Result<Page<Environment>> {
        filter.visible = call.actor()?.scope().tenants();
        self.reader().await?.environments(&filter, page).await
    }

    /// For edges: what a visible row points at is visible.
    pub async fn environments_by_id(&self, ids: &[EnvironmentId]) -> Result<Vec<Environment>> {
        self.reader().await?.environments_by_id(ids).await
    }

    /// A kubeconfig that may be kept, with the API server that it names.
    fn checked(&self, text: String) -> Result<(String, SecretValues)> {
        let kubeconfig = Kubeconfig { text, fingerprint: String::new() };
        let server = self.ports.sites.check(&kubeconfig).map_err(|error| match error {
            Error::Invalid { message, .. } => Error::invalid("input.kubeconfig", message),
            other => other,
        })?;
        Ok((server, SecretValues::single(Stage::KUBECONFIG, kubeconfig.text)))
    }
}

impl Work {
    pub(super) async fn living_environment(&mut self, id: EnvironmentId) -> Result<Environment> {
        let environment = self.own::<Environment>(id).await?;
        match environment.deleted_at {
            None => Ok(environment),
            Some(_) => Err(Error::not_found("environment", id)),
        }
    }

    /// Refuses a name that another living one has, with everybody else held off from it.
    async fn free_environment_name(&mut self, environment: &Environment) -> Result<()> {
        let Environment { id, tenant_id, name, .. } = environment;
        self.tx.lock(&format!("{tenant_id}/environments")).await?;
        match self.tx.environment_named(*tenant_id, name).await? {
            Some(holder) if holder != *id => {
                Err(Error::AlreadyExists { kind: "environment", name: name.clone() })
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Entity for Environment {
    type Id = EnvironmentId;

    fn id(&self) -> EnvironmentId {
        self.id
    }

    fn tenant_id(&self) -> Option<TenantId> {
        Some(self.tenant_id)
    }

    async fn find(session: &mut dyn Session, id: EnvironmentId) -> Result<Option<Self>> {
        Ok(session.environments_by_id(&[id]).await?.pop())
    }

    async fn insert(&self, tx: &mut dyn Transaction) -> Result<()> {
        tx.insert_environment(self).await
    }

    async fn update(&self, tx: &mut dyn Transaction) -> Result<()> {
        tx.update_environment(self).await
    }
}
