use bytes::Bytes;
use domain::{
    delivery::{Probe, ProbeAnswer},
    error::{Error, Result},
};
use http::{Request, Uri};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use k8s_openapi::api::core::v1::Pod;
use kube::{Client, ResourceExt, client::Body, core::Status};
use serde_json::Value;

use super::{jobs::is_leaving, releases};
use crate::{error, reason};

/// No answer of the API server's own is longer.
const LONGEST: usize = 16 * 1024;

/// One request to one pod, not repeated whatever comes of it. `client` is one that does not try
/// again by itself.
pub(super) async fn ask(client: &Client, calls: &Client, probe: &Probe) -> Result<ProbeAnswer> {
    check(&probe.path)?;
    let pods = releases::pods(calls, &probe.place, probe.slot).await?;
    let Some(pod) = pods.iter().find(|pod| is_ready(pod)) else {
        return Ok(ProbeAnswer::Silent("no pod is ready".to_owned()));
    };
    let request = Request::get(address(probe, pod)?).body(Body::empty());
    let request = request.map_err(Error::internal_from)?;
    let limit = probe.timeout.unsigned_abs();
    match tokio::time::timeout(limit, answer(client, request)).await {
        Ok(answer) => answer,
        Err(_) => Ok(ProbeAnswer::Silent(format!("no answer within {:#}", probe.timeout))),
    }
}

/// A path that leads out of the pod would be the API server's.
fn check(path: &str) -> Result<()> {
    if !Probe::stays_inside(path) {
        return Err(Error::invalid("path", "must begin with `/` and have no part `.` or `..`"));
    }
    Ok(())
}

fn address(probe: &Probe, pod: &Pod) -> Result<Uri> {
    let Probe { place, port, path, .. } = probe;
    let (namespace, pod) = (&place.namespace, pod.name_any());
    let address = format!("/api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy{path}");
    address.parse().map_err(|_| Error::invalid("path", "is not a path of an address"))
}

/// The application's answer; what the API server itself has to say is a `Status`.
async fn answer(client: &Client, request: Request<Body>) -> Result<ProbeAnswer> {
    let answer = client.send(request).await.map_err(error::cluster)?;
    let code = answer.status();
    let body = match Limited::new(answer.into_body(), LONGEST).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => Bytes::new(),
        Err(error) => return Ok(ProbeAnswer::Silent(format!("the answer broke off: {error}"))),
    };
    match of_the_server(&body).filter(|_| !code.is_success()) {
        Some(status) => told(status),
        None => Ok(ProbeAnswer::Status(code.as_u16())),
    }
}

fn of_the_server(body: &[u8]) -> Option<Status> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let is_status = body["kind"] == "Status" && body["apiVersion"] == "v1";
    serde_json::from_value(body).ok().filter(|_| is_status)
}

fn told(status: Status) -> Result<ProbeAnswer> {
    match status.code {
        401 | 403 | 429 => Err(error::cluster(kube::Error::Api(status.boxed()))),
        _ => Ok(ProbeAnswer::Silent(status.message)),
    }
}

fn is_ready(pod: &Pod) -> bool {
    let status = pod.status.as_ref();
    let ready = status.and_then(|status| reason::condition(status, "Ready"));
    !is_leaving(pod) && ready.is_some_and(|ready| ready.status == "True")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_nowhere_else() {
        for path in ["/", "/healthz?deep=1", "/a..b/c.d", "/a?x=/../y"] {
            assert!(check(path).is_ok(), "{path}");
        }
        for path in ["", "healthz", "/../secrets", "/a/./b", "/%2E%2e/x", "/a/..%2fb", "/a\\..\\b"]
        {
            assert!(check(path).is_err(), "{path}");
        }
    }
}
