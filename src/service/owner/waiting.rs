//! Who gave a right password and has not given a code yet. In memory only, for a few minutes.
//!
//! # Security
//!
//! It holds passwords, so that nobody has to type one twice and no page has to carry it. They are wiped
//! when the code is given, when their time is over, and when too many wait.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use crate::base::{
    Secret, UnixMillis,
    limits::{PANEL_CODE_TRIES, PANEL_WAITING, PANEL_WAITING_SECONDS},
};

/// Bytes of an id.
pub(super) const ID_BYTES: usize = 32;

/// Names a sign-in that waits for its code.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct WaitingId(pub [u8; ID_BYTES]);

impl std::fmt::Debug for WaitingId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WaitingId(…)")
    }
}

/// What was typed so far.
#[derive(Clone, Debug)]
pub(super) struct Typed {
    pub(super) name: Vec<u8>,
    pub(super) password: Secret,
}

#[derive(Debug)]
struct Entry {
    typed: Typed,
    until: UnixMillis,
    tries: u8,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Waiting(Mutex<HashMap<WaitingId, Entry>>);

impl Waiting {
    /// Keeps what was typed. When too many wait, the one whose time is over first leaves.
    pub(super) fn keep(&self, id: WaitingId, typed: Typed, now: UnixMillis) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, entry| now < entry.until);
        if all.len() >= PANEL_WAITING {
            let first = all.iter().min_by_key(|(_, entry)| entry.until).map(|(id, _)| *id);
            if let Some(first) = first {
                all.remove(&first);
            }
        }
        let until = now.plus_seconds(PANEL_WAITING_SECONDS);
        all.insert(id, Entry { typed, until, tries: 0 });
    }

    /// What was typed, for one more try with a code; `None` when there were enough or time is over.
    pub(super) fn attempt(&self, id: WaitingId, now: UnixMillis) -> Option<Typed> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = all.get_mut(&id)?;
        if now >= entry.until || entry.tries >= PANEL_CODE_TRIES {
            all.remove(&id);
            return None;
        }
        entry.tries += 1;
        Some(entry.typed.clone())
    }

    /// Whether it still waits.
    pub(super) fn waits(&self, id: WaitingId, now: UnixMillis) -> bool {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&id).is_some_and(|entry| now < entry.until && entry.tries < PANEL_CODE_TRIES)
    }

    /// Forgets it.
    pub(super) fn forget(&self, id: WaitingId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }
}
