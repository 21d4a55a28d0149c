//! Secrets that are stored as their hash alone: 256 random bits need no slow one.

use domain::{Error, Result, identity::ApiSecret, ids::SessionId};
use sha2::{Digest, Sha256};

use crate::keys::random_text;

/// What API tokens begin with, so that people and scanners of leaks know them.
const API_TOKEN: &str = "slp_";

/// What is stored of a secret.
pub fn hash(secret: &str) -> String {
    Sha256::digest(secret).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn refresh_token(session: SessionId) -> Result<String> {
    Ok(format!("{session}.{}", random()?))
}

pub fn api_token() -> Result<ApiSecret> {
    let secret = format!("{API_TOKEN}{}", random()?);
    Ok(ApiSecret { hash: hash(&secret), secret })
}

pub fn is_api_token(token: &str) -> bool {
    token.starts_with(API_TOKEN)
}

fn random() -> Result<String> {
    random_text::<32>().map_err(Error::internal_from)
}
