use anyhow::Result;
use clap::Args;

use crate::{
    npm,
    postgres::{self, Postgres},
    process, ship,
};

/// Every commit is on the disk before its answer, as PostgreSQL has it by itself. The buffers hold
/// all the data of the largest scale that is compared, as they do on a server that is a database's.
const SETTINGS: &[&str] = &["shared_buffers=2GB", "max_wal_size=2GB"];

/// What runs on Node.js, and the oldest that it runs on.
const ON_NODE: [(&str, (u32, u32)); 2] = [("mercurius", (20, 0)), ("postgraphile", (22, 0))];

#[derive(Args)]
pub struct Options {
    /// On SQLite, without those that need PostgreSQL
    #[arg(long)]
    sqlite: bool,
    /// Slipway as `cargo xtask ship` builds it, with the environment of its image
    #[arg(long)]
    shipped: bool,
    /// What `slipway-bench compare --help` names, such as --scale 0.1
    #[arg(last = true)]
    rest: Vec<String>,
}

pub fn run(options: &Options) -> Result<()> {
    let built = super::build()?;
    let slipway = if options.shipped { ship::build()? } else { built.join("slipway") };
    let folder = tempfile::tempdir()?;
    let mut compare = process::tied(&built.join("slipway-bench"), "TERM");
    compare.arg("compare").arg("--slipway").arg(slipway);
    compare.arg("--folder").arg(folder.path()).args(&options.rest);
    if options.shipped {
        compare.env("MIMALLOC_PURGE_DELAY", "0");
    }
    if options.sqlite {
        return process::run(compare);
    }
    for (name, oldest) in ON_NODE {
        let folder = process::root().join("bench").join(name);
        match npm::at_least(oldest).and_then(|()| npm::install(&folder)) {
            Ok(()) => {
                compare.arg(format!("--{name}")).arg(&folder);
            }
            Err(error) => println!("It goes without {name}: {error:#}"),
        }
    }
    let postgres = Postgres::start(&postgres::find_or_install()?, SETTINGS)?;
    compare.args(["--database", &postgres.url()]);
    process::run(compare)
}
