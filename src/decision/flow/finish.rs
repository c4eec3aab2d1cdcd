//! The end: a code is used up, a use is noted, what came out is counted, and it is accepted.

use std::collections::VecDeque;

use super::{
    BURN_ATTEMPTS, Basis, Candidate, Claim, Count, Credential, Effect, Login, Next, Standing,
    State, Write,
    credential::{Factor, judge},
    refuse, still_the_same, unavailable,
};
use crate::decision::{
    answer::BurnAnswer,
    app_password::AppPasswordId,
    outcome::{Accepted, Method, Outcome},
    proof::{Before, CodeBurned},
    record::{MailboxRecord, Version, Versioned},
    refusal::Refusal,
    throttle::{Event, Fingerprint},
};

impl Login {
    /// Uses the code up, and opens the session of this sign-in with the same write.
    pub(super) fn burn(
        self,
        before: Before,
        user: Option<Vec<u8>>,
        candidate: Candidate,
        attempts: u8,
    ) -> Next {
        let now = self.arrival.at;
        let burn = match judge(&candidate.factor, &candidate.seen.value, now) {
            Ok(burn) => burn,
            Err(refusal) => return refuse(refusal),
        };
        let mut record = candidate.seen.value.clone();
        burn.apply(&mut record);
        let sessions = &self.policy.sessions;
        let (digest, opened, id) = (self.session, self.arrival.clone(), record.next_session());
        let session = match (&before, &self.typed) {
            (Before::Password(_), Credential::Joined(_)) => Some(sessions.open(digest, opened, id)),
            // Who asks by a form keeps a session of its own; this one is for a form sent twice.
            (Before::Password(_), Credential::Apart { .. }) => {
                Some(sessions.open_briefly(digest, opened, id))
            }
            (Before::Panel(_), _) => None,
        };
        if let Some(session) = session {
            record.sessions = sessions.with(std::mem::take(&mut record.sessions), session, now);
        }
        let write = self.write(candidate.seen.version, record);
        let spent = Some(self.fingerprint(self.typed.whole().expose()));
        let count = self.count(Event::Success { spent });
        let basis = match before {
            Before::Password(right) => Basis::Password(right, Standing::ToBurn(candidate)),
            Before::Panel(live) => Basis::Panel(live, candidate),
        };
        let claim = Box::new(Claim { basis, user, waiting: VecDeque::new() });
        self.perform(State::Burning(claim, attempts), Effect::Burn(write, count))
    }

    /// The code is used up, and the success was counted with the same write.
    pub(super) fn burned(self, claim: Box<Claim>, attempts: u8, answer: BurnAnswer) -> Next {
        if let Some(burned) = CodeBurned::from_answer(&answer) {
            let Claim { basis, user, .. } = *claim;
            let Some((before, candidate)) = to_burn(basis) else {
                return unavailable("nothing was to be used up");
            };
            let identity = self.identity.clone();
            let accepted = match candidate.factor {
                Factor::Recovery(_) => Accepted::by_recovery_code(identity, user, &before, burned),
                Factor::Code(_) | Factor::Malformed | Factor::Session => {
                    Accepted::by_code(identity, user, &before, burned)
                }
            };
            return Next::Finish(Outcome::Accepted(accepted.noting(self.would_refuse)));
        }
        match answer {
            BurnAnswer::Conflict if attempts < BURN_ATTEMPTS => {
                let load = Effect::Load(self.identity.authenticating().clone());
                self.perform(State::Reloading(claim, attempts + 1), load)
            }
            BurnAnswer::Conflict | BurnAnswer::Burned => {
                unavailable("the mailbox's record changes faster than it can be written")
            }
            BurnAnswer::Unavailable(why) => unavailable(why),
        }
    }

    /// Somebody changed the record between reading and burning. Another sign-in is carried on
    /// from: the very same one, from a connection opened at the same time, has left a session. A new
    /// password or factor, or a lock, asks for a new login.
    pub(super) fn reloaded(
        self,
        claim: Claim,
        attempts: u8,
        record: Option<Versioned<MailboxRecord>>,
    ) -> Next {
        let Claim { basis, user, .. } = claim;
        let Some((before, candidate)) = to_burn(basis) else {
            return unavailable("nothing was to be used up");
        };
        let seen = match still_the_same(&candidate.seen.value, record) {
            Ok(seen) => seen,
            Err(why) => return unavailable(why),
        };
        match (before, self.session_live(&seen.value)) {
            (Before::Password(right), Some(live)) => {
                let identity = self.identity.clone();
                self.accept(Accepted::by_session(identity, user, right, live))
            }
            (before, _) => {
                self.burn(before, user, Candidate { factor: candidate.factor, seen }, attempts)
            }
        }
    }

    pub(super) fn session_use(&self, seen: Versioned<MailboxRecord>) -> Option<Write> {
        let Versioned { value: mut record, version } = seen;
        let session = record.sessions.iter_mut().find(|s| s.digest == self.session)?;
        if !self.policy.sessions.is_stale(session, self.arrival.at) {
            return None;
        }
        session.last_use = self.arrival.clone();
        Some(self.write(version, record))
    }

    pub(super) fn app_password_use(
        &self,
        id: AppPasswordId,
        seen: Versioned<MailboxRecord>,
    ) -> Option<Write> {
        let Versioned { value: mut record, version } = seen;
        let used = record.app_passwords.iter_mut().find(|stored| stored.id == id)?;
        if used.last_use.as_ref().is_some_and(|last| last.is_recent(&self.arrival)) {
            return None;
        }
        used.last_use = Some(self.arrival.clone());
        Some(self.write(version, record))
    }

    pub(super) fn write(&self, expect: Version, record: MailboxRecord) -> Write {
        let mailbox = self.identity.authenticating().clone();
        Write { mailbox, expect, record: Box::new(record) }
    }

    pub(super) fn note_and_accept(self, accepted: Accepted, note: Option<Write>) -> Next {
        match note {
            None => self.accept(accepted),
            Some(write) => self.perform(State::Touching(Box::new(accepted)), Effect::Touch(write)),
        }
    }

    /// A use was noted, or somebody else has just changed the record, which is as good. Only a store
    /// that does not answer stands in the way.
    pub(super) fn touched(self, accepted: Accepted, answer: BurnAnswer) -> Next {
        match answer {
            BurnAnswer::Burned | BurnAnswer::Conflict => self.accept(accepted),
            BurnAnswer::Unavailable(why) => unavailable(why),
        }
    }

    /// Accepts a login that used no code up, once the success has been counted.
    pub(super) fn accept(self, accepted: Accepted) -> Next {
        let method = accepted.method();
        let outcome = Outcome::Accepted(accepted.noting(self.would_refuse));
        match method {
            // Says nothing of the person: a program's password is not what is guessed.
            Method::AppPassword
            | Method::WebmailToken
            | Method::Mechanism
            | Method::MechanismAndFactorElsewhere => Next::Finish(outcome),
            Method::Password | Method::PasswordAndSession | Method::ExemptNetwork => {
                self.finish_counting(outcome, Event::Success { spent: None })
            }
            Method::PasswordAndCode
            | Method::PasswordAndRecoveryCode
            | Method::PanelAndCode
            | Method::PanelAndRecoveryCode => unavailable("a code was accepted and not used up"),
        }
    }

    /// The end, once it has been counted.
    pub(super) fn finish_counting(self, outcome: Outcome, event: Event) -> Next {
        match self.count(event) {
            None => Next::Finish(outcome),
            Some(count) => self.perform(State::Counting(Box::new(outcome)), Effect::Count(count)),
        }
    }

    /// What is to be counted, if this login is throttled.
    pub(super) fn count(&self, event: Event) -> Option<Count> {
        let keys = self.counters.clone();
        (!keys.is_empty()).then_some(Count { keys, event })
    }

    pub(super) fn fail(self, refusal: Refusal, event: impl Fn(Fingerprint) -> Event) -> Next {
        let whole = self.fingerprint(self.typed.whole().expose());
        self.finish_counting(Outcome::Refused(refusal), event(whole))
    }
}

impl Claim {
    /// Whether what is to be used up is a recovery code.
    pub(super) fn spends_recovery_code(&self) -> bool {
        let candidate = match &self.basis {
            Basis::Password(_, Standing::ToBurn(candidate)) | Basis::Panel(_, candidate) => {
                candidate
            }
            Basis::Password(_, Standing::Unproved | Standing::Live(..) | Standing::Suffices(_))
            | Basis::AppPassword(..)
            | Basis::WebmailToken(..) => return false,
        };
        matches!(candidate.factor, Factor::Recovery(_))
    }
}

/// What is to be used up, and what stands before it.
fn to_burn(basis: Basis) -> Option<(Before, Candidate)> {
    match basis {
        Basis::Password(right, Standing::ToBurn(candidate)) => {
            Some((Before::Password(right), candidate))
        }
        Basis::Panel(live, candidate) => Some((Before::Panel(live), candidate)),
        Basis::Password(_, Standing::Unproved | Standing::Live(..) | Standing::Suffices(_))
        | Basis::AppPassword(..)
        | Basis::WebmailToken(..) => None,
    }
}
