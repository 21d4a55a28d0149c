use diesel::result::{DatabaseErrorKind, Error as DieselError};
use domain::Error;

/// The one translation from the database's errors.
pub(crate) fn database(error: DieselError) -> Error {
    match &error {
        DieselError::DatabaseError(DatabaseErrorKind::ClosedConnection, _) => unavailable(error),
        DieselError::DatabaseError(_, information) => match information.message() {
            "database is locked"
            | "database table is locked"
            | "canceling statement due to lock timeout"
            | "canceling statement due to statement timeout" => Error::StoreBusy(error.into()),
            message if lost(message) => unavailable(error),
            _ => internal(error),
        },
        DieselError::BrokenTransactionManager => unavailable(error),
        _ => internal(error),
    }
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
