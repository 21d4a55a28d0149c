use domain::clusters::{ClusterPlace, SearchResources, SearchWorkload, VectorSpec};
use serde::Serialize;

pub(super) fn workload() -> SearchWorkload {
    SearchWorkload {
        place: ClusterPlace {
            namespace: "slipway-acme--books-2".to_owned(),
            name: "books".to_owned(),
            cluster_id: "clu_0197c2a4b1e87d02a3c45e6f70819203".parse().expect("it is an id"),
        },
        replicas: 3,
        resources: SearchResources::default(),
        heap_mib: 1024,
        first_disk_size: "10Gi".to_owned(),
        vector: Some(VectorSpec { dimension: 768, expected_count: 1_000_000, index_limit: 10 }),
        source_url: Some("https://git.example/books.git".to_owned()),
        image: "elasticsearch:8.17.0".to_owned(),
    }
}

pub(super) fn shown(object: &impl Serialize) -> String {
    serde_json::to_string_pretty(object).expect("an object is plain data")
}
