//! Who may do what, walked over the whole schema: every query, mutation, subscription and kind of
//! node is called by nobody, a stranger, a viewer, a member, an owner and an administrator. A field
//! that has no rule in [`rules`] fails, and so has an argument that could name another's thing.

mod coverage;
mod isolation;
mod reach;
mod rules;
mod streams;
mod world;
