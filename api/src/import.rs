//! `slipway import`: development clusters from a file, the same way as by a client. Whoever serves
//! the database carries them out.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::Args;
use domain::{ControlPlane, clusters::Import};
use sha2::{Digest, Sha256};

use crate::{compose, config::Config, logs};

#[derive(Args)]
pub struct ImportArgs {
    /// The file: comma-separated values under a header with `env` and any of `provider`,
    /// `node_port`, `pf_port`, `register_portainer`, `haproxy_route`, `http_port` and `https_port`.
    pub file: PathBuf,

    /// Only say what would come of it.
    #[arg(long)]
    pub dry_run: bool,

    #[command(flatten)]
    pub config: Config,
}

pub async fn run(args: ImportArgs) -> anyhow::Result<()> {
    let ImportArgs { file, dry_run, config } = args;
    logs::begin(&config)?;
    let keys = config.token_keys()?;
    let control_plane = compose::control_plane(&config, &keys.current).await?;
    let csv = read(&file).await?;
    let import = import(&control_plane, &config.admin_email, &csv, dry_run).await?;
    // Whoever started the program may not be there to read it.
    let _ = std::io::stdout().lock().write_all(report(&import).as_bytes());
    let (all, bad) = (import.rows.len(), import.rows.iter().filter(|row| row.outcome.is_bad()));
    match bad.count() {
        0 => Ok(()),
        bad => bail!("{bad} of {all} rows cannot be so"),
    }
}

/// Imports a file whose content has changed since the last import.
pub async fn at_start(
    control_plane: &ControlPlane,
    config: &Config,
    file: &Path,
) -> anyhow::Result<()> {
    let csv = read(file).await?;
    if control_plane.was_imported(&hash(&csv)).await? {
        return Ok(());
    }
    let import = import(control_plane, &config.admin_email, &csv, false).await?;
    tracing::info!(rows = import.rows.len(), file = %file.display(), "clusters were imported");
    Ok(())
}

/// Tells one content of a file from another.
pub fn hash(csv: &str) -> String {
    Sha256::digest(csv.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn read(file: &Path) -> anyhow::Result<String> {
    let read = tokio::fs::read_to_string(file).await;
    read.with_context(|| format!("reading {}", file.display()))
}

/// In the name of the first administrator.
async fn import(
    control_plane: &ControlPlane,
    admin: &str,
    csv: &str,
    dry_run: bool,
) -> anyhow::Result<Import> {
    let call = control_plane.console_call(admin).await?;
    let imported = control_plane.import_dev_clusters(&call, csv, hash(csv), dry_run).await?;
    Ok(imported.entity)
}

/// A line for each row.
fn report(import: &Import) -> String {
    let line = |row: &domain::clusters::ImportRow| {
        let message = row.message.as_deref().map(|it| format!(": {it}")).unwrap_or_default();
        format!("line {}  {}  {}{message}\n", row.line, row.outcome.as_str(), row.name)
    };
    import.rows.iter().map(line).collect()
}
