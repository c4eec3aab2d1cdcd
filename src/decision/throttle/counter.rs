//! What is remembered about one key, and how it ages.
//!
//! A counter holds one moment, `at`. Everything else in it is a length of time measured back from that
//! moment: what each rung still carries, how long ago the last success was, how long ago a failed
//! credential was seen. So a clock that jumped touches one number only.
//!
//! # Security
//!
//! A clock that steps back forgives nothing: a counter from the future keeps its level until time
//! has passed *after* the step, and it is moved to the present as soon as it lies further ahead
//! than a slow login explains, so it does not wait for years either. A clock that jumps ahead is
//! believed: nothing here can tell it from time that has passed.

use super::{
    key::Scope,
    policy::{Kind, Ladder, Rung, ThrottlePolicy},
};
use crate::base::{
    UnixMillis,
    limits::{THROTTLE_CLOCK_TOLERANCE_SECONDS, THROTTLE_CODE_MARKS, THROTTLE_PASSWORD_MARKS},
};

/// A keyed, truncated hash of a mailbox and a credential; equal for equal ones, and worthless
/// without the key. The caller makes it, with a purpose of its own for each of the two uses:
/// password parts, and whole credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 16]);

/// A failed credential that is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) fingerprint: Fingerprint,
    /// How long before the counter's moment it was last seen, milliseconds.
    pub(super) age: u64,
}

/// The level of each rung of a ladder at the counter's moment, milliseconds until it is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lane(pub(super) [u64; 3]);

impl Lane {
    /// Forgets what time has forgotten. A rung holds twice its capacity at most, whatever a policy
    /// of yesterday or an overrun by two nodes has put on it.
    fn drain(&mut self, ladder: &Ladder, elapsed: u64) {
        for (level, rung) in self.0.iter_mut().zip(&ladder.0) {
            *level = level.saturating_sub(elapsed).min(rung.capacity().saturating_mul(2));
        }
    }

    fn charge(&mut self, ladder: &Ladder) {
        for (level, rung) in self.0.iter_mut().zip(&ladder.0) {
            *level = level.saturating_add(rung.weight()).min(rung.capacity().saturating_mul(2));
        }
    }

    /// Milliseconds until there is room for one more failure; 0 if there is now.
    fn wait(&self, ladder: &Ladder) -> u64 {
        let of = |(level, rung): (&u64, &Rung)| {
            level.saturating_add(rung.weight()).saturating_sub(rung.capacity())
        };
        self.0.iter().zip(&ladder.0).map(of).max().unwrap_or(0)
    }
}

/// What is remembered about one key: small, plain, and bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    pub(super) at: UnixMillis,
    pub(super) password: Lane,
    pub(super) code: Lane,
    pub(super) known_code: Lane,
    /// How long ago the last success was, of a pair; `None` if there was none, or too long ago.
    pub(super) success: Option<u64>,
    pub(super) password_marks: Vec<Mark>,
    pub(super) code_marks: Vec<Mark>,
}

impl Counter {
    /// The moment that the counter describes; for display.
    pub fn at(&self) -> UnixMillis {
        self.at
    }

    /// From this moment on the counter says nothing and can be dropped.
    pub fn expires(&self, policy: &ThrottlePolicy) -> UnixMillis {
        let levels = [self.password, self.code, self.known_code].into_iter().flat_map(|l| l.0);
        let success = self.success.map(|age| policy.known_for().saturating_sub(age));
        let marks = self.password_marks.iter().chain(&self.code_marks);
        let marks = marks.map(|mark| policy.remember().saturating_sub(mark.age));
        let left = levels.chain(success).chain(marks).max().unwrap_or(0);
        UnixMillis::from_millis(self.at.millis().saturating_add(left))
    }

    /// Whether the counter lies so far ahead that the clock must have been set back since.
    pub(super) fn is_ahead(&self, now: UnixMillis) -> bool {
        self.at > now.plus_seconds(THROTTLE_CLOCK_TOLERANCE_SECONDS)
    }

    /// The counter as it is now. One from the future does not age; one from far ahead is moved to
    /// the present. Logins that overlap come here with slightly older moments than the last: they
    /// do not turn the counter back, or it would age twice.
    pub(super) fn aged(&self, policy: &ThrottlePolicy, scope: Scope, now: UnixMillis) -> Self {
        let mut counter = self.clone();
        let elapsed = now.millis().saturating_sub(self.at.millis());
        counter.at = if self.is_ahead(now) { now } else { self.at.max(now) };
        counter.password.drain(policy.ladder(scope, Kind::Password), elapsed);
        counter.code.drain(policy.ladder(scope, Kind::Code), elapsed);
        counter.known_code.drain(policy.ladder(scope, Kind::KnownCode), elapsed);
        counter.success = counter
            .success
            .map(|age| age.saturating_add(elapsed))
            .filter(|age| *age < policy.known_for());
        for marks in [&mut counter.password_marks, &mut counter.code_marks] {
            for mark in marks.iter_mut() {
                mark.age = mark.age.saturating_add(elapsed);
            }
            marks.retain(|mark| mark.age < policy.remember());
        }
        counter
    }

    /// Whether there was a success at this place not long ago.
    pub(super) fn is_known(&self) -> bool {
        self.success.is_some()
    }

    /// Whether its moment is that of the success that made its place a known one, or keeps it so.
    pub(super) fn has_just_succeeded(&self) -> bool {
        self.success == Some(0)
    }

    fn lane(&self, kind: Kind) -> &Lane {
        match kind {
            Kind::Password => &self.password,
            Kind::Code => &self.code,
            Kind::KnownCode => &self.known_code,
        }
    }

    pub(super) fn wait(&self, kind: Kind, ladder: &Ladder) -> u64 {
        self.lane(kind).wait(ladder)
    }

    pub(super) fn charge(&mut self, kind: Kind, ladder: &Ladder) {
        match kind {
            Kind::Password => self.password.charge(ladder),
            Kind::Code => self.code.charge(ladder),
            Kind::KnownCode => self.known_code.charge(ladder),
        }
    }

    pub(super) fn has_password(&self, fingerprint: Fingerprint) -> bool {
        self.password_marks.iter().any(|mark| mark.fingerprint == fingerprint)
    }

    pub(super) fn has_code(&self, fingerprint: Fingerprint) -> bool {
        self.code_marks.iter().any(|mark| mark.fingerprint == fingerprint)
    }

    pub(super) fn mark_password(&mut self, fingerprint: Fingerprint) {
        mark(&mut self.password_marks, fingerprint, THROTTLE_PASSWORD_MARKS);
    }

    pub(super) fn mark_code(&mut self, fingerprint: Fingerprint) {
        mark(&mut self.code_marks, fingerprint, THROTTLE_CODE_MARKS);
    }

    /// Keeps what is remembered of a credential that keeps coming. To spare the disk it is renewed
    /// only once in an eighth of its time. Says whether it was.
    pub(super) fn renew(&mut self, fingerprint: Fingerprint, policy: &ThrottlePolicy) -> bool {
        let due = policy.remember() / 8;
        let marks = self.password_marks.iter_mut().chain(&mut self.code_marks);
        let mut renewed = false;
        for mark in marks.filter(|m| m.fingerprint == fingerprint && m.age > due) {
            mark.age = 0;
            renewed = true;
        }
        renewed
    }

    /// Takes a success at this place. Says whether that is worth writing: a success soon after
    /// the last changes nothing, so that a webmail's login a minute costs no write.
    pub(super) fn succeed(&mut self, policy: &ThrottlePolicy) -> bool {
        let due = policy.known_for() / 64;
        let renew = policy.known_for() > 0 && self.success.is_none_or(|age| age > due);
        if renew {
            self.success = Some(0);
        }
        renew
    }
}

/// Remembers a credential as seen now, in place of the one not seen for longest if all are taken.
fn mark(marks: &mut Vec<Mark>, fingerprint: Fingerprint, most: usize) {
    marks.retain(|mark| mark.fingerprint != fingerprint);
    while marks.len() >= most {
        let oldest = marks.iter().enumerate().max_by_key(|(_, mark)| mark.age).map(|(i, _)| i);
        match oldest {
            Some(index) => drop(marks.remove(index)),
            None => return,
        }
    }
    marks.push(Mark { fingerprint, age: 0 });
}
