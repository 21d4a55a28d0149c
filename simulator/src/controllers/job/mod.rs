//! Jobs: Pods that are to end, counted one by one.

mod run;
mod tally;
mod verdict;
