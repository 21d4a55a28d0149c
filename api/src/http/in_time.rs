use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use tokio::time::sleep;

/// What comes within so much time. Where it is there at once, as it mostly is, no timer is set.
pub async fn in_time<T>(time: Duration, future: impl Future<Output = T>) -> Option<T> {
    let (mut future, mut alarm) = (pin!(future), None);
    poll_fn(|context| {
        if let Poll::Ready(done) = future.as_mut().poll(context) {
            return Poll::Ready(Some(done));
        }
        let alarm = alarm.get_or_insert_with(|| Box::pin(sleep(time)));
        alarm.as_mut().poll(context).map(|()| None)
    })
    .await
}
