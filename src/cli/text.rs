//! Small things that several commands say alike.

use std::time::{Duration, UNIX_EPOCH};

use super::failure::{Exit, Failure};
use crate::service::admin::UseView;

/// Seconds since 1970 as a date in UTC, RFC 3339.
pub fn time(seconds: u64) -> String {
    UNIX_EPOCH
        .checked_add(Duration::from_secs(seconds))
        // What humantime can print ends with the year 9999.
        .filter(|_| seconds < 253_402_300_800)
        .map_or_else(
            || "a time beyond reason".to_owned(),
            |time| humantime::format_rfc3339_seconds(time).to_string(),
        )
}

/// A day, `2027-01-31`, or a moment, `2027-01-31T12:00:00Z`, in seconds since 1970.
pub fn date(text: &str) -> Option<u64> {
    let midnight = format!("{text}T00:00:00Z");
    let date = humantime::parse_rfc3339(text).or_else(|_| humantime::parse_rfc3339(&midnight));
    let since = date.ok().and_then(|date| date.duration_since(UNIX_EPOCH).ok());
    since.as_ref().map(Duration::as_secs)
}

/// Whether a second factor is on, and since when.
pub fn on_off(enabled: Option<bool>, since: Option<u64>) -> String {
    match (enabled, since) {
        (Some(true), Some(since)) => format!("on since {}", time(since)),
        (Some(true), None) => "on".to_owned(),
        (Some(false), _) => "off".to_owned(),
        (None, _) => "unknown".to_owned(),
    }
}

/// When and from where something was used.
pub fn used(last: Option<&UseView>) -> String {
    match last {
        None => "never".to_owned(),
        Some(UseView { at, from, service }) => {
            let from = from.as_deref().unwrap_or("an unknown address");
            format!("{} {service} {from}", time(*at))
        }
    }
}

/// A list with commas, or the word for an empty one.
pub fn listed(all: &[String], none: &str) -> String {
    if all.is_empty() { none.to_owned() } else { all.join(",") }
}

/// A secret in groups of four, easier to type.
pub fn in_fours(secret: &str) -> String {
    let characters: Vec<char> = secret.chars().collect();
    characters.chunks(4).map(String::from_iter).collect::<Vec<_>>().join(" ")
}

/// An answer that does not fit its question.
pub fn unexpected() -> Failure {
    Failure::new(Exit::Software, "the daemon gave an answer that does not fit the question")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_things_are_said() {
        assert_eq!(time(1_111_111_109), "2005-03-18T01:58:29Z");
        assert_eq!(time(u64::MAX), "a time beyond reason");
        assert_eq!(time(253_402_300_799), "9999-12-31T23:59:59Z");
        assert_eq!(in_fours("GEZDGNBVGY"), "GEZD GNBV GY");
        assert_eq!(on_off(None, None), "unknown");
    }
}
