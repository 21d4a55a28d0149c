use async_trait::async_trait;
use futures::stream::BoxStream;

/// Wake-ups between those who write and those who tail the log or claim tasks. A wake-up carries
/// nothing and may be lost: whoever listens also looks on a timer.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Something was committed: look.
    async fn wake(&self);

    /// Yields once for one or more wake-ups since the last look.
    fn listen(&self) -> BoxStream<'static, ()>;
}
