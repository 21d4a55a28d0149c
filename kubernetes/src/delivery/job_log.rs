use std::time::Duration;

use domain::{
    delivery::{JobLog, JobName},
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
) -> kube::Result<JobLog> {
    let JobName { namespace, name } = name;
    let selector = format!("batch.kubernetes.io/job-name={name}");
    let mut pods = list::<Pod>(client, namespace, &selector).await?;
    pods.sort_by_key(ResourceExt::creation_timestamp);
    let api = Api::namespaced(streams.clone(), namespace);
    let mut piece =
        Piece { after, log: JobLog { is_whole: true, ..JobLog::default() }, room: ENOUGH };
    for pod in pods {
        let Some(lines) = log::written(&api, &pod.name_any(), after).await? else { continue };
        let read = tokio::time::timeout(PATIENCE, piece.fill(lines)).await;
        piece.log.is_whole = read.unwrap_or(false);
        if !piece.log.is_whole {
            break;
        }
    }
    Ok(piece.log)
}

struct Piece {
    after: Option<LogPosition>,
    log: JobLog,
    room: usize,
}

impl Piece {
    /// Answers whether it came to the log's end. Where the connection breaks, it did not.
    async fn fill(&mut self, mut log: Lines) -> bool {
        while self.room > 0 {
            match log.next().await {
                Ok(Some(line)) => self.put(line),
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
        false
    }

    fn put(&mut self, line: PodLogLine) {
        if self.after.is_none_or(|after| line.position > after) {
            self.room = self.room.saturating_sub(line.text.len() + 1);
            self.log.lines.push(line);
        }
    }
}
