use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{Error, Result, events::Bus};
use futures::{StreamExt, stream::BoxStream};
use redis::{AsyncCommands, Client, RedisResult};
use tokio::{
    sync::Notify,
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::LocalBus;

/// Where wake-ups are published; a message holds nothing.
const CHANNEL: &str = "slipway.wake";
/// How long a lost connection is left before it is tried again.
const PAUSE: Duration = Duration::from_secs(1);
/// How long Redis may take for a command.
const PATIENCE: Duration = Duration::from_secs(2);

/// Wakes whoever listens in any process. Redis is spoken to in the background: nobody waits for
/// it, and while it is away processes wake themselves only.
pub struct RedisBus {
    local: Arc<LocalBus>,
    outgoing: Arc<Notify>,
    loops: [JoinHandle<()>; 2],
}

impl RedisBus {
    /// The address is checked here; the connection is made, and made again, by itself.
    pub fn new(url: &str) -> Result<Self> {
        let client = Client::open(url)
            .map_err(|error| Error::invalid("redis url", format!("cannot be used: {error}")))?;
        let (local, outgoing) = (Arc::new(LocalBus::new()), Arc::new(Notify::new()));
        let loops = [
            tokio::spawn(publish(client.clone(), outgoing.clone())),
            tokio::spawn(subscribe(client, local.clone())),
        ];
        Ok(Self { local, outgoing, loops })
    }

    /// Whether the Redis of an address answers.
    pub async fn answers(url: &str) -> Result<()> {
        let unavailable = |error| Error::unavailable("Redis", error);
        let client = Client::open(url).map_err(unavailable)?;
        let mut connection =
            client.get_multiplexed_async_connection().await.map_err(unavailable)?;
        connection.ping::<()>().await.map_err(unavailable)
    }
}

impl Drop for RedisBus {
    fn drop(&mut self) {
        self.loops.iter().for_each(JoinHandle::abort);
    }
}

#[async_trait]
impl Bus for RedisBus {
    async fn wake(&self) {
        self.local.wake().await;
        self.outgoing.notify_one();
    }

    fn listen(&self) -> BoxStream<'static, ()> {
        self.local.listen()
    }
}

/// Sends one message for all wake-ups since the last.
async fn publish(client: Client, outgoing: Arc<Notify>) {
    loop {
        let Ok(Ok(mut connection)) =
            timeout(PATIENCE, client.get_multiplexed_async_connection()).await
        else {
            sleep(PAUSE).await;
            continue;
        };
        loop {
            outgoing.notified().await;
            let sent = timeout(PATIENCE, connection.publish::<_, _, i64>(CHANNEL, "")).await;
            if !matches!(sent, Ok(Ok(_))) {
                break;
            }
        }
    }
}

async fn subscribe(client: Client, local: Arc<LocalBus>) {
    loop {
        if let Err(error) = follow(&client, &local).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "redis does not answer");
        }
        sleep(PAUSE).await;
    }
}

async fn follow(client: &Client, local: &LocalBus) -> RedisResult<()> {
    let mut connection = client.get_async_pubsub().await?;
    connection.subscribe(CHANNEL).await?;
    // What was published before the subscription may have been missed.
    local.wake().await;
    let mut messages = connection.on_message();
    while messages.next().await.is_some() {
        local.wake().await;
    }
    Ok(())
}
