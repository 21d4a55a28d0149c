use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{Findings, Verdict};
use crate::proof::{
    buyer::{Buyer, Purchase},
    cluster::FaultyCluster,
};

const KINDS: [(&str, &str); 4] = [
    ("Deployment", "/apis/apps/v1/deployments"),
    ("Service", "/api/v1/services"),
    ("Ingress", "/apis/networking.k8s.io/v1/ingresses"),
    ("Pod", "/api/v1/pods"),
];

/// Judges by what stands in the cluster.
pub async fn judge(cluster: &FaultyCluster, buyers: &[Buyer], findings: &mut Findings) {
    let all = || buyers.iter().flat_map(|buyer| &buyer.purchases);
    let living: HashSet<&str> = all()
        .filter(|purchase| !purchase.deleted)
        .map(|purchase| purchase.instance.as_str())
        .collect();
    for (kind, path) in KINDS {
        let mut standing: HashMap<String, Vec<Value>> = HashMap::new();
        for object in cluster.list(path).await {
            let instance = object["metadata"]["labels"]["slipway.io/instance"].as_str();
            let instance = instance.unwrap_or_default().to_owned();
            if !living.contains(instance.as_str()) {
                let name = &object["metadata"]["name"];
                findings.add(Verdict::Orphan, format!("{kind} {name} of {instance:?}"));
            }
            standing.entry(instance).or_default().push(object);
        }
        for purchase in all().filter(|purchase| !purchase.deleted) {
            let found = standing.get(&purchase.instance).map_or(&[][..], Vec::as_slice);
            match found {
                [] => findings.add(Verdict::MissingObject, format!("{kind} {}", purchase.name)),
                [one] if kind == "Deployment" => judge_deployment(purchase, one, findings),
                [_] => {}
                more => {
                    let what = format!("{} of kind {kind} for {}", more.len(), purchase.name);
                    findings.add(Verdict::DuplicateObject, what);
                }
            }
        }
    }
}

/// Its generation counts how often it was changed.
fn judge_deployment(purchase: &Purchase, deployment: &Value, findings: &mut Findings) {
    let image = &deployment["spec"]["template"]["spec"]["containers"][0]["image"];
    if image != purchase.image.as_str() {
        let what = format!("{} runs {image}, not {}", purchase.name, purchase.image);
        findings.add(Verdict::StaleWrite, what);
    }
    let generation = deployment["metadata"]["generation"].as_u64().unwrap();
    if generation > 1 + purchase.updates {
        let wanted = 1 + purchase.updates;
        let what = format!("{}: changed {generation} times instead of {wanted}", purchase.name);
        findings.add(Verdict::ExecutedTwice, what);
    }
}
