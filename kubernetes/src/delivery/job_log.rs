use std::time::Duration;

use domain::{
    delivery::JobName,
    runtime::{LogPosition, PodLogLine},
};
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, Client, ResourceExt};

use crate::{
    find::list,
    log::{self, Lines},
};

/// How much is read at once, in bytes.
const ENOUGH: usize = 64 * 1024;
/// What a node does not deliver in time is asked for again.
const PATIENCE: Duration = Duration::from_secs(5);

/// The next lines of a Job's pods, the oldest pod first.
pub(super) async fn read(
    client: &Client,
    streams: &Client,
    name: &JobName,
    after: Option<LogPosition>,
) -> kube::Result<Vec<PodLogLine>> {
    let JobName { namespace, name } = name;
    let selector = format!("batch.kubernetes.io/job-name={name}");
    let mut pods = list::<Pod>(client, namespace, &selector).await?;
    pods.sort_by_key(ResourceExt::creation_timestamp);
    let api = Api::namespaced(streams.clone(), namespace);
    let mut page = Page { after, lines: Vec::new(), room: ENOUGH };
    for pod in pods {
        let Some(lines) = log::written(&api, &pod.name_any(), after).await? else { continue };
        let in_time = tokio::time::timeout(PATIENCE, page.fill(lines)).await.is_ok();
        if !in_time || page.room == 0 {
            break;
        }
    }
    Ok(page.lines)
}

struct Page {
    after: Option<LogPosition>,
    lines: Vec<PodLogLine>,
    room: usize,
}

impl Page {
    /// A connection that breaks is an end like any other: what it kept back is asked for again.
    async fn fill(&mut self, mut log: Lines) {
        while self.room > 0 {
            let Ok(Some(line)) = log.next().await else { break };
            if self.after.is_none_or(|after| line.position > after) {
                self.room = self.room.saturating_sub(line.text.len() + 1);
                self.lines.push(line);
            }
        }
    }
}
