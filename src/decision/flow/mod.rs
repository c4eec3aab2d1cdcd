//! The one machine that decides every login, whichever door it comes through.
//!
//! [`Flow::start`] takes the request and returns the first effect; the driver performs it and
//! feeds the result to [`Flow::step`], until the next thing is [`Next::Finish`]. A finished flow is
//! gone: it cannot be stepped again. The machine awaits nothing, reads no clock and keeps no state
//! between logins.
//!
//! ```text
//! start ─ name hopeless, nothing typed ──────────────────────────────► Finish(Refused)
//!   │
//!   ▼ Load(authenticating)
//! Loading ─ locked; factor on, credential has no code ───────────────► Finish(Refused)
//!   │ │
//!   │ └─ an app password that opens this door ───────────┐
//!   ▼ CheckPassword(whole credential, or without its code) │
//! Checking ─ wrong; or right, and the code wrong or used ──┼─────────► Finish(Refused)
//!   │                                                      │
//!   ▼ Load(each name that must be looked at: see `Role`)   │
//! Judging ─ one of them is protected, or a session ended ──┼─────────► Finish(Refused)
//!   │                                                      │
//!   ▼ Establish, where the mail server must be told ◄──────┘
//! Establishing
//!   │
//!   ├─ a code ──► Burn ─ conflict: Load, look for the session of the same sign-in, else again
//!   ├─ a session or app password ──► Touch, now and then
//!   ▼
//! Finish(Accepted)
//! ```
//!
//! Any answer that is missing ends in `Finish(Unavailable)`.
//!
//! # Security
//!
//! The order is the point: the password before the burn, so that a typo costs no code and nobody
//! without the password can use codes up; everything that can fail before the burn, so that a
//! failure costs no code either; the burn before the acceptance, so that a code opens once.

mod credential;
mod messages;

use std::{collections::VecDeque, sync::Arc};

use credential::{Factor, Typed, judge, recognise};
pub use messages::{
    Effect, Input, LoadAnswer, Next, PasswordQuestion, Passwords, Policy, Request, Write,
};

pub use super::answer::{BurnAnswer, PasswordAnswer};
use super::{
    app_password::{AppPassword, AppPasswordId, TypedAppPassword},
    digest::Digest,
    names::{Identity, MasterPolicy},
    outcome::{Accepted, Outcome, Refusal},
    place::Use,
    proof::{AppPasswordRight, CodeBurned, NoFactorAsked, NotRight, PasswordRight, SessionLive},
    record::{MailboxRecord, Version, Versioned},
    recovery::RecoveryCode,
};
use crate::base::{Mailbox, MailboxError, Secret, UnixMillis, limits::CREDENTIAL_BYTES};

/// How often a lost race for a record is run again before the login ends as unavailable.
const BURN_ATTEMPTS: u8 = 16;

/// One login on its way.
#[derive(Debug)]
pub struct Flow {
    login: Login,
    state: State,
}

/// What stays the same from start to end.
#[derive(Debug)]
struct Login {
    policy: Arc<Policy>,
    identity: Identity,
    credential: Secret,
    /// The hash of the credential that a session of this sign-in has.
    session: Digest,
    /// When, from where, for what.
    arrival: Use,
}

#[derive(Debug)]
enum State {
    Loading,
    Checking(Option<Candidate>),
    Judging(Box<Judging>),
    Establishing(Box<Judged>),
    Burning(Box<Judged>, u8),
    Reloading(Box<Judged>, u8),
    /// Only a note of the use is left to be written.
    Touching(Box<Accepted>),
}

/// What was typed behind the password, and the record it is to be checked against.
#[derive(Debug)]
struct Candidate {
    factor: Factor,
    seen: Versioned<MailboxRecord>,
}

/// The password is right and so is the code, if one is asked. Now the names are looked at whose
/// second factor must be off, or covered by the one that was checked.
#[derive(Debug)]
struct Judging {
    right: PasswordRight,
    user: Option<Vec<u8>>,
    /// What was typed behind the password.
    candidate: Option<Candidate>,
    /// What the looks have proved so far.
    proof: Option<FactorProof>,
    asking: (Mailbox, Role),
    waiting: VecDeque<(Mailbox, Role)>,
}

/// Why a name is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// The authenticating user, who gave no code: 2-factor authentication may have been switched
    /// on while the password was being checked.
    WithoutCode,
    /// The authenticating user, whose sign-in lived: it may have been ended meanwhile.
    WithSession,
    /// The mailbox that a master user opens.
    MasterTarget,
    /// A name that the password source returned: the mailbox, or the master user who opened it.
    Returned,
}

/// Everything is proved but what is used up.
#[derive(Debug)]
struct Judged {
    basis: Basis,
    user: Option<Vec<u8>>,
}

#[derive(Debug)]
enum Basis {
    Password(PasswordRight, FactorProof),
    AppPassword(AppPasswordRight, AppPasswordId, Versioned<MailboxRecord>),
}

#[derive(Debug)]
enum FactorProof {
    ToBurn(Candidate),
    Live(SessionLive, Versioned<MailboxRecord>),
    NotAsked(NoFactorAsked),
}

impl Flow {
    /// Starts a login that arrived at `now`. The code is judged by that moment, however long the
    /// password check takes.
    pub fn start(request: Request, policy: Arc<Policy>, now: UnixMillis) -> Next {
        let Ok(identity) = policy.names.identify(&request.authzid, &request.authcid) else {
            return refuse(Refusal::BadName);
        };
        if request.credential.is_empty() {
            return refuse(Refusal::EmptyPassword);
        }
        if request.credential.len() > CREDENTIAL_BYTES {
            return refuse(Refusal::TooLong);
        }
        let stored = policy.passwords == Passwords::Stored;
        if stored && matches!(identity, Identity::Master { .. }) {
            // Our own passwords know no master users.
            return refuse(Refusal::BadName);
        }
        let Request { credential, service, remote, .. } = request;
        let session = policy.sessions.digest(
            &policy.key,
            identity.authenticating(),
            &credential,
            &service,
            remote,
        );
        let load = Effect::Load(identity.authenticating().clone());
        let arrival = Use { at: now, from: remote, service };
        let login = Login { policy, identity, credential, session, arrival };
        login.perform(State::Loading, load)
    }

    /// Takes the result of the effect that was performed. A result of another effect ends the
    /// login as unavailable: it is a mistake in the driver.
    pub fn step(self, input: Input) -> Next {
        let Self { login, state } = self;
        match (state, input) {
            (State::Loading, Input::Loaded(Ok(record))) => login.loaded(record),
            (State::Checking(candidate), Input::Password(answer)) => {
                login.password_checked(candidate, answer)
            }
            (State::Judging(judging), Input::Loaded(Ok(record))) => login.judge(*judging, record),
            (State::Establishing(judged), Input::Established(answer)) => {
                login.established(judged, answer)
            }
            (State::Burning(judged, attempts), Input::Burned(answer)) => {
                login.burned(judged, attempts, answer)
            }
            (State::Reloading(judged, attempts), Input::Loaded(Ok(record))) => {
                login.reloaded(*judged, attempts, record)
            }
            (State::Touching(accepted), Input::Touched(answer)) => touched(accepted, answer),
            (
                State::Loading | State::Judging(_) | State::Reloading(..),
                Input::Loaded(Err(why)),
            ) => unavailable(why),
            (
                State::Loading
                | State::Checking(_)
                | State::Judging(_)
                | State::Establishing(_)
                | State::Burning(..)
                | State::Reloading(..)
                | State::Touching(_),
                Input::Loaded(_)
                | Input::Password(_)
                | Input::Established(_)
                | Input::Burned(_)
                | Input::Touched(_),
            ) => unavailable("an effect was answered with the result of another one"),
        }
    }
}

impl Login {
    fn perform(self, state: State, effect: Effect) -> Next {
        Next::Perform(Flow { login: self, state }, effect)
    }

    /// The record of the authenticating user is there: what was typed?
    fn loaded(self, record: Option<Versioned<MailboxRecord>>) -> Next {
        let value = record.as_ref().map(|record| &record.value);
        if value.is_some_and(|record| record.locked.is_some()) {
            return refuse(Refusal::Locked);
        }
        let hash = value.and_then(|record| record.password_hash.clone());
        let (policy, mailbox) = (&self.policy, self.identity.authenticating());
        let recovery = |code: &RecoveryCode| code.digest(mailbox, &policy.key);
        let typed = recognise(&self.credential, value, &self.session, recovery, self.arrival.at);
        let (password, candidate) = match (typed, record) {
            (Typed::Hopeless(refusal), _) => return refuse(refusal),
            (Typed::AppPassword(stored, typed), Some(seen)) => {
                return self.app_password(&stored, &typed, seen);
            }
            (Typed::PasswordAndFactor(password, factor), Some(seen)) => {
                (password, Some(Candidate { factor, seen }))
            }
            (Typed::Password(password), _) => (password, None),
            (Typed::AppPassword(..) | Typed::PasswordAndFactor(..), None) => {
                return unavailable("a factor was recognised without a record");
            }
        };
        let question = PasswordQuestion { mailbox: mailbox.clone(), password, hash };
        self.perform(State::Checking(candidate), Effect::CheckPassword(question))
    }

    /// An app password is its own proof: no password source is asked, the mail server is told.
    fn app_password(
        self,
        stored: &AppPassword,
        typed: &TypedAppPassword,
        seen: Versioned<MailboxRecord>,
    ) -> Next {
        let Identity::Own(mailbox) = &self.identity else {
            // One program's password for one mailbox opens no other.
            return refuse(Refusal::AppPasswordOutOfScope);
        };
        let checked =
            AppPasswordRight::from_check(stored, typed, mailbox, &self.policy.key, &self.arrival);
        match checked {
            Err(mismatch) => refuse(mismatch.into()),
            Ok(right) => {
                let establish = Effect::Establish(mailbox.clone());
                let basis = Basis::AppPassword(right, typed.id, seen);
                let judged = Box::new(Judged { basis, user: None });
                self.perform(State::Establishing(judged), establish)
            }
        }
    }

    /// The password source has answered: is the code good, and whose names are involved?
    fn password_checked(self, candidate: Option<Candidate>, answer: PasswordAnswer) -> Next {
        let (right, user, auth_user) = match PasswordRight::from_answer(answer) {
            Ok(proof) => proof,
            Err(NotRight::Wrong) => return refuse(Refusal::WrongPassword),
            Err(NotRight::Unavailable(why)) => return unavailable(why),
        };
        let role = match &candidate {
            None => Some(Role::WithoutCode),
            Some(Candidate { factor: Factor::Session, .. }) => Some(Role::WithSession),
            Some(Candidate { factor: factor @ (Factor::Code(_) | Factor::Recovery(_)), seen }) => {
                match judge(factor, &seen.value, self.arrival.at) {
                    Ok(_) => None,
                    Err(refusal) => return refuse(refusal),
                }
            }
        };
        if user.is_none() && self.policy.passwords == Passwords::Upstream {
            // Nobody knows which mailbox would open, so it cannot be judged.
            return unavailable("the upstream said OK and named no mailbox");
        }
        let names = self.names_to_judge(role, user.as_deref(), auth_user.as_deref());
        let Ok(mut waiting) = names else {
            return refuse(Refusal::BadName);
        };
        match (waiting.pop_front(), candidate) {
            (Some(asking), candidate) => {
                let load = Effect::Load(asking.0.clone());
                let judging = Judging { right, user, candidate, proof: None, asking, waiting };
                self.perform(State::Judging(Box::new(judging)), load)
            }
            // Nobody else is involved.
            (None, Some(candidate)) => self.judged(right, user, FactorProof::ToBurn(candidate)),
            (None, None) => unavailable("no factor was proved and none was ruled out"),
        }
    }

    fn names_to_judge(
        &self,
        authenticating: Option<Role>,
        returned: Option<&[u8]>,
        auth_user: Option<&[u8]>,
    ) -> Result<VecDeque<(Mailbox, Role)>, MailboxError> {
        let mut names = VecDeque::new();
        if let Some(role) = authenticating {
            names.push_back((self.identity.authenticating().clone(), role));
        }
        if let Identity::Master { target, .. } = &self.identity {
            names.push_back((target.clone(), Role::MasterTarget));
        }
        if let Some(returned) = returned {
            let returned = self.policy.names.canonical(returned)?;
            if returned != *self.identity.opened() {
                names.push_back((returned, Role::Returned));
            }
        }
        if let Some(auth_user) = auth_user {
            let auth_user = self.policy.names.canonical(auth_user)?;
            if auth_user != *self.identity.authenticating() {
                names.push_back((auth_user, Role::Returned));
            }
        }
        Ok(names)
    }

    /// One more name has been looked up: may the login go on?
    fn judge(self, mut judging: Judging, seen: Option<Versioned<MailboxRecord>>) -> Next {
        let record = seen.as_ref().map(|r| &r.value);
        if record.is_some_and(|record| record.locked.is_some()) {
            return refuse(Refusal::Locked);
        }
        let off = NoFactorAsked::from_record(record);
        let gone = record.is_none() && self.policy.passwords == Passwords::Stored;
        match (judging.asking.1, off) {
            // Removed or renamed while its password was being checked.
            (Role::WithoutCode, Some(_)) if gone => return refuse(Refusal::WrongPassword),
            (Role::WithoutCode, Some(proof)) => judging.proof = Some(FactorProof::NotAsked(proof)),
            (Role::WithoutCode, None) => return refuse(Refusal::MissingCode),
            (Role::WithSession, _) => {
                let live = record.and_then(|record| {
                    SessionLive::from_record(record, &self.session, self.arrival.at)
                });
                match (live, seen) {
                    (Some(live), Some(seen)) => judging.proof = Some(FactorProof::Live(live, seen)),
                    // Ended while the password was being checked: its code is used up.
                    (None, _) | (_, None) => return refuse(Refusal::UsedCode),
                }
            }
            (Role::MasterTarget | Role::Returned, Some(_)) => {}
            (Role::MasterTarget, None) => {
                let allowed = self.policy.names.master_without_factor == MasterPolicy::Allow;
                if judging.candidate.is_none() && !allowed {
                    return refuse(Refusal::MasterWithoutFactor);
                }
            }
            // A factor that was checked is another mailbox's.
            (Role::Returned, None) => return refuse(Refusal::OtherMailboxProtected),
        }
        match judging.waiting.pop_front() {
            Some(asking) => {
                let load = Effect::Load(asking.0.clone());
                judging.asking = asking;
                self.perform(State::Judging(Box::new(judging)), load)
            }
            None => match (judging.proof, judging.candidate) {
                (Some(proof), _) => self.judged(judging.right, judging.user, proof),
                (None, Some(candidate)) => {
                    self.judged(judging.right, judging.user, FactorProof::ToBurn(candidate))
                }
                (None, None) => unavailable("no factor was proved and none was ruled out"),
            },
        }
    }

    /// All names are judged; the mail server is told where it did not check the password itself.
    fn judged(self, right: PasswordRight, user: Option<Vec<u8>>, proof: FactorProof) -> Next {
        let judged = Box::new(Judged { basis: Basis::Password(right, proof), user });
        match self.policy.passwords {
            Passwords::Upstream => self.complete(judged, 0),
            Passwords::Stored => {
                let establish = Effect::Establish(self.identity.opened().clone());
                self.perform(State::Establishing(judged), establish)
            }
        }
    }

    /// The mail server has been told, and must have understood the same mailbox.
    fn established(self, mut judged: Box<Judged>, answer: PasswordAnswer) -> Next {
        let user = match answer {
            PasswordAnswer::Right { user, auth_user: _ } => user,
            // What was typed was right, so this is not the client's fault.
            PasswordAnswer::Wrong => {
                return unavailable("the upstream refused to take our word for the mailbox");
            }
            PasswordAnswer::Unavailable(why) => return unavailable(why),
        };
        if let Some(user) = &user {
            match self.policy.names.canonical(user) {
                Ok(name) if name == *self.identity.opened() => {}
                Ok(_) | Err(_) => {
                    return unavailable("the upstream turned the mailbox's name into another one");
                }
            }
        }
        judged.user = user.or(judged.user);
        self.complete(judged, 0)
    }

    /// Uses up what is used up, notes what is noted, accepts.
    fn complete(self, judged: Box<Judged>, attempts: u8) -> Next {
        match *judged {
            Judged { basis: Basis::Password(right, FactorProof::ToBurn(candidate)), user } => {
                self.burn(right, user, candidate, attempts)
            }
            Judged { basis: Basis::Password(right, FactorProof::NotAsked(no_factor)), user } => {
                let identity = self.identity;
                accept(Accepted::by_password(identity, user, right, no_factor))
            }
            Judged { basis: Basis::Password(right, FactorProof::Live(live, seen)), user } => {
                let note = self.session_use(seen);
                let identity = self.identity.clone();
                let accepted = Accepted::by_session(identity, user, right, live);
                self.note_and_accept(accepted, note)
            }
            Judged { basis: Basis::AppPassword(right, id, seen), user } => {
                let note = self.app_password_use(id, seen);
                let identity = self.identity.clone();
                self.note_and_accept(Accepted::by_app_password(identity, user, right), note)
            }
        }
    }

    fn note_and_accept(self, accepted: Accepted, note: Option<Write>) -> Next {
        match note {
            None => accept(accepted),
            Some(write) => self.perform(State::Touching(Box::new(accepted)), Effect::Touch(write)),
        }
    }

    fn session_use(&self, seen: Versioned<MailboxRecord>) -> Option<Write> {
        let Versioned { value: mut record, version } = seen;
        let session = record.sessions.iter_mut().find(|s| s.digest == self.session)?;
        if !session.is_stale(self.arrival.at) {
            return None;
        }
        session.last_use = self.arrival.clone();
        Some(self.write(version, record))
    }

    fn app_password_use(&self, id: AppPasswordId, seen: Versioned<MailboxRecord>) -> Option<Write> {
        let Versioned { value: mut record, version } = seen;
        let used = record.app_passwords.iter_mut().find(|stored| stored.id == id)?;
        if used.last_use.as_ref().is_some_and(|last| last.is_recent(&self.arrival)) {
            return None;
        }
        used.last_use = Some(self.arrival.clone());
        Some(self.write(version, record))
    }

    fn write(&self, expect: Version, record: MailboxRecord) -> Write {
        let mailbox = self.identity.authenticating().clone();
        Write { mailbox, expect, record: Box::new(record) }
    }

    /// Uses the code up, and opens the session of this sign-in with the same write.
    fn burn(
        self,
        right: PasswordRight,
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
        let session = sessions.open(self.session, self.arrival.clone(), &record.sessions);
        record.sessions = sessions.with(std::mem::take(&mut record.sessions), session, now);
        let write = self.write(candidate.seen.version, record);
        let basis = Basis::Password(right, FactorProof::ToBurn(candidate));
        let judged = Box::new(Judged { basis, user });
        self.perform(State::Burning(judged, attempts), Effect::Burn(write))
    }

    fn burned(self, judged: Box<Judged>, attempts: u8, answer: BurnAnswer) -> Next {
        if let Some(burned) = CodeBurned::from_answer(&answer) {
            return match *judged {
                Judged { basis: Basis::Password(right, FactorProof::ToBurn(candidate)), user } => {
                    let identity = self.identity;
                    accept(match candidate.factor {
                        Factor::Recovery(_) => {
                            Accepted::by_password_and_recovery_code(identity, user, right, burned)
                        }
                        Factor::Code(_) | Factor::Session => {
                            Accepted::by_password_and_code(identity, user, right, burned)
                        }
                    })
                }
                Judged { basis: Basis::Password(..) | Basis::AppPassword(..), .. } => {
                    unavailable("nothing was to be used up")
                }
            };
        }
        match answer {
            BurnAnswer::Conflict if attempts < BURN_ATTEMPTS => {
                let load = Effect::Load(self.identity.authenticating().clone());
                self.perform(State::Reloading(judged, attempts + 1), load)
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
    fn reloaded(
        self,
        judged: Judged,
        attempts: u8,
        record: Option<Versioned<MailboxRecord>>,
    ) -> Next {
        let Judged { basis: Basis::Password(right, FactorProof::ToBurn(before)), user } = judged
        else {
            return unavailable("nothing was to be used up");
        };
        let Some(seen) = record.filter(|record| record.value.is_enrolled()) else {
            return unavailable("the mailbox's second factor was switched off meanwhile");
        };
        let secret = |record: &MailboxRecord| record.totp.as_ref().map(|t| t.secret.clone());
        let same = secret(&seen.value) == secret(&before.seen.value)
            && seen.value.password_hash == before.seen.value.password_hash
            && seen.value.locked.is_none();
        if !same {
            return unavailable("the mailbox's password or factor was changed meanwhile");
        }
        match SessionLive::from_record(&seen.value, &self.session, self.arrival.at) {
            Some(live) => accept(Accepted::by_session(self.identity, user, right, live)),
            None => self.burn(right, user, Candidate { factor: before.factor, seen }, attempts),
        }
    }
}

/// A use was noted, or somebody else has just changed the record, which is as good. Only a store
/// that does not answer stands in the way.
fn touched(accepted: Box<Accepted>, answer: BurnAnswer) -> Next {
    match answer {
        BurnAnswer::Burned | BurnAnswer::Conflict => accept(*accepted),
        BurnAnswer::Unavailable(why) => unavailable(why),
    }
}

fn accept(accepted: Accepted) -> Next {
    Next::Finish(Outcome::Accepted(accepted))
}

fn refuse(refusal: Refusal) -> Next {
    Next::Finish(Outcome::Refused(refusal))
}

fn unavailable(why: impl Into<String>) -> Next {
    Next::Finish(Outcome::Unavailable(why.into()))
}

#[cfg(test)]
mod tests;
