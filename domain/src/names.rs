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

/// An RFC 1123 label: as [`label`], but a digit may come first.
pub fn dns_label(field: &str, text: &str, longest: usize) -> Result<String> {
    let fits = (1..=longest).contains(&text.len())
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if fits {
        return Ok(text.to_owned());
    }
    Err(Error::invalid(
        field,
        format!(
            "must be 1 to {longest} lower-case letters, digits or hyphens, \
             neither beginning nor ending with a hyphen"
        ),
    ))
}

/// A text for people: trimmed, not empty, at most `longest` characters, no control characters.
pub fn text(field: &str, text: &str, longest: usize) -> Result<String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > longest || text.chars().any(is_unprintable) {
        return Err(Error::invalid(
            field,
            format!("must be 1 to {longest} characters without control characters"),
        ));
    }
    Ok(text.to_owned())
}

/// The same, where nothing may be said: empty then.
pub fn optional_text(field: &str, given: Option<&str>, longest: usize) -> Result<String> {
    match given.map(str::trim) {
        None | Some("") => Ok(String::new()),
        Some(given) => text(field, given, longest),
    }
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

/// Control characters, and what breaks lines or turns the direction of the text around it: with
/// either a text can pass itself off as another.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
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

    #[test]
    fn a_text_shows_what_it_is() {
        for good in ["Ada", " Ada Lovelace ", "Zoë 🚢", "アダ"] {
            assert_eq!(text("name", good, 80).unwrap(), good.trim());
        }
        for bad in ["", " ", "a\nb", "a\0", "a\u{1b}[31m", "a\u{202e}b", "a\u{2028}b"] {
            assert!(text("name", bad, 80).is_err(), "{bad:?}");
        }
        assert!(text("name", &"é".repeat(80), 80).is_ok());
        assert!(text("name", &"é".repeat(81), 80).is_err());
    }
}
