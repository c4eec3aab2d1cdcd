//! `[audit]`: how long and how much of what happened is kept.

use std::time::Duration;

use toml::de::DeValue;

use super::{
    raw::{Report, Section},
    values,
};
use crate::{
    base::limits::{AUDIT_EVENTS, AUDIT_SECONDS},
    decision::retention::TrailPolicy,
};

/// Reads the section.
pub(super) fn audit(mut section: Section<'_>, report: &mut Report) -> TrailPolicy {
    let defaults = TrailPolicy::default();
    let config = TrailPolicy {
        logins: section.read("logins", report, span("off")).unwrap_or(defaults.logins),
        changes: section.read("changes", report, span("forever")).unwrap_or(defaults.changes),
        programs: section.read("programs", report, span("off")).unwrap_or(defaults.programs),
        total: section
            .read("total", report, values::integer(1_000..=AUDIT_EVENTS))
            .unwrap_or(defaults.total),
        per_mailbox: section
            .read("per_mailbox", report, values::integer(10..=1_000_000))
            .unwrap_or(defaults.per_mailbox),
    };
    section.finish(report);
    config
}

/// A duration of at least an hour, or the word for none.
fn span(word: &'static str) -> impl Fn(&DeValue<'_>) -> Result<Option<u64>, String> {
    const HOUR: Duration = Duration::from_secs(3_600);
    move |value| {
        if value.as_str() == Some(word) {
            return Ok(None);
        }
        values::duration(HOUR..=Duration::from_secs(AUDIT_SECONDS))(value)
            .map(|duration| Some(duration.as_secs()))
            .map_err(|error| format!("{error}, or {word:?}"))
    }
}
