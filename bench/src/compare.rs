//! The rounds: each server in turn does the same work for some seconds, then again.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};
use clap::Args;

use crate::{
    contender::{Contender, Cpu, Dialect, parent_of},
    data::{self, Size},
    fan_out::{self, Topics},
    lifecycle::{self, Shop},
    load::{self, CONNECTIONS, Requests},
    slipway,
    table::{Figures, Table},
    workload::Workload,
};

const WARM_UP: Duration = Duration::from_secs(1);

#[derive(Args)]
pub struct Options {
    /// Slipway's program
    #[arg(long)]
    slipway: PathBuf,
    /// An empty folder for what is written
    #[arg(long)]
    folder: PathBuf,
    /// An empty PostgreSQL database; an SQLite in the folder where absent
    #[arg(long)]
    database: Option<String>,
    /// The folder of the Mercurius server, its packages installed
    #[arg(long)]
    mercurius: Option<PathBuf>,
    /// The folder of the PostGraphile server, its packages installed
    #[arg(long)]
    postgraphile: Option<PathBuf>,
    /// How much data there is: 1 is 100,000 users, 1,000,000 orders and 200,000 instances
    #[arg(long, default_value_t = 0.1)]
    scale: f64,
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How long a round of one server takes
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Only these
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Workload>,
    /// Also measure the fan-out of events to so many subscribers
    #[arg(long, value_delimiter = ',')]
    subscribers: Vec<usize>,
    /// Also buy so many instances, and ask about them
    #[arg(long)]
    instances: Option<usize>,
}

/// Those that run, and what they run on.
struct Field {
    contenders: Vec<Contender>,
    size: Size,
    /// PostgreSQL's first process.
    postgres: Option<u32>,
}

pub async fn run(options: &Options) -> Result<()> {
    let field = Field::prepare(options).await?;
    let all = [Workload::W1, Workload::W2, Workload::W3, Workload::W4];
    let chosen = all.iter().filter(|one| options.only.is_empty() || options.only.contains(one));
    for workload in chosen {
        field.measure(*workload, options).await?.print();
    }
    for subscribers in &options.subscribers {
        for topics in [Topics::Same, Topics::Distinct] {
            let (contenders, size) = (&field.contenders, field.size);
            fan_out::measure(contenders, size, *subscribers, topics, options.rounds).await?.print();
        }
    }
    // The others would take their share of the machine.
    let postgres = field.postgres;
    drop(field);
    if let Some(count) = options.instances {
        let shop = open_shop(options, postgres).await?;
        let time = Duration::from_secs(options.seconds);
        let tables = lifecycle::measure(shop, count, options.rounds, time).await?;
        tables.iter().for_each(Table::print);
    }
    Ok(())
}

/// On an empty database beside the one with the data set.
async fn open_shop(options: &Options, postgres: Option<u32>) -> Result<Shop> {
    let folder = options.folder.join("shop");
    fs::create_dir(&folder)?;
    let database = match &options.database {
        Some(url) => data::create_beside(url, "shop").await?,
        None => format!("sqlite://{}", folder.join("shop.db").display()),
    };
    Shop::open(&options.slipway, &database, &folder, postgres).await
}

impl Field {
    async fn prepare(options: &Options) -> Result<Self> {
        let size = Size::scaled(options.scale)?;
        let folder = &options.folder;
        let own = format!("sqlite://{}", folder.join("bench.db").display());
        let database = options.database.clone().unwrap_or(own);
        // The first one makes the tables.
        drop(slipway::start(&options.slipway, &database, folder).await?);
        data::fill(&database, size).await?;
        let mut contenders = vec![slipway::start(&options.slipway, &database, folder).await?];
        contenders.push(peer("idiomatic", &database).await?);
        let mut postgres = None;
        if options.database.is_some() {
            contenders.push(peer("ceiling", &database).await?);
            postgres = Some(postgres_of(&database).await?);
        }
        let on_node = [
            ("Mercurius", Dialect::Plain, &options.mercurius),
            ("PostGraphile", Dialect::Tables, &options.postgraphile),
        ];
        for (name, dialect, folder) in on_node {
            if let Some(folder) = folder.as_deref().filter(|_| postgres.is_some()) {
                contenders.push(node(name, dialect, folder, &database).await?);
            }
        }
        Ok(Self { contenders, size, postgres })
    }

    async fn measure(&self, workload: Workload, options: &Options) -> Result<Table> {
        let mut table = Table::new(workload.name());
        let mut requests = Vec::new();
        for contender in &self.contenders {
            let tokens = tokens(contender, workload).await?;
            requests.push(workload.requests(contender.dialect, self.size, tokens));
        }
        let time = Duration::from_secs(options.seconds);
        for _ in 0..options.rounds {
            for (contender, requests) in self.contenders.iter().zip(&requests) {
                table.add(contender.name, self.round(contender, requests, time).await?);
            }
        }
        Ok(table)
    }

    async fn round(
        &self,
        contender: &Contender,
        requests: &Requests,
        time: Duration,
    ) -> Result<Figures> {
        load::run(contender.address, requests, WARM_UP).await?;
        contender.forget_peak()?;
        let used = || anyhow::Ok((contender.cpu()?, self.database_cpu()?, Cpu::own()?));
        let before = used()?;
        let latencies = load::run(contender.address, requests, time).await?;
        let after = used()?;
        let thousands = latencies.count() as f64 / 1_000.0;
        let server = after.0.since(before.0).millis() / thousands;
        let database = after.1.since(before.1).millis() / thousands;
        Ok(vec![
            ("requests/s", latencies.count() as f64 / time.as_secs_f64()),
            ("p50 ms", latencies.percentile(50)),
            ("p99 ms", latencies.percentile(99)),
            ("server CPU ms/1,000", server),
            ("database CPU ms/1,000", database),
            ("both", server + database),
            ("peak MiB", contender.peak_kib()? as f64 / 1_024.0),
            ("generator CPU ms/1,000", after.2.since(before.2).millis() / thousands),
        ])
    }

    fn database_cpu(&self) -> Result<Cpu> {
        self.postgres.map_or(Ok(Cpu::default()), Cpu::of_postgres)
    }
}

/// Users place orders each for themselves; what is read may be anybody's.
async fn tokens(contender: &Contender, workload: Workload) -> Result<Vec<String>> {
    match (contender.dialect, workload) {
        (Dialect::Plain | Dialect::Tables, _) => Ok(Vec::new()),
        (Dialect::Slipway, Workload::W4) => slipway::tokens(contender, CONNECTIONS as u64).await,
        (Dialect::Slipway, _) => Ok(vec![slipway::admin_token(contender).await?]),
    }
}

async fn peer(name: &'static str, database: &str) -> Result<Contender> {
    let this = std::env::current_exe()?;
    Contender::start(name, Dialect::Plain, |address| {
        let mut command = Command::new(this);
        command.args(["serve", name, address, database]);
        command
    })
    .await
}

async fn node(
    name: &'static str,
    dialect: Dialect,
    folder: &Path,
    database: &str,
) -> Result<Contender> {
    Contender::start(name, dialect, |address| {
        let mut command = Command::new("node");
        command.arg("server.js").args([address, database]).current_dir(folder);
        command.env("NODE_ENV", "production").env("GRAPHILE_ENV", "production");
        command
    })
    .await
}

async fn postgres_of(database: &str) -> Result<u32> {
    let client = data::connect(database).await?;
    let row = client.query_one("SELECT pg_backend_pid()", &[]).await?;
    let backend: i32 = row.get(0);
    parent_of(u32::try_from(backend)?).context("PostgreSQL does not run on this machine")
}
