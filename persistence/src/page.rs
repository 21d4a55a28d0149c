//! What pages and updates of all tables share.

use domain::{Error, Result};

/// Narrows a boxed query to one page, newest first, with one row more that tells whether another
/// page follows.
macro_rules! keyset {
    ($query:expr, $table:ident, $page:expr) => {{
        let mut query = $query;
        if let Some(after) = &$page.after {
            let at = $crate::types::Micros(after.created_at);
            query = query.filter(
                $table::created_at
                    .lt(at)
                    .or($table::created_at.eq(at).and($table::id.lt(after.id.clone()))),
            );
        }
        query.order(($table::created_at.desc(), $table::id.desc())).limit($page.first as i64 + 1)
    }};
}
pub(crate) use keyset;

/// Tells an update that matched no row from one that did.
pub(crate) fn stale(changed: usize, kind: &str, id: impl std::fmt::Display) -> Result<()> {
    if changed == 1 {
        return Ok(());
    }
    Err(Error::Conflict(format!("{kind} {id} was changed by somebody else")))
}
