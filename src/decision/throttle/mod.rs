//! Who has to wait before the next attempt: pure state machines with time as an argument.
//!
//! Nothing here reads a clock, waits, stores or logs. A login is asked about twice, and told of
//! once:
//!
//! 1. [`admit`], before the password is looked at;
//! 2. [`admit_code`], when the password is right and before the code is looked at;
//! 3. [`after`], with what came out; it returns the counters to store.
//!
//! Failures are counted per mailbox, per network and per pair of mailbox and place, wrong passwords
//! apart from wrong codes. Each count is a *lane*:
//!
//! ```text
//!             failure               failure that fills a rung
//!   Clear ───────────────► Counting ─────────────────────────► Full ──► attempt: Throttled
//!     ▲                     │  │  ▲                             │  ▲      │
//!     │ time: all forgotten │  │  │  time: room for one again   │  └──────┘ nothing changes
//!     └─────────────────────┘  │  └─────────────────────────────┘
//!                              └─► failure with room left; the same failure again: not counted
//! ```
//!
//! No success takes a failure back, so one person's success is no licence for another; only time
//! does. Each pair of mailbox and place also has a *standing*, which says what it is judged by:
//!
//! ```text
//!              success                       Unknown: mailbox, networks, pair
//!   Unknown ────────────► Known              Known:   pair; for codes also what the mailbox
//!      ▲                  │  │ success: anew          allows all its known places together
//!      └──────────────────┘  └► to itself    Shared:  pair; for codes also mailbox
//!        known_for passed                    Nowhere: mailbox (no address)
//!   Shared, Nowhere: by configuration, by address; never become Known
//! ```
//!
//! What a login is judged by is what its failure is counted on. So nothing that happens elsewhere
//! without the password is weighed against a known place.
//!
//! A credential whose code was wrong or is spent is remembered, and refused without its code being
//! looked at when it comes again ([`CodeAdmission::Stale`]). It therefore costs nothing and is no
//! guess: a program that repeats its stored password and code for weeks locks nobody out.
//!
//! # Security
//!
//! An attempt that is throttled is not evaluated, not counted, and does not prolong anything.
//!
//! The bound on guessed codes needs one thing from the driver. Between loading the view for
//! [`admit_code`] and the end of the login nobody else's guess may slip in. In one process one
//! login at a time looks at a code of a mailbox. Several processes would write the outcome, burned
//! or counted, on condition that the mailbox's counter ([`Key::Mailbox`]) still is what the view
//! had, and ask again otherwise. Then a thousand guesses at once are worth as many as fit one after the other.
//!
//! A live session or an app password, found by the keyed hash of the whole credential, is not asked
//! for admission: nobody guesses those, and they go on working during an attack. Look for a
//! session after the view was loaded, because the sign-in that opened it also made its string
//! stale.

mod counter;
mod encoding;
mod key;
mod policy;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, time::Duration};

pub use counter::{Counter, Fingerprint};
pub use encoding::DecodeError;
pub use key::{Key, Owner, Scope};
pub use policy::{
    ALL_CODES, GUESS_ODDS, Kind, Ladder, Ladders, PolicyError, RIGHT_CODES, Rung, Settings,
    ThrottlePolicy,
};

use crate::{base::UnixMillis, decision::place::Network};

/// What is known about a login's keys: those of [`ThrottlePolicy::keys_for`], with their counters.
#[derive(Clone, Debug, Default)]
pub struct View(BTreeMap<Key, Counter>);

impl View {
    /// From each key with its stored counter; `None` where the store has none.
    pub fn new(counters: impl IntoIterator<Item = (Key, Option<Counter>)>) -> Self {
        Self(
            counters.into_iter().map(|(key, counter)| (key, counter.unwrap_or_default())).collect(),
        )
    }

    /// The same keys with newer counters, where there are any.
    #[must_use]
    pub fn updated(mut self, newer: impl IntoIterator<Item = (Key, Option<Counter>)>) -> Self {
        for (key, counter) in newer {
            if let (Some(slot), Some(counter)) = (self.0.get_mut(&key), counter) {
                *slot = counter;
            }
        }
        self
    }

    /// The counter of a key, if it is one of the login's.
    pub fn get(&self, key: &Key) -> Option<&Counter> {
        self.0.get(key)
    }

    fn aged(&self, policy: &ThrottlePolicy, now: UnixMillis) -> Self {
        Self(
            self.0
                .iter()
                .map(|(key, counter)| (key.clone(), counter.aged(policy, key.scope(), now)))
                .collect(),
        )
    }

    fn pair(&self) -> Option<(Network, &Counter)> {
        self.0.iter().find_map(|(key, counter)| match key {
            Key::Pair(_, place) => Some((*place, counter)),
            Key::Mailbox(_) | Key::Network(_) => None,
        })
    }

    fn mailbox(&self) -> Option<&Counter> {
        self.0.iter().find_map(|(key, counter)| match key {
            Key::Mailbox(_) => Some(counter),
            Key::Pair(..) | Key::Network(_) => None,
        })
    }

    /// The standing of the login's place, of a view that has been aged.
    fn standing(&self, policy: &ThrottlePolicy) -> Standing {
        match self.pair() {
            None if self.mailbox().is_some() => Standing::Nowhere,
            Some((place, _)) if policy.is_shared(place) => Standing::Shared,
            Some((_, pair)) if pair.is_known() => Standing::Known,
            None | Some(_) => Standing::Unknown,
        }
    }
}

/// What a place is to a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The mailbox was opened from here not long ago.
    Known,
    /// It was not.
    Unknown,
    /// Many people come from here by nature.
    Shared,
    /// There is no address.
    Nowhere,
}

/// The standing of the login's place.
pub fn standing(policy: &ThrottlePolicy, view: &View, now: UnixMillis) -> Standing {
    view.aged(policy, now).standing(policy)
}

/// The count that a login had no room on; for the log, never for the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How wide.
    pub scope: Scope,
    /// Of what.
    pub kind: Kind,
}

/// May this login's password be looked at?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Admission {
    /// Yes.
    Go,
    /// No: refuse, like any other refusal.
    Throttled {
        /// Time until there is room again, if nobody else takes it.
        retry_after: Duration,
        /// What there is no room on.
        limit: Limit,
    },
}

/// The password is right: may the code be looked at?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum CodeAdmission {
    /// Yes.
    Look,
    /// No: this very credential failed or was spent before. Refuse, whatever the code says, and
    /// tell [`after`] with [`Event::StaleCode`].
    Stale,
    /// No: refuse.
    Throttled {
        /// Time until there is room again, if nobody else takes it.
        retry_after: Duration,
        /// What there is no room on.
        limit: Limit,
    },
}

/// What came out of a login. A refusal that looked at neither password nor code (throttled, a
/// hopeless name, nothing typed) is no event; nor is one that ended as unavailable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The password is wrong, or the mailbox unknown. The fingerprint is of the password part.
    WrongPassword(Fingerprint),
    /// The password is right and the code is wrong. The fingerprint is of the whole credential.
    WrongCode(Fingerprint),
    /// The password is right and so was the code, but it is spent. No guess, so it costs nothing;
    /// the whole credential is remembered.
    UsedCode(Fingerprint),
    /// [`CodeAdmission::Stale`]: costs nothing, and keeps the memory.
    StaleCode(Fingerprint),
    /// There was no code to look at. Costs nothing, whether or not the password was checked: a
    /// program that goes on with the bare password gains nothing by it and must not lock out the
    /// person who has yet to teach it.
    MissingCode,
    /// The mailbox was opened.
    Success {
        /// The whole credential, if a code was burned: it cannot open anything again.
        spent: Option<Fingerprint>,
    },
}

/// Decides whether a login may go on, before its password is looked at. Both kinds of failure
/// count here.
pub fn admit(policy: &ThrottlePolicy, view: &View, now: UnixMillis) -> Admission {
    let view = view.aged(policy, now);
    let kinds = [Kind::Password, Kind::Code, Kind::KnownCode];
    match longest_wait(policy, &view, &kinds) {
        None => Admission::Go,
        Some((wait, limit)) => {
            Admission::Throttled { retry_after: Duration::from_millis(wait), limit }
        }
    }
}

/// Decides whether a code may be looked at, with counters loaded after the password was found right.
/// The credential is the whole string.
pub fn admit_code(
    policy: &ThrottlePolicy,
    view: &View,
    credential: Fingerprint,
    now: UnixMillis,
) -> CodeAdmission {
    let view = view.aged(policy, now);
    if view.0.values().any(|counter| counter.has_code(credential)) {
        return CodeAdmission::Stale;
    }
    match longest_wait(policy, &view, &[Kind::Code, Kind::KnownCode]) {
        None => CodeAdmission::Look,
        Some((wait, limit)) => {
            CodeAdmission::Throttled { retry_after: Duration::from_millis(wait), limit }
        }
    }
}

/// Takes what came out of a login; returns the counters that changed. The caller loads them
/// fresh, and stores what is returned before anybody else changes them; a failure that was counted
/// is never taken back with the login it counts.
pub fn after(
    policy: &ThrottlePolicy,
    view: &View,
    event: Event,
    now: UnixMillis,
) -> Vec<(Key, Counter)> {
    let mut view = view.aged(policy, now);
    let standing = view.standing(policy);
    let place_has = view.pair().map(|(_, pair)| pair.clone()).unwrap_or_default();
    let mailbox_has = view.mailbox().cloned().unwrap_or_default();
    let change = |key: &Key, counter: &mut Counter| match event {
        Event::WrongPassword(fingerprint) => {
            let repeated = match key {
                Key::Mailbox(_) => {
                    place_has.has_password(fingerprint) || mailbox_has.has_password(fingerprint)
                }
                Key::Pair(..) | Key::Network(_) => place_has.has_password(fingerprint),
            };
            if repeated {
                return counter.renew(fingerprint, policy);
            }
            if !counts(standing, key).contains(&Kind::Password) {
                return false;
            }
            counter.charge(Kind::Password, policy.ladder(key.scope(), Kind::Password));
            if key.mailbox().is_some() {
                counter.mark_password(fingerprint);
            }
            true
        }
        Event::WrongCode(fingerprint) => {
            let kinds = counts(standing, key).iter().filter(|kind| **kind != Kind::Password);
            let mut changed = false;
            for kind in kinds {
                counter.charge(*kind, policy.ladder(key.scope(), *kind));
                changed = true;
            }
            changed | remember(key, counter, fingerprint)
        }
        Event::UsedCode(fingerprint) => remember(key, counter, fingerprint),
        Event::StaleCode(fingerprint) => counter.renew(fingerprint, policy),
        Event::MissingCode => false,
        Event::Success { spent } => {
            let place = matches!(key, Key::Pair(..)) && standing != Standing::Shared;
            let changed = place && counter.succeed(policy);
            changed | spent.is_some_and(|fingerprint| remember(key, counter, fingerprint))
        }
    };
    view.0.retain(|key, counter| change(key, counter));
    view.0.into_iter().collect()
}

/// Whether a counter that [`after`] returned must be on disk before the login is answered. Of a
/// success only that its place is known: it is the burned step and the removed recovery code that
/// stop a spent string, and those are the record's. That the string is also refused unlooked-at is
/// a kindness to programs that repeat it. Lost with a restart, it costs them one counted failure,
/// and is remembered again.
pub fn must_last(event: Event, counter: &Counter) -> bool {
    match event {
        Event::Success { .. } => counter.has_just_succeeded(),
        Event::WrongPassword(_)
        | Event::WrongCode(_)
        | Event::UsedCode(_)
        | Event::StaleCode(_)
        | Event::MissingCode => true,
    }
}

/// The counters that lie far in the future because the clock was set back, moved to the present. The
/// caller stores them before it asks for admission; usually there are none. They keep their
/// level, and from then on it falls again.
pub fn settle(policy: &ThrottlePolicy, view: &View, now: UnixMillis) -> Vec<(Key, Counter)> {
    let ahead = view.0.iter().filter(|(_, counter)| counter.is_ahead(now));
    ahead.map(|(key, counter)| (key.clone(), counter.aged(policy, key.scope(), now))).collect()
}

/// Remembers a credential that cannot open anything again, at the place and for the mailbox.
fn remember(key: &Key, counter: &mut Counter, credential: Fingerprint) -> bool {
    let mine = key.mailbox().is_some();
    if mine {
        counter.mark_code(credential);
    }
    mine
}

/// What counts against a login from such a place, and what its failure is counted on.
fn counts(standing: Standing, key: &Key) -> &'static [Kind] {
    const BOTH: &[Kind] = &[Kind::Password, Kind::Code];
    match key {
        Key::Pair(..) => BOTH,
        Key::Mailbox(_) => match standing {
            Standing::Known => &[Kind::KnownCode],
            Standing::Shared => &[Kind::Code],
            Standing::Unknown | Standing::Nowhere => BOTH,
        },
        Key::Network(_) => match standing {
            Standing::Unknown => BOTH,
            Standing::Known | Standing::Shared | Standing::Nowhere => &[],
        },
    }
}

/// The longest wait over everything that counts, if there is any; the view has been aged.
fn longest_wait(policy: &ThrottlePolicy, view: &View, kinds: &[Kind]) -> Option<(u64, Limit)> {
    let standing = view.standing(policy);
    let mut longest: Option<(u64, Limit)> = None;
    for (key, counter) in &view.0 {
        for kind in counts(standing, key).iter().filter(|kind| kinds.contains(kind)) {
            let limit = Limit { scope: key.scope(), kind: *kind };
            let wait = counter.wait(*kind, policy.ladder(limit.scope, *kind));
            if wait > longest.map_or(0, |(longest, _)| longest) {
                longest = Some((wait, limit));
            }
        }
    }
    longest
}
