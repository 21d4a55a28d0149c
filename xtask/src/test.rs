//! The one test command: lints, the binary, the suite on each database.

use std::{env, fs, path::Path, time::Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::{
    clients, console, npm, process,
    redis::Redis,
    services::Programs,
    suite::{Runner, Suite, Totals},
};

#[derive(Args)]
pub struct Options {
    /// Only tests whose name contains this
    filter: Option<String>,
    /// Only on SQLite, which needs no server
    #[arg(long, conflicts_with = "postgres")]
    sqlite: bool,
    /// Only on PostgreSQL
    #[arg(long)]
    postgres: bool,
    /// Neither rustfmt, nor clippy, nor cargo-deny, nor the checks of what npm builds
    #[arg(long)]
    no_lints: bool,
}

pub fn run(options: &Options) -> Result<()> {
    // First, for it is better to miss a server now than after the build.
    let programs = if options.sqlite {
        None
    } else {
        Some(step("find the servers", Programs::find_or_install)?)
    };
    if !options.no_lints {
        lint()?;
    }
    let mut totals = Totals::default();
    let outcome = run_suites(options, programs.as_ref(), &mut totals);
    println!("{totals}");
    outcome?;
    ensure!(
        totals.ran_any(),
        "no test's name contains {}",
        options.filter.as_deref().unwrap_or("")
    );
    Ok(())
}

fn lint() -> Result<()> {
    step("rustfmt", || process::run(process::cargo(&["fmt", "--all", "--check"])))?;
    step("clippy", || {
        process::run(process::cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]))
    })?;
    if process::succeeds(process::cargo(&["deny", "--version"])) {
        // Advisories are a database on the network.
        let online = process::succeeds(process::cargo(&["deny", "fetch", "db"]));
        let advisories = online.then_some("advisories");
        let mut deny = process::cargo(&["deny", "check", "--hide-inclusion-graph"]);
        deny.args(advisories).args(["bans", "licenses", "sources"]);
        step("deny", || process::run(deny))?;
    } else {
        println!("==> deny: skipped, for cargo-deny is not installed");
    }
    npm_step("console types", console::check)?;
    npm_step("graphql lint", clients::lint)
}

fn run_suites(options: &Options, programs: Option<&Programs>, totals: &mut Totals) -> Result<()> {
    // A copy, for a build in another clone may share the target directory and replace it.
    let directory = tempfile::tempdir()?;
    let binary = directory.path().join("slipway");
    step("build", || build(&["--workspace", "--bins", "--tests"], &binary))?;
    let mut services = match programs {
        Some(programs) => Some(step("start the servers", || programs.start())?),
        None => None,
    };

    let redis = services.as_ref().and_then(|services| services.redis.as_ref());
    let suite = Suite {
        runner: Runner::installed(),
        filter: options.filter.as_deref(),
        binary: &binary,
        redis: redis.map(Redis::url),
    };
    if !options.postgres {
        step("suite on SQLite", || suite.run_on_sqlite(totals))?;
    }
    if let Some(services) = &mut services {
        step("suite on PostgreSQL", || {
            let outcome = suite.run_on_postgres(&services.postgres.url(), totals);
            // A server that is gone says more than the tests that missed it.
            services.postgres.check()?;
            outcome
        })?;
    }
    if options.filter.is_none() && !options.postgres {
        npm_step("console", || console::test(&binary, None, totals))?;
        npm_step("web example", clients::build_web)?;
        npm_step("clients", || clients::test(&binary, totals))?;
    }
    Ok(())
}

/// Builds the program alone, and puts it where it will not change.
pub fn build_program(binary: &Path) -> Result<()> {
    build(&["-p", "api", "--bin", "slipway"], binary)
}

/// The suites ask for everything at once: one set of features, so that nothing is built twice.
fn build(targets: &[&str], binary: &Path) -> Result<()> {
    let mut command = process::cargo(&["build"]);
    command.args(targets);
    process::run(command)?;
    let built = env::current_exe()?.with_file_name("slipway");
    fs::copy(&built, binary).with_context(|| format!("no {}", built.display()))?;
    Ok(())
}

/// A step that a machine without Node.js passes over.
fn npm_step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    match npm::missing() {
        None => step(name, work),
        Some(reason) => {
            println!("==> {name}: skipped, for {reason}");
            Ok(())
        }
    }
}

fn step<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("==> {name}");
    let start = Instant::now();
    let outcome = work();
    let seconds = start.elapsed().as_secs_f32();
    let value = outcome.with_context(|| format!("{name} failed after {seconds:.1} s"))?;
    println!("==> {name}: {seconds:.1} s");
    Ok(value)
}
