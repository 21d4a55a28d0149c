use super::{SecretValues, StoredSecret};
use crate::{control_plane::ControlPlane, error::Result, ids::TenantId, work::Work};

impl ControlPlane {
    /// For edges: that there is a secret is as visible as its owner.
    pub async fn secrets(&self, owners: &[String]) -> Result<Vec<StoredSecret>> {
        self.reader().await?.secrets(owners).await
    }

    /// Seals and keeps the secret of an entity, or drops the one it had.
    pub(crate) async fn keep_secret(
        &self,
        work: &mut Work,
        owner: &str,
        tenant_id: TenantId,
        values: Option<&SecretValues>,
    ) -> Result<()> {
        let Some(values) = values else {
            return work.tx.delete_secret(owner).await;
        };
        let sealed = values.seal(&*self.ports.vault, tenant_id)?;
        let now = work.now();
        work.tx.save_secret(owner, &sealed, now).await
    }
}
