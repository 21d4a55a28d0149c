//! The position below which nothing can appear any more.
//!
//! On SQLite, with one writer, that is the newest position. On PostgreSQL a position is drawn
//! before its transaction commits, so a reader may see 8 while 7 is still open. A missing
//! position is waited for until every transaction that ran when the gap was first seen has ended:
//! whoever drew it had its transaction number before it drew, hence before anybody could see a
//! later position. What is missing then was rolled back. The safe head is just below the first
//! gap that is still open.
//!
//! Which transactions ran when a gap was first seen, a snapshot does not tell: its upper bound is
//! one past the newest transaction that has ended, and those that run may be beyond. A number
//! drawn for the purpose does: whoever ran has a smaller one.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use diesel::{QueryableByName, prelude::*, sql_query, sql_types::BigInt};
use domain::Result;

use crate::{
    backend::{Conn, run},
    error::{database, unavailable},
    run::RunQueryDsl,
    schema::events,
};

/// How far back of a position another may be missing that is still open. A restoration leaves a
/// wider gap, and the first look of a process reads no further.
const WINDOW: i64 = 10_000;

#[derive(Default)]
pub(crate) struct SafeHead {
    state: Mutex<State>,
    /// How many have asked for it so far.
    asked: AtomicU64,
    /// The last look.
    last: tokio::sync::Mutex<Look>,
}

struct Look {
    /// How many had asked when it began or, where it came to nothing, when it ended.
    covers: u64,
    head: std::result::Result<i64, String>,
}

impl Default for Look {
    fn default() -> Self {
        Self { covers: 0, head: Ok(0) }
    }
}

#[derive(Default)]
struct State {
    /// `None` before the first look.
    head: Option<i64>,
    gaps: BTreeMap<i64, Gap>,
}

/// A position that is missing below one that is there.
#[derive(Clone, Copy, Default)]
struct Gap {
    /// The first transaction number that cannot be the gap's; unknown until looked up.
    horizon: Option<i64>,
    /// Every transaction that may fill it has ended: missing now means missing for ever.
    decided: bool,
}

/// A transaction's number.
#[derive(QueryableByName)]
struct Xid {
    #[diesel(sql_type = BigInt)]
    xid: i64,
}

impl SafeHead {
    /// The newest safe position. Those who ask while one looks share the next look.
    pub(crate) async fn shared(&self, connect: impl AsyncFnOnce() -> Result<Conn>) -> Result<i64> {
        let asked = self.asked.fetch_add(1, Relaxed) + 1;
        let mut last = self.last.lock().await;
        if last.covers >= asked {
            return last.head.clone().map_err(unavailable);
        }
        let covers = AtomicU64::load(&self.asked, Relaxed);
        let looked = async { self.look(&mut connect().await?).await }.await;
        *last = match &looked {
            Ok(head) => Look { covers, head: Ok(*head) },
            Err(error) => {
                let covers = AtomicU64::load(&self.asked, Relaxed);
                Look { covers, head: Err(error.to_string()) }
            }
        };
        looked
    }

    /// Looks again, and answers with the newest safe position.
    async fn look(&self, conn: &mut Conn) -> Result<i64> {
        if !conn.is_postgres() {
            return newest(conn).await;
        }
        let (head, decided) = match self.begin() {
            Some(begun) => begun,
            None => {
                let oldest_open = (newest(conn).await? - WINDOW).max(0);
                self.state().head.get_or_insert(oldest_open);
                (oldest_open, Vec::new())
            }
        };
        let there: Vec<i64> = run!(conn.quick(1), |c| events::table
            .select(events::position)
            .filter(events::position.gt(head))
            .order(events::position)
            .load(c))
        .map_err(database)?;
        if self.state().advance(head, &there, &decided) {
            if self.state().has_new_gap() {
                let next = xid(conn, "pg_current_xact_id()").await?;
                self.state().bound(next);
            }
            let oldest = xid(conn, "pg_snapshot_xmin(pg_current_snapshot())").await?;
            self.state().decide(oldest);
        }
        Ok(self.state().head.unwrap_or(0))
    }

    /// The head, and the gaps that were decided before this look begins to read.
    fn begin(&self) -> Option<(i64, Vec<i64>)> {
        let state = self.state();
        let decided = state.gaps.iter().filter(|(_, gap)| gap.decided).map(|(at, _)| *at);
        state.head.map(|head| (head, decided.collect()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds this lock")
    }
}

impl State {
    /// Takes in what a look that began at `from` found, with what was decided before it, in order;
    /// answers whether a gap is open.
    fn advance(&mut self, from: i64, there: &[i64], decided: &[i64]) -> bool {
        let mut head = from;
        let mut open = false;
        for position in there {
            for missing in (head + 1).max(position - WINDOW)..*position {
                if decided.binary_search(&missing).is_err() {
                    self.gaps.entry(missing).or_default();
                    open = true;
                }
            }
            if open {
                break;
            }
            head = *position;
        }
        let head = head.max(self.head.unwrap_or(0));
        self.head = Some(head);
        self.gaps = self.gaps.split_off(&(head + 1));
        open
    }

    fn has_new_gap(&self) -> bool {
        self.gaps.values().any(|gap| gap.horizon.is_none())
    }

    /// Notes a number that was drawn after the new gaps were seen.
    fn bound(&mut self, next: i64) {
        for gap in self.gaps.values_mut() {
            gap.horizon.get_or_insert(next);
        }
    }

    /// Takes in that every transaction below `oldest` has ended.
    fn decide(&mut self, oldest: i64) {
        for gap in self.gaps.values_mut() {
            gap.decided |= gap.horizon.is_some_and(|horizon| horizon <= oldest);
        }
    }
}

pub(crate) async fn newest(conn: &mut Conn) -> Result<i64> {
    use diesel::dsl::max;

    let newest: Option<i64> =
        run!(conn.quick(1), |c| events::table.select(max(events::position)).first(c))
            .map_err(database)?;
    Ok(newest.unwrap_or(0))
}

async fn xid(conn: &mut Conn, of: &str) -> Result<i64> {
    let sql = format!("SELECT {of}::text::bigint AS xid");
    let found: Xid = run!(conn.quick(1), |c| sql_query(&sql).get_result(c)).map_err(database)?;
    Ok(found.xid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(state: &mut State, there: &[i64], (oldest, next): (i64, i64)) -> i64 {
        let from = state.head.unwrap_or(0);
        let decided: Vec<i64> =
            state.gaps.iter().filter(|(_, gap)| gap.decided).map(|(at, _)| *at).collect();
        let there: Vec<i64> = there.iter().copied().filter(|at| *at > from).collect();
        if state.advance(from, &there, &decided) {
            if state.has_new_gap() {
                state.bound(next);
            }
            state.decide(oldest);
        }
        state.head.unwrap_or(0)
    }

    #[test]
    fn a_gap_holds_the_head_until_it_is_filled() {
        let mut state = State::default();

        assert_eq!(look(&mut state, &[1, 3], (10, 12)), 1);
        assert_eq!(look(&mut state, &[1, 3, 4], (10, 13)), 1);
        assert_eq!(look(&mut state, &[1, 2, 3, 4], (12, 13)), 4);
    }

    #[test]
    fn a_gap_is_passed_once_all_who_may_fill_it_have_ended() {
        let mut state = State::default();

        assert_eq!(look(&mut state, &[1, 3], (10, 12)), 1);
        assert_eq!(look(&mut state, &[1, 3], (11, 14)), 1);
        assert_eq!(look(&mut state, &[1, 3], (12, 15)), 1);
        assert_eq!(look(&mut state, &[1, 3], (12, 15)), 3);
    }

    #[test]
    fn the_gap_that_a_restoration_leaves_is_passed_without_counting_it_out() {
        let (mut state, far) = (State::default(), 1 << 32);

        assert_eq!(look(&mut state, &[1, far], (10, 12)), 1);
        assert!(state.gaps.len() <= WINDOW as usize);
        assert_eq!(look(&mut state, &[1, far], (12, 15)), 1);
        assert_eq!(look(&mut state, &[1, far], (12, 15)), far);
    }

    #[test]
    fn a_gap_that_is_filled_at_the_last_moment_is_not_passed() {
        let mut state = State::default();

        assert_eq!(look(&mut state, &[2], (10, 12)), 0);
        assert_eq!(look(&mut state, &[2], (12, 12)), 0);
        assert_eq!(look(&mut state, &[1, 2], (12, 12)), 2);
    }
}
