//! `slipway serve`: everything in one process.

use std::{io::Write, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use async_graphql::ValidationMode;
use domain::{
    ControlPlane,
    commerce::{ComputeSpec, NewProduct},
    identity::Registration,
};
use serde_json::json;
use tokio::{net::TcpListener, signal::unix::SignalKind, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    auth::Gatekeeper,
    compose,
    config::{Config, Door, KubernetesMode},
    graphql::{self, LogTail},
    http::{self, Entrance, FrontDoor, Routes},
    import,
    keys::{TokenKeys, random_text},
    logs,
    metrics::Metrics,
    work,
};

/// How long a stopping server waits for what is under way.
const DRAIN: Duration = Duration::from_secs(20);

/// A control plane with its graph, and what runs beside it.
pub struct Server {
    pub routes: Routes,
    settings: Door,
    pub metrics: Arc<Metrics>,
    pub tail: Arc<LogTail>,
    /// Everything under way that a stop should wait for.
    pub tasks: TaskTracker,
    /// Cancelled when the server is about to stop: it says that it is not ready and takes no more
    /// work, and still answers.
    pub leaving: CancellationToken,
    /// Cancelled to stop.
    pub stop: CancellationToken,
}

impl Server {
    /// Builds the graph and begins to follow the log.
    pub async fn new(
        control_plane: &Arc<ControlPlane>,
        keys: &TokenKeys,
        settings: Door,
    ) -> anyhow::Result<Self> {
        Self::answering(http::routes, control_plane, keys, settings).await
    }

    async fn answering(
        routes: fn(FrontDoor) -> anyhow::Result<Routes>,
        control_plane: &Arc<ControlPlane>,
        keys: &TokenKeys,
        settings: Door,
    ) -> anyhow::Result<Self> {
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let leaving = stop.child_token();
        let metrics = Arc::new(Metrics::new());
        let tail = LogTail::new(control_plane.clone(), metrics.events.clone()).await?;
        tasks.spawn(tail.clone().run(stop.clone()));
        let schema =
            |check| graphql::schema(control_plane.clone(), tail.clone(), keys.clone(), check);
        let routes = routes(FrontDoor {
            schema: schema(ValidationMode::Strict),
            unchecked: schema(ValidationMode::Fast),
            gatekeeper: Gatekeeper::new(control_plane.clone(), keys)?,
            control_plane: control_plane.clone(),
            tail: tail.clone(),
            metrics: metrics.clone(),
            settings: settings.clone(),
            leaving: leaving.clone(),
            shutdown: stop.clone(),
            tasks: tasks.clone(),
        })?;
        Ok(Self { routes, settings, metrics, tail, tasks, leaving, stop })
    }

    /// Answers until stopped, then lets what is under way end.
    pub async fn listen(self, listener: TcpListener) {
        http::listen(
            listener,
            Entrance {
                routes: self.routes,
                limits: self.settings.limits,
                proxies: self.settings.trusted_proxies,
                metrics: self.metrics,
                tasks: self.tasks.clone(),
                stop: self.stop,
            },
        )
        .await;
        self.tasks.close();
        if timeout(DRAIN, self.tasks.wait()).await.is_err() {
            tracing::warn!("stopped before everything under way had ended");
        }
    }
}

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Everything,
    /// Answers, and leaves tasks and the cluster to others.
    Answer,
    /// Runs tasks and follows the cluster; it answers only whoever watches over it.
    Work,
}

pub async fn run(config: Config, part: Part) -> anyhow::Result<()> {
    let traces = logs::begin(&config)?;
    // A connection is a file descriptor, and many systems begin with few.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    // One crypto backend for all connections; it may be there already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let keys = config.token_keys()?;
    let control_plane = compose::control_plane(&config, &keys.current).await?;
    let password = match part {
        Part::Work => None,
        Part::Everything | Part::Answer => prepare(&control_plane, &config).await?,
    };
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("listening on {}", config.listen))?;
    let routes = if part == Part::Work { http::probes } else { http::routes };
    let server = Server::answering(routes, &control_plane, &keys, config.door.clone()).await?;
    if part != Part::Answer {
        work::start(&control_plane, &server.metrics.worker, &server.tasks, &server.leaving);
    }
    greet(&config, part, listener.local_addr()?, password.as_deref());
    let (leaving, stop) = (server.leaving.clone(), server.stop.clone());
    tokio::spawn(stop_on_signal(leaving, stop, config.stop_delay.unsigned_abs()));
    server.listen(listener).await;
    traces.end().await;
    Ok(())
}

/// What somebody finds who comes first; answers with a password that was made up.
async fn prepare(
    control_plane: &Arc<ControlPlane>,
    config: &Config,
) -> anyhow::Result<Option<String>> {
    let password = first_admin(control_plane, config).await?;
    if let Some(file) = &config.dev.import {
        import::at_start(control_plane, config, file).await?;
    }
    if config.database_file().is_some() {
        control_plane.seed_products(samples()).await?;
    }
    Ok(password)
}

/// Makes the first administrator; answers with the password that was made up, to be shown once.
async fn first_admin(
    control_plane: &ControlPlane,
    config: &Config,
) -> anyhow::Result<Option<String>> {
    let given = config.admin_password.clone();
    let password = given.clone().map_or_else(random_text::<12>, Ok)?;
    let registration = Registration {
        email: config.admin_email.clone(),
        password: password.clone(),
        nickname: "Administrator".to_owned(),
    };
    let made = control_plane.ensure_admin(registration).await.context("the first administrator")?;
    Ok(made.filter(|_| given.is_none()).map(|_| password))
}

/// Whoever started the program may not be there to read it.
fn greet(config: &Config, part: Part, address: SocketAddr, password: Option<&str>) {
    let greeting = greeting(config, part, address, password);
    let _ = std::io::stdout().lock().write_all(greeting.as_bytes());
}

fn greeting(config: &Config, part: Part, address: SocketAddr, password: Option<&str>) -> String {
    let mut lines = vec![format!("Slipway listens on http://{address}/")];
    if let Some(password) = password {
        lines.push(format!("  administrator  {}", config.admin_email));
        lines.push(format!("  password       {password}   (shown only now)"));
    }
    if config.kubernetes == KubernetesMode::Simulated {
        let said = "  cluster        simulated: it lives in this process, and nothing real runs";
        lines.push(said.to_owned());
    }
    let last = match part {
        Part::Work => "  answers        /livez, /readyz and /metrics alone\n",
        _ => "  next           open the address, register, and buy something\n",
    };
    lines.push(last.to_owned());
    lines.join("\n")
}

/// Ctrl-C stops at once. SIGTERM leaves those in front of the server the time to see that it is
/// about to go.
async fn stop_on_signal(leaving: CancellationToken, stop: CancellationToken, delay: Duration) {
    let terminated = async {
        match tokio::signal::unix::signal(SignalKind::terminate()) {
            Ok(mut signal) => signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated => {
            leaving.cancel();
            let _ = timeout(delay, tokio::signal::ctrl_c()).await;
        }
    }
    stop.cancel();
}

/// What an empty embedded store offers, so that there is something to buy.
fn samples() -> Vec<NewProduct> {
    let sample = |name: &str, description: &str, cpu_millis, memory_mib, price| NewProduct {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        spec: ComputeSpec {
            cpu_millis,
            memory_mib,
            gpu: None,
            image: "slipway/hello:1".to_owned(),
            config: json!({ "port": 8080 }),
        },
        price,
    };
    vec![
        sample("Small", "A quarter of a core and 256 MiB: enough for a small site.", 250, 256, 500),
        sample("Medium", "One core and 1 GiB: for an application with users.", 1000, 1024, 1900),
        sample("Large", "Two cores and 4 GiB: for work that never rests.", 2000, 4096, 5900),
    ]
}
