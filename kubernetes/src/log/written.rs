use domain::runtime::LogPosition;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, api::LogParams};

use super::lines::Lines;
use crate::{error, limit::limited};

/// What a pod's container has written so far, from about `after` on; `None` where there is none to
/// be had. It is to be read by a client for streams, for it may be long.
pub(crate) async fn written(
    pods: &Api<Pod>,
    pod: &str,
    after: Option<LogPosition>,
) -> kube::Result<Option<Lines>> {
    let params = LogParams { timestamps: true, since_time: since(after), ..LogParams::default() };
    match limited(pods.log_stream(pod, &params)).await {
        Err(error) if error::is_absent(&error) || error::has_no_log(&error) => Ok(None),
        log => log.map(|log| Some(Lines::of(log))),
    }
}

/// Whole seconds are asked for, and a fraction would be rounded up.
pub(super) fn since(after: Option<LogPosition>) -> Option<Timestamp> {
    after.and_then(|after| Timestamp::from_second(after.at.as_second()).ok())
}
