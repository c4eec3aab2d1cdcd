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
//!   │ └─ an app password or token that opens this door ────┐
//!   ▼ CheckPassword(whole credential, or without its code) │
//! Checking ─ wrong; or right, and the code wrong or used ──┼─────────► Finish(Refused)
//!   │                                                      │
//!   ▼ Establish, where the mail server must be told ◄──────┘
//! Establishing
//!   │
//!   ▼ Load(each name that must be looked at: see `Role`), or Relook, if it was seen already
//! Judging ─ one of them is protected; a session ended; a rule ────────► Finish(Refused)
//!   │
//!   ├─ a code ──► Burn, with what is counted ─ conflict: Load, look for the session of the same sign-in, else again
//!   ├─ a session, app password or token ──► Touch, now and then
//!   ▼
//! Finish(Accepted)
//! ```
//!
//! Any answer that is missing ends in `Finish(Unavailable)`. A mechanism that the upstream decides takes
//! the shorter way of `relayed`.
//!
//! # Security
//!
//! The order is the point: the password before the burn, so that a typo costs no code and nobody
//! without the password can use codes up; everything that can fail before the burn, so that a
//! failure costs no code either; the burn before the acceptance, so that a code opens once.

mod claim;
mod credential;
mod finish;
mod messages;
mod relayed;
mod typed;
mod webmail;

use std::{collections::VecDeque, sync::Arc};

use credential::Factor;
pub use messages::{
    Count, Credential, Effect, Input, LoadAnswer, Next, Passwords, Policy, Request, Write,
};
pub use relayed::RelayedRequest;

pub use super::answer::{BurnAnswer, PasswordAnswer};
use super::{
    app_password::TypedAppPassword,
    digest::Digest,
    enforcement::{Permit, Ruling},
    names::{Identity, SaslNames},
    outcome::{Accepted, Outcome},
    place::Use,
    proof::{
        AppPasswordRight, Before, PasswordRight, PasswordSuffices, SessionLive, SignedIn,
        WebmailTokenRight,
    },
    record::{MailboxRecord, Versioned},
    refusal::Refusal,
    throttle::{Event, Fingerprint, Key, View},
    webmail::TypedWebmailToken,
};
use crate::base::{
    Mailbox, NetAddress, Secret, SecretText, Service, UnixMillis, limits::CREDENTIAL_BYTES,
};

/// What ends a login whose driver has made a mistake.
const MISTAKEN: &str = "an effect was answered with the result of another one";

/// How often a lost race for a record is run again before the login ends as unavailable.
const BURN_ATTEMPTS: u8 = 16;

/// One login on its way.
#[derive(Debug)]
pub struct Flow(Course);

#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one at a time, and a box would be an allocation at each step"
)]
enum Course {
    /// A name and a string were typed.
    Typed(Login, State),
    /// The upstream decides who is there.
    Relayed(relayed::Relayed, relayed::State),
}

/// What stays the same from start to end.
#[derive(Debug)]
struct Login {
    policy: Arc<Policy>,
    identity: Identity,
    /// The names that the identity was made of.
    asked: SaslNames,
    typed: Credential,
    /// The hash of the credential that a session of this sign-in has.
    session: Digest,
    /// When, from where, for what.
    arrival: Use,
    /// The host that connected.
    via: NetAddress,
    /// The counters that this login is judged by and counts on; none if it is not throttled.
    counters: Vec<Key>,
    /// What throttling remembers of the password part.
    password: Fingerprint,
    /// The stored hash that the password was checked against.
    hash: Option<SecretText>,
    /// The authenticating user's record when it was last seen, where nothing else keeps it.
    seen: Option<Versioned<MailboxRecord>>,
    /// What the rules would refuse if this were not a dry run.
    would_refuse: Option<Refusal>,
}

impl Login {
    fn new(
        policy: Arc<Policy>,
        (identity, asked): (Identity, SaslNames),
        typed: Credential,
        arrival: Use,
        via: NetAddress,
    ) -> Self {
        let (service, from) = (&arrival.service, arrival.from);
        let session = policy.sessions.digest(&policy.key, &identity, &typed.whole(), service, from);
        Self {
            policy,
            identity,
            asked,
            typed,
            session,
            arrival,
            via,
            counters: Vec::new(),
            password: Fingerprint([0; 16]),
            hash: None,
            seen: None,
            would_refuse: None,
        }
    }
}

#[derive(Debug)]
enum State {
    Loading(Option<SignedIn>),
    Admitting(Option<SignedIn>, Option<Versioned<MailboxRecord>>),
    Checking(Option<Candidate>),
    AdmittingCode(Box<Checked>),
    Relooking(Box<Checked>, View),
    Establishing(Box<Claim>),
    Judging(Box<Claim>, (Mailbox, Role)),
    Burning(Box<Claim>, u8),
    Reloading(Box<Claim>, u8),
    /// Only a note of the use is left to be written.
    Touching(Box<Accepted>),
    /// Only what came out is left to be counted.
    Counting(Box<Outcome>),
}

/// What stands before the code is right.
#[derive(Debug)]
struct Checked {
    right: Before,
    user: Option<Vec<u8>>,
    auth_user: Option<Vec<u8>>,
    candidate: Option<Candidate>,
}

/// What was typed behind the password, and the record it is to be checked against.
#[derive(Debug)]
struct Candidate {
    factor: Factor,
    seen: Versioned<MailboxRecord>,
}

/// What was typed is right. What it goes by, and the names that must still be looked at.
#[derive(Debug)]
struct Claim {
    basis: Basis,
    /// The name that the password source or the mail server returned.
    user: Option<Vec<u8>>,
    waiting: VecDeque<(Mailbox, Role)>,
}

#[derive(Debug)]
enum Basis {
    Password(PasswordRight, Standing),
    /// A fresh code of who is at the panel, to be used up.
    Panel(SignedIn, Candidate),
    /// With the record in which it was found at the last look.
    AppPassword(AppPasswordRight, TypedAppPassword, Versioned<MailboxRecord>),
    /// The same.
    WebmailToken(WebmailTokenRight, TypedWebmailToken, Versioned<MailboxRecord>),
}

/// Why the password is enough.
#[derive(Debug)]
enum Standing {
    /// It is not known yet: a look will tell.
    Unproved,
    /// A code stands behind it, to be used up.
    ToBurn(Candidate),
    /// The code of this very credential was used up by a sign-in that lives.
    Live(SessionLive, Versioned<MailboxRecord>),
    /// No factor is asked, here or from there.
    Suffices(PasswordSuffices),
}

/// Why a name is looked at, after everything else that takes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// The authenticating user, who gave no code: 2-factor authentication may have been switched
    /// on meanwhile.
    WithoutCode,
    /// The authenticating user, whose sign-in lived: it may have been ended meanwhile.
    WithSession,
    /// The owner of an app password, which may have been revoked meanwhile.
    WithAppPassword,
    /// The owner of a webmail's token, which may have been ended meanwhile.
    WithWebmailToken,
    /// The mailbox that a master user opens.
    MasterTarget,
    /// A name that the password source returned: the mailbox, or the master user who opened it.
    Returned,
}

impl Flow {
    /// Starts a login that arrived at `now`. The code is judged by that moment, however long the
    /// password check takes.
    pub fn start(request: Request, policy: Arc<Policy>, now: UnixMillis) -> Next {
        let Ok(asked) = policy.names.asked(&request.authzid, &request.authcid) else {
            return refuse(Refusal::BadName);
        };
        let Ok(identity) = policy.names.identity(&asked) else {
            return refuse(Refusal::BadName);
        };
        if request.credential.is_empty() {
            return refuse(Refusal::EmptyPassword);
        }
        if request.credential.has_nul() {
            return refuse(Refusal::Malformed);
        }
        if request.credential.whole().len() > CREDENTIAL_BYTES {
            return refuse(Refusal::TooLong);
        }
        let stored = policy.passwords == Passwords::Stored;
        let form = matches!(request.credential, Credential::Apart { .. });
        if (stored || form) && matches!(identity, Identity::Master { .. }) {
            // Our own passwords know no master users, and what a form opens is the owner's.
            return refuse(Refusal::BadName);
        }
        let Request { credential: typed, service, remote, via, .. } = request;
        let load = Effect::Load(identity.authenticating().clone());
        let arrival = Use { at: now, from: remote, service };
        let login = Login::new(policy, (identity, asked), typed, arrival, via);
        login.perform(State::Loading(None), load)
    }

    /// Asks somebody who is at the User Panel for a fresh code or recovery code, which is used up. What
    /// comes out opens no mailbox: it allows one change of the mailbox's settings.
    pub fn challenge(
        live: SignedIn,
        mailbox: Mailbox,
        factor: Secret,
        from: NetAddress,
        policy: Arc<Policy>,
        now: UnixMillis,
    ) -> Next {
        let password = Secret::from_slice(b"");
        let typed = Credential::Apart { password, factor: Some(factor) };
        if typed.has_nul() || typed.whole().len() > CREDENTIAL_BYTES {
            return refuse(Refusal::Malformed);
        }
        let Ok(asked) = policy.names.asked(b"", mailbox.as_str().as_bytes()) else {
            return refuse(Refusal::BadName);
        };
        let load = Effect::Load(mailbox.clone());
        let arrival = Use { at: now, from, service: Service::Panel };
        let names = (Identity::Own(mailbox), asked);
        let login = Login::new(policy, names, typed, arrival, from);
        login.perform(State::Loading(Some(live)), load)
    }

    /// What is to be counted when the login is abandoned now. An upstream says OK at once and keeps
    /// a wrong password waiting, so who hangs up during the check knows as much as who waits.
    pub fn if_abandoned(&self) -> Option<Count> {
        match &self.0 {
            Course::Typed(login, state) => {
                let event = Event::WrongPassword(login.password);
                matches!(state, State::Checking(_)).then(|| login.count(event)).flatten()
            }
            Course::Relayed(relayed, state) => relayed.if_abandoned(state),
        }
    }

    /// Whether the write that is being performed uses a recovery code up.
    pub fn spends_recovery_code(&self) -> bool {
        match &self.0 {
            Course::Typed(_, State::Burning(claim, _)) => claim.spends_recovery_code(),
            Course::Typed(..) | Course::Relayed(..) => false,
        }
    }

    /// Takes the result of the effect that was performed. A result of another effect ends the
    /// login as unavailable: it is a mistake in the driver.
    pub fn step(self, input: Input) -> Next {
        let (login, state) = match self.0 {
            Course::Typed(login, state) => (login, state),
            Course::Relayed(relayed, state) => return relayed.step(state, input),
        };
        match (state, input) {
            (State::Loading(live), Input::Loaded(Ok(record))) => login.loaded(live, record),
            (State::Admitting(live, record), Input::Counters(Ok(view))) => {
                login.admitted(live, record, Some(&view))
            }
            (State::AdmittingCode(checked), Input::Counters(Ok(view))) => {
                login.relook(checked, view)
            }
            (State::Relooking(checked, view), Input::Same) => {
                login.relooked(*checked, &view, Look::Same)
            }
            (State::Relooking(checked, view), Input::Loaded(Ok(record))) => {
                login.relooked(*checked, &view, Look::Now(record))
            }
            (State::Counting(outcome), Input::Counted(Ok(()))) => Next::Finish(*outcome),
            (State::Checking(candidate), Input::Password(answer)) => {
                login.password_checked(candidate, answer)
            }
            (State::Establishing(claim), Input::Established(answer)) => {
                login.established(claim, answer)
            }
            (State::Judging(claim, (name, role)), Input::Loaded(Ok(record))) => {
                login.judge(*claim, &name, role, record)
            }
            (State::Judging(claim, (name, role)), Input::Same) => {
                login.judge_same(*claim, &name, role)
            }
            (State::Burning(claim, attempts), Input::Burned(answer)) => {
                login.burned(claim, attempts, answer)
            }
            (State::Reloading(claim, attempts), Input::Loaded(Ok(record))) => {
                login.reloaded(*claim, attempts, record)
            }
            (State::Touching(accepted), Input::Touched(answer)) => login.touched(*accepted, answer),
            (
                State::Loading(_)
                | State::Relooking(..)
                | State::Judging(..)
                | State::Reloading(..),
                Input::Loaded(Err(why)),
            )
            | (State::Admitting(..) | State::AdmittingCode(_), Input::Counters(Err(why)))
            | (State::Counting(_), Input::Counted(Err(why))) => unavailable(why),
            (
                State::Loading(_)
                | State::Admitting(..)
                | State::Checking(_)
                | State::AdmittingCode(_)
                | State::Relooking(..)
                | State::Counting(_)
                | State::Judging(..)
                | State::Establishing(_)
                | State::Burning(..)
                | State::Reloading(..)
                | State::Touching(_),
                Input::Loaded(_)
                | Input::Same
                | Input::Password(_)
                | Input::Relayed(_)
                | Input::Established(_)
                | Input::Burned(_)
                | Input::Touched(_)
                | Input::Counters(_)
                | Input::Counted(_),
            ) => unavailable(MISTAKEN),
        }
    }
}
impl Login {
    fn perform(self, state: State, effect: Effect) -> Next {
        Next::Perform(Flow(Course::Typed(self, state)), effect)
    }

    /// What the rules say of a mailbox that has this record, if it has one, at this login.
    fn ruling(&self, mailbox: &Mailbox, record: Option<&MailboxRecord>) -> Ruling {
        let rules = &self.policy.enforcement;
        let ruling = rules.ruling(mailbox, record, &self.arrival, self.via);
        if self.arrival.service == Service::Panel {
            return ruling.at_panel();
        }
        if self.arrival.service == Service::Webmail {
            return ruling.at_exchange();
        }
        match &self.identity {
            Identity::Own(own) if own == mailbox => ruling,
            // An exemption is for a mailbox's own password.
            Identity::Own(_) | Identity::Master { .. } => ruling.without_exemption(),
        }
    }

    /// Remembers what the rules let through in a dry run only; the first of several.
    fn note(&mut self, permit: Permit) {
        self.would_refuse = self.would_refuse.or(permit.would_refuse());
    }
}

/// The record, if neither password nor factor was changed since it was seen, and no lock was set.
fn still_the_same(
    before: &MailboxRecord,
    now: Option<Versioned<MailboxRecord>>,
) -> Result<Versioned<MailboxRecord>, &'static str> {
    let now = now
        .filter(|record| record.value.is_enrolled())
        .ok_or("the mailbox's second factor was switched off meanwhile")?;
    let secret = |record: &MailboxRecord| record.totp.as_ref().map(|t| t.secret.clone());
    let same = secret(&now.value) == secret(before)
        && now.value.password_hash == before.password_hash
        && now.value.locked.is_none();
    same.then_some(now).ok_or("the mailbox's password or factor was changed meanwhile")
}

/// What a second look at a record found.
enum Look {
    /// The record that was seen before.
    Same,
    /// Another one, or none.
    Now(Option<Versioned<MailboxRecord>>),
}

/// Whether the authenticating user gave no code: then the last look is for that.
fn without_code(waiting: &VecDeque<(Mailbox, Role)>) -> bool {
    waiting.iter().any(|(_, role)| *role == Role::WithoutCode)
}

fn refuse(refusal: Refusal) -> Next {
    Next::Finish(Outcome::Refused(refusal))
}

fn unavailable(why: impl Into<String>) -> Next {
    Next::Finish(Outcome::Unavailable(why.into()))
}

#[cfg(test)]
mod tests;
