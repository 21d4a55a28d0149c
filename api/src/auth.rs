//! Access tokens: signed here, checked here. What an account may do is never read from a token
//! but from the store.

use std::{
    collections::HashMap,
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use domain::{
    ControlPlane, Error, Result,
    clock::{Clock, SystemClock},
    identity::{Caller, Role, TokenIssuer, Tokens, User},
    ids::{SessionId, UserId},
};
use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode, errors::ErrorKind,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep, timeout};

use crate::keys::{TokenKey, random_text};

const ACCESS_LIFE: SignedDuration = SignedDuration::from_mins(15);
const REFRESH_LIFE: SignedDuration = SignedDuration::from_hours(30 * 24);
const ISSUER: &str = "slipway";

/// How often a pass that stays in use is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long what the store said of a login is good for others who ask.
const FINDING_LIFE: Duration = Duration::from_secs(2);

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: UserId,
    user_id: i64,
    roles: Vec<Role>,
    iss: String,
    aud: String,
    exp: i64,
    iat: i64,
    /// The session.
    jti: SessionId,
    /// The account's token version.
    tv: i64,
}

/// Signs tokens with HS256.
pub struct Signer(EncodingKey);

impl Signer {
    pub fn new(key: &TokenKey) -> Self {
        Self(EncodingKey::from_secret(key.bytes()))
    }
}

impl TokenIssuer for Signer {
    fn issue(&self, user: &User, session: SessionId, now: Timestamp) -> Result<Tokens> {
        let expires_at = now + ACCESS_LIFE;
        let claims = Claims {
            sub: user.id,
            user_id: user.number,
            roles: user.roles.clone(),
            iss: ISSUER.to_owned(),
            aud: ISSUER.to_owned(),
            exp: expires_at.as_second(),
            iat: now.as_second(),
            jti: session,
            tv: user.token_version,
        };
        let access_token = encode(&Header::new(Algorithm::HS256), &claims, &self.0)
            .map_err(|error| failed("a token could not be signed", error))?;
        let refresh_token =
            format!("{session}.{}", random_text::<32>().map_err(Error::internal_from)?);
        Ok(Tokens {
            session_id: session,
            access_token,
            expires_at,
            refresh_hash: hash(&refresh_token),
            refresh_token,
            refresh_expires_at: now + REFRESH_LIFE,
        })
    }

    fn read_refresh(&self, token: &str) -> Option<(SessionId, String)> {
        let (session, _) = token.split_once('.')?;
        Some((session.parse().ok()?, hash(token)))
    }
}

/// A caller, and for how long they are let in.
#[derive(Clone)]
pub struct Pass {
    pub caller: Caller,
    token: Option<Token>,
}

/// What a pass rests on.
#[derive(Clone)]
struct Token {
    login: Login,
    expires_at: Timestamp,
}

/// What the store is asked about.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Login {
    user: UserId,
    token_version: i64,
    session: SessionId,
}

/// What the store says of a login, and when it was asked.
struct Finding {
    asked_at: Instant,
    found: Shared<BoxFuture<'static, Found>>,
}

#[derive(Clone)]
enum Found {
    Good(Caller),
    /// The login is not good any more.
    Bad,
    /// The store did not say.
    Nothing,
}

/// Tells who is behind a token.
#[derive(Clone)]
pub struct Gatekeeper {
    control_plane: Arc<ControlPlane>,
    key: Arc<DecodingKey>,
    validation: Arc<Validation>,
    findings: Arc<Mutex<HashMap<Login, Finding>>>,
}

impl Pass {
    pub fn anonymous() -> Self {
        Self { caller: Caller::Anonymous, token: None }
    }

    /// Whether what this caller was allowed to see and do is allowed to the other one too, who is
    /// the same account.
    fn covered_by(&self, other: &Caller) -> bool {
        match (&self.caller, other) {
            (Caller::Anonymous, _) => true,
            (Caller::User(_), Caller::Anonymous) => false,
            (Caller::User(old), Caller::User(new)) => {
                old.user.id == new.user.id
                    && old.user.status == new.user.status
                    && old.user.roles.iter().all(|role| new.user.roles.contains(role))
                    && old.memberships.iter().all(|held| new.memberships.contains(held))
            }
        }
    }
}

impl Gatekeeper {
    pub fn new(control_plane: Arc<ControlPlane>, key: &TokenKey) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.leeway = 0;
        Self {
            control_plane,
            key: Arc::new(DecodingKey::from_secret(key.bytes())),
            validation: Arc::new(validation),
            findings: Arc::default(),
        }
    }

    /// The caller behind an `Authorization` header; anonymous without one. A token that is not
    /// good is refused rather than taken for none.
    pub async fn pass(&self, authorization: Option<&str>) -> Result<Pass> {
        let Some(authorization) = authorization else {
            return Ok(Pass::anonymous());
        };
        let token = bearer(authorization).ok_or(Error::Unauthenticated)?;
        let claims = decode::<Claims>(token, &self.key, &self.validation).map_err(|error| {
            match error.kind() {
                ErrorKind::Provider(_) => failed("tokens cannot be checked", error),
                _ => Error::Unauthenticated,
            }
        })?;
        let Claims { sub, tv, jti, exp, .. } = claims.claims;
        let expires_at = Timestamp::from_second(exp).map_err(|_| Error::Unauthenticated)?;
        let login = Login { user: sub, token_version: tv, session: jti };
        let caller = self.look_up(login).await?;
        Ok(Pass { caller, token: Some(Token { login, expires_at }) })
    }

    /// The pass with the caller as they are now, at most [`FINDING_LIFE`] old. Refused once the
    /// token has expired, and where the caller has lost something: what began under the pass began
    /// with more than they may have.
    pub async fn renewed(&self, pass: &Pass) -> Result<Pass> {
        let Some(token) = &pass.token else {
            return Ok(pass.clone());
        };
        if token.is_expired() {
            return Err(Error::Unauthenticated);
        }
        let caller = self.find(token.login).await?;
        Self::exchanged(pass, Pass { caller, token: pass.token.clone() })
    }

    /// The second pass in place of the first, where it gives no less to the same account.
    pub fn exchanged(old: &Pass, new: Pass) -> Result<Pass> {
        if old.covered_by(&new.caller) { Ok(new) } else { Err(Error::Unauthenticated) }
    }

    /// Comes back when the pass is not good any more, within 5 s. A store that does not answer
    /// ends nothing but what expires: it lets nobody change anything either.
    pub async fn lapse(self, pass: Pass) {
        let Some(token) = &pass.token else {
            return pending().await;
        };
        while !token.is_expired() {
            sleep(token.life().min(LOOK_EVERY)).await;
            if let Ok(Err(Error::Unauthenticated)) =
                timeout(token.life(), self.renewed(&pass)).await
            {
                return;
            }
        }
    }

    /// Asks the store once for all who want to know at about the same time.
    async fn find(&self, login: Login) -> Result<Caller> {
        match self.finding(login).await {
            Found::Good(caller) => Ok(caller),
            Found::Bad => Err(Error::Unauthenticated),
            Found::Nothing => self.look_up(login).await,
        }
    }

    fn finding(&self, login: Login) -> Shared<BoxFuture<'static, Found>> {
        let mut findings = self.findings.lock().expect("nothing panics while it holds this lock");
        let is_fresh = |finding: &Finding| finding.asked_at.elapsed() < FINDING_LIFE;
        if let Some(finding) = findings.get(&login).filter(|finding| is_fresh(finding)) {
            return finding.found.clone();
        }
        if findings.len() == findings.capacity() {
            findings.retain(|_, finding| is_fresh(finding));
        }
        let gatekeeper = self.clone();
        // In a task of its own: whoever asked may be busy with something else.
        let asked = tokio::spawn(async move {
            match gatekeeper.look_up(login).await {
                Ok(caller) => Found::Good(caller),
                Err(Error::Unauthenticated) => Found::Bad,
                Err(_) => Found::Nothing,
            }
        });
        let found = asked.map(|found| found.unwrap_or(Found::Nothing)).boxed().shared();
        let finding = Finding { asked_at: Instant::now(), found: found.clone() };
        findings.insert(login, finding);
        found
    }

    async fn look_up(&self, login: Login) -> Result<Caller> {
        let Login { user, token_version, session } = login;
        self.control_plane.caller(user, token_version, session).await
    }
}

impl Token {
    fn is_expired(&self) -> bool {
        self.life().is_zero()
    }

    /// How long it is good for.
    fn life(&self) -> Duration {
        let left = self.expires_at.duration_since(SystemClock.now());
        Duration::try_from(left).unwrap_or_default()
    }
}

fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// What is stored of a refresh token.
fn hash(token: &str) -> String {
    Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn failed(context: &str, error: jsonwebtoken::errors::Error) -> Error {
    Error::Internal { context: context.to_owned(), source: Some(error.into()) }
}
