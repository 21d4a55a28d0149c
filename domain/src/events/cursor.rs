use std::{fmt, str::FromStr};

use crate::error::Error;

/// A position in the event log, opaque to clients: 16 hexadecimal digits behind a `c`, so that
/// cursors sort as texts too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor(pub i64);

impl Cursor {
    pub fn position(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{:016x}", self.0)
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        text.strip_prefix('c')
            .filter(|digits| digits.len() == 16)
            .and_then(|digits| i64::from_str_radix(digits, 16).ok())
            .filter(|position| *position >= 0)
            .map(Self)
            .ok_or_else(|| Error::invalid("after", "is not a cursor"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_parses_what_it_shows_and_nothing_else() {
        assert_eq!(Cursor(4711).to_string().parse::<Cursor>().unwrap(), Cursor(4711));
        for bad in ["", "c", "c12", "4711", "c+00000000000001", "cffffffffffffffff"] {
            assert!(bad.parse::<Cursor>().is_err(), "{bad}");
        }
    }
}
