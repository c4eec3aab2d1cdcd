//! Which programs use the bare password of a mailbox: what will ask for a code, or break, when
//! 2-factor authentication is switched on.
//!
//! Logins are gathered in memory, and written at most once an hour for each mailbox. A mailbox
//! needs no record for it.

use std::{collections::HashMap, sync::Mutex};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    lock,
    summary::{keep, stored},
};
use crate::{
    base::{
        Mailbox, UnixMillis,
        limits::{PROGRAM_BYTES, PROGRAMS, PROGRAMS_SECONDS, PROGRAMS_WAITING},
    },
    decision::place::Network,
    ports::{
        audit::LoginEvent,
        event::clean,
        store::{EntryKey, Store, StoreError},
    },
};

/// Seconds that a mailbox's first login of this process waits to be written.
const SOON_SECONDS: u64 = 30;
/// Mailboxes written at one go, and of these side by side.
const AT_ONE_GO: usize = 2_048;
const SIDE_BY_SIDE: usize = 64;

/// A program, as far as it can be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Program {
    /// The service it used.
    pub service: String,
    /// What it calls itself, if the mail server passes that on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// The network it came from, /24 or /64; `None` if the mail server named no address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// Its first login, seconds since 1970.
    pub first: u64,
    /// Its last login, seconds since 1970.
    pub last: u64,
    /// How many logins.
    pub count: u64,
}

impl Program {
    fn is_like(&self, other: &Self) -> bool {
        self.service == other.service
            && self.program == other.program
            && self.network == other.network
    }
}

/// The programs of a mailbox, the latest first, at most [`PROGRAMS`].
pub type Programs = Vec<Program>;

/// What the entry is called in which a mailbox's are kept.
pub(crate) const KIND: &str = "programs";

/// Where they are kept.
pub(super) fn key(mailbox: &Mailbox) -> EntryKey {
    EntryKey { kind: KIND, mailbox: mailbox.clone(), id: String::new() }
}

struct Waiting {
    rows: Programs,
    /// When they are written, or a mailbox with none may be forgotten.
    due: UnixMillis,
}

/// Those that wait to be written down.
#[derive(Default)]
pub(super) struct Inventory(Mutex<HashMap<Mailbox, Waiting>>);

impl Inventory {
    pub(super) fn note(&self, mailbox: &Mailbox, event: &LoginEvent<'_>, now: UnixMillis) {
        let network = event.remote.ip().map(|ip| {
            let bits = if ip.is_ipv4() { 24 } else { 64 };
            Network::around(ip, bits).to_string()
        });
        let row = Program {
            service: event.service.as_str().to_owned(),
            program: event.client.and_then(program_name),
            network,
            first: now.seconds(),
            last: now.seconds(),
            count: 1,
        };
        let mut all = lock(&self.0);
        if let Some(waiting) = all.get_mut(mailbox) {
            merge(&mut waiting.rows, &[row]);
        } else if all.len() < PROGRAMS_WAITING {
            let due = now.plus_seconds(SOON_SECONDS);
            all.insert(mailbox.clone(), Waiting { rows: vec![row], due });
        }
    }

    pub(super) fn forget(&self, mailbox: &Mailbox) {
        lock(&self.0).remove(mailbox);
    }

    pub(super) async fn read(
        &self,
        store: &dyn Store,
        mailbox: &Mailbox,
        now: UnixMillis,
        kept: u64,
    ) -> Result<Programs, StoreError> {
        let mut rows: Programs = stored(store, &key(mailbox), now).await?.unwrap_or_default();
        if let Some(waiting) = lock(&self.0).get(mailbox) {
            merge(&mut rows, &waiting.rows);
        }
        rows.retain(|row| UnixMillis::from_seconds(row.last).plus_seconds(kept) > now);
        Ok(rows)
    }

    /// Writes down what is due, or all. What cannot be written waits on.
    pub(super) async fn write(&self, store: &dyn Store, now: UnixMillis, kept: u64, all: bool) {
        loop {
            let due = self.take_due(now, all);
            if due.is_empty() {
                return;
            }
            for group in due.chunks(SIDE_BY_SIDE) {
                let writes =
                    group.iter().map(|(mailbox, rows)| add(store, mailbox, rows, now, kept));
                let done = futures_util::future::join_all(writes).await;
                for ((mailbox, rows), done) in group.iter().zip(done) {
                    if let Err(error) = done {
                        tracing::debug!(%error, "the programs of a mailbox wait to be written");
                        self.put_back(mailbox, rows);
                    }
                }
            }
            if !all || due.len() < AT_ONE_GO {
                return;
            }
        }
    }

    /// Takes rows that are due; their mailbox waits an hour for the next ones.
    fn take_due(&self, now: UnixMillis, all: bool) -> Vec<(Mailbox, Programs)> {
        let mut waiting = lock(&self.0);
        // A clock that was set back must not keep a mailbox waiting for ever.
        let late = now.plus_seconds(PROGRAMS_SECONDS);
        let is_due = |one: &Waiting| all || one.due <= now || one.due > late;
        waiting.retain(|_, one| !one.rows.is_empty() || !is_due(one));
        let due = waiting.iter_mut().filter(|(_, one)| !one.rows.is_empty() && is_due(one));
        due.take(AT_ONE_GO)
            .map(|(mailbox, one)| {
                one.due = late;
                (mailbox.clone(), std::mem::take(&mut one.rows))
            })
            .collect()
    }

    fn put_back(&self, mailbox: &Mailbox, rows: &[Program]) {
        if let Some(waiting) = lock(&self.0).get_mut(mailbox) {
            merge(&mut waiting.rows, rows);
        }
    }
}

/// Adds rows to rows: like ones become one, the latest stand first, the oldest fall out.
fn merge(rows: &mut Programs, others: &[Program]) {
    for other in others {
        match rows.iter_mut().find(|row| row.is_like(other)) {
            Some(row) => {
                row.first = row.first.min(other.first);
                row.last = row.last.max(other.last);
                row.count = row.count.saturating_add(other.count);
            }
            None => rows.push(other.clone()),
        }
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.last));
    rows.truncate(PROGRAMS);
}

async fn add(
    store: &dyn Store,
    mailbox: &Mailbox,
    rows: &[Program],
    now: UnixMillis,
    kept: u64,
) -> Result<(), StoreError> {
    let mut all: Programs = stored(store, &key(mailbox), now).await?.unwrap_or_default();
    merge(&mut all, rows);
    all.retain(|row| UnixMillis::from_seconds(row.last).plus_seconds(kept) > now);
    let last = all.iter().map(|row| row.last).max().unwrap_or_default();
    let expires = UnixMillis::from_seconds(last).plus_seconds(kept);
    keep(store, key(mailbox), &all, expires).await
}

/// The name in an IMAP ID, `"name" "Thunderbird" "version" "128"`; without one, all of it. The
/// version is left out: a new one is the same program.
fn program_name(id: &str) -> Option<String> {
    let words = quoted(id);
    let name = words.chunks(2).find_map(|pair| match pair {
        [key, value] if key.eq_ignore_ascii_case("name") => Some(value.as_str()),
        _ => None,
    });
    let name = clean(name.unwrap_or(id).trim(), PROGRAM_BYTES);
    (!name.is_empty()).then_some(name)
}

/// The quoted strings in a text.
fn quoted(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut open: Option<String> = None;
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match (&mut open, c) {
            (Some(_), '"') => words.extend(open.take()),
            (Some(word), '\\') => word.extend(characters.next()),
            (Some(word), c) => word.push(c),
            (None, '"') => open = Some(String::new()),
            (None, _) => {}
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_program() {
        for (id, name) in [
            (r#""name" "Thunderbird" "version" "128.3.1""#, Some("Thunderbird")),
            (r#"("version" "1" "NAME" "K-9 \"Mail\"")"#, Some("K-9 \"Mail\"")),
            ("name=Roundcube", Some("name=Roundcube")),
            (r#""name" "\u{1b}]0;x""#, Some("u{1b}]0;x")),
            ("\"name\" \"a\u{1b}[31m\"", Some("a\u{fffd}[31m")),
            (r#""name" """#, None),
            (r#""name" "#, Some(r#""name""#)),
            ("", None),
        ] {
            assert_eq!(program_name(id).as_deref(), name, "{id}");
        }
    }
}
