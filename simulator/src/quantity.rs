//! Resource quantities: `250m`, `0.5Gi`, `1e3`. Held in thousandths, enough for every use here.

use std::fmt;

/// What the real server says of a quantity that it cannot read.
pub(crate) const UNREADABLE: &str = "quantities must match the regular expression \
                                     '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

const BINARY: [(&str, i128); 6] = [
    ("Ei", 1 << 60),
    ("Pi", 1 << 50),
    ("Ti", 1 << 40),
    ("Gi", 1 << 30),
    ("Mi", 1 << 20),
    ("Ki", 1 << 10),
];
const DECIMAL: [(&str, i128); 6] = [
    ("E", 1_000_000_000_000_000_000),
    ("P", 1_000_000_000_000_000),
    ("T", 1_000_000_000_000),
    ("G", 1_000_000_000),
    ("M", 1_000_000),
    ("k", 1_000),
];

/// An amount and the family of suffixes it is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quantity {
    thousandths: i128,
    binary: bool,
}

impl Quantity {
    pub const ZERO: Self = Self { thousandths: 0, binary: false };

    pub fn parse(text: &str) -> Option<Self> {
        let digits = text
            .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-')))
            .unwrap_or(text.len());
        let (number, suffix) = text.split_at(digits);
        if let Some((_, factor)) = BINARY.iter().find(|(name, _)| *name == suffix) {
            return Some(Self { thousandths: scaled(number, *factor)?, binary: true });
        }
        let thousandths = match suffix {
            "" => scaled(number, 1)?,
            "m" => scaled(number, 1)?.checked_add(999)? / 1000,
            "u" | "n" => 1,
            _ => match DECIMAL.iter().find(|(name, _)| *name == suffix) {
                Some((_, factor)) => scaled(number, *factor)?,
                None => scaled(number, power_of_ten(suffix)?)?,
            },
        };
        Some(Self { thousandths, binary: false })
    }

    /// A number or a text; numbers are allowed in JSON.
    pub fn of(value: &serde_json::Value) -> Option<Self> {
        match value {
            serde_json::Value::String(text) => Self::parse(text),
            serde_json::Value::Number(number) => Self::parse(&number.to_string()),
            _ => None,
        }
    }

    pub fn plus(self, other: Self) -> Self {
        let thousandths = self.thousandths.saturating_add(other.thousandths);
        Self { thousandths, binary: self.binary || other.binary }
    }

    pub fn minus(self, other: Self) -> Self {
        let thousandths = self.thousandths.saturating_sub(other.thousandths);
        Self { thousandths, ..self }
    }

    pub fn count(number: usize) -> Self {
        Self { thousandths: number as i128 * 1000, binary: false }
    }

    pub fn exceeds(self, other: Self) -> bool {
        self.thousandths > other.thousandths
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.thousandths % 1000 != 0 {
            return write!(f, "{}m", self.thousandths);
        }
        let whole = self.thousandths / 1000;
        let family = if self.binary { BINARY } else { DECIMAL };
        let suffix = family.iter().find(|(_, factor)| whole != 0 && whole % factor == 0);
        match suffix {
            Some((name, factor)) => write!(f, "{}{name}", whole / factor),
            None => write!(f, "{whole}"),
        }
    }
}

/// `number` times `factor`, in thousandths, rounded up.
fn scaled(number: &str, factor: i128) -> Option<i128> {
    let (negative, number) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.len() > 18 {
        return None;
    }
    let mut digits: i128 = format!("0{whole}{fraction}").parse().ok()?;
    let divisor = 10_i128.checked_pow(fraction.len().try_into().ok()?)?;
    digits = digits.checked_mul(factor)?.checked_mul(1000)?;
    let rounded = digits.checked_add(divisor - 1)? / divisor;
    Some(if negative { -rounded } else { rounded })
}

fn power_of_ten(suffix: &str) -> Option<i128> {
    let exponent = suffix.strip_prefix(['e', 'E'])?;
    10_i128.checked_pow(exponent.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::Quantity;

    #[test]
    fn canonical_forms() {
        for (given, canonical) in [
            ("0.25", "250m"),
            ("250m", "250m"),
            ("1000m", "1"),
            ("0.5Gi", "512Mi"),
            ("1024Mi", "1Gi"),
            ("1e3", "1k"),
            ("128974848", "128974848"),
            ("0", "0"),
        ] {
            let quantity = Quantity::parse(given).unwrap();
            assert_eq!(quantity.to_string(), canonical, "{given}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["lots", "", "1.2.3", "Gi", "1Q", "--1"] {
            assert!(Quantity::parse(text).is_none(), "{text}");
        }
    }
}
