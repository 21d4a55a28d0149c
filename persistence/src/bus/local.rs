use async_trait::async_trait;
use domain::events::Bus;
use futures::{StreamExt, stream::BoxStream};
use tokio::sync::watch;

/// Wakes whoever listens in this process.
pub struct LocalBus(watch::Sender<()>);

impl LocalBus {
    pub fn new() -> Self {
        Self(watch::Sender::new(()))
    }
}

impl Default for LocalBus {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Bus for LocalBus {
    async fn wake(&self) {
        self.0.send_replace(());
    }

    fn listen(&self) -> BoxStream<'static, ()> {
        let receiver = self.0.subscribe();
        futures::stream::unfold(receiver, async |mut receiver| {
            receiver.changed().await.ok().map(|()| ((), receiver))
        })
        .boxed()
    }
}
