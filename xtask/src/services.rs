//! The servers that run beside the suite.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::{
    apt,
    postgres::{self, Postgres},
    redis::{self, Redis},
};

pub struct Programs {
    postgres: PathBuf,
    redis: Option<PathBuf>,
}

impl Programs {
    pub fn find_or_install() -> Result<Self> {
        let wanted = [
            (postgres::PACKAGE, postgres::find().is_some()),
            (redis::PACKAGE, redis::find().is_some()),
        ];
        let missing: Vec<_> =
            wanted.iter().filter(|(_, found)| !found).map(|(package, _)| *package).collect();
        let installed = if missing.is_empty() { Ok(()) } else { apt::install(&missing) };

        let Some(postgres) = postgres::find() else {
            installed.context("no PostgreSQL (`cargo xtask test --sqlite` does without)")?;
            bail!("PostgreSQL is installed, but initdb and postgres are not to be found");
        };
        if let Err(error) = installed {
            println!("The suite runs without Redis: {error:#}");
        }
        Ok(Self { postgres, redis: redis::find() })
    }

    pub fn start(&self) -> Result<Services> {
        let postgres = Postgres::start(&self.postgres, postgres::FOR_TESTS)?;
        let redis = self.redis.as_deref().map(Redis::start).transpose()?;
        Ok(Services { postgres, redis })
    }
}

pub struct Services {
    pub postgres: Postgres,
    pub redis: Option<Redis>,
}
