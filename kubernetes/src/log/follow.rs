use std::time::Duration;

use domain::runtime::{LogPosition, PodLogLine, PodName};
use futures::stream::{self, BoxStream, StreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, Client, api::LogParams};
use tower::retry::backoff::{Backoff, ExponentialBackoff};

use super::{lines::Lines, written::since};
use crate::{error, limit::limited, retry::pauses};

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// All lines behind a position, and those to come, until the pod is gone.
pub(crate) fn follow(
    client: &Client,
    pod: PodName,
    after: Option<LogPosition>,
) -> BoxStream<'static, kube::Result<PodLogLine>> {
    let follower = Follower {
        pods: Api::namespaced(client.clone(), &pod.namespace),
        pod: pod.name,
        after,
        open: None,
        tried: false,
        gone: false,
        pauses: pauses(FIRST_PAUSE, LONGEST_PAUSE),
    };
    stream::unfold(Some(follower), |follower| async {
        let mut follower = follower?;
        match follower.next().await {
            Ok(line) => line.map(|line| (Ok(line), Some(follower))),
            Err(error) => Some((Err(error), None)),
        }
    })
    .boxed()
}

/// Whose log it is: a container that is started again begins a new one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Container {
    Former,
    Present,
}

struct Follower {
    pods: Api<Pod>,
    pod: String,
    /// The last line that was told.
    after: Option<LogPosition>,
    open: Option<(Container, Lines)>,
    /// Whether there has been an attempt to open a log since the pause before.
    tried: bool,
    gone: bool,
    pauses: ExponentialBackoff,
}

impl Follower {
    /// The next line that has not been told; `None` once the pod is gone.
    async fn next(&mut self) -> kube::Result<Option<PodLogLine>> {
        loop {
            if self.gone {
                return Ok(None);
            }
            let Some((container, lines)) = &mut self.open else {
                self.begin().await?;
                continue;
            };
            // A broken connection is an end like any other: what it kept back is asked for again.
            match lines.next().await.ok().flatten() {
                Some(line) if self.after.is_some_and(|after| line.position <= after) => {}
                Some(line) => {
                    self.after = Some(line.position);
                    self.pauses = pauses(FIRST_PAUSE, LONGEST_PAUSE);
                    return Ok(Some(line));
                }
                None if *container == Container::Former => {
                    self.open = self.opened(Container::Present).await?;
                }
                None => self.open = None,
            }
        }
    }

    /// Opens what may hold something new, if there is anything.
    async fn begin(&mut self) -> kube::Result<()> {
        if std::mem::replace(&mut self.tried, true) {
            self.pauses.next_backoff().await;
        }
        if self.after.is_some() {
            // The container may have been started again since, with lines that nobody has read.
            self.open = self.opened(Container::Former).await?;
        }
        if self.open.is_none() && !self.gone {
            self.open = self.opened(Container::Present).await?;
        }
        Ok(())
    }

    /// `None` where there is no such log now.
    async fn opened(&mut self, container: Container) -> kube::Result<Option<(Container, Lines)>> {
        let params = LogParams {
            follow: container == Container::Present,
            previous: container == Container::Former,
            timestamps: true,
            since_time: since(self.after),
            ..LogParams::default()
        };
        match limited(self.pods.log_stream(&self.pod, &params)).await {
            Ok(log) => Ok(Some((container, Lines::of(log)))),
            Err(error) if error::has_no_log(&error) => Ok(None),
            Err(error) if error::is_absent(&error) => {
                self.gone = true;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}
