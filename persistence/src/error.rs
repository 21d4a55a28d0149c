use diesel::result::{DatabaseErrorKind, Error as DieselError};
use domain::Error;

/// What SQLite says of a page that is not what it was.
const DAMAGE: &str = "database disk image is malformed";

/// The one translation from the database's errors.
pub(crate) fn database(error: DieselError) -> Error {
    match &error {
        _ if is_unavailable(&error) => unavailable(error),
        DieselError::DatabaseError(_, information) => match information.message() {
            "database is locked"
            | "database table is locked"
            | "deadlock detected"
            | "canceling statement due to lock timeout"
            | "canceling statement due to statement timeout" => Error::StoreBusy(error.into()),
            _ => internal(error),
        },
        _ => internal(error),
    }
}

/// Whether it is the connection or the disk that failed, not the statement.
pub(crate) fn is_unavailable(error: &DieselError) -> bool {
    match error {
        DieselError::BrokenTransactionManager
        | DieselError::DatabaseError(DatabaseErrorKind::ClosedConnection, _) => true,
        DieselError::DatabaseError(_, information) => {
            let message = information.message();
            lost(message) || is_of_disk(message)
        }
        _ => false,
    }
}

/// Whether a connection may hold on to what went wrong, such as a page that could not be read.
pub(crate) fn is_unsound(error: &DieselError) -> bool {
    let DieselError::DatabaseError(_, information) = error else { return false };
    let message = information.message();
    is_of_disk(message) || message == DAMAGE
}

pub(crate) fn unavailable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::unavailable("the store", error)
}

fn internal(error: DieselError) -> Error {
    Error::Internal {
        context: "the database refused a statement".to_owned(),
        source: Some(error.into()),
    }
}

/// PostgreSQL's driver reports a lost connection as a message only.
fn lost(message: &str) -> bool {
    ["connection closed", "error communicating with the server", "terminating connection"]
        .iter()
        .any(|sign| message.contains(sign))
}

/// A disk that is full, or does not take and give what it should: SQLite's words, and the system's
/// in PostgreSQL's.
fn is_of_disk(message: &str) -> bool {
    [
        "database or disk is full",
        "disk I/O error",
        "unable to open database file",
        "attempt to write a readonly database",
        "No space left on device",
    ]
    .iter()
    .any(|sign| message.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(message: &str) -> &'static str {
        let information = Box::new(message.to_owned());
        database(DieselError::DatabaseError(DatabaseErrorKind::Unknown, information))
            .code()
            .as_str()
    }

    #[test]
    fn what_passes_by_itself_or_with_room_may_be_tried_again_and_damage_may_not() {
        let full = "could not extend file \"base/16384/16399\": No space left on device";

        assert_eq!(code(full), "UNAVAILABLE");
        assert_eq!(code("database or disk is full"), "UNAVAILABLE");
        assert_eq!(code("database is locked"), "STORE_BUSY");
        assert_eq!(code("deadlock detected"), "STORE_BUSY");
        assert_eq!(code(DAMAGE), "INTERNAL");
        assert_eq!(code("invalid page in block 0 of relation base/16384/16399"), "INTERNAL");
    }
}
