use axum::extract;
use http::Uri;

use crate::status_error::{Result, StatusError};

/// The parameters of a request.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub fn of(uri: &Uri) -> Self {
        Self(
            extract::Query::try_from_uri(uri)
                .map(|extract::Query(pairs)| pairs)
                .unwrap_or_default(),
        )
    }

    /// The value, unless absent or empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(given, value)| given == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    pub fn flag(&self, name: &str) -> bool {
        self.0.iter().any(|(given, value)| {
            given == name && matches!(value.as_str(), "" | "1" | "true" | "t")
        })
    }

    pub fn number(&self, name: &str) -> Result<Option<i64>> {
        self.text(name)
            .map(|value| {
                value.parse().map_err(|_| {
                    let message = format!("strconv.ParseInt: parsing {value:?}: invalid syntax");
                    StatusError::bad_request(message)
                })
            })
            .transpose()
    }
}
