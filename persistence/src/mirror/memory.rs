use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard},
};

use async_trait::async_trait;
use domain::{
    Result,
    instances::{Message, Mirror, Snapshot},
};

/// How many messages are kept.
const MESSAGES: usize = 1000;

/// Where there is no Redis: the same for whoever is in this process.
#[derive(Default)]
pub struct MemoryMirror(Mutex<Told>);

#[derive(Default)]
struct Told {
    messages: VecDeque<(i64, Message)>,
    snapshots: HashMap<i64, (i64, Option<Snapshot>)>,
}

impl MemoryMirror {
    /// The messages that are kept, with their ids.
    pub fn messages(&self) -> Vec<(i64, Message)> {
        self.told().messages.iter().cloned().collect()
    }

    /// The last snapshot of the instance with this number.
    pub fn snapshot(&self, number: i64) -> Option<Snapshot> {
        self.told().snapshots.get(&number)?.1.clone()
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().expect("nothing panics while it holds this lock")
    }
}

#[async_trait]
impl Mirror for MemoryMirror {
    async fn newest(&self) -> Result<Option<i64>> {
        Ok(self.told().messages.back().map(|(id, _)| *id))
    }

    async fn tell(&self, id: i64, message: &Message) -> Result<()> {
        let messages = &mut self.told().messages;
        if messages.back().is_none_or(|(newest, _)| *newest < id) {
            messages.push_back((id, message.clone()));
            if messages.len() > MESSAGES {
                messages.pop_front();
            }
        }
        Ok(())
    }

    async fn keep(&self, number: i64, position: i64, snapshot: Option<&Snapshot>) -> Result<()> {
        let snapshots = &mut self.told().snapshots;
        if snapshots.get(&number).is_none_or(|(kept, _)| *kept <= position) {
            snapshots.insert(number, (position, snapshot.cloned()));
        }
        Ok(())
    }
}
