use domain::clusters::{SearchWorkload, VectorSpec};
use http::{Request, header::CONTENT_TYPE};
use kube::Client;
use serde_json::{Value, json};

use crate::{limit::limited, manifest::search::HTTP};

/// About how many vectors one shard holds well.
const VECTORS_PER_SHARD: i64 = 10_000_000;
const MOST_SHARDS: i64 = 64;

/// Sets the template of indices and their limit, through the API server: no other way leads in.
/// Answers with why that did not succeed.
pub(crate) async fn configure(client: &Client, workload: &SearchWorkload) -> Option<String> {
    let vector = workload.vector.as_ref()?;
    let settings = [
        ("_index_template/vectors", template(vector, workload.replicas)),
        ("_cluster/settings", limits(vector, workload.replicas)),
    ];
    for (path, body) in settings {
        if let Err(error) = put(client, workload, path, &body).await {
            return Some(format!("the cluster does not take {path}: {error}"));
        }
    }
    None
}

async fn put(
    client: &Client,
    workload: &SearchWorkload,
    path: &str,
    body: &Value,
) -> kube::Result<()> {
    let place = &workload.place;
    let address = format!(
        "/api/v1/namespaces/{}/services/{}:{}/proxy/{path}",
        place.namespace, place.name, HTTP.1
    );
    let request = Request::put(address).header(CONTENT_TYPE, "application/json");
    let request = request.body(body.to_string().into_bytes()).map_err(kube::Error::HttpError)?;
    limited(client.request_text(request)).await.map(drop)
}

/// For every index: a field of vectors that can be searched, and shards for as many as expected.
fn template(vector: &VectorSpec, replicas: i32) -> Value {
    json!({
        "index_patterns": ["*"],
        "priority": 1,
        "template": {
            "settings": {
                "number_of_shards": shards(vector),
                "number_of_replicas": copies(replicas),
            },
            "mappings": { "properties": {
                "vector": {
                    "type": "dense_vector",
                    "dims": vector.dimension,
                    "index": true,
                    "similarity": "cosine",
                },
            } },
        },
    })
}

/// As many shards on each node as the indices need at most.
fn limits(vector: &VectorSpec, replicas: i32) -> Value {
    let all = i64::from(vector.index_limit) * shards(vector) * i64::from(copies(replicas) + 1);
    let nodes = i64::from(replicas);
    json!({ "persistent": { "cluster.max_shards_per_node": (all + nodes - 1) / nodes } })
}

fn shards(vector: &VectorSpec) -> i64 {
    ((vector.expected_count + VECTORS_PER_SHARD - 1) / VECTORS_PER_SHARD).clamp(1, MOST_SHARDS)
}

/// Another copy of each shard, where there is another node for it.
fn copies(replicas: i32) -> i32 {
    (replicas - 1).min(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_as_the_vectors_need_them() {
        let vector = VectorSpec { dimension: 768, expected_count: 25_000_000, index_limit: 10 };

        let template = &template(&vector, 3)["template"];

        assert_eq!(template["settings"], json!({ "number_of_shards": 3, "number_of_replicas": 1 }));
        assert_eq!(template["mappings"]["properties"]["vector"]["dims"], 768);
        assert_eq!(limits(&vector, 3)["persistent"]["cluster.max_shards_per_node"], 20);
        let alone = VectorSpec { expected_count: 0, ..vector };
        assert_eq!(limits(&alone, 1)["persistent"]["cluster.max_shards_per_node"], 10);
    }
}
