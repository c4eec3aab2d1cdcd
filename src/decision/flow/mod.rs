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
//!   │ └─ an app password that opens this door ─────────────┐
//!   ▼ CheckPassword(whole credential, or without its code) │
//! Checking ─ wrong; or right, and the code wrong or used ──┼─────────► Finish(Refused)
//!   │                                                      │
//!   ▼ Establish, where the mail server must be told ◄──────┘
//! Establishing
//!   │
//!   ▼ Load(each name that must be looked at: see `Role`)
//! Judging ─ one of them is protected; a session ended ───────────────► Finish(Refused)
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
    app_password::{AppPasswordId, TypedAppPassword},
    digest::{Digest, Kind},
    names::{Identity, MasterPolicy},
    outcome::{Accepted, Method, Outcome, Refusal},
    place::Use,
    proof::{AppPasswordRight, CodeBurned, NoFactorAsked, NotRight, PasswordRight, SessionLive},
    record::{MailboxRecord, Version, Versioned},
    recovery::RecoveryCode,
    throttle::{Admission, CodeAdmission, Event, Fingerprint, Key, View, admit, admit_code},
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
    /// The counters that this login is judged by and counts on; none if it is not throttled.
    counters: Vec<Key>,
    /// What throttling remembers of the password part.
    password: Fingerprint,
}

#[derive(Debug)]
enum State {
    Loading,
    Admitting(Option<Versioned<MailboxRecord>>),
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

/// The password is right.
#[derive(Debug)]
struct Checked {
    right: PasswordRight,
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
    /// With the record in which it was found at the last look.
    AppPassword(AppPasswordRight, TypedAppPassword, Versioned<MailboxRecord>),
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
    /// There is no second factor.
    NotAsked(NoFactorAsked),
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
    /// The mailbox that a master user opens.
    MasterTarget,
    /// A name that the password source returned: the mailbox, or the master user who opened it.
    Returned,
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
        let session = policy.sessions.digest(&policy.key, &identity, &credential, &service, remote);
        let load = Effect::Load(identity.authenticating().clone());
        let arrival = Use { at: now, from: remote, service };
        let (counters, password) = (Vec::new(), Fingerprint([0; 16]));
        let login = Login { policy, identity, credential, session, arrival, counters, password };
        login.perform(State::Loading, load)
    }

    /// What is to be counted when the login is abandoned now. An upstream says OK at once and keeps
    /// a wrong password waiting, so who hangs up during the check knows as much as who waits.
    pub fn if_abandoned(&self) -> Option<(Vec<Key>, Event)> {
        let checking = matches!(self.state, State::Checking(_));
        (checking && !self.login.counters.is_empty())
            .then(|| (self.login.counters.clone(), Event::WrongPassword(self.login.password)))
    }

    /// Takes the result of the effect that was performed. A result of another effect ends the
    /// login as unavailable: it is a mistake in the driver.
    pub fn step(self, input: Input) -> Next {
        let Self { login, state } = self;
        match (state, input) {
            (State::Loading, Input::Loaded(Ok(record))) => login.loaded(record),
            (State::Admitting(record), Input::Counters(Ok(view))) => {
                login.admitted(record, Some(&view))
            }
            (State::AdmittingCode(checked), Input::Counters(Ok(view))) => {
                let load = Effect::Load(login.identity.authenticating().clone());
                login.perform(State::Relooking(checked, view), load)
            }
            (State::Relooking(checked, view), Input::Loaded(Ok(record))) => {
                login.relooked(*checked, &view, record)
            }
            (State::Counting(outcome), Input::Counted(Ok(()))) => Next::Finish(*outcome),
            (State::Checking(candidate), Input::Password(answer)) => {
                login.password_checked(candidate, answer)
            }
            (State::Establishing(claim), Input::Established(answer)) => {
                login.established(claim, answer)
            }
            (State::Judging(claim, (_, role)), Input::Loaded(Ok(record))) => {
                login.judge(*claim, role, record)
            }
            (State::Burning(claim, attempts), Input::Burned(answer)) => {
                login.burned(claim, attempts, answer)
            }
            (State::Reloading(claim, attempts), Input::Loaded(Ok(record))) => {
                login.reloaded(*claim, attempts, record)
            }
            (State::Touching(accepted), Input::Touched(answer)) => login.touched(*accepted, answer),
            (
                State::Loading | State::Relooking(..) | State::Judging(..) | State::Reloading(..),
                Input::Loaded(Err(why)),
            )
            | (State::Admitting(_) | State::AdmittingCode(_), Input::Counters(Err(why)))
            | (State::Counting(_), Input::Counted(Err(why))) => unavailable(why),
            (
                State::Loading
                | State::Admitting(_)
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
                | Input::Password(_)
                | Input::Established(_)
                | Input::Burned(_)
                | Input::Touched(_)
                | Input::Counters(_)
                | Input::Counted(_),
            ) => unavailable("an effect was answered with the result of another one"),
        }
    }
}

impl Login {
    fn perform(self, state: State, effect: Effect) -> Next {
        Next::Perform(Flow { login: self, state }, effect)
    }

    /// The record of the authenticating user is there: must it wait?
    fn loaded(mut self, record: Option<Versioned<MailboxRecord>>) -> Next {
        if record.as_ref().is_some_and(|record| record.value.locked.is_some()) {
            return refuse(Refusal::Locked);
        }
        // A mailbox that an upstream knows and we do not is the upstream's to protect.
        let ours = record.is_some() || self.policy.passwords == Passwords::Stored;
        match self.policy.throttle.as_ref().filter(|_| ours) {
            None => self.admitted(record, None),
            Some(throttle) => {
                // Names that nobody has must not fill the store.
                let mailbox = record.as_ref().map(|_| self.identity.authenticating());
                self.counters = throttle.keys_for(mailbox, self.arrival.from);
                let effect = Effect::Counters(self.counters.clone());
                self.perform(State::Admitting(record), effect)
            }
        }
    }

    /// What was typed?
    fn admitted(mut self, record: Option<Versioned<MailboxRecord>>, view: Option<&View>) -> Next {
        let value = record.as_ref().map(|record| &record.value);
        let hash = value.and_then(|record| record.password_hash.clone());
        let (policy, mailbox) = (&self.policy, self.identity.authenticating());
        let recovery = |code: &RecoveryCode| code.digest(mailbox, &policy.key);
        let live = |record: &MailboxRecord| self.signed_in(record);
        let typed = recognise(&self.credential, value, live, recovery);
        let (password, candidate) = match (typed, record) {
            (Typed::Hopeless(refusal), _) => return refuse(refusal),
            // Nobody guesses those: they go on working while others are kept waiting.
            (Typed::AppPassword(typed), Some(seen)) => return self.app_password(typed, seen),
            (Typed::PasswordAndFactor(password, factor), Some(seen)) => {
                (password, Some(Candidate { factor, seen }))
            }
            (Typed::Password(password), _) => (password, None),
            (Typed::AppPassword(_) | Typed::PasswordAndFactor(..), None) => {
                return unavailable("a factor was recognised without a record");
            }
        };
        let signed_in = matches!(candidate, Some(Candidate { factor: Factor::Session, .. }));
        if !signed_in && !self.may_try(view) {
            return refuse(Refusal::Throttled);
        }
        let counted = !self.counters.is_empty();
        let question = PasswordQuestion { mailbox: mailbox.clone(), password, hash, counted };
        self.password = self.fingerprint(question.password.expose());
        self.perform(State::Checking(candidate), Effect::CheckPassword(question))
    }

    /// Whether a sign-in of this very credential lives.
    fn signed_in(&self, record: &MailboxRecord) -> bool {
        self.policy.sessions.has_live(&record.sessions, &self.session, self.arrival.at)
    }

    fn session_live(&self, record: &MailboxRecord) -> Option<SessionLive> {
        SessionLive::from_record(record, &self.policy.sessions, &self.session, self.arrival.at)
    }

    fn may_try(&self, view: Option<&View>) -> bool {
        match (&self.policy.throttle, view) {
            (Some(throttle), Some(view)) => match admit(throttle, view, self.arrival.at) {
                Admission::Go => true,
                Admission::Throttled { .. } => false,
            },
            (None, _) | (_, None) => true,
        }
    }

    fn fingerprint(&self, bytes: &[u8]) -> Fingerprint {
        let mailbox = self.identity.authenticating();
        let digest = self.policy.key.digest(Kind::Fingerprint, mailbox, &[bytes]);
        let mut print = [0; 16];
        print.iter_mut().zip(digest.bytes()).for_each(|(slot, byte)| *slot = *byte);
        Fingerprint(print)
    }

    /// The end, once it has been counted.
    fn finish_counting(self, outcome: Outcome, event: Event) -> Next {
        if self.counters.is_empty() {
            return Next::Finish(outcome);
        }
        let count = Effect::Count(self.counters.clone(), event);
        self.perform(State::Counting(Box::new(outcome)), count)
    }

    fn fail(self, refusal: Refusal, event: impl Fn(Fingerprint) -> Event) -> Next {
        let whole = self.fingerprint(self.credential.expose());
        self.finish_counting(Outcome::Refused(refusal), event(whole))
    }

    /// An app password is its own proof: no password source is asked, the mail server is told.
    fn app_password(self, typed: TypedAppPassword, seen: Versioned<MailboxRecord>) -> Next {
        let checked = self.app_password_right(&typed, &seen.value);
        let mailbox = self.identity.opened();
        match checked {
            Err(refusal) => refuse(refusal),
            Ok(right) => {
                let establish = Effect::Establish(mailbox.clone());
                let waiting = VecDeque::from([(mailbox.clone(), Role::WithAppPassword)]);
                let basis = Basis::AppPassword(right, typed, seen);
                let claim = Box::new(Claim { basis, user: None, waiting });
                self.perform(State::Establishing(claim), establish)
            }
        }
    }

    /// The password source has answered: may a code be looked at?
    fn password_checked(self, candidate: Option<Candidate>, answer: PasswordAnswer) -> Next {
        let (right, user, auth_user) = match PasswordRight::from_answer(answer) {
            Ok(proof) => proof,
            Err(NotRight::Wrong) => {
                let event = Event::WrongPassword(self.password);
                return self.finish_counting(Outcome::Refused(Refusal::WrongPassword), event);
            }
            Err(NotRight::Unavailable(why)) => return unavailable(why),
        };
        if user.is_none() && self.policy.passwords == Passwords::Upstream {
            // Nobody knows which mailbox would open, so it cannot be judged.
            return unavailable("the upstream said OK and named no mailbox");
        }
        let checked = Checked { right, user, auth_user, candidate };
        match &checked.candidate {
            Some(Candidate { factor: Factor::Code(_) | Factor::Recovery(_), .. })
                if !self.counters.is_empty() =>
            {
                let mailbox = self.identity.authenticating().clone();
                let effect = Effect::CodeCounters(mailbox, self.counters.clone());
                self.perform(State::AdmittingCode(Box::new(checked)), effect)
            }
            Some(_) | None => self.judge_code(checked),
        }
    }

    /// Nobody else looks at a code of this mailbox now. The very same sign-in may have been made
    /// meanwhile, by a connection opened at the same time; otherwise: may this code be looked at?
    fn relooked(
        self,
        mut checked: Checked,
        view: &View,
        record: Option<Versioned<MailboxRecord>>,
    ) -> Next {
        let (Some(throttle), Some(before)) = (&self.policy.throttle, checked.candidate.take())
        else {
            return unavailable("there was no code to look at");
        };
        let seen = match still_the_same(&before.seen.value, record) {
            Ok(seen) => seen,
            Err(why) => return unavailable(why),
        };
        let now = self.arrival.at;
        if self.signed_in(&seen.value) {
            checked.candidate = Some(Candidate { factor: Factor::Session, seen });
            return self.judge_code(checked);
        }
        let whole = self.fingerprint(self.credential.expose());
        match admit_code(throttle, view, whole, now) {
            CodeAdmission::Look => {
                checked.candidate = Some(Candidate { factor: before.factor, seen });
                self.judge_code(checked)
            }
            CodeAdmission::Stale => self.fail(Refusal::UsedCode, Event::StaleCode),
            CodeAdmission::Throttled { .. } => refuse(Refusal::Throttled),
        }
    }

    /// Is the code good, and whose names are involved?
    fn judge_code(self, checked: Checked) -> Next {
        let Checked { right, user, auth_user, candidate } = checked;
        let (role, standing) = match candidate {
            None => (Some(Role::WithoutCode), Standing::Unproved),
            Some(Candidate { factor: Factor::Session, .. }) => {
                (Some(Role::WithSession), Standing::Unproved)
            }
            Some(candidate) => {
                match judge(&candidate.factor, &candidate.seen.value, self.arrival.at) {
                    Ok(_) => (None, Standing::ToBurn(candidate)),
                    Err(Refusal::UsedCode) => return self.fail(Refusal::UsedCode, Event::UsedCode),
                    Err(refusal) => return self.fail(refusal, Event::WrongCode),
                }
            }
        };
        let Ok(waiting) = self.names_to_judge(role, user.as_deref(), auth_user.as_deref()) else {
            return refuse(Refusal::BadName);
        };
        let claim = Box::new(Claim { basis: Basis::Password(right, standing), user, waiting });
        match self.policy.passwords {
            Passwords::Upstream => self.look(claim),
            // The mail server did not check the password itself: it must be told.
            Passwords::Stored => {
                let establish = Effect::Establish(self.identity.opened().clone());
                self.perform(State::Establishing(claim), establish)
            }
        }
    }

    fn names_to_judge(
        &self,
        authenticating: Option<Role>,
        returned: Option<&[u8]>,
        auth_user: Option<&[u8]>,
    ) -> Result<VecDeque<(Mailbox, Role)>, MailboxError> {
        let mut names = VecDeque::new();
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
        if let Some(role) = authenticating {
            names.push_back((self.identity.authenticating().clone(), role));
        }
        Ok(names)
    }

    /// The mail server has been told, and must have understood the same mailbox.
    fn established(self, mut claim: Box<Claim>, answer: PasswordAnswer) -> Next {
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
        claim.user = user.or(claim.user);
        self.look(claim)
    }

    /// Looks at the next name, or completes the login when all have been looked at.
    fn look(self, mut claim: Box<Claim>) -> Next {
        match claim.waiting.pop_front() {
            Some(asking) => {
                let load = Effect::Load(asking.0.clone());
                self.perform(State::Judging(claim, asking), load)
            }
            None => self.complete(*claim),
        }
    }

    /// One more name has been looked up: may the login go on?
    fn judge(self, mut claim: Claim, role: Role, seen: Option<Versioned<MailboxRecord>>) -> Next {
        let record = seen.as_ref().map(|r| &r.value);
        if record.is_some_and(|record| record.locked.is_some()) {
            return refuse(Refusal::Locked);
        }
        let off = NoFactorAsked::from_record(record);
        let gone = record.is_none() && self.policy.passwords == Passwords::Stored;
        claim.basis = match (role, claim.basis, off) {
            // Removed or renamed while its password was being checked.
            (Role::WithoutCode, _, Some(_)) if gone => return refuse(Refusal::WrongPassword),
            (Role::WithoutCode, Basis::Password(right, Standing::Unproved), Some(proof)) => {
                Basis::Password(right, Standing::NotAsked(proof))
            }
            (Role::WithoutCode, _, _) => return refuse(Refusal::MissingCode),
            (Role::WithSession, Basis::Password(right, Standing::Unproved), _) => {
                let live = record.and_then(|record| self.session_live(record));
                match (live, seen) {
                    (Some(live), Some(seen)) => Basis::Password(right, Standing::Live(live, seen)),
                    // Ended meanwhile, and its code is used up.
                    (None, _) | (_, None) => return refuse(Refusal::UsedCode),
                }
            }
            (Role::WithSession, _, _) => return refuse(Refusal::UsedCode),
            (Role::WithAppPassword, Basis::AppPassword(_, typed, _), _) => {
                let Some(seen) = seen else { return refuse(Refusal::AppPasswordWrong) };
                match self.app_password_right(&typed, &seen.value) {
                    Ok(right) => Basis::AppPassword(right, typed, seen),
                    Err(refusal) => return refuse(refusal),
                }
            }
            (Role::WithAppPassword, _, _) => return refuse(Refusal::AppPasswordWrong),
            (Role::MasterTarget | Role::Returned, basis, Some(_)) => basis,
            (Role::MasterTarget, basis, None) => {
                let allowed = self.policy.names.master_without_factor == MasterPolicy::Allow;
                if !allowed && without_code(&claim.waiting) {
                    return refuse(Refusal::MasterWithoutFactor);
                }
                basis
            }
            // A factor that was checked is another mailbox's.
            (Role::Returned, _, None) => return refuse(Refusal::OtherMailboxProtected),
        };
        self.look(Box::new(claim))
    }

    fn app_password_right(
        &self,
        typed: &TypedAppPassword,
        record: &MailboxRecord,
    ) -> Result<AppPasswordRight, Refusal> {
        let Identity::Own(mailbox) = &self.identity else {
            // One program's password for one mailbox opens no other.
            return Err(Refusal::AppPasswordOutOfScope);
        };
        let stored = record.app_passwords.iter().find(|stored| stored.id == typed.id);
        let stored = stored.ok_or(Refusal::AppPasswordWrong)?;
        AppPasswordRight::from_check(stored, typed, mailbox, &self.policy.key, &self.arrival)
            .map_err(Refusal::from)
    }

    /// Uses up what is used up, notes what is noted, accepts.
    fn complete(self, claim: Claim) -> Next {
        let user = claim.user;
        match claim.basis {
            Basis::Password(_, Standing::Unproved) => {
                unavailable("no factor was proved and none was ruled out")
            }
            Basis::Password(right, Standing::ToBurn(candidate)) => {
                self.burn(right, user, candidate, 0)
            }
            Basis::Password(right, Standing::NotAsked(no_factor)) => {
                let identity = self.identity.clone();
                self.accept(Accepted::by_password(identity, user, right, no_factor))
            }
            Basis::Password(right, Standing::Live(live, seen)) => {
                let note = self.session_use(seen);
                let identity = self.identity.clone();
                self.note_and_accept(Accepted::by_session(identity, user, right, live), note)
            }
            Basis::AppPassword(right, typed, seen) => {
                let note = self.app_password_use(typed.id, seen);
                let identity = self.identity.clone();
                self.note_and_accept(Accepted::by_app_password(identity, user, right), note)
            }
        }
    }

    fn note_and_accept(self, accepted: Accepted, note: Option<Write>) -> Next {
        match note {
            None => self.accept(accepted),
            Some(write) => self.perform(State::Touching(Box::new(accepted)), Effect::Touch(write)),
        }
    }

    fn session_use(&self, seen: Versioned<MailboxRecord>) -> Option<Write> {
        let Versioned { value: mut record, version } = seen;
        let session = record.sessions.iter_mut().find(|s| s.digest == self.session)?;
        if !self.policy.sessions.is_stale(session, self.arrival.at) {
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
        let basis = Basis::Password(right, Standing::ToBurn(candidate));
        let claim = Box::new(Claim { basis, user, waiting: VecDeque::new() });
        self.perform(State::Burning(claim, attempts), Effect::Burn(write))
    }

    fn burned(self, claim: Box<Claim>, attempts: u8, answer: BurnAnswer) -> Next {
        if let Some(burned) = CodeBurned::from_answer(&answer) {
            let Claim { basis, user, .. } = *claim;
            let Basis::Password(right, Standing::ToBurn(candidate)) = basis else {
                return unavailable("nothing was to be used up");
            };
            let identity = self.identity.clone();
            return self.accept(match candidate.factor {
                Factor::Recovery(_) => {
                    Accepted::by_password_and_recovery_code(identity, user, right, burned)
                }
                Factor::Code(_) | Factor::Session => {
                    Accepted::by_password_and_code(identity, user, right, burned)
                }
            });
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

    /// A use was noted, or somebody else has just changed the record, which is as good. Only a store
    /// that does not answer stands in the way.
    fn touched(self, accepted: Accepted, answer: BurnAnswer) -> Next {
        match answer {
            BurnAnswer::Burned | BurnAnswer::Conflict => self.accept(accepted),
            BurnAnswer::Unavailable(why) => unavailable(why),
        }
    }

    /// Accepts, once the success has been counted.
    fn accept(self, accepted: Accepted) -> Next {
        let method = accepted.method();
        let outcome = Outcome::Accepted(accepted);
        let spent = match method {
            // Says nothing of the person: a program's password is not what is guessed.
            Method::AppPassword => return Next::Finish(outcome),
            Method::Password | Method::PasswordAndSession => None,
            Method::PasswordAndCode | Method::PasswordAndRecoveryCode => {
                Some(self.fingerprint(self.credential.expose()))
            }
        };
        self.finish_counting(outcome, Event::Success { spent })
    }

    /// Somebody changed the record between reading and burning. Another sign-in is carried on
    /// from: the very same one, from a connection opened at the same time, has left a session. A new
    /// password or factor, or a lock, asks for a new login.
    fn reloaded(
        self,
        claim: Claim,
        attempts: u8,
        record: Option<Versioned<MailboxRecord>>,
    ) -> Next {
        let Claim { basis, user, .. } = claim;
        let Basis::Password(right, Standing::ToBurn(before)) = basis else {
            return unavailable("nothing was to be used up");
        };
        let seen = match still_the_same(&before.seen.value, record) {
            Ok(seen) => seen,
            Err(why) => return unavailable(why),
        };
        match self.session_live(&seen.value) {
            Some(live) => {
                let identity = self.identity.clone();
                self.accept(Accepted::by_session(identity, user, right, live))
            }
            None => self.burn(right, user, Candidate { factor: before.factor, seen }, attempts),
        }
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
