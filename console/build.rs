//! Builds GraphiQL into `OUT_DIR/dist`, where npm and its packages are at hand. Where they are not,
//! that folder is empty and the build goes on. Nothing is written into the source tree.

use std::{
    collections::hash_map::DefaultHasher,
    env,
    error::Error,
    ffi::OsStr,
    fs,
    hash::{Hash, Hasher},
    io,
    path::{Path, PathBuf},
    process::Command,
};

/// What the build reads; tests are not among it.
const SOURCES: [&str; 7] = [
    ".npmrc",
    "index.html",
    "package-lock.json",
    "package.json",
    "src",
    "tsconfig.json",
    "vite.config.ts",
];
/// Set to `plain`, it says that GraphiQL is not wanted.
const SWITCH: &str = "SLIPWAY_CONSOLE";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }
    println!("cargo::rerun-if-env-changed={SWITCH}");
    let out = PathBuf::from(variable("OUT_DIR"));
    let (dist, stamp) = (out.join("dist"), out.join("stamp"));
    let is_wanted = variable(SWITCH) != "plain";
    let sources = hash_of_sources()?;
    // A clone's files may be younger and yet the same.
    if is_wanted && fs::read_to_string(&stamp).is_ok_and(|built| built == sources) {
        return Ok(());
    }
    fs::remove_file(&stamp).or_else(unless_missing)?;
    replace_by_empty(&dist)?;
    if !is_wanted {
        return Ok(());
    }
    match build(&out.join("work"), &dist) {
        Ok(()) => fs::write(stamp, sources)?,
        Err(error) => {
            replace_by_empty(&dist)?;
            println!("cargo::warning=without GraphiQL, with a plain page in its place: {error}");
            println!("cargo::warning=to try again: touch console/build.rs, and build");
        }
    }
    Ok(())
}

fn build(work: &Path, dist: &Path) -> Result<()> {
    replace_by_empty(work)?;
    for source in SOURCES {
        copy(Path::new(source), &work.join(source))?;
    }
    // Without a network this should fail soon.
    let patience = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000"];
    run(work, &["ci", "--prefer-offline", "--no-progress", patience[0], patience[1]])?;
    run(work, &["run", "build", "--", "--logLevel=error"])?;
    fs::remove_dir(dist)?;
    fs::rename(work.join("dist"), dist)?;
    // Hundreds of megabytes that are not needed again before a change.
    fs::remove_dir_all(work)?;
    Ok(())
}

fn run(work: &Path, arguments: &[&str]) -> Result<()> {
    let output = Command::new("npm")
        .args(arguments)
        .current_dir(work)
        .output()
        .map_err(|error| format!("npm (with Node.js 20.19 or newer): {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let is_telling = |line: &&str| !line.trim().is_empty() && !line.starts_with("npm warn");
    let said: Vec<_> = text.lines().filter(is_telling).take(8).collect();
    Err(format!("npm {}: {}: {}", arguments[0], output.status, said.join(" | ")).into())
}

fn hash_of_sources() -> Result<String> {
    let mut hasher = DefaultHasher::new();
    for source in SOURCES {
        hash(Path::new(source), &mut hasher)?;
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn hash(path: &Path, hasher: &mut DefaultHasher) -> io::Result<()> {
    path.hash(hasher);
    if path.is_dir() {
        return entries(path)?.iter().try_for_each(|entry| hash(entry, hasher));
    }
    fs::read(path)?.hash(hasher);
    Ok(())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        // The content alone: what is copied from a read-only tree shall not be read-only too.
        return fs::write(to, fs::read(from)?);
    }
    fs::create_dir(to)?;
    entries(from)?
        .iter()
        .try_for_each(|entry| copy(entry, &to.join(entry.file_name().unwrap_or(OsStr::new("")))))
}

fn entries(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries: Vec<_> =
        fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    entries.sort();
    Ok(entries)
}

fn replace_by_empty(directory: &Path) -> io::Result<()> {
    fs::remove_dir_all(directory).or_else(unless_missing)?;
    fs::create_dir(directory)
}

fn unless_missing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

#[expect(clippy::disallowed_methods, reason = "what cargo sets and a build's own switch")]
fn variable(name: &str) -> std::ffi::OsString {
    env::var_os(name).unwrap_or_default()
}
