use anyhow::Result;
use clap::Args;

use crate::{
    npm,
    postgres::{self, Postgres},
    process,
};

/// Every commit is on the disk before its answer, as PostgreSQL has it by itself.
const SETTINGS: &[&str] = &["shared_buffers=256MB", "max_wal_size=2GB"];

#[derive(Args)]
pub struct Options {
    /// On SQLite, without those that need PostgreSQL
    #[arg(long)]
    sqlite: bool,
    /// What `slipway-bench compare --help` names, such as --scale 0.1
    #[arg(last = true)]
    rest: Vec<String>,
}

pub fn run(options: &Options) -> Result<()> {
    let built = super::build()?;
    let folder = tempfile::tempdir()?;
    let mut compare = process::tied(&built.join("slipway-bench"), "TERM");
    compare.arg("compare").arg("--slipway").arg(built.join("slipway"));
    compare.arg("--folder").arg(folder.path()).args(&options.rest);
    if options.sqlite {
        return process::run(compare);
    }
    let mercurius = process::root().join("bench/mercurius");
    match npm::install(&mercurius) {
        Ok(()) => {
            compare.arg("--mercurius").arg(&mercurius);
        }
        Err(error) => println!("It goes without Mercurius: {error:#}"),
    }
    let postgres = Postgres::start(&postgres::find_or_install()?, SETTINGS)?;
    compare.args(["--database", &postgres.url()]);
    process::run(compare)
}
