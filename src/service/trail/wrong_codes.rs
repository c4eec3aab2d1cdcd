//! "Right password, wrong code": how often, and when last. A strong sign that somebody else has the
//! password, or that a program still sends an old code.

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
        limits::{AUDIT_COUNTED, WRONG_CODES_SECONDS},
    },
    ports::store::{EntryKey, Store, StoreError},
};

/// Wrong codes of a mailbox. They are forgotten when none came for thirty days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WrongCodes {
    /// How many.
    pub count: u64,
    /// The first of them, seconds since 1970.
    pub first: u64,
    /// The last one, seconds since 1970.
    pub last: u64,
}

impl WrongCodes {
    fn and(self, other: Self) -> Self {
        Self {
            count: self.count.saturating_add(other.count),
            first: self.first.min(other.first),
            last: self.last.max(other.last),
        }
    }
}

/// Where they are kept.
pub(super) fn key(mailbox: &Mailbox) -> EntryKey {
    EntryKey { kind: "wrong-codes", mailbox: mailbox.clone(), id: String::new() }
}

/// Those that wait to be written down.
#[derive(Default)]
pub(super) struct Signals(Mutex<HashMap<Mailbox, WrongCodes>>);

impl Signals {
    pub(super) fn note(&self, mailbox: &Mailbox, now: UnixMillis) {
        let one = WrongCodes { count: 1, first: now.seconds(), last: now.seconds() };
        let mut waiting = lock(&self.0);
        if let Some(known) = waiting.get_mut(mailbox) {
            *known = known.and(one);
        } else if waiting.len() < AUDIT_COUNTED {
            waiting.insert(mailbox.clone(), one);
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
    ) -> Result<Option<WrongCodes>, StoreError> {
        let stored: Option<WrongCodes> = stored(store, &key(mailbox), now).await?;
        let waiting = lock(&self.0).get(mailbox).copied();
        Ok(match (stored, waiting) {
            (Some(stored), Some(waiting)) => Some(stored.and(waiting)),
            (one, None) | (None, one) => one,
        })
    }

    /// Writes down what waits. What cannot be written waits on.
    pub(super) async fn write(&self, store: &dyn Store, now: UnixMillis) {
        let waiting: Vec<_> =
            lock(&self.0).iter().map(|(name, codes)| (name.clone(), *codes)).collect();
        for (mailbox, codes) in waiting {
            let written = add(store, &mailbox, codes, now).await;
            if let Err(error) = written {
                tracing::debug!(%error, "a count of wrong codes waits to be written");
                return;
            }
            let mut waiting = lock(&self.0);
            // More may have come meanwhile.
            if let Some(known) = waiting.get_mut(&mailbox) {
                known.count = known.count.saturating_sub(codes.count);
                if known.count == 0 {
                    waiting.remove(&mailbox);
                }
            }
        }
    }
}

async fn add(
    store: &dyn Store,
    mailbox: &Mailbox,
    codes: WrongCodes,
    now: UnixMillis,
) -> Result<(), StoreError> {
    let stored: Option<WrongCodes> = stored(store, &key(mailbox), now).await?;
    let all = stored.map_or(codes, |stored| stored.and(codes));
    let expires = UnixMillis::from_seconds(all.last).plus_seconds(WRONG_CODES_SECONDS);
    keep(store, key(mailbox), &all, expires).await
}
