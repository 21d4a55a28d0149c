use serde_json::Value;

use super::{content, metadata, network, pod, workload};
use crate::{
    kinds::{
        CONFIG_MAP, DEPLOYMENT, INGRESS, JOB, Kind, POD, REPLICA_SET, SECRET, SERVICE, STATEFUL_SET,
    },
    object::name,
    status_error::{Cause, Result, StatusError},
};

/// Checks a new object (`old` is null) or a changed one.
pub(in crate::write) fn object(kind: &Kind, old: &Value, new: &Value) -> Result<()> {
    let mut causes = Vec::new();
    metadata::check(kind, new, &mut causes);
    check_kind(kind, old, new, &mut causes);
    refuse(kind, new, &causes)
}

/// Checks a changed status.
pub(in crate::write) fn status(kind: &Kind, new: &Value) -> Result<()> {
    let mut causes = Vec::new();
    if *kind == DEPLOYMENT {
        workload::deployment_status(new, &mut causes);
    }
    refuse(kind, new, &causes)
}

fn refuse(kind: &Kind, new: &Value, causes: &[Cause]) -> Result<()> {
    if causes.is_empty() { Ok(()) } else { Err(StatusError::invalid(kind, name(new), causes)) }
}

fn check_kind(kind: &Kind, old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    if *kind == DEPLOYMENT || *kind == REPLICA_SET || *kind == STATEFUL_SET {
        workload::check(old, new, causes);
        if *kind == STATEFUL_SET {
            workload::stateful_set_changes(old, new, causes);
        } else if *kind == DEPLOYMENT {
            workload::deployment(new, causes);
        }
    } else if *kind == JOB {
        workload::job(old, new, causes);
    } else if *kind == POD {
        pod::check(&new["spec"], "spec", causes);
        pod::changes(old, new, causes);
    } else if *kind == SERVICE {
        network::service(old, new, causes);
    } else if *kind == INGRESS {
        network::ingress(new, causes);
    } else if *kind == CONFIG_MAP || *kind == SECRET {
        content::check(kind, old, new, causes);
    }
}
