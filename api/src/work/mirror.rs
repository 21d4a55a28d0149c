//! Passing on what happens to instances.

use domain::ControlPlane;
use futures::StreamExt;
use tokio::time::sleep;

use super::{LOOK_AGAIN, PAUSE, failed};

/// Goes on where the last process stopped, and never ends.
pub(super) async fn run(control_plane: &ControlPlane) {
    let mut wake_ups = control_plane.wake_ups();
    let mut reached = None;
    loop {
        match control_plane.mirror_events(reached).await {
            Ok(position) if reached == Some(position) => {
                tokio::select! {
                    _ = wake_ups.next() => {}
                    () = sleep(LOOK_AGAIN) => {}
                }
            }
            Ok(position) => reached = Some(position),
            Err(error) => {
                failed("what happens to instances could not be passed on", &error);
                reached = None;
                sleep(PAUSE).await;
            }
        }
    }
}
