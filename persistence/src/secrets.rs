use async_trait::async_trait;
use diesel::prelude::*;
use domain::{
    Result,
    ids::TenantId,
    secrets::{SealedSecret, SecretReads, SecretWrites, StoredSecret},
};
use jiff::Timestamp;

use crate::{
    backend::{Conn, run},
    error::database,
    run::RunQueryDsl,
    schema::secrets,
    types::{AsText, Micros},
};

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = secrets)]
struct SecretRow {
    owner_id: String,
    tenant_id: AsText<TenantId>,
    fingerprint: String,
    sealed: String,
    updated_at: Micros,
}

#[async_trait]
impl SecretReads for Conn {
    async fn secrets(&mut self, owners: &[String]) -> Result<Vec<StoredSecret>> {
        let rows: Vec<SecretRow> = run!(self.quick(owners.len()), |c| secrets::table
            .filter(secrets::owner_id.eq_any(owners))
            .load(c))
        .map_err(database)?;
        Ok(rows.into_iter().map(StoredSecret::from).collect())
    }
}

#[async_trait]
impl SecretWrites for Conn {
    async fn save_secret(
        &mut self,
        owner: &str,
        secret: &SealedSecret,
        now: Timestamp,
    ) -> Result<()> {
        let row = SecretRow {
            owner_id: owner.to_owned(),
            tenant_id: AsText(secret.tenant_id),
            fingerprint: secret.fingerprint.clone(),
            sealed: secret.sealed.clone(),
            updated_at: Micros(now),
        };
        run!(self, |c| diesel::insert_into(secrets::table)
            .values(&row)
            .on_conflict(secrets::owner_id)
            .do_update()
            .set(&row)
            .execute(c))
        .map_err(database)
        .map(drop)
    }

    async fn move_secret(&mut self, from: &str, to: &str) -> Result<()> {
        run!(self, |c| diesel::update(secrets::table.find(from))
            .set(secrets::owner_id.eq(to))
            .execute(c))
        .map_err(database)
        .map(drop)
    }

    async fn delete_secret(&mut self, owner: &str) -> Result<()> {
        run!(self, |c| diesel::delete(secrets::table.find(owner)).execute(c))
            .map_err(database)
            .map(drop)
    }
}

impl From<SecretRow> for StoredSecret {
    fn from(row: SecretRow) -> Self {
        let SecretRow { owner_id, tenant_id, fingerprint, sealed, updated_at } = row;
        Self {
            owner: owner_id,
            secret: SealedSecret { tenant_id: tenant_id.0, fingerprint, sealed },
            updated_at: updated_at.0,
        }
    }
}
