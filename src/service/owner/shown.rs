//! What is shown once: a secret to scan, recovery codes, an app password. In memory only, for a few minutes.
//!
//! So a form is answered by a redirect, a page can be loaded again without being sent again, and going back
//! does not lose what was not written down yet. It is gone when its owner says that it is kept, when its
//! time is over, and with the session.
//!
//! # Security
//!
//! It is found by the very session that made it. It is never on disk, and wiped when it leaves.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{Owner, Ticket, Visit};
use crate::{
    base::{
        UnixMillis,
        limits::{PANEL_SHOWN, PANEL_SHOWN_SECONDS},
    },
    service::admin::{Disclosed, Enrolment},
};

/// Something to be shown once.
#[derive(Clone, Debug)]
pub enum Shown {
    /// The secret of an enrolment.
    Enrolment(Enrolment),
    /// The secret of a new phone.
    NewPhone(Enrolment),
    /// A set of recovery codes.
    RecoveryCodes {
        /// The codes.
        codes: Vec<Disclosed>,
        /// How far the app's clock is off, steps; of a set that came with an enrolment.
        drift_steps: i64,
        /// Whether 2-factor authentication was switched on with it.
        first: bool,
    },
    /// An app password.
    AppPassword {
        /// What its owner calls it.
        name: String,
        /// The services it opens; none means all.
        services: Vec<String>,
        /// The app password.
        password: Disclosed,
    },
}

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ShownKind {
    /// [`Shown::Enrolment`]
    Enrolment,
    /// [`Shown::NewPhone`]
    NewPhone,
    /// [`Shown::RecoveryCodes`]
    RecoveryCodes,
    /// [`Shown::AppPassword`]
    AppPassword,
}

impl Shown {
    fn kind(&self) -> ShownKind {
        match self {
            Self::Enrolment(_) => ShownKind::Enrolment,
            Self::NewPhone(_) => ShownKind::NewPhone,
            Self::RecoveryCodes { .. } => ShownKind::RecoveryCodes,
            Self::AppPassword { .. } => ShownKind::AppPassword,
        }
    }
}

struct Entry {
    what: Shown,
    until: UnixMillis,
}

/// All that is on a screen now, by the stored name of its session.
#[derive(Default)]
pub(super) struct OnScreen(Mutex<HashMap<(String, ShownKind), Entry>>);

impl OnScreen {
    fn all(&self) -> MutexGuard<'_, HashMap<(String, ShownKind), Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When there is too much, what ends first leaves.
    fn put(&self, session: String, what: Shown, now: UnixMillis) {
        let mut all = self.all();
        all.retain(|_, entry| now < entry.until);
        if all.len() >= PANEL_SHOWN {
            let first = all.iter().min_by_key(|(_, entry)| entry.until);
            if let Some(key) = first.map(|(key, _)| key.clone()) {
                all.remove(&key);
            }
        }
        let until = now.plus_seconds(PANEL_SHOWN_SECONDS);
        all.insert((session, what.kind()), Entry { what, until });
    }
}

impl Owner {
    /// Keeps something for the pages of a session.
    pub(super) fn put_on_screen(&self, ticket: &Ticket, what: Shown) {
        // Without a clock it is not kept, and the page says that it is gone.
        if let Ok(now) = self.now() {
            self.shown.put(self.key(ticket).id, what, now);
        }
    }

    /// What this session still shows.
    pub fn shown(&self, visit: &Visit, kind: ShownKind) -> Option<Shown> {
        let now = self.now().ok()?;
        let key = (self.key(&visit.ticket).id, kind);
        self.shown.all().get(&key).filter(|entry| now < entry.until).map(|entry| entry.what.clone())
    }

    /// Its owner has it, or does not want it.
    pub fn put_away(&self, visit: &Visit, kind: ShownKind) {
        self.shown.all().remove(&(self.key(&visit.ticket).id, kind));
    }

    /// Nothing of a session that ends is shown any more.
    pub(super) fn forget_shown(&self, ticket: &Ticket) {
        self.forget_shown_of(&self.key(ticket).id);
    }

    /// The same for a session by the name that it is stored under.
    pub(super) fn forget_shown_of(&self, session: &str) {
        self.shown.all().retain(|(of, _), _| of != session);
    }
}
