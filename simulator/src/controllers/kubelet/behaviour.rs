use std::time::Duration;

use super::container::Restart;

/// What an image makes its container do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behaviour {
    Serve,
    Complete,
    Crash,
    OutOfMemory,
    NeverPulled,
    NeverReady,
}

impl Behaviour {
    /// Whether the image leaves it to the command what becomes of its container.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Serve | Self::Complete)
    }
}

/// What becomes of a container once it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Ends {
        after: Duration,
        code: i64,
        reason: &'static str,
    },
    /// Becomes ready, and answers on its port from then on.
    Serves {
        after: Duration,
    },
    /// Goes on without ever being ready.
    Lingers,
}

/// Read from the name of the image, not from its registry.
pub(super) fn behaviour(image: &str, restart: Restart) -> Behaviour {
    let name = image.rsplit('/').next().unwrap_or_default();
    let has_word =
        |known: fn(&str) -> bool| name.split(|c: char| !c.is_ascii_alphanumeric()).any(known);
    if name.contains("nopull") {
        Behaviour::NeverPulled
    } else if name.contains("crash") || has_word(|word| word == "fail") {
        Behaviour::Crash
    } else if has_word(|word| word.starts_with("oom")) {
        Behaviour::OutOfMemory
    } else if name.contains("notready") {
        Behaviour::NeverReady
    } else if restart == Restart::Always || has_word(|word| word == "forever") {
        Behaviour::Serve
    } else {
        Behaviour::Complete
    }
}
