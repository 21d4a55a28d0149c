use diesel::prelude::*;
use domain::{
    identity::{Membership, Role, Tenant, TenantRole, User, UserStatus},
    ids::{TenantId, UserId},
};

use crate::{
    schema::{tenant_members, tenants, users},
    types::{AsJson, AsText, Micros},
};

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = users, treat_none_as_null = true)]
pub(super) struct UserRow {
    pub(super) id: AsText<UserId>,
    pub(super) number: i64,
    pub(super) email: String,
    pub(super) password_hash: String,
    pub(super) nickname: String,
    pub(super) status: AsText<UserStatus>,
    pub(super) status_reason: Option<String>,
    pub(super) roles: AsJson<Vec<Role>>,
    pub(super) token_version: i64,
    pub(super) created_at: Micros,
    pub(super) updated_at: Micros,
    pub(super) version: i64,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = tenants)]
pub(super) struct TenantRow {
    pub(super) id: AsText<TenantId>,
    pub(super) org_id: String,
    pub(super) name: String,
    pub(super) personal: bool,
    pub(super) created_at: Micros,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = tenant_members)]
pub(super) struct MembershipRow {
    pub(super) tenant_id: AsText<TenantId>,
    pub(super) user_id: AsText<UserId>,
    pub(super) role: AsText<TenantRole>,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        Self {
            id: row.id.0,
            number: row.number,
            email: row.email,
            password_hash: row.password_hash,
            nickname: row.nickname,
            status: row.status.0,
            status_reason: row.status_reason,
            roles: row.roles.0,
            token_version: row.token_version,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            version: row.version,
        }
    }
}

impl From<&User> for UserRow {
    fn from(user: &User) -> Self {
        Self {
            id: AsText(user.id),
            number: user.number,
            email: user.email.clone(),
            password_hash: user.password_hash.clone(),
            nickname: user.nickname.clone(),
            status: AsText(user.status),
            status_reason: user.status_reason.clone(),
            roles: AsJson(user.roles.clone()),
            token_version: user.token_version,
            created_at: Micros(user.created_at),
            updated_at: Micros(user.updated_at),
            version: user.version,
        }
    }
}

impl From<TenantRow> for Tenant {
    fn from(row: TenantRow) -> Self {
        Self {
            id: row.id.0,
            org_id: row.org_id,
            name: row.name,
            personal: row.personal,
            created_at: row.created_at.0,
        }
    }
}

impl From<&Tenant> for TenantRow {
    fn from(tenant: &Tenant) -> Self {
        Self {
            id: AsText(tenant.id),
            org_id: tenant.org_id.clone(),
            name: tenant.name.clone(),
            personal: tenant.personal,
            created_at: Micros(tenant.created_at),
        }
    }
}

impl From<MembershipRow> for Membership {
    fn from(row: MembershipRow) -> Self {
        Self { tenant_id: row.tenant_id.0, user_id: row.user_id.0, role: row.role.0 }
    }
}
