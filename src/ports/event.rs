//! What the audit trail is told: a login that was decided, a change.
//!
//! It does not say where events are kept (`trail`) or which change they come with (`store`).
//!
//! # Security
//!
//! Names, addresses and what programs say of themselves come from strangers: every text passes [`clean`].

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::base::{
    Mailbox, UnixMillis,
    limits::{AUDIT_DETAIL_BYTES, AUDIT_TEXT_BYTES, MAILBOX_BYTES},
};

/// What an event tells of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A decided login.
    #[default]
    Login,
    /// A change.
    Change,
    /// Events that could not be kept; `count` says how many.
    Lost,
    /// Logins of a mailbox beyond what is kept of one day; `count` says how many.
    More,
}

/// One event. Its texts are clean and bounded (see [`clean`]); none is a secret. The names of the
/// fields are those of the JSON output, documented in docs/audit.md.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TrailEvent {
    /// When, milliseconds since 1970.
    pub at: u64,
    /// Whether the clock had lost its time: `at` is that of an event before it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub time_unknown: bool,
    /// What it tells of.
    pub kind: EventKind,
    /// Whose: the authenticating user, or the changed mailbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mailbox: Option<String>,
    /// Whether `mailbox` is only what somebody typed, and no name that a mailbox can have.
    #[serde(default, skip_serializing_if = "is_false")]
    pub typed: bool,
    /// The mailbox that a master user opened, or the new name of a renamed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// `accepted`, `refused` or `unavailable`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// The word for why, as in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why a rule that is only tried out would have refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub would_refuse: Option<String>,
    /// The service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The address, as the mail server says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The door.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listener: Option<String>,
    /// The SASL mechanism.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mechanism: Option<String>,
    /// The mail server's session id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// What the mail program says of itself (IMAP ID), if the mail server passes it on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// From arrival to decision, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Who changed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// What else there is to say, without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// How many, for `lost` and `more`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

impl TrailEvent {
    /// A change of a mailbox.
    pub fn change(at: UnixMillis, mailbox: &Mailbox, by: &str, action: &str) -> Self {
        Self { mailbox: Some(mailbox.to_string()), ..Self::of_store(at, by, action) }
    }

    /// A change of the store that is not of one mailbox.
    pub fn of_store(at: UnixMillis, by: &str, action: &str) -> Self {
        Self {
            at: at.millis(),
            kind: EventKind::Change,
            by: Some(clean(by, AUDIT_TEXT_BYTES)),
            action: Some(clean(action, AUDIT_TEXT_BYTES)),
            ..Self::default()
        }
    }

    /// Adds what else there is to say; nothing if it is empty.
    #[must_use]
    pub fn with_detail(mut self, detail: &str) -> Self {
        self.detail = (!detail.is_empty()).then(|| clean(detail, AUDIT_DETAIL_BYTES));
        self
    }

    /// The mailboxes that the event concerns, under which it is found.
    pub fn concerns(&self) -> impl Iterator<Item = Mailbox> {
        let own = self.mailbox.as_deref().filter(|_| !self.typed);
        own.into_iter().chain(self.target.as_deref()).filter_map(|name| Mailbox::new(name).ok())
    }

    /// Whether it concerns this mailbox.
    pub fn is_about(&self, mailbox: &Mailbox) -> bool {
        self.concerns().any(|name| name == *mailbox)
    }
}

/// A text for the trail, at most `most` bytes. Characters that act on a terminal or hide others
/// (control characters, marks of direction, invisible ones) become U+FFFD: whoever reads the trail
/// must see what is there.
pub fn clean(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most));
    for c in text.chars() {
        let c = if is_treacherous(c) { char::REPLACEMENT_CHARACTER } else { c };
        if out.len() + c.len_utf8() > most {
            break;
        }
        out.push(c);
    }
    out
}

/// The name in an event, bounded like a mailbox's.
pub fn clean_name(name: &str) -> String {
    clean(name, MAILBOX_BYTES)
}

fn is_treacherous(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_acts_on_a_terminal() {
        let typed = "a\u{1b}[2Jb\u{9b}31mc\r\n\u{202e}d\u{200b}e\u{7f}";
        assert_eq!(
            clean(typed, 64),
            "a\u{fffd}[2Jb\u{fffd}31mc\u{fffd}\u{fffd}\u{fffd}d\u{fffd}e\u{fffd}"
        );
        assert_eq!(clean("jürgen@exämple.org", 64), "jürgen@exämple.org");
        // Cut between characters.
        assert_eq!(clean("ää", 3), "ä");
    }

    #[test]
    fn a_typed_name_is_nobodys() {
        let mailbox = Mailbox::new("alice").unwrap();
        let mut event = TrailEvent::change(UnixMillis::default(), &mailbox, "uid=0", "lock");
        assert!(event.is_about(&mailbox));
        event.typed = true;
        assert!(!event.is_about(&mailbox));
        event.target = Some("alice".into());
        assert!(event.is_about(&mailbox));
    }
}
