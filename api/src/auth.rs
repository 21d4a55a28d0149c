//! Access tokens: signed here, checked here. What an account may do is never read from a token
//! but from the store.

use std::sync::Arc;

use domain::{
    ControlPlane, Error, Result,
    identity::{Caller, Role, TokenIssuer, Tokens, User},
    ids::{SessionId, UserId},
};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode, errors::ErrorKind,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::keys::{TokenKey, random_text};

const ACCESS_LIFE: SignedDuration = SignedDuration::from_mins(15);
const REFRESH_LIFE: SignedDuration = SignedDuration::from_hours(30 * 24);
const ISSUER: &str = "slipway";

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

/// Tells who is behind a token.
#[derive(Clone)]
pub struct Gatekeeper {
    control_plane: Arc<ControlPlane>,
    key: Arc<DecodingKey>,
    validation: Arc<Validation>,
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
        }
    }

    /// The caller behind an `Authorization` header; anonymous without one. A token that is not
    /// good is refused rather than taken for none.
    pub async fn caller(&self, authorization: Option<&str>) -> Result<Caller> {
        let Some(authorization) = authorization else {
            return Ok(Caller::Anonymous);
        };
        let token = bearer(authorization).ok_or(Error::Unauthenticated)?;
        let claims = decode::<Claims>(token, &self.key, &self.validation).map_err(|error| {
            match error.kind() {
                ErrorKind::Provider(_) => failed("tokens cannot be checked", error),
                _ => Error::Unauthenticated,
            }
        })?;
        let Claims { sub, tv, jti, .. } = claims.claims;
        self.control_plane.caller(sub, tv, jti).await
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
