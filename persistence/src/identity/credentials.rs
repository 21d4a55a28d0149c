//! What lets callers in: sessions and API tokens.

use async_trait::async_trait;
use diesel::prelude::*;
use domain::{
    Result,
    identity::{ApiToken, CredentialReads, CredentialWrites, LoginSession, TokenScope},
    ids::{ApiTokenId, SessionId, UserId},
    page::{Page, PageRequest},
};
use jiff::Timestamp;

use crate::{
    backend::{Conn, run},
    by_ids::by_ids,
    error::database,
    page::keyset,
    run::RunQueryDsl,
    schema::{api_tokens, sessions},
    types::{AsJson, AsText, Micros},
};

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

#[derive(Queryable, Insertable)]
#[diesel(table_name = api_tokens)]
struct ApiTokenRow {
    id: AsText<ApiTokenId>,
    user_id: AsText<UserId>,
    name: String,
    scopes: AsJson<Vec<TokenScope>>,
    hash: String,
    created_at: Micros,
    expires_at: Option<Micros>,
    last_used_at: Option<Micros>,
    revoked_at: Option<Micros>,
}

macro_rules! held_by {
    ($backend:ident, $user:expr) => {
        api_tokens::table
            .filter(api_tokens::user_id.eq(AsText($user)).and(api_tokens::revoked_at.is_null()))
            .into_boxed::<$backend>()
    };
}

#[async_trait]
impl CredentialReads for Conn {
    async fn session(&mut self, id: SessionId) -> Result<Option<LoginSession>> {
        let row: Option<SessionRow> =
            run!(self.quick(1), |c| sessions::table.filter(sessions::id.eq(AsText(id))).first(c))
                .optional()
                .map_err(database)?;
        Ok(row.map(LoginSession::from))
    }

    async fn api_tokens_by_id(&mut self, ids: &[ApiTokenId]) -> Result<Vec<ApiToken>> {
        by_ids!(self, api_tokens, ids, ApiTokenRow => ApiToken)
    }

    async fn api_token_by_hash(&mut self, hash: &str) -> Result<Option<ApiToken>> {
        let row: Option<ApiTokenRow> =
            run!(self.quick(1), |c| api_tokens::table.filter(api_tokens::hash.eq(hash)).first(c))
                .optional()
                .map_err(database)?;
        Ok(row.map(ApiToken::from))
    }

    async fn api_tokens(&mut self, user: UserId, page: &PageRequest) -> Result<Page<ApiToken>> {
        let rows: Vec<ApiTokenRow> =
            run!(self, |c, DB| keyset!(held_by!(DB, user), page).load(c)).map_err(database)?;
        let total = match page.count {
            true => Some(
                run!(self, |c, DB| held_by!(DB, user).count().get_result(c)).map_err(database)?,
            ),
            false => None,
        };
        Ok(Page::from_rows(rows.into_iter().map(ApiToken::from).collect(), page.first, total))
    }
}

#[async_trait]
impl CredentialWrites for Conn {
    async fn revoke_sessions(
        &mut self,
        user: UserId,
        one: Option<SessionId>,
        at: Timestamp,
    ) -> Result<()> {
        self.changes_callers = true;
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

    async fn insert_api_token(&mut self, token: &ApiToken) -> Result<()> {
        let row = ApiTokenRow {
            id: AsText(token.id),
            user_id: AsText(token.user_id),
            name: token.name.clone(),
            scopes: AsJson(token.scopes.clone()),
            hash: token.hash.clone(),
            created_at: Micros(token.created_at),
            expires_at: token.expires_at.map(Micros),
            last_used_at: token.last_used_at.map(Micros),
            revoked_at: token.revoked_at.map(Micros),
        };
        run!(self, |c| diesel::insert_into(api_tokens::table).values(&row).execute(c))
            .map(drop)
            .map_err(database)
    }

    async fn revoke_api_token(&mut self, id: ApiTokenId, at: Timestamp) -> Result<()> {
        self.changes_callers = true;
        let chosen = api_tokens::id.eq(AsText(id));
        let revoked = api_tokens::revoked_at.eq(Micros(at));
        run!(self, |c| diesel::update(api_tokens::table).filter(chosen).set(revoked).execute(c))
            .map(drop)
            .map_err(database)
    }

    async fn use_api_token(&mut self, id: ApiTokenId, at: Timestamp) -> Result<()> {
        let chosen = api_tokens::id.eq(AsText(id));
        let used = api_tokens::last_used_at.eq(Micros(at));
        run!(self, |c| diesel::update(api_tokens::table).filter(chosen).set(used).execute(c))
            .map(drop)
            .map_err(database)
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

impl From<ApiTokenRow> for ApiToken {
    fn from(row: ApiTokenRow) -> Self {
        Self {
            id: row.id.0,
            user_id: row.user_id.0,
            name: row.name,
            scopes: row.scopes.0,
            hash: row.hash,
            created_at: row.created_at.0,
            expires_at: row.expires_at.map(|at| at.0),
            last_used_at: row.last_used_at.map(|at| at.0),
            revoked_at: row.revoked_at.map(|at| at.0),
        }
    }
}
