//! The invariants of ARCHITECTURE.md that can be read off the manifests.

use std::{collections::BTreeSet, fs};

const OURS: &[&str] = &["api", "console", "domain", "kubernetes", "persistence", "simulator"];

#[test]
fn domain_depends_on_no_input_or_output() {
    let allowed = [
        "async-trait",
        "csv",
        "futures",
        "jiff",
        "serde",
        "serde_json",
        "thiserror",
        "tracing",
        "uuid",
    ];

    let found = dependencies("domain");

    let stray: Vec<_> = found.iter().filter(|name| !allowed.contains(&name.as_str())).collect();
    assert!(stray.is_empty(), "{stray:?}");
}

#[test]
fn adapters_depend_on_the_domain_alone_and_all_others_on_nothing_of_ours() {
    for (name, expected) in [
        ("domain", &[][..]),
        ("console", &[]),
        ("simulator", &[]),
        ("persistence", &["domain"]),
        ("kubernetes", &["domain"]),
    ] {
        let found = dependencies(name);
        let ours: Vec<_> = found.iter().filter(|name| OURS.contains(&name.as_str())).collect();
        assert_eq!(ours, expected, "{name}");
    }
}

#[test]
fn cargo_run_finds_one_program() {
    let manifest = fs::read_to_string("../Cargo.toml").unwrap();
    let members = manifest.lines().find_map(|line| line.strip_prefix("default-members = "));
    let members: Vec<String> = serde_json::from_str(members.unwrap()).unwrap();

    let is_program = |name: &&String| fs::exists(format!("../{name}/src/main.rs")).unwrap();

    assert_eq!(members.iter().filter(is_program).collect::<Vec<_>>(), ["api"]);
}

/// The names under `[dependencies]` of a crate's manifest.
fn dependencies(name: &str) -> BTreeSet<String> {
    let manifest = fs::read_to_string(format!("../{name}/Cargo.toml")).unwrap();
    let (_, rest) = manifest.split_once("\n[dependencies]\n").unwrap();
    rest.lines()
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty() && !name.starts_with('#'))
        .map(str::to_owned)
        .collect()
}
