//! Access tokens: JSON Web Tokens with HS256. Nothing in a token's header is ever obeyed: it has
//! to be, byte for byte, the header that this server writes with one of its keys.

use domain::{
    Error, Result,
    identity::{ApiSecret, Role, Ticket, TokenIssuer, Tokens, User},
    ids::SessionId,
};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode, errors::ErrorKind,
};
use serde::{Deserialize, Serialize};

use super::secret;
use crate::keys::{TokenKey, TokenKeys, random_text};

const ACCESS_LIFE: SignedDuration = SignedDuration::from_mins(15);
const REFRESH_LIFE: SignedDuration = SignedDuration::from_hours(30 * 24);
const ISSUER: &str = "slipway";

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: domain::ids::UserId,
    user_id: i64,
    roles: Vec<Role>,
    iss: String,
    aud: String,
    exp: i64,
    iat: i64,
    jti: String,
    /// The session.
    sid: SessionId,
    /// The account's token version.
    tv: i64,
}

/// Signs tokens with the current key.
pub struct Signer {
    header: Header,
    key: EncodingKey,
}

impl Signer {
    pub fn new(key: &TokenKey) -> Self {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(key.id());
        Self { header, key: EncodingKey::from_secret(key.bytes()) }
    }

    fn sign<T: Serialize>(&self, claims: &T) -> Result<String> {
        encode(&self.header, claims, &self.key)
            .map_err(|error| failed("a token could not be signed", error))
    }
}

impl TokenIssuer for Signer {
    fn issue(&self, user: &User, session: SessionId, now: Timestamp) -> Result<Tokens> {
        let expires_at = now + ACCESS_LIFE;
        let access_token = self.sign(&Claims {
            sub: user.id,
            user_id: user.number,
            roles: user.roles.clone(),
            iss: ISSUER.to_owned(),
            aud: ISSUER.to_owned(),
            exp: expires_at.as_second(),
            iat: now.as_second(),
            jti: random_text::<16>().map_err(Error::internal_from)?,
            sid: session,
            tv: user.token_version,
        })?;
        let refresh_token = secret::refresh_token(session)?;
        Ok(Tokens {
            session_id: session,
            access_token,
            expires_at,
            refresh_hash: secret::hash(&refresh_token),
            refresh_token,
            refresh_expires_at: now + REFRESH_LIFE,
        })
    }

    fn read_refresh(&self, token: &str) -> Option<(SessionId, String)> {
        let (session, _) = token.split_once('.')?;
        Some((session.parse().ok()?, secret::hash(token)))
    }

    fn issue_api_token(&self) -> Result<ApiSecret> {
        secret::api_token()
    }
}

/// Reads what was signed with a key that is accepted.
pub struct Verifier {
    /// By the header that tokens of the key have.
    keys: Vec<(String, DecodingKey)>,
    validation: Validation,
}

impl Verifier {
    pub fn new(keys: &TokenKeys) -> Result<Self> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = 0;
        let keys = keys.accepted().map(|key| {
            let sample = Signer::new(key).sign(&())?;
            let header = sample.split('.').next().unwrap_or_default().to_owned();
            Ok((header, DecodingKey::from_secret(key.bytes())))
        });
        Ok(Self { keys: keys.collect::<Result<_>>()?, validation })
    }

    /// Whom a token is for, and until when.
    pub fn read(&self, token: &str) -> Result<(Ticket, Timestamp)> {
        let header = token.split('.').next().unwrap_or_default();
        let known = self.keys.iter().find(|(known, _)| known == header);
        let (_, key) = known.ok_or(Error::Unauthenticated)?;
        let read =
            decode::<Claims>(token, key, &self.validation).map_err(|error| match error.kind() {
                ErrorKind::Provider(_) => failed("tokens cannot be checked", error),
                _ => Error::Unauthenticated,
            })?;
        let Claims { sub, tv, sid, exp, iat, .. } = read.claims;
        let at = |second| Timestamp::from_second(second).map_err(|_| Error::Unauthenticated);
        let (issued_at, expires_at) = (at(iat)?, at(exp)?);
        if expires_at.duration_since(issued_at) > ACCESS_LIFE {
            return Err(Error::Unauthenticated);
        }
        Ok((Ticket::Login { user: sub, token_version: tv, session: sid }, expires_at))
    }
}

fn failed(context: &str, error: jsonwebtoken::errors::Error) -> Error {
    Error::Internal { context: context.to_owned(), source: Some(error.into()) }
}
