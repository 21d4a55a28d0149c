//! Amounts as Kubernetes writes them, counted in the units of quotas and rounded up.

use crate::error::{Error, Result};

/// How a suffix multiplies, as a fraction.
const CPU_UNITS: &[(&str, i128, i128)] = &[("", 1000, 1), ("m", 1, 1)];
const BYTE_UNITS: &[(&str, i128, i128)] = &[
    ("", 1, MEBI),
    ("k", 1_000, MEBI),
    ("M", 1_000_000, MEBI),
    ("G", 1_000_000_000, MEBI),
    ("T", 1_000_000_000_000, MEBI),
    ("Ki", 1 << 10, MEBI),
    ("Mi", 1 << 20, MEBI),
    ("Gi", 1 << 30, MEBI),
    ("Ti", 1 << 40, MEBI),
];
const MEBI: i128 = 1 << 20;
/// Decimals that are looked at.
const DECIMALS: usize = 9;

/// Thousandths of a core, such as of `500m` or `1.5`.
pub(super) fn cpu_millis(field: &str, text: &str) -> Result<i64> {
    let millis = amount(text, CPU_UNITS).filter(|millis| (1..=1_024_000).contains(millis));
    millis.ok_or_else(|| Error::invalid(field, "must be CPU such as 500m or 2, up to 1024"))
}

/// MiB, such as of `4Gi` or `500M`.
pub(super) fn mebibytes(field: &str, text: &str) -> Result<i64> {
    let amount = amount(text, BYTE_UNITS).filter(|amount| (1..=1 << 30).contains(amount));
    amount.ok_or_else(|| Error::invalid(field, "must be an amount such as 4Gi, up to 1024Ti"))
}

fn amount(text: &str, units: &[(&str, i128, i128)]) -> Option<i64> {
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    let (_, times, over) = units.iter().find(|(unit, ..)| *unit == suffix)?;
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    let fits = (1..=12).contains(&whole.len()) && decimals.len() <= DECIMALS;
    if !fits || number.ends_with('.') {
        return None;
    }
    let scaled: i128 = format!("{whole}{decimals:0<DECIMALS$}").parse().ok()?;
    let divisor = over * 10_i128.pow(u32::try_from(DECIMALS).ok()?);
    i64::try_from((scaled * times + divisor - 1) / divisor).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_counted_and_rounded_up() {
        let cpu = ["500m", "2", "1.5", "0.0001", "1024"];
        let memory = ["512Mi", "4Gi", "1G", "1", "0.5Ti", "1.5Ki"];

        let cpu = cpu.map(|text| cpu_millis("cpu", text).expect("it is good"));
        let memory = memory.map(|text| mebibytes("memory", text).expect("it is good"));

        assert_eq!(cpu, [500, 2000, 1500, 1, 1_024_000]);
        assert_eq!(memory, [512, 4096, 954, 1, 524_288, 1]);
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for bad in ["", "m", "0", "-1", "1e3", "1.", ".5", "1 ", "1Gi", "1025", "1.2.3", "+1"] {
            assert!(cpu_millis("cpu", bad).is_err(), "{bad}");
        }
        for bad in ["", "Gi", "0Gi", "1gi", "1GiB", "500m", "1025Ti", "9999999999999"] {
            assert!(mebibytes("memory", bad).is_err(), "{bad}");
        }
    }
}
