use async_trait::async_trait;

use super::{NewVersion, Used, Version, VersionFilter};
use crate::{
    control_plane::{Call, Committed, ControlPlane},
    error::{Error, Result},
    events::EventType,
    ids::{TenantId, VersionId},
    page::{Page, PageRequest},
    store::{Session, Transaction},
    work::{Entity, Work},
};

impl ControlPlane {
    pub async fn create_version(&self, call: &Call, new: NewVersion) -> Result<Committed<Version>> {
        self.execute(call, async |work| {
            let tenant = work.tenant_to_change(new.tenant_id).await?;
            let by = work.actor()?.user.id;
            let version = Version::new(new, tenant.id, by, work.now())?;
            work.tx.lock(&format!("{}/versions", tenant.id)).await?;
            let Version { repository, git_tag, .. } = &version;
            if work.tx.version_of_tag(tenant.id, repository, git_tag).await?.is_some() {
                return Err(Error::AlreadyExists { kind: "version", name: git_tag.clone() });
            }
            work.insert(&version, EventType::VersionCreated).await?;
            Ok(version)
        })
        .await
    }

    /// Marks a version as deleted; refused while a deployment of it has not ended.
    pub async fn delete_version(&self, call: &Call, id: VersionId) -> Result<Committed<Version>> {
        self.execute(call, async |work| {
            let version = work.living_version(id).await?;
            work.refuse_if_in_use(Used::Version(id)).await?;
            let version = Version { deleted_at: Some(work.now()), ..version };
            work.save(&version, EventType::VersionDeleted, None).await?;
            Ok(version)
        })
        .await
    }

    pub async fn versions(
        &self,
        call: &Call,
        mut filter: VersionFilter,
        page: &PageRequest,
    ) -> Result<Page<Version>> {
        filter.visible = call.actor()?.scope().tenants();
        self.reader().await?.versions(&filter, page).await
    }

    /// For edges: what a visible row points at is visible.
    pub async fn versions_by_id(&self, ids: &[VersionId]) -> Result<Vec<Version>> {
        self.reader().await?.versions_by_id(ids).await
    }
}

impl Work {
    pub(super) async fn living_version(&mut self, id: VersionId) -> Result<Version> {
        let version = self.own::<Version>(id).await?;
        match version.deleted_at {
            None => Ok(version),
            Some(_) => Err(Error::not_found("version", id)),
        }
    }

    pub(super) async fn refuse_if_in_use(&mut self, used: Used) -> Result<()> {
        match self.tx.live_deployment_of(used).await? {
            None => Ok(()),
            Some(id) => Err(Error::Conflict(format!("deployment {id} uses it and has not ended"))),
        }
    }
}

#[async_trait]
impl Entity for Version {
    type Id = VersionId;

    fn id(&self) -> VersionId {
        self.id
    }

    fn tenant_id(&self) -> Option<TenantId> {
        Some(self.tenant_id)
    }

    async fn find(session: &mut dyn Session, id: VersionId) -> Result<Option<Self>> {
        Ok(session.versions_by_id(&[id]).await?.pop())
    }

    async fn insert(&self, tx: &mut dyn Transaction) -> Result<()> {
        tx.insert_version(self).await
    }

    async fn update(&self, tx: &mut dyn Transaction) -> Result<()> {
        tx.update_version(self).await
    }
}
