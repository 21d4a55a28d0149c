use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Result;
use futures::future::try_join_all;

use crate::http::Http;

/// How many connections ask at the same time.
pub const CONNECTIONS: usize = 64;

/// The next request of a connection.
pub type Requests = Arc<dyn Fn(usize) -> Vec<u8> + Send + Sync>;

/// How long each request took, the shortest first.
pub struct Latencies(Vec<Duration>);

/// Asks over all connections, one request of each at a time, for so long.
pub async fn run(address: SocketAddr, requests: &Requests, time: Duration) -> Result<Latencies> {
    let end = Instant::now() + time;
    let each = (0..CONNECTIONS).map(|connection| {
        let requests = requests.clone();
        async move {
            let mut http = Http::open(address).await?;
            let mut took = Vec::new();
            while Instant::now() < end {
                let request = requests(connection);
                let begun = Instant::now();
                http.send(&request).await?;
                took.push(begun.elapsed());
            }
            anyhow::Ok(took)
        }
    });
    let mut all = try_join_all(each).await?.concat();
    all.sort_unstable();
    Ok(Latencies(all))
}

impl Latencies {
    pub fn of(mut all: Vec<Duration>) -> Self {
        all.sort_unstable();
        Self(all)
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// In milliseconds.
    pub fn percentile(&self, percent: usize) -> f64 {
        let at = (self.0.len() * percent / 100).min(self.0.len().saturating_sub(1));
        self.0.get(at).map_or(0.0, |took| took.as_secs_f64() * 1_000.0)
    }
}
