use std::{path::Path, process::Command};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{
    contender::{Contender, Dialect},
    data,
    http::{Http, request},
};

const ADMIN: &str = "admin@slipway.local";
const PASSWORD: &str = "correct horse battery";

/// Slipway with all its limits on, set so high that a benchmark does not meet them.
pub async fn start(binary: &Path, database: &str, folder: &Path) -> Result<Contender> {
    start_with(binary, database, folder, &[]).await
}

pub async fn start_with(
    binary: &Path,
    database: &str,
    folder: &Path,
    settings: &[(&str, &str)],
) -> Result<Contender> {
    Contender::start("Slipway", Dialect::Slipway, |address| {
        let mut command = Command::new(binary);
        command
            .env("SLIPWAY_LISTEN", address)
            .env("SLIPWAY_DATABASE_URL", database)
            .env("SLIPWAY_LOG", "error")
            .env("SLIPWAY_ADMIN_EMAIL", ADMIN)
            .env("SLIPWAY_ADMIN_PASSWORD", PASSWORD)
            .env("SLIPWAY_TOKEN_KEY", "a key of nobody but this benchmark")
            .env("SLIPWAY_LIMIT_BUDGET", "1000000000")
            .env("SLIPWAY_LIMIT_BUDGET_PER_SECOND", "1000000000")
            .env("SLIPWAY_LIMIT_CONNECTIONS_PER_ADDRESS", "20000")
            .env("SLIPWAY_ADDRESS_ATTEMPTS", "1000000")
            .envs(settings.iter().copied())
            .current_dir(folder);
        command
    })
    .await
}

/// The administrator's token: it may ask for anybody.
pub async fn admin_token(slipway: &Contender) -> Result<String> {
    log_in(slipway, ADMIN).await
}

/// Tokens of so many users.
pub async fn tokens(slipway: &Contender, count: u64) -> Result<Vec<String>> {
    let mut tokens = Vec::new();
    for number in 0..count {
        tokens.push(log_in(slipway, &data::email(number)).await?);
    }
    Ok(tokens)
}

async fn log_in(slipway: &Contender, email: &str) -> Result<String> {
    let document = "mutation($email: String!, $password: String!) {
        login(input: { email: $email, password: $password }) { accessToken } }";
    let variables = json!({ "email": email, "password": PASSWORD });
    let body = json!({ "query": document, "variables": variables }).to_string();
    let mut http = Http::open(slipway.address).await?;
    let answer: Value = serde_json::from_slice(http.send(&request(None, &body)).await?)?;
    let token = answer["data"]["login"]["accessToken"].as_str().context("no token")?;
    Ok(token.to_owned())
}
