//! A log that goes on as long as its container.

use std::{collections::VecDeque, convert::Infallible, time::Duration};

use axum::body::Bytes;
use futures::{Stream, stream};
use jiff::Timestamp;
use tokio::sync::watch::Receiver;

use super::logs::Options;
use crate::{cluster::Cluster, state::State};

/// How often a container on the system's clock is asked for new lines.
const PERIOD: Duration = Duration::from_secs(1);

pub(super) struct Follow {
    pub cluster: Cluster,
    pub uid: String,
    pub container: String,
    pub options: Options,
    /// The moment of the last line told, and how many lines of that moment are told.
    pub position: Option<(Timestamp, usize)>,
    pub texts: VecDeque<String>,
    pub ended: bool,
    pub pulse: Receiver<u64>,
}

impl Follow {
    pub fn into_lines(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        stream::unfold(self, |mut follow| async move {
            let text = follow.next_text().await?;
            Some((Ok(Bytes::from(text)), follow))
        })
    }

    async fn next_text(&mut self) -> Option<String> {
        loop {
            if let Some(text) = self.texts.pop_front() {
                return Some(text);
            }
            if self.ended {
                return None;
            }
            self.pulse.borrow_and_update();
            let cluster = self.cluster.clone();
            cluster.with_state(|state| self.catch_up(state));
            if self.texts.is_empty() && !self.ended {
                self.wait().await;
            }
        }
    }

    async fn wait(&mut self) {
        if self.cluster.clock().is_system() {
            tokio::select! {
                () = tokio::time::sleep(PERIOD) => {}
                _ = self.pulse.changed() => {}
            }
        } else if self.pulse.changed().await.is_err() {
            self.ended = true;
        }
    }

    /// Takes up the lines that have come since.
    pub fn catch_up(&mut self, state: &State) {
        let run = state.runs.get(&self.uid);
        let Some(run) = run.and_then(|run| run.container(&self.container)) else {
            self.ended = true;
            return;
        };
        self.ended = !run.is_running();
        let mut lines = run.log(state.now, false).unwrap_or_default();
        if let Some((last, told)) = self.position {
            lines.retain(|(at, _)| *at >= last);
            let repeated = lines.iter().take_while(|(at, _)| *at == last).count();
            lines.drain(..told.min(repeated));
        }
        let Some((last, _)) = lines.last() else {
            return;
        };
        let last = *last;
        let of_last = lines.iter().filter(|(at, _)| *at == last).count();
        let before = self.position.filter(|(at, _)| *at == last);
        self.position = Some((last, of_last + before.map_or(0, |(_, told)| told)));
        let text = self.options.print(lines);
        // Only the first lines are chosen by their number and age.
        self.options.tail = None;
        self.options.since = None;
        if !text.is_empty() {
            self.texts.push_back(text);
        }
    }
}
