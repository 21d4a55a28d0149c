//! `slipway backup` and `slipway restore`: the embedded database as a file.

use std::{io::Write, path::PathBuf};

use anyhow::{Context, bail};
use clap::Args;

#[derive(Args)]
pub struct BackupArgs {
    /// The copy.
    file: PathBuf,

    /// The database: `sqlite://PATH`. For PostgreSQL there are `pg_dump` and `pg_restore`.
    #[arg(long, env = "SLIPWAY_DATABASE_URL", default_value = "sqlite://slipway.db")]
    database_url: String,
}

impl BackupArgs {
    fn database(&self) -> anyhow::Result<PathBuf> {
        match self.database_url.strip_prefix("sqlite://") {
            Some(path) => Ok(path.into()),
            None => bail!("PostgreSQL is copied by pg_dump: docs/operations.md has the recipe"),
        }
    }
}

pub async fn back_up(args: &BackupArgs) -> anyhow::Result<()> {
    let database = args.database()?;
    persistence::back_up(&database, &args.file).await.context("the backup")?;
    say(&format!(
        "{} is copied to {}.\nKeep SLIPWAY_SECRETS_KEY, or {}.secrets-key, at another place: \
         without it the copy's secrets stay sealed.\n",
        database.display(),
        args.file.display(),
        database.display(),
    ));
    Ok(())
}

pub async fn restore(args: &BackupArgs) -> anyhow::Result<()> {
    let database = args.database()?;
    let kept = persistence::restore(&args.file, &database).await.context("the restoration")?;
    say(&format!("{} is as in {}.\n", database.display(), args.file.display()));
    if let Some(kept) = kept {
        say(&format!("What was there before is {}.\n", kept.display()));
    }
    Ok(())
}

/// Whoever started the program may not be there to read it.
fn say(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}
