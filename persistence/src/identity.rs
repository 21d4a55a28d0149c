use async_trait::async_trait;
use diesel::{prelude::*, sql_query, sql_types::BigInt};
use diesel_async::RunQueryDsl;
use domain::{
    Result,
    identity::{
        IdentityReads, IdentityWrites, LoginSession, Membership, Role, Tenant, TenantRole, User,
        UserFilter, UserStatus,
    },
    ids::{SessionId, TenantId, UserId},
    page::{Page, PageRequest},
};

use jiff::Timestamp;

use crate::{
    backend::{Conn, run},
    error::database,
    page::{keyset, stale},
    schema::{sessions, tenant_members, tenants, users},
    types::{AsJson, AsText, Micros, texts},
};

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = users, treat_none_as_null = true)]
struct UserRow {
    id: AsText<UserId>,
    number: i64,
    email: String,
    password_hash: String,
    nickname: String,
    status: AsText<UserStatus>,
    status_reason: Option<String>,
    roles: AsJson<Vec<Role>>,
    token_version: i64,
    created_at: Micros,
    updated_at: Micros,
    version: i64,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = tenants)]
struct TenantRow {
    id: AsText<TenantId>,
    org_id: String,
    name: String,
    personal: bool,
    created_at: Micros,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = tenant_members)]
struct MembershipRow {
    tenant_id: AsText<TenantId>,
    user_id: AsText<UserId>,
    role: AsText<TenantRole>,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = sessions)]
struct SessionRow {
    id: AsText<SessionId>,
    user_id: AsText<UserId>,
    refresh_hash: String,
    created_at: Micros,
    expires_at: Micros,
    revoked_at: Option<Micros>,
}

/// Gives out the next number under a name.
#[derive(QueryableByName)]
pub(crate) struct Counted {
    #[diesel(sql_type = BigInt)]
    pub(crate) value: i64,
}

macro_rules! filtered {
    ($backend:ident, $filter:expr) => {{
        let mut query = users::table.into_boxed::<$backend>();
        if let Some(status) = &$filter.status {
            query = query.filter(users::status.eq_any(texts(status)));
        }
        if let Some(role) = $filter.role {
            query = query.filter(users::roles.like(pattern(role)));
        }
        if let Some(email) = &$filter.email {
            query = query.filter(users::email.eq(email));
        }
        query
    }};
}

#[async_trait]
impl IdentityReads for Conn {
    async fn users_by_id(&mut self, ids: &[UserId]) -> Result<Vec<User>> {
        let rows: Vec<UserRow> =
            run!(self, |c| users::table.filter(users::id.eq_any(texts(ids))).load(c))
                .map_err(database)?;
        Ok(rows.into_iter().map(User::from).collect())
    }

    async fn user_by_email(&mut self, email: &str) -> Result<Option<User>> {
        let row: Option<UserRow> =
            run!(self, |c| users::table.filter(users::email.eq(email)).first(c))
                .optional()
                .map_err(database)?;
        Ok(row.map(User::from))
    }

    async fn users(&mut self, filter: &UserFilter, page: &PageRequest) -> Result<Page<User>> {
        let rows: Vec<UserRow> =
            run!(self, |c, DB| keyset!(filtered!(DB, filter), page).load(c)).map_err(database)?;
        let total = match page.count {
            true => Some(
                run!(self, |c, DB| filtered!(DB, filter).count().get_result(c))
                    .map_err(database)?,
            ),
            false => None,
        };
        Ok(Page::from_rows(rows.into_iter().map(User::from).collect(), page.first, total))
    }

    async fn count_admins(&mut self) -> Result<i64> {
        let enabled = users::status.eq(UserStatus::Enabled.as_str());
        run!(self, |c| users::table
            .filter(enabled)
            .filter(users::roles.like(pattern(Role::Admin)))
            .count()
            .get_result(c))
        .map_err(database)
    }

    async fn tenants_by_id(&mut self, ids: &[TenantId]) -> Result<Vec<Tenant>> {
        let rows: Vec<TenantRow> =
            run!(self, |c| tenants::table.filter(tenants::id.eq_any(texts(ids))).load(c))
                .map_err(database)?;
        Ok(rows.into_iter().map(Tenant::from).collect())
    }

    async fn personal_tenant(&mut self, user: UserId) -> Result<Option<Tenant>> {
        let row: Option<TenantRow> = run!(self, |c| tenants::table
            .inner_join(tenant_members::table)
            .filter(tenant_members::user_id.eq(AsText(user)))
            .filter(tenant_members::role.eq(TenantRole::Owner.as_str()))
            .filter(tenants::personal)
            .select(tenants::all_columns)
            .first(c))
        .optional()
        .map_err(database)?;
        Ok(row.map(Tenant::from))
    }

    async fn memberships_of_users(&mut self, users: &[UserId]) -> Result<Vec<Membership>> {
        let rows: Vec<MembershipRow> = run!(self, |c| tenant_members::table
            .filter(tenant_members::user_id.eq_any(texts(users)))
            .order(tenant_members::tenant_id)
            .load(c))
        .map_err(database)?;
        Ok(rows.into_iter().map(Membership::from).collect())
    }

    async fn memberships_of_tenants(&mut self, tenants: &[TenantId]) -> Result<Vec<Membership>> {
        let rows: Vec<MembershipRow> = run!(self, |c| tenant_members::table
            .filter(tenant_members::tenant_id.eq_any(texts(tenants)))
            .order(tenant_members::user_id)
            .load(c))
        .map_err(database)?;
        Ok(rows.into_iter().map(Membership::from).collect())
    }

    async fn session(&mut self, id: SessionId) -> Result<Option<LoginSession>> {
        let row: Option<SessionRow> =
            run!(self, |c| sessions::table.filter(sessions::id.eq(AsText(id))).first(c))
                .optional()
                .map_err(database)?;
        Ok(row.map(LoginSession::from))
    }
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

    async fn insert_membership(&mut self, membership: &Membership) -> Result<()> {
        let row = MembershipRow {
            tenant_id: AsText(membership.tenant_id),
            user_id: AsText(membership.user_id),
            role: AsText(membership.role),
        };
        run!(self, |c| diesel::insert_into(tenant_members::table).values(&row).execute(c))
            .map(drop)
            .map_err(database)
    }

    async fn revoke_sessions(
        &mut self,
        user: UserId,
        one: Option<SessionId>,
        at: Timestamp,
    ) -> Result<()> {
        let live = sessions::user_id.eq(AsText(user)).and(sessions::revoked_at.is_null());
        let chosen = one.map(|id| id.to_string());
        run!(self, |c, DB| {
            let mut update = diesel::update(sessions::table).filter(live).into_boxed::<DB>();
            if let Some(id) = &chosen {
                update = update.filter(sessions::id.eq(id));
            }
            update.set(sessions::revoked_at.eq(Micros(at))).execute(c)
        })
        .map(drop)
        .map_err(database)
    }

    async fn rotate_session(
        &mut self,
        id: SessionId,
        old: &str,
        new: &str,
        expires_at: Timestamp,
    ) -> Result<bool> {
        let current = sessions::id.eq(AsText(id)).and(sessions::refresh_hash.eq(old));
        let fresh = (sessions::refresh_hash.eq(new), sessions::expires_at.eq(Micros(expires_at)));
        let changed =
            run!(self, |c| diesel::update(sessions::table).filter(current).set(fresh).execute(c))
                .map_err(database)?;
        Ok(changed == 1)
    }

    async fn insert_session(&mut self, session: &LoginSession) -> Result<()> {
        let row = SessionRow {
            id: AsText(session.id),
            user_id: AsText(session.user_id),
            refresh_hash: session.refresh_hash.clone(),
            created_at: Micros(session.created_at),
            expires_at: Micros(session.expires_at),
            revoked_at: session.revoked_at.map(Micros),
        };
        run!(self, |c| diesel::insert_into(sessions::table).values(&row).execute(c))
            .map(drop)
            .map_err(database)
    }
}

/// What the JSON of roles looks like where it holds this one.
fn pattern(role: Role) -> &'static str {
    match role {
        Role::User => "%\"USER\"%",
        Role::Admin => "%\"ADMIN\"%",
    }
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

impl From<SessionRow> for LoginSession {
    fn from(row: SessionRow) -> Self {
        Self {
            id: row.id.0,
            user_id: row.user_id.0,
            refresh_hash: row.refresh_hash,
            created_at: row.created_at.0,
            expires_at: row.expires_at.0,
            revoked_at: row.revoked_at.map(|at| at.0),
        }
    }
}
