//! Reading the trail, page by page, newest first.
//!
//! A page ends with a cursor. It names an event, so that a page may end within a block.

use super::Recorder;
use crate::{
    base::{
        Mailbox, UnixMillis,
        limits::{AUDIT_PAGE, AUDIT_READ_BLOCKS},
    },
    decision::{outcome::Method, refusal::Refusal},
    ports::{
        event::{EventKind, TrailEvent},
        store::StoreError,
        trail::{Lane, Stamp, TrailQuery},
    },
};

/// Seconds after which a block of logins is written at the latest, as a rule.
const LATE_SECONDS: u64 = 60;

/// Words that choose events, beside the reasons of the log.
pub const WORDS: [&str; 7] =
    ["login", "change", "accepted", "refused", "unavailable", "lost", "more"];

/// Whether a word can choose events.
pub fn is_known_word(word: &str) -> bool {
    WORDS.contains(&word)
        || Refusal::ALL.iter().any(|refusal| refusal.as_str() == word)
        || Method::ALL.iter().any(|method| method.as_str() == word)
}

/// Which events.
#[derive(Clone, Debug, Default)]
pub struct EventQuery {
    /// Those that concern this mailbox.
    pub mailbox: Option<Mailbox>,
    /// Those with this kind, result or reason.
    pub word: Option<String>,
    /// Not older than this.
    pub since: Option<UnixMillis>,
    /// Older than this.
    pub until: Option<UnixMillis>,
    /// Before this event; out of [`EventPage::next`].
    pub before: Option<String>,
    /// At most so many.
    pub most: usize,
}

/// Some events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventPage {
    /// With the name of each, newest first. There may be none, and more all the same.
    pub events: Vec<(String, TrailEvent)>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<String>,
    /// Parts of the trail that cannot be read.
    pub unreadable: usize,
}

/// Names an event: its block, and its place therein.
#[derive(Clone, Copy)]
struct Cursor(Stamp, usize);

impl Cursor {
    fn parse(text: &str) -> Option<Self> {
        let (stamp, place) = text.split_once('-')?;
        Some(Self(Stamp::parse(stamp)?, place.parse().ok()?))
    }

    fn text(self) -> String {
        format!("{}-{}", self.0, self.1)
    }
}

impl EventQuery {
    fn lanes(&self) -> Vec<Lane> {
        match self.word.as_deref() {
            None => Lane::ALL.to_vec(),
            Some("change") => vec![Lane::Change],
            Some(_) => vec![Lane::SignIn, Lane::Refused],
        }
    }

    fn admits(&self, event: &TrailEvent) -> bool {
        let at = UnixMillis::from_millis(event.at);
        self.mailbox.as_ref().is_none_or(|mailbox| event.is_about(mailbox))
            && self.since.is_none_or(|since| at >= since)
            && self.until.is_none_or(|until| at < until)
            && self.word.as_deref().is_none_or(|word| has_word(event, word))
    }
}

fn has_word(event: &TrailEvent, word: &str) -> bool {
    let kind = match event.kind {
        EventKind::Login => "login",
        EventKind::Change => "change",
        EventKind::Lost => "lost",
        EventKind::More => "more",
    };
    kind == word || event.result.as_deref() == Some(word) || event.reason.as_deref() == Some(word)
}

impl Recorder {
    /// A page of events. `None` if the cursor is none.
    ///
    /// # Errors
    ///
    /// What the store says.
    pub async fn events(&self, query: &EventQuery) -> Result<Option<EventPage>, StoreError> {
        let cursor = match query.before.as_deref() {
            None => None,
            Some(text) => match Cursor::parse(text) {
                None => return Ok(None),
                cursor => cursor,
            },
        };
        let after_cursor = cursor.map(|Cursor(stamp, _)| stamp.next());
        let after_until = query.until.map(|until| Stamp::new(until.plus_seconds(LATE_SECONDS), 0));
        let most = query.most.clamp(1, AUDIT_PAGE);
        let mut page = EventPage::default();
        let found = self
            .trail
            .read(&TrailQuery {
                mailbox: query.mailbox.clone(),
                lanes: query.lanes(),
                // The block of the cursor may hold more.
                before: [after_cursor, after_until].into_iter().flatten().min(),
                since: query.since.unwrap_or_default(),
                most: AUDIT_READ_BLOCKS,
            })
            .await?;
        page.unreadable = found.unreadable;
        for block in found.blocks {
            let end = match cursor {
                Some(Cursor(stamp, place)) if stamp == block.stamp => place,
                _ => block.events.len(),
            };
            for (place, event) in block.events.into_iter().enumerate().take(end).rev() {
                if !query.admits(&event) {
                    continue;
                }
                if page.events.len() == most {
                    page.next = Some(Cursor(block.stamp, place + 1).text());
                    return Ok(Some(page));
                }
                page.events.push((Cursor(block.stamp, place).text(), event));
            }
        }
        // What comes next lies before all of that block.
        page.next = found.next.map(|stamp| Cursor(stamp, 0).text());
        Ok(Some(page))
    }
}
