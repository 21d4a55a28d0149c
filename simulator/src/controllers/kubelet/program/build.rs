//! BuildKit's client, as far as its arguments, its progress and its metadata go. Nothing is built:
//! the digest is that of what the arguments say. The words `fail`, `missing` and `forever` in the
//! name of the Dockerfile or of the context do as they say.

use std::collections::BTreeMap;

use serde_json::json;
use sha2::{Digest, Sha256};

pub(super) struct Build {
    pub lines: Vec<String>,
    /// None for one that goes on and on.
    pub code: Option<i64>,
    /// A file and what it says of the image.
    pub metadata: Option<(String, String)>,
}

pub(super) fn is_builder(name: &str) -> bool {
    matches!(name, "buildctl" | "buildctl-daemonless.sh")
}

pub(super) fn run(arguments: &[&str]) -> Build {
    let Options { build, options, names, metadata } = Options::of(arguments);
    let failed = |lines, code| Build { lines, code, metadata: None };
    if !build {
        return failed(vec!["error: only `build` is simulated".to_owned()], Some(1));
    }
    let option = |name: &str| options.get(name).map_or("", String::as_str);
    let context = option("context");
    let file = options.get("filename").map_or("Dockerfile", String::as_str);
    let mut lines = vec![
        format!("#1 [internal] load git source {context}"),
        "#1 DONE 0.4s".to_owned(),
        format!("#2 [internal] load build definition from {file}"),
    ];
    if has_word(context, "missing") {
        lines.truncate(1);
        let why = format!("failed to fetch remote {context}: repository not found");
        return failed(solve_failed(lines, 1, &why), Some(1));
    }
    if has_word(file, "missing") {
        let why = format!("failed to read dockerfile: open {file}: no such file or directory");
        return failed(solve_failed(lines, 2, &why), Some(1));
    }
    lines.push("#2 DONE 0.1s".to_owned());
    lines.push("#3 [1/3] FROM docker.io/library/debian:stable-slim".to_owned());
    lines.push("#3 DONE 0.2s".to_owned());
    lines.push("#4 [2/3] COPY . /src".to_owned());
    lines.push("#4 DONE 0.1s".to_owned());
    lines.push("#5 [3/3] RUN make".to_owned());
    if has_word(file, "fail") || has_word(context, "fail") {
        let why = "process \"/bin/sh -c make\" did not complete successfully: exit code: 2";
        return failed(solve_failed(lines, 5, why), Some(1));
    }
    if has_word(file, "forever") || has_word(context, "forever") {
        return failed(lines, None);
    }
    lines.push("#5 DONE 1.2s".to_owned());
    let digest = digest(&options);
    lines.extend(exported(&names, &digest));
    let description = json!({
        "containerimage.config.digest": format!("sha256:{}", hex(&format!("config {digest}"))),
        "containerimage.digest": digest,
        "image.name": names,
    });
    let metadata = metadata.map(|file| (file, format!("{description:#}\n")));
    Build { lines, code: Some(0), metadata }
}

#[derive(Default)]
struct Options {
    build: bool,
    options: BTreeMap<String, String>,
    /// Of the image, divided by commas.
    names: String,
    metadata: Option<String>,
}

impl Options {
    fn of(arguments: &[&str]) -> Self {
        let mut found = Self::default();
        let mut rest = arguments.iter().copied();
        while let Some(argument) = rest.next() {
            let (flag, value) = match argument.split_once('=') {
                Some((flag, value)) if flag.starts_with("--") => (flag, value),
                _ if argument.starts_with("--") => (argument, rest.next().unwrap_or_default()),
                _ => (argument, ""),
            };
            match flag {
                "build" => found.build = true,
                "--opt" => {
                    if let Some((name, value)) = value.split_once('=') {
                        found.options.insert(name.to_owned(), value.to_owned());
                    }
                }
                "--output" => found.names = names(value),
                "--metadata-file" => found.metadata = Some(value.to_owned()),
                _ => {}
            }
        }
        found
    }
}

/// The names in an exporter's attributes, which are a line of CSV.
fn names(output: &str) -> String {
    let quoted = output.split_once("\"name=").and_then(|(_, rest)| rest.split_once('"'));
    let plain = || output.split(',').find_map(|part| part.strip_prefix("name="));
    quoted.map(|(names, _)| names).or_else(plain).unwrap_or_default().to_owned()
}

fn solve_failed(mut lines: Vec<String>, step: u8, why: &str) -> Vec<String> {
    lines.push(format!("#{step} ERROR: {why}"));
    lines.push(format!("error: failed to solve: {why}"));
    lines
}

fn exported(names: &str, digest: &str) -> Vec<String> {
    let mut lines = vec![
        "#6 exporting to image".to_owned(),
        "#6 exporting layers 0.3s done".to_owned(),
        format!("#6 exporting manifest {digest} done"),
    ];
    for name in names.split(',').filter(|name| !name.is_empty()) {
        lines.push(format!("#6 pushing manifest for {name}@{digest} done"));
    }
    lines.push("#6 DONE 0.8s".to_owned());
    lines
}

fn digest(options: &BTreeMap<String, String>) -> String {
    let said: String = options.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    format!("sha256:{}", hex(&said))
}

fn hex(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| part == word)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const GIT: &str = "https://git.example/shop.git#c0ffee";

    fn build(context: &str, file: &str, more: &[&str]) -> Build {
        let context = format!("context={context}");
        let file = format!("filename={file}");
        let mut arguments = vec!["build", "--frontend", "dockerfile.v0", "--opt", &context];
        arguments.extend(["--opt", &file]);
        arguments.extend(more);
        run(&arguments)
    }

    #[test]
    fn the_digest_depends_on_what_is_built_alone() {
        let digest = |context, file, output| {
            let more = ["--metadata-file", "/tmp/m.json", "--output", output];
            let (_, metadata) = build(context, file, &more).metadata.unwrap();
            let metadata: Value = serde_json::from_str(&metadata).unwrap();
            (metadata["containerimage.digest"].clone(), metadata["image.name"].clone())
        };

        let first = digest(GIT, "Dockerfile", r#"type=image,"name=r/shop:1,r/shop:c0",push=true"#);
        let again = digest(GIT, "Dockerfile", "type=image,name=r/other:1,push=true");
        let other = digest(GIT, "Dockerfile.two", "type=image,name=r/shop:1");

        assert_eq!((first.1, &again.1), (json!("r/shop:1,r/shop:c0"), &json!("r/other:1")));
        assert_eq!(first.0, again.0);
        assert_ne!(first.0, other.0);
    }

    #[test]
    fn words_decide_how_it_fails() {
        let last = |context, file| {
            let build = build(context, file, &[]);
            (build.lines.last().cloned().unwrap(), build.code)
        };

        assert_eq!(last(GIT, "Dockerfile"), ("#6 DONE 0.8s".to_owned(), Some(0)));
        assert_eq!(last(GIT, "Dockerfile.forever").1, None);
        for (context, file, why) in [
            (GIT, "Dockerfile.fail", "exit code: 2"),
            (GIT, "missing/Dockerfile", "no such file or directory"),
            ("https://git.example/missing.git", "Dockerfile", "repository not found"),
        ] {
            let (line, code) = last(context, file);
            assert!(line.starts_with("error: failed to solve: ") && line.ends_with(why), "{line}");
            assert_eq!(code, Some(1));
        }
    }
}
