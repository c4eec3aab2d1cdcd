//! The audit trail port: events are appended in blocks, read newest first, and expire by age and
//! number.
//!
//! A change of a mailbox is told by [`Change::Note`](super::store::Change::Note), in the write set
//! of the change itself. Logins are appended here, by whoever collects them.
//!
//! Events are kept in lanes, so that what strangers can cause at will pushes out only its like.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{BoxFuture, store::StoreError};
use crate::base::{
    Mailbox, UnixMillis,
    limits::{AUDIT_DETAIL_BYTES, AUDIT_TEXT_BYTES, MAILBOX_BYTES},
};

/// Names a block of events and orders blocks by time: milliseconds since 1970, then what tells
/// blocks of one millisecond apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(u128);

impl Stamp {
    /// Of a moment, and a number that no other block of that moment has.
    pub const fn new(at: UnixMillis, number: u64) -> Self {
        Self(((at.millis() as u128) << 64) | number as u128)
    }

    /// As it stands in keys.
    pub const fn bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// Out of a key.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }

    /// When the block was written down.
    pub const fn at(self) -> UnixMillis {
        UnixMillis::from_millis((self.0 >> 64) as u64)
    }

    /// The one right after it.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Reads what [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        plain.then(|| u128::from_str_radix(text, 16).ok().map(Self)).flatten()
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Events that are kept and expire together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Changes.
    Change,
    /// Logins that somebody made who knew the password.
    SignIn,
    /// Logins that anybody can cause to fail.
    Refused,
}

impl Lane {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Change, Self::SignIn, Self::Refused];
}

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
        Self {
            at: at.millis(),
            kind: EventKind::Change,
            mailbox: Some(mailbox.to_string()),
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

/// Events that were written together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrailBlock {
    /// Its name.
    pub stamp: Stamp,
    /// In the order in which they happened.
    pub events: Vec<TrailEvent>,
}

/// Which blocks to read.
#[derive(Clone, Debug)]
pub struct TrailQuery {
    /// Only blocks with an event that concerns this mailbox; they may hold others too.
    pub mailbox: Option<Mailbox>,
    /// Only these lanes.
    pub lanes: Vec<Lane>,
    /// Only blocks before this one.
    pub before: Option<Stamp>,
    /// Only blocks that were written then or later.
    pub since: UnixMillis,
    /// At most so many blocks.
    pub most: usize,
}

/// A page of the trail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrailPage {
    /// Newest first.
    pub blocks: Vec<TrailBlock>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Stamp>,
    /// Blocks that cannot be read; they were skipped.
    pub unreadable: usize,
}

/// What an expiry did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// Events that were removed.
    pub events: u64,
    /// Whether there may be more to remove.
    pub more: bool,
}

/// The audit trail.
pub trait Trail: Send + Sync {
    /// Adds events to a lane, in their order.
    ///
    /// # Errors
    ///
    /// Some of them may be there then. [`StoreError::Full`] while there is little room: the trail
    /// leaves the rest to logins and changes.
    fn append(&self, lane: Lane, events: Vec<TrailEvent>) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Reads blocks, newest first. One that cannot be read is skipped and counted.
    fn read<'a>(&'a self, query: &'a TrailQuery) -> BoxFuture<'a, Result<TrailPage, StoreError>>;

    /// Removes the oldest blocks of a lane: those written before `before`, and those beyond the
    /// newest `keep` events. At most some thousands of events at a time.
    fn expire(
        &self,
        lane: Lane,
        before: UnixMillis,
        keep: u64,
    ) -> BoxFuture<'_, Result<Expired, StoreError>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_ordered_by_time_and_read_back() {
        let at = |millis, number| Stamp::new(UnixMillis::from_millis(millis), number);
        assert!(at(1, u64::MAX) < at(2, 0) && at(2, 0) < at(2, 1));
        assert!(at(1, u64::MAX).bytes() < at(2, 0).bytes());
        assert_eq!(at(7, 3).at().millis(), 7);
        assert_eq!(Stamp::parse(&at(7, 3).to_string()), Some(at(7, 3)));
        for wrong in ["", "7", "+0000000000000000000000000000007", &"f".repeat(33)] {
            assert_eq!(Stamp::parse(wrong), None, "{wrong}");
        }
    }

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
