use domain::{
    commerce::ComputeSpec,
    runtime::{Place, Workload},
};
use serde_json::json;

pub(super) const INSTANCE: &str = "inst_0197c2a4b1e87d02a3c45e6f70819203";

pub(super) fn workload() -> Workload {
    Workload {
        place: Place {
            namespace: "slipway-acme--instances".to_owned(),
            name: "web".to_owned(),
            instance_id: INSTANCE.parse().expect("it is an id"),
        },
        spec: ComputeSpec {
            cpu_millis: 250,
            memory_mib: 256,
            gpu: None,
            image: "registry.example/web:1.0".to_owned(),
            config: json!({ "port": 3000 }),
        },
        replicas: 1,
        restart_token: None,
        secret: None,
        host: "web-7.slipway.localhost".to_owned(),
    }
}
