use async_trait::async_trait;
use diesel::{prelude::*, sql_query, sql_types::BigInt};
use domain::{
    Result,
    identity::{IdentityWrites, Membership, Tenant, User},
    ids::{TenantId, UserId},
};

use super::rows::{MembershipRow, TenantRow, UserRow};
use crate::{
    backend::{Conn, run},
    error::database,
    page::stale,
    run::RunQueryDsl,
    schema::{tenant_members, tenants, users},
    types::AsText,
};

/// Gives out the next number under a name.
#[derive(QueryableByName)]
pub(crate) struct Counted {
    #[diesel(sql_type = BigInt)]
    pub(crate) value: i64,
}

#[async_trait]
impl IdentityWrites for Conn {
    async fn next_user_number(&mut self) -> Result<i64> {
        let sql = "INSERT INTO counters (name, value) VALUES ('users', 1) \
                   ON CONFLICT (name) DO UPDATE SET value = counters.value + 1 RETURNING value";
        let counted: Counted = run!(self, |c| sql_query(sql).get_result(c)).map_err(database)?;
        Ok(counted.value)
    }

    async fn insert_user(&mut self, user: &User) -> Result<bool> {
        let row = UserRow::from(user);
        let inserted = run!(self, |c| diesel::insert_into(users::table)
            .values(&row)
            .on_conflict_do_nothing()
            .execute(c))
        .map_err(database)?;
        Ok(inserted == 1)
    }

    async fn update_user(&mut self, user: &User) -> Result<()> {
        self.changes_callers = true;
        let row = UserRow { version: user.version + 1, ..UserRow::from(user) };
        let changed = run!(self, |c| diesel::update(users::table)
            .filter(users::id.eq(AsText(user.id)).and(users::version.eq(user.version)))
            .set(&row)
            .execute(c))
        .map_err(database)?;
        stale(changed, "user", user.id)
    }

    async fn insert_tenant(&mut self, tenant: &Tenant) -> Result<bool> {
        let row = TenantRow::from(tenant);
        let inserted = run!(self, |c| diesel::insert_into(tenants::table)
            .values(&row)
            .on_conflict_do_nothing()
            .execute(c))
        .map_err(database)?;
        Ok(inserted == 1)
    }

    async fn put_membership(&mut self, membership: &Membership) -> Result<()> {
        self.changes_callers = true;
        let row = MembershipRow {
            tenant_id: AsText(membership.tenant_id),
            user_id: AsText(membership.user_id),
            role: AsText(membership.role),
        };
        run!(self, |c| diesel::insert_into(tenant_members::table)
            .values(&row)
            .on_conflict((tenant_members::tenant_id, tenant_members::user_id))
            .do_update()
            .set(tenant_members::role.eq(membership.role.as_str()))
            .execute(c))
        .map(drop)
        .map_err(database)
    }

    async fn delete_membership(&mut self, tenant: TenantId, user: UserId) -> Result<()> {
        self.changes_callers = true;
        let chosen = tenant_members::tenant_id
            .eq(AsText(tenant))
            .and(tenant_members::user_id.eq(AsText(user)));
        run!(self, |c| diesel::delete(tenant_members::table).filter(chosen).execute(c))
            .map(drop)
            .map_err(database)
    }
}
