//! An event in plain words, one line.

use std::{
    fmt::Write as _,
    time::{Duration, UNIX_EPOCH},
};

use crate::ports::event::{EventKind, TrailEvent};

/// Milliseconds since 1970 as a date in UTC, RFC 3339.
pub(super) fn time(millis: u64) -> String {
    UNIX_EPOCH
        .checked_add(Duration::from_millis(millis))
        // What humantime can print ends with the year 9999.
        .filter(|_| millis < 253_402_300_800_000)
        .map_or_else(
            || "a time beyond reason".to_owned(),
            |time| humantime::format_rfc3339_millis(time).to_string(),
        )
}

/// The line.
pub(super) fn line(event: &TrailEvent) -> String {
    let mut line = time(event.at);
    if event.time_unknown {
        line.push_str(" or later");
    }
    let name = event.mailbox.as_deref().unwrap_or("-");
    let count = event.count.unwrap_or_default();
    let _ = match event.kind {
        EventKind::Login => login(&mut line, event, name),
        EventKind::Change => change(&mut line, event, name),
        EventKind::Lost => write!(line, "  -  {count} logins are missing here: they were not kept"),
        EventKind::More => {
            write!(line, "  {name}  {count} more logins, beyond what is kept of a day")
        }
    };
    line.push('\n');
    line
}

fn login(line: &mut String, event: &TrailEvent, name: &str) -> std::fmt::Result {
    let reason = event.reason.as_deref().unwrap_or("-");
    if event.typed {
        write!(line, "  {name:?}")?;
    } else {
        write!(line, "  {name}")?;
    }
    if let Some(target) = &event.target {
        write!(line, " for {target}")?;
    }
    match event.result.as_deref() {
        Some("accepted") => write!(line, "  signed in: {}", in_words(reason))?,
        Some("refused") => write!(line, "  refused: {}", in_words(reason))?,
        _ => write!(line, "  not decided: {}", event.detail.as_deref().unwrap_or(reason))?,
    }
    if let Some(would) = &event.would_refuse {
        write!(line, " (would be refused: {})", in_words(would))?;
    }
    let service = event.service.as_deref().unwrap_or("-");
    let from = event.from.as_deref().unwrap_or("an unknown address");
    write!(line, "; {service} from {from}")?;
    if let Some(client) = &event.client {
        write!(line, ", {client}")?;
    }
    if let Some(session) = &event.session {
        write!(line, ", session {session}")?;
    }
    Ok(())
}

fn change(line: &mut String, event: &TrailEvent, name: &str) -> std::fmt::Result {
    write!(line, "  {name}  {}", event.action.as_deref().unwrap_or("changed"))?;
    if let Some(target) = &event.target {
        write!(line, " to {target}")?;
    }
    if let Some(detail) = &event.detail {
        write!(line, ": {detail}")?;
    }
    write!(line, "; by {}", event.by.as_deref().unwrap_or("-"))
}

/// A reason of the log in plain words; one that is not known stays as it is.
fn in_words(reason: &str) -> &str {
    match reason {
        "password" => "password",
        "password+code" => "password and code",
        "password+recovery_code" => "password and recovery code",
        "password+session" => "password and a sign-in that lives",
        "app_password" => "app password",
        "panel+code" => "a fresh code for a change at the panel",
        "panel+recovery_code" => "a recovery code for a change at the panel",
        "webmail_token" => "webmail, by its token",
        "password+exempt_network" => "password, from an exempt network",
        "mechanism" => "token or ticket that the mail server accepts",
        "mechanism+factor_elsewhere" => "token or ticket, with a second factor elsewhere",
        "mechanism_without_factor" => "a token or ticket, and the mailbox asks for a code",
        "malformed" => "the exchange was malformed",
        "bad_name" => "no name of a mailbox",
        "empty_password" => "empty password",
        "too_long" => "too long",
        "wrong_password" => "wrong password, or no such mailbox",
        "missing_code" => "no code behind the password",
        "wrong_code" => "right password, wrong code",
        "used_code" => "right password, used code",
        "other_mailbox_protected" => "the mail server named another mailbox, which has a code",
        "master_without_factor" => "a master user without a code, a mailbox with one",
        "factor_required" => "right password, and a second factor is required",
        "service_off" => "the service is switched off",
        "app_passwords_only" => "the service takes app passwords only",
        "full_sign_in_only" => "the service takes password and code only",
        "locked" => "the mailbox is locked",
        "throttled" => "too many failures, the code was not looked at",
        "app_password_wrong" => "wrong app password",
        "app_password_expired" => "app password whose time is over",
        "app_password_out_of_scope" => "app password for other services or networks",
        "webmail_token_wrong" => "webmail, by a token that is none or has been ended",
        "webmail_token_ended" => "webmail, by a token whose time is over",
        "webmail_token_out_of_scope" => "a webmail's token for other services or hosts",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::{outcome::Method, refusal::Refusal};

    #[test]
    fn lines_as_documented() {
        let manual = include_str!("../../../docs/audit.md");
        let login = TrailEvent {
            at: 1_764_000_000_123,
            mailbox: Some("alice@example.org".into()),
            result: Some("refused".into()),
            reason: Some("wrong_code".into()),
            service: Some("imap".into()),
            from: Some("192.0.2.7".into()),
            session: Some("oHwJW/5gMJh/AAAB".into()),
            ..TrailEvent::default()
        };
        assert!(manual.contains(&line(&login)), "{}", line(&login));
        let change = TrailEvent {
            at: 1_764_000_000_123,
            kind: EventKind::Change,
            mailbox: Some("alice@example.org".into()),
            by: Some("uid=0".into()),
            action: Some("app-password add".into()),
            detail: Some("m7qk \"phone\"".into()),
            ..TrailEvent::default()
        };
        assert!(manual.contains(&line(&change)), "{}", line(&change));
        let lost = TrailEvent { time_unknown: true, ..change };
        assert!(line(&lost).starts_with("2025-11-24T16:00:00.123Z or later  alice@"));
    }

    #[test]
    fn every_reason_has_words() {
        let known = Refusal::ALL.iter().map(|refusal| refusal.as_str());
        for reason in known.chain(Method::ALL.iter().map(|method| method.as_str())) {
            assert!(!in_words(reason).contains('_'), "{reason}");
        }
    }

    #[test]
    fn a_time_beyond_reason_is_said_to_be_one() {
        assert_eq!(time(1_764_000_000_123), "2025-11-24T16:00:00.123Z");
        assert_eq!(time(u64::MAX), "a time beyond reason");
    }
}
