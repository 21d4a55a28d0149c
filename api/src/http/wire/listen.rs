//! Taking connections. HTTP/1.1 alone is spoken: what a proxy in front of it speaks with its
//! clients is its own.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use futures::FutureExt;
use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use ipnet::IpNet;
use socket2::SockRef;
use tokio::{
    net::{TcpListener, TcpStream},
    select,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{places::Places, stream::Stream};
use crate::{
    http::{Routes, address::is_proxy, limits::Limits},
    metrics::Metrics,
};

/// How long nothing is accepted when the process has no file descriptor left.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a connection that has never asked for anything may still do so when the server stops:
/// browsers open some in advance.
const LAST_CALL: Duration = Duration::from_secs(1);
/// What the kernel holds of an answer that is not read; by itself it would take up to 4 MiB.
const SEND_BUFFER_BYTES: usize = 128 * 1024;

/// What is behind the door, and who may come through.
pub struct Entrance {
    pub routes: Routes,
    pub limits: Limits,
    pub proxies: Vec<IpNet>,
    pub metrics: Arc<Metrics>,
    /// Holds every connection.
    pub tasks: TaskTracker,
    /// Cancelled when no more are taken, and those that are open end with their present request.
    pub stop: CancellationToken,
}

pub async fn listen(listener: TcpListener, entrance: Entrance) {
    let (entrance, places) = (Arc::new(entrance), Arc::new(Places::default()));
    loop {
        let accepted = select! {
            () = entrance.stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((tcp, peer)) => entrance.admit(&places, tcp, peer),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "nothing is accepted");
                sleep(PAUSE).await;
            }
        }
    }
    // Whom the kernel has let in already is not turned away.
    while let Some(Ok((tcp, peer))) = listener.accept().now_or_never() {
        entrance.admit(&places, tcp, peer);
    }
}

impl Entrance {
    fn admit(self: &Arc<Self>, places: &Arc<Places>, tcp: TcpStream, peer: SocketAddr) {
        let is_proxy = is_proxy(peer.ip(), &self.proxies);
        let place = match places.take(peer.ip(), is_proxy, &self.limits) {
            Ok(place) => place,
            Err(limit) => return self.metrics.traffic.refused(limit),
        };
        // Where either cannot be set, the connection works without.
        let _ = tcp.set_nodelay(true);
        let _ = SockRef::from(&tcp).set_send_buffer_size(SEND_BUFFER_BYTES);
        let presence = self.metrics.traffic.connection();
        let stream = Stream::new(tcp, self.limits.stall_time, place, presence);
        let entrance = Arc::clone(self);
        self.tasks.spawn(async move { entrance.serve(stream, peer).await });
    }

    async fn serve(&self, stream: Stream, peer: SocketAddr) {
        let has_asked = AtomicBool::new(false);
        let service = service_fn(|request: Request<Incoming>| {
            has_asked.store(true, Relaxed);
            self.routes.answer(peer, request).map(Ok::<_, Infallible>)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.header_time)
            .max_header_size(self.limits.header_bytes)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let mut connection = pin!(connection);
        // A connection that breaks has told its client all it could.
        select! {
            _ = connection.as_mut() => {}
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                let ended = timeout(LAST_CALL, connection.as_mut()).await;
                if ended.is_err() && has_asked.load(Relaxed) {
                    let _ = connection.await;
                }
            }
        }
    }
}
