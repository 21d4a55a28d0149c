use domain::clusters::SearchWorkload;
use k8s_openapi::{
    api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec},
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};

use super::meta::meta;
use crate::labels;

/// Nodes are drained one replica at a time.
pub(crate) fn budget(workload: &SearchWorkload) -> PodDisruptionBudget {
    let place = &workload.place;
    PodDisruptionBudget {
        metadata: meta(place, place.name.clone()),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(1)),
            selector: Some(LabelSelector {
                match_labels: Some(labels::own_of_cluster(place)),
                ..LabelSelector::default()
            }),
            ..PodDisruptionBudgetSpec::default()
        }),
        ..PodDisruptionBudget::default()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::sample, *};

    #[test]
    fn one_replica_may_be_away() {
        insta::assert_snapshot!(sample::shown(&budget(&sample::workload())), @r#"
        {
          "apiVersion": "policy/v1",
          "kind": "PodDisruptionBudget",
          "metadata": {
            "labels": {
              "app.kubernetes.io/managed-by": "slipway",
              "app.kubernetes.io/name": "books",
              "slipway.io/cluster": "clu_0197c2a4b1e87d02a3c45e6f70819203"
            },
            "name": "books",
            "namespace": "slipway-acme--books-2"
          },
          "spec": {
            "maxUnavailable": 1,
            "selector": {
              "matchLabels": {
                "slipway.io/cluster": "clu_0197c2a4b1e87d02a3c45e6f70819203"
              }
            }
          }
        }
        "#);
    }
}
