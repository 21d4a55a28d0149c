//! What the fields of each resource are: enough to own them one by one, to merge lists of named
//! things, to find misspelt ones and to write quantities in their canonical form.

mod check;
mod field;
mod parse;

pub(crate) use check::{Fault, check};
pub(crate) use field::{Field, Members, Shape, of_kind, tidy};
