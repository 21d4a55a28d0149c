use serde_json::{Value, json};

use super::{pod, service, workload};
use crate::{
    kinds::{
        CLAIM, DEPLOYMENT, ENDPOINT_SLICE, EVENT, INGRESS, JOB, Kind, NAMESPACE, NODE, POD, QUOTA,
        REPLICA_SET, SECRET, SERVICE, STATEFUL_SET,
    },
    object::default,
};

/// Puts the defaults where nothing is said, on every write.
pub(crate) fn fill(kind: &Kind, object: &mut Value) {
    if *kind == POD {
        pod::fill(&mut object["spec"]);
        pod::requests_from_limits(&mut object["spec"]);
        default(&mut object["spec"], "enableServiceLinks", json!(true));
    } else if *kind == DEPLOYMENT {
        workload::deployment(object);
    } else if *kind == REPLICA_SET {
        workload::replica_set(object);
    } else if *kind == STATEFUL_SET {
        workload::stateful_set(object);
    } else if *kind == JOB {
        workload::job(object);
    } else if *kind == SERVICE {
        service::fill(object);
    } else if *kind == SECRET {
        service::secret(object);
    } else if *kind == NAMESPACE {
        let name = object["metadata"]["name"].clone();
        object["metadata"]["labels"]["kubernetes.io/metadata.name"] = name;
    } else if *kind == CLAIM {
        default(&mut object["spec"], "volumeMode", json!("Filesystem"));
    } else if *kind == EVENT {
        for time in ["eventTime", "firstTimestamp", "lastTimestamp"] {
            default(object, time, Value::Null);
        }
        for name in ["reportingComponent", "reportingInstance"] {
            default(object, name, json!(""));
        }
    } else if *kind == ENDPOINT_SLICE {
        default(object, "endpoints", Value::Null);
        default(object, "ports", Value::Null);
    }
}

/// The status of an object that has just been made; a Node may bring its own.
pub(crate) fn initial_status(kind: &Kind, object: &mut Value) {
    let status = if *kind == POD {
        json!({"phase": "Pending", "qosClass": pod::quality_of_service(&object["spec"])})
    } else if *kind == NAMESPACE {
        json!({"phase": "Active"})
    } else if *kind == SERVICE || *kind == INGRESS {
        json!({"loadBalancer": {}})
    } else if *kind == CLAIM {
        json!({"phase": "Pending"})
    } else if *kind == REPLICA_SET {
        json!({"replicas": 0})
    } else if *kind == STATEFUL_SET {
        json!({"replicas": 0, "availableReplicas": 0})
    } else if *kind == DEPLOYMENT || *kind == JOB || *kind == QUOTA {
        json!({})
    } else if *kind == NODE {
        object["status"].clone()
    } else {
        return;
    };
    object["status"] = status;
}

/// Keeps what was settled when an object was made, where an update says nothing of it.
pub(crate) fn carry_over(kind: &Kind, old: &Value, wanted: &mut Value) {
    let fields: &[&str] = if *kind == SERVICE {
        &["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"]
    } else if *kind == NAMESPACE {
        &["finalizers"]
    } else if *kind == JOB {
        &["selector"]
    } else {
        return;
    };
    for field in fields {
        if !old["spec"][*field].is_null() {
            default(&mut wanted["spec"], field, old["spec"][*field].clone());
        }
    }
}
