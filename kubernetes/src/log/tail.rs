use domain::runtime::PodName;
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, Client, api::LogParams};

use crate::{error, limit::limited};

/// The longest piece that is read at once.
const LONGEST: i64 = 64 * 1024;

/// The last lines, of the container before if `previous`; `None` where there are none to be had.
pub(crate) async fn tail(
    client: &Client,
    pod: &PodName,
    lines: i64,
    previous: bool,
) -> kube::Result<Option<String>> {
    let params = LogParams {
        previous,
        tail_lines: Some(lines),
        limit_bytes: Some(LONGEST),
        ..LogParams::default()
    };
    let pods = Api::<Pod>::namespaced(client.clone(), &pod.namespace);
    match limited(pods.logs(&pod.name, &params)).await {
        Err(error) if error::is_absent(&error) || error::has_no_log(&error) => Ok(None),
        text => text.map(Some),
    }
}
