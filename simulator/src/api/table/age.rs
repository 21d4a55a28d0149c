use jiff::Timestamp;
use serde_json::{Value, json};

use crate::object::moment;

/// How long ago that was, or `<unknown>`.
pub(super) fn age(since: &Value, now: Timestamp) -> Value {
    match moment(since) {
        Some(since) => json!(printed(since.duration_until(now).as_secs())),
        None => json!("<unknown>"),
    }
}

/// Seconds in at most two units, coarser as they grow.
pub(super) fn printed(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let two = |whole: i64, unit: char, rest: i64, part: char| match rest {
        0 => format!("{whole}{unit}"),
        rest => format!("{whole}{unit}{rest}{part}"),
    };
    match seconds {
        ..0 => "<invalid>".into(),
        0..120 => format!("{seconds}s"),
        120..600 => two(minutes, 'm', seconds % 60, 's'),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => two(hours, 'h', minutes % 60, 'm'),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => two(days, 'd', hours % 24, 'h'),
        691_200..63_072_000 => format!("{days}d"),
        _ => two(days / 365, 'y', days % 365, 'd'),
    }
}

#[cfg(test)]
mod tests {
    use super::printed;

    #[test]
    fn ages_grow_coarser() {
        let ages = [5, 119, 120, 130, 3_600, 10_860, 90_000, 180_000, 864_000];

        let texts = ages.map(printed);

        let expected = ["5s", "119s", "2m", "2m10s", "60m", "3h1m", "25h", "2d2h", "10d"];
        assert_eq!(texts, expected);
    }
}
