use std::{future::Future, time::Duration};

use async_trait::async_trait;
use domain::{
    Error, Result,
    instances::{Message, Mirror, Snapshot},
};
use redis::{Client, RedisError, RedisResult, aio::MultiplexedConnection, cmd};
use tokio::{sync::Mutex, time::timeout};

const STREAM: &str = "instance.events";
/// About how many messages the stream keeps.
const MESSAGES: usize = 100_000;
/// How long Redis may take for a command.
const PATIENCE: Duration = Duration::from_secs(2);

/// Keeps a hash as of a position, unless it is kept as of a later one. The positions stand in a
/// hash of their own, by the instance's number.
const KEEP: &str = "
    local kept = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '-1')
    if kept > tonumber(ARGV[2]) then return 0 end
    redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
    redis.call('DEL', KEYS[1])
    if #ARGV > 2 then redis.call('HSET', KEYS[1], unpack(ARGV, 3)) end
    return 1";
const POSITIONS: &str = "instance:k8s:positions";

/// The stream `instance.events`, whose ids are positions, and a hash `instance:k8s:NUMBER` each.
pub struct RedisMirror {
    client: Client,
    connection: Mutex<Option<MultiplexedConnection>>,
}

impl RedisMirror {
    /// The address is checked here; the connection is made when it is needed.
    pub fn new(url: &str) -> Result<Self> {
        let client = Client::open(url)
            .map_err(|error| Error::invalid("redis url", format!("cannot be used: {error}")))?;
        Ok(Self { client, connection: Mutex::default() })
    }

    /// Asks by the connection that is there; one that fails is given up.
    async fn ask<T>(
        &self,
        ask: impl AsyncFnOnce(&mut MultiplexedConnection) -> RedisResult<T>,
    ) -> Result<T> {
        let mut place = self.connection.lock().await;
        let mut connection = match place.take() {
            Some(connection) => connection,
            None => in_time(self.client.get_multiplexed_async_connection()).await?,
        };
        let answer = in_time(ask(&mut connection)).await?;
        *place = Some(connection);
        Ok(answer)
    }
}

#[async_trait]
impl Mirror for RedisMirror {
    async fn newest(&self) -> Result<Option<i64>> {
        let mut last = cmd("XREVRANGE");
        last.arg(STREAM).arg("+").arg("-").arg("COUNT").arg(1);
        type Entries = Vec<(String, Vec<(String, String)>)>;
        let found: Entries = self.ask(async |redis| last.query_async(redis).await).await?;
        Ok(found.first().and_then(|(id, _)| id.split('-').next()?.parse().ok()))
    }

    async fn tell(&self, id: i64, message: &Message) -> Result<()> {
        let text = serde_json::to_string(message).map_err(Error::internal_from)?;
        let mut add = cmd("XADD");
        add.arg(STREAM).arg("MAXLEN").arg("~").arg(MESSAGES);
        add.arg(format!("{id}-0")).arg("event").arg(text);
        self.ask(async |redis| match add.query_async::<()>(redis).await {
            Err(error) if is_there(&error) => Ok(()),
            added => added,
        })
        .await
    }

    async fn keep(&self, number: i64, position: i64, snapshot: Option<&Snapshot>) -> Result<()> {
        let mut keep = cmd("EVAL");
        keep.arg(KEEP).arg(2).arg(format!("instance:k8s:{number}")).arg(POSITIONS);
        keep.arg(number).arg(position);
        for (field, value) in snapshot.map(fields).into_iter().flatten() {
            keep.arg(field).arg(value);
        }
        self.ask(async |redis| keep.query_async::<()>(redis).await).await
    }
}

fn fields(snapshot: &Snapshot) -> [(&'static str, String); 8] {
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        ("state", snapshot.state.to_owned()),
        ("phase", snapshot.phase.clone()),
        ("ready_replicas", snapshot.ready_replicas.to_string()),
        ("total_replicas", snapshot.total_replicas.to_string()),
        ("pod_name", or_empty(&snapshot.pod_name)),
        ("message", or_empty(&snapshot.message)),
        ("error_reason", or_empty(&snapshot.error_reason)),
        ("updated_at", snapshot.updated_at.to_string()),
    ]
}

/// Whether an id was refused because it, or a greater one, has been used.
fn is_there(error: &RedisError) -> bool {
    error.to_string().contains("equal or smaller")
}

async fn in_time<T>(answer: impl Future<Output = RedisResult<T>>) -> Result<T> {
    match timeout(PATIENCE, answer).await {
        Ok(answer) => answer.map_err(|error| Error::unavailable("redis", error)),
        Err(elapsed) => Err(Error::unavailable("redis", elapsed)),
    }
}
