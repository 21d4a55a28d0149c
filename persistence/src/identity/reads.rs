use async_trait::async_trait;
use diesel::{dsl::sql, prelude::*, sql_types::BigInt};
use domain::{
    Result,
    identity::{Account, IdentityReads, Membership, Role, Tenant, User, UserFilter, UserStatus},
    ids::{TenantId, UserId},
    page::{Page, PageRequest},
};

use super::rows::{MembershipRow, TenantRow, UserRow};
use crate::{
    backend::{Conn, run},
    by_ids::by_ids,
    error::database,
    page::keyset,
    postgres::Postgres,
    run::{self, RunQueryDsl},
    schema::{tenant_members, tenants, users},
    types::{AsText, texts},
};

/// What a user is a member of.
type Held = Option<(MembershipRow, TenantRow)>;

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

macro_rules! visible {
    ($backend:ident, $visible:expr) => {{
        let mut query = tenants::table.into_boxed::<$backend>();
        if let Some(visible) = $visible {
            query = query.filter(tenants::id.eq_any(texts(visible)));
        }
        query
    }};
}

/// One after the other: SQLite would first join all members to all tenants in brackets.
macro_rules! account {
    ($id:expr $(, $more:expr)?) => {
        users::table
            .left_join(tenant_members::table)
            .left_join(tenants::table.on(tenant_members::tenant_id.eq(tenants::id)))
            .filter(users::id.eq(AsText($id)))
            .select((
                users::all_columns,
                (tenant_members::all_columns, tenants::all_columns).nullable(),
                $($more,)?
            ))
    };
}

#[async_trait]
impl IdentityReads for Conn {
    async fn account(&mut self, id: UserId) -> Result<Option<Account>> {
        let rows = run!(self.quick(1), |c| account!(id).load(c)).map_err(database)?;
        Ok(as_account(rows))
    }

    async fn users_by_id(&mut self, ids: &[UserId]) -> Result<Vec<User>> {
        by_ids!(self, users, ids, UserRow => User)
    }

    async fn user_by_email(&mut self, email: &str) -> Result<Option<User>> {
        let row: Option<UserRow> =
            run!(self.quick(1), |c| users::table.filter(users::email.eq(email)).first(c))
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
        by_ids!(self, tenants, ids, TenantRow => Tenant)
    }

    async fn tenants(
        &mut self,
        visible: Option<&[TenantId]>,
        page: &PageRequest,
    ) -> Result<Page<Tenant>> {
        let rows: Vec<TenantRow> =
            run!(self, |c, DB| keyset!(visible!(DB, visible), page).load(c)).map_err(database)?;
        let total = match page.count {
            true => Some(
                run!(self, |c, DB| visible!(DB, visible).count().get_result(c))
                    .map_err(database)?,
            ),
            false => None,
        };
        Ok(Page::from_rows(rows.into_iter().map(Tenant::from).collect(), page.first, total))
    }

    async fn memberships_of_users(&mut self, users: &[UserId]) -> Result<Vec<Membership>> {
        let rows: Vec<MembershipRow> = run!(self.quick(users.len()), |c| tenant_members::table
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
}

/// What the JSON of roles looks like where it holds this one.
fn pattern(role: Role) -> &'static str {
    match role {
        Role::User => "%\"USER\"%",
        Role::Admin => "%\"ADMIN\"%",
    }
}

/// An account, and the time by what tells it.
pub(crate) async fn account_at(
    conn: &Postgres,
    id: UserId,
    time: &str,
) -> QueryResult<Option<(Account, i64)>> {
    let time = sql::<BigInt>(&format!("({time})"));
    let rows: Vec<(UserRow, Held, i64)> = run::read(conn, account!(id, time)).await?;
    let at = rows.iter().map(|(.., at)| *at).next();
    let account = as_account(rows.into_iter().map(|(user, held, _)| (user, held)).collect());
    Ok(account.zip(at))
}

fn as_account(rows: Vec<(UserRow, Held)>) -> Option<Account> {
    let (users, held): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    let mut held: Vec<_> = held.into_iter().flatten().collect();
    held.sort_by_key(|(membership, _)| membership.tenant_id.0);
    let (memberships, tenants) = held
        .into_iter()
        .map(|(membership, tenant)| (Membership::from(membership), Tenant::from(tenant)))
        .unzip();
    let user = users.into_iter().next().map(User::from);
    user.map(|user| Account { user, memberships, tenants })
}
