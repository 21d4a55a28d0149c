//! Names and texts that become names and values in Kubernetes.

use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// An RFC 1035 label, which is also a fit name for a Service: lower-case letters, digits and
/// hyphens, a letter first, no hyphen last, at most `longest` characters.
pub fn label(field: &str, text: &str, longest: usize) -> Result<String> {
    let fits = (1..=longest).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-')
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if fits {
        return Ok(text.to_owned());
    }
    Err(Error::invalid(
        field,
        format!(
            "must be 1 to {longest} lower-case letters, digits or hyphens, \
             beginning with a letter and not ending with a hyphen"
        ),
    ))
}

/// A text for people: trimmed, not empty, at most `longest` characters, no control characters.
pub fn text(field: &str, text: &str, longest: usize) -> Result<String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > longest || text.chars().any(char::is_control) {
        return Err(Error::invalid(
            field,
            format!("must be 1 to {longest} characters without control characters"),
        ));
    }
    Ok(text.to_owned())
}

/// Environment variables: texts by names of letters, digits and underscores.
pub fn environment(field: &str, variables: &Map<String, Value>) -> Result<()> {
    let fits = |(name, value): (&String, &Value)| {
        !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && value.is_string()
    };
    if variables.iter().all(fits) {
        return Ok(());
    }
    Err(Error::invalid(field, "must hold texts by names of letters, digits and _"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_what_kubernetes_takes() {
        for good in ["a", "web", "web-2", "a1"] {
            assert!(label("name", good, 40).is_ok(), "{good}");
        }
        for bad in ["", "2web", "-web", "web-", "Web", "we_b", "wéb", "a.b", "a b"] {
            assert!(label("name", bad, 40).is_err(), "{bad}");
        }
        assert!(label("name", &"a".repeat(41), 40).is_err());
    }
}
