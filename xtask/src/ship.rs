//! The program as it is shipped: built so that it counts what it does, put to work by the benchmark,
//! and built again by these counts. What is never done is then kept small and apart from what is,
//! so that little of it comes into memory.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::{
    postgres::{self, Postgres},
    process,
};

/// A little of all that is measured.
const WORK: &str = "--scale 0.02 --rounds 1 --seconds 3 --subscribers 200 --instances 40";

/// Whether the linker is the one that comes with Rust, which can be told an order.
const TAKES_AN_ORDER: bool = cfg!(all(target_os = "linux", target_arch = "x86_64"));

/// Answers with the program.
pub fn build() -> Result<PathBuf> {
    let (toolchain, target) = (Toolchain::find()?, process::target().join("ship"));
    let profdata = toolchain.profdata()?;
    // Always the same, or all would be built anew each time.
    let (counts, merged) = (target.join("counts"), target.join("slipway.profdata"));
    let counting = toolchain.build(&target, "-Cprofile-generate=", &counts, &[])?;
    if counts.exists() {
        fs::remove_dir_all(&counts)?;
    }
    put_to_work(&counting)?;
    let mut merging = Command::new(&profdata);
    merging.args(["merge", "-o"]).arg(&merged).arg(&counts);
    process::run(merging)?;
    let mut linking = vec!["-Clto=fat".to_owned()];
    if TAKES_AN_ORDER {
        let order = target.join("order.txt");
        fs::write(&order, functions_run(&profdata, &merged)?)?;
        let told = format!("--no-warn-symbol-ordering,--symbol-ordering-file={}", order.display());
        linking.push(format!("-Clink-arg=-Wl,-z,pack-relative-relocs,{told}"));
    }
    toolchain.build(&target, "-Cprofile-use=", &merged, &linking)
}

fn put_to_work(slipway: &Path) -> Result<()> {
    process::run(process::cargo(&["build", "-p", "slipway-bench"]))?;
    let bench = process::target().join("debug/slipway-bench");
    work(&bench, slipway, None)?;
    let postgres = Postgres::start(&postgres::find_or_install()?, postgres::FOR_TESTS)?;
    work(&bench, slipway, Some(&postgres.url()))
}

/// A line for each, the busiest first: the order that they are linked in, before all others.
fn functions_run(profdata: &Path, merged: &Path) -> Result<String> {
    let mut show = Command::new(profdata);
    let shown = output(show.args(["show", "--topn=1000000"]).arg(merged))?;
    let counted = shown.lines().filter_map(|line| line.trim().split_once(", max count = "));
    let run = counted.filter(|(_, count)| *count != "0");
    // One of a single unit has its name in front.
    Ok(run.map(|(name, _)| format!("{}\n", name.rsplit(';').next().unwrap_or(name))).collect())
}

fn work(bench: &Path, slipway: &Path, database: Option<&str>) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut compare = process::tied(bench, "TERM");
    compare.arg("compare").args(WORK.split(' ')).arg("--slipway").arg(slipway);
    compare.arg("--folder").arg(folder.path());
    if let Some(url) = database {
        compare.args(["--database", url]);
    }
    process::run(compare).context("the program that counts")
}

struct Toolchain {
    root: PathBuf,
    host: String,
}

impl Toolchain {
    fn find() -> Result<Self> {
        let root = PathBuf::from(rustc(&["--print", "sysroot"])?.trim());
        let version = rustc(&["-vV"])?;
        let host = version.lines().find_map(|line| line.strip_prefix("host: "));
        Ok(Self { root, host: host.context("rustc does not know its host")?.to_owned() })
    }

    /// What adds up the counts; it comes with the compiler's version.
    fn profdata(&self) -> Result<PathBuf> {
        let program =
            self.root.join("lib/rustlib").join(&self.host).join("bin").join("llvm-profdata");
        if !program.is_file() {
            let mut rustup = Command::new("rustup");
            rustup.args(["component", "add", "llvm-tools"]).current_dir(process::root());
            process::run(rustup).context("rustup component add llvm-tools")?;
        }
        ensure!(fs::exists(&program)?, "there is no {}", program.display());
        Ok(program)
    }

    /// Builds with a flag that build scripts and macros, which run here and now, do not get.
    fn build(&self, target: &Path, flag: &str, path: &Path, linking: &[String]) -> Result<PathBuf> {
        let mut flag = OsString::from(flag);
        flag.push(path);
        let mut cargo = process::cargo(&["rustc", "--locked", "--profile", "shipped"]);
        cargo.args(["--package", "api", "--bin", "slipway", "--target", &self.host]);
        cargo.arg("--target-dir").arg(target).env("CARGO_ENCODED_RUSTFLAGS", flag);
        cargo.arg("--").args(linking);
        process::run(cargo)?;
        Ok(target.join(&self.host).join("shipped/slipway"))
    }
}

fn rustc(arguments: &[&str]) -> Result<String> {
    output(Command::new("rustc").args(arguments).current_dir(process::root()))
}

/// What a command writes to its standard output.
fn output(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    ensure!(output.status.success(), "{command:?}: {}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}
