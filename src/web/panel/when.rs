//! Moments, as they stand on a page: in UTC, and in the visitor's own time where a script can tell it.

use std::time::{Duration, UNIX_EPOCH};

use maud::{Markup, html};

use crate::{service::admin::UseView, web::language::Texts};

/// A moment, seconds since 1970.
pub(super) fn at(seconds: u64) -> Markup {
    let moment = UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).unwrap_or(UNIX_EPOCH);
    let text = humantime::format_rfc3339_seconds(moment).to_string();
    let minute = text.get(..16).unwrap_or_default().replace('T', " ");
    html! { time datetime=(text) { (minute) " UTC" } }
}

/// The day of a moment.
pub(super) fn day(seconds: u64) -> Markup {
    let moment = UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).unwrap_or(UNIX_EPOCH);
    let text = humantime::format_rfc3339_seconds(moment).to_string();
    html! { time datetime=(text) data-day { (text.get(..10).unwrap_or_default()) } }
}

/// When, where and for what something was used.
pub(super) fn used(texts: &Texts, noted: &UseView) -> Markup {
    html! {
        (at(noted.at)) " · " (service(texts, &noted.service))
        @if let Some(from) = &noted.from { " · " span.address { (from) } }
    }
}

/// When and where something was used, on a page that says for what.
pub(super) fn seen(noted: &UseView) -> Markup {
    html! {
        (at(noted.at))
        @if let Some(from) = &noted.from { " · " span.address { (from) } }
    }
}

/// A service in words.
pub(super) fn service(texts: &Texts, name: &str) -> String {
    match name {
        "imap" => texts.get("service-imap"),
        "pop3" => texts.get("service-pop3"),
        "sieve" => texts.get("service-sieve"),
        "smtp" => texts.get("service-smtp"),
        "panel" => texts.get("service-panel"),
        "webmail" => texts.get("service-webmail"),
        other => other.to_owned(),
    }
}

/// Services in words; none means all.
pub(super) fn services(texts: &Texts, names: &[String]) -> String {
    if names.is_empty() {
        return texts.get("service-all");
    }
    names.iter().map(|name| service(texts, name)).collect::<Vec<_>>().join(", ")
}
