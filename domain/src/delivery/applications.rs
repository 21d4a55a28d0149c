use async_trait::async_trait;

use super::{Application, ApplicationChange, ApplicationFilter, NewApplication, Used};
use crate::{
    control_plane::{Call, Committed, ControlPlane},
    error::{Error, Result},
    events::EventType,
    ids::{ApplicationId, TenantId},
    page::{Page, PageRequest},
    secrets::SecretValues,
    store::{Session, Transaction},
    work::{Entity, Work},
};

impl ControlPlane {
    pub async fn create_application(
        &self,
        call: &Call,
        new: NewApplication,
    ) -> Result<Committed<Application>> {
        let secrets = new.secrets.clone().map(parse).transpose()?;
        self.execute(call, async |work| {
            let tenant = work.tenant_to_change(new.tenant_id).await?;
            let application = Application::new(new, tenant.id, work.now())?;
            work.free_application_name(&application).await?;
            work.insert(&application, EventType::ApplicationCreated).await?;
            if let Some(values) = &secrets {
                let owner = application.id.to_string();
                self.keep_secret(work, &owner, tenant.id, Some(values)).await?;
            }
            Ok(application)
        })
        .await
    }

    /// What it changes holds for deployments whose turn has not come yet.
    pub async fn update_application(
        &self,
        call: &Call,
        id: ApplicationId,
        mut change: ApplicationChange,
    ) -> Result<Committed<Application>> {
        let secrets = change.secrets.take();
        let secrets = secrets.map(|secrets| secrets.map(parse).transpose()).transpose()?;
        self.execute(call, async |work| {
            let application = work.living_application(id).await?;
            let application = application.changed(change, work.now())?;
            work.free_application_name(&application).await?;
            if let Some(values) = &secrets {
                let owner = id.to_string();
                self.keep_secret(work, &owner, application.tenant_id, values.as_ref()).await?;
            }
            work.save(&application, EventType::ApplicationUpdated, None).await?;
            Ok(application)
        })
        .await
    }

    /// Marks an application as deleted; refused while a deployment of it has not ended. What
    /// stands of it in clusters stays.
    pub async fn delete_application(
        &self,
        call: &Call,
        id: ApplicationId,
    ) -> Result<Committed<Application>> {
        self.execute(call, async |work| {
            let application = work.living_application(id).await?;
            work.refuse_if_in_use(Used::Application(id)).await?;
            work.tx.delete_secret(&id.to_string()).await?;
            work.tx.delete_standings_of(id).await?;
            let now = work.now();
            let application = Application { deleted_at: Some(now), updated_at: now, ..application };
            work.save(&application, EventType::ApplicationDeleted, None).await?;
            Ok(application)
        })
        .await
    }

    pub async fn applications(
        &self,
        call: &Call,
        mut filter: ApplicationFilter,
        page: &PageRequest,
    ) -> Result<Page<Application>> {
        filter.visible = call.actor()?.scope().tenants();
        self.reader().await?.applications(&filter, page).await
    }

    /// For edges: what a visible row points at is visible.
    pub async fn applications_by_id(&self, ids: &[ApplicationId]) -> Result<Vec<Application>> {
        self.reader().await?.applications_by_id(ids).await
    }
}

fn parse(secrets: serde_json::Value) -> Result<SecretValues> {
    SecretValues::parse("input.secrets", secrets)
}

impl Work {
    pub(super) async fn living_application(&mut self, id: ApplicationId) -> Result<Application> {
        let application = self.own::<Application>(id).await?;
        match application.deleted_at {
            None => Ok(application),
            Some(_) => Err(Error::not_found("application", id)),
        }
    }

    /// Refuses a name that another living one has, with everybody else held off from it.
    async fn free_application_name(&mut self, application: &Application) -> Result<()> {
        let Application { id, tenant_id, name, .. } = application;
        self.tx.lock(&format!("{tenant_id}/applications")).await?;
        match self.tx.application_named(*tenant_id, name).await? {
            Some(holder) if holder != *id => {
                Err(Error::AlreadyExists { kind: "application", name: name.clone() })
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Entity for Application {
    type Id = ApplicationId;

    fn id(&self) -> ApplicationId {
        self.id
    }

    fn tenant_id(&self) -> Option<TenantId> {
        Some(self.tenant_id)
    }

    async fn find(session: &mut dyn Session, id: ApplicationId) -> Result<Option<Self>> {
        Ok(session.applications_by_id(&[id]).await?.pop())
    }

    async fn insert(&self, tx: &mut dyn Transaction) -> Result<()> {
        tx.insert_application(self).await
    }

    async fn update(&self, tx: &mut dyn Transaction) -> Result<()> {
        tx.update_application(self).await
    }
}
