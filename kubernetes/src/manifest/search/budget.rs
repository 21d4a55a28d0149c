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
