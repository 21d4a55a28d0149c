use std::path::{Path, PathBuf};

use serde_json::Value;
use simulator::Rule;

/// What kustomize builds.
pub fn deploy_base() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/base")
}

/// What the ClusterRole in `deploy/` grants.
pub fn granted_rules() -> Vec<Rule> {
    let text = std::fs::read_to_string(deploy_base().join("rights.yaml")).unwrap();
    let role: Value = serde_saphyr::from_str(text.split("\n---\n").next().unwrap()).unwrap();
    let rule = |rule: &Value| Rule {
        namespace: None,
        groups: texts(&rule["apiGroups"]),
        resources: texts(&rule["resources"]),
        verbs: texts(&rule["verbs"]),
    };
    role["rules"].as_array().unwrap().iter().map(rule).collect()
}

fn texts(list: &Value) -> Vec<String> {
    let text = |item: &Value| item.as_str().unwrap().to_owned();
    list.as_array().unwrap().iter().map(text).collect()
}
