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
//! Loading ─ factor on, credential has no code ───────────────────────► Finish(Refused)
//!   │        (here come: app passwords, sessions, recovery codes, throttle)
//!   ▼ CheckPassword(whole credential, or what is left of the code)
//! Checking ─ wrong; or right, and the code wrong or used ────────────► Finish(Refused)
//!   │
//!   ▼ Load(each name whose factor must be off: see `Judging`)
//! Judging ─ one of them is protected ────────────────────────────────► Finish(Refused)
//!   │
//!   ▼ Establish (passwords of our own, where the mail server must be told)
//! Establishing
//!   │
//!   ▼ Burn(step)          no factor: Finish(Accepted)
//! Burning ─ conflict: Load and look at the code again
//!   │
//!   ▼ Finish(Accepted)
//! ```
//!
//! Any answer that is missing ends in `Finish(Unavailable)`.
//!
//! # Security
//!
//! The order is the point: the password before the burn, so that a typo costs no code and nobody
//! without the password can use codes up; everything that can fail before the burn, so that a
//! failure costs no code either; the burn before the acceptance, so that a code opens once.

use std::{collections::VecDeque, sync::Arc};

use super::{
    code::{Code, SplitError, split},
    names::{Identity, MasterPolicy, NameRules},
    outcome::{Accepted, Outcome, Refusal},
    proof::{NoFactorAsked, NotRight, PasswordRight, StepBurned},
    record::{MailboxRecord, TotpFactor, Version, Versioned},
    totp::{CodeMismatch, Step, matching_step},
};
use crate::base::{
    Mailbox, MailboxError, Secret, SecretText, UnixMillis, limits::CREDENTIAL_BYTES,
};

/// How often a lost race for a record is run again before the login ends as unavailable.
const BURN_ATTEMPTS: u8 = 16;

/// A login as the decision sees it.
#[derive(Clone, Debug)]
pub struct Request {
    /// SASL authorization identity, as typed; empty if none.
    pub authzid: Vec<u8>,
    /// SASL authentication identity, as typed.
    pub authcid: Vec<u8>,
    /// The whole string in the password field.
    pub credential: Secret,
}

/// What the administrator has configured, as far as the decision needs it.
#[derive(Clone, Debug)]
pub struct Policy {
    /// From typed to canonical names.
    pub names: NameRules,
    /// Who knows the passwords.
    pub passwords: Passwords,
}

/// Who knows the passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passwords {
    /// An upstream: a mailbox without a record is the usual case and has no second factor.
    Upstream,
    /// Our own store: a mailbox without a record does not exist.
    Stored,
}

/// The question to a password source.
#[derive(Clone, Debug)]
pub struct PasswordQuestion {
    /// The authenticating user, canonical.
    pub mailbox: Mailbox,
    /// The password part of the credential, never empty.
    pub password: Secret,
    /// The stored hash, where the passwords are our own. `None` there means that the mailbox is
    /// unknown: the source spends the time of a real check and answers `Wrong`.
    pub hash: Option<SecretText>,
}

/// The answer of a password source.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum PasswordAnswer {
    /// The password is right.
    Right {
        /// The name the source returned, judged again when it differs from the one that was
        /// asked; `None` when it returned none.
        user: Option<Vec<u8>>,
        /// Whose password it was, where the source says that a master user opened `user`; judged
        /// again as well.
        auth_user: Option<Vec<u8>>,
    },
    /// The password is wrong, or the mailbox unknown, or not allowed in.
    Wrong,
    /// No answer: becomes `temp_fail`.
    Unavailable(String),
}

/// The answer to [`Effect::Load`]; the error says why there is none.
pub type LoadAnswer = Result<Option<Versioned<MailboxRecord>>, String>;

/// The answer to [`Effect::Burn`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum BurnAnswer {
    /// The record is on disk with the step burned, by this login and no other.
    Burned,
    /// Somebody else changed the record first; nothing was written.
    Conflict,
    /// It is not known whether anything was written.
    Unavailable(String),
}

/// What comes next.
#[derive(Debug)]
#[must_use]
pub enum Next {
    /// Perform the effect and feed its result to the flow.
    Perform(Flow, Effect),
    /// Answer the client.
    Finish(Outcome),
}

/// What the driver is to do.
#[derive(Debug)]
#[must_use]
pub enum Effect {
    /// Read this mailbox's record.
    Load(Mailbox),
    /// Ask the password source.
    CheckPassword(PasswordQuestion),
    /// Tell the mail server that this mailbox is authenticated, without telling the client yet.
    Establish(Mailbox),
    /// Write this record if it still has this version.
    Burn {
        /// Whose record.
        mailbox: Mailbox,
        /// The version that must still be there.
        expect: Version,
        /// The record with the step burned.
        record: Box<MailboxRecord>,
    },
}

/// The result of an effect.
#[derive(Debug)]
pub enum Input {
    /// Of [`Effect::Load`].
    Loaded(LoadAnswer),
    /// Of [`Effect::CheckPassword`].
    Password(PasswordAnswer),
    /// Of [`Effect::Establish`].
    Established(PasswordAnswer),
    /// Of [`Effect::Burn`].
    Burned(BurnAnswer),
}

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
    arrived: UnixMillis,
}

#[derive(Debug)]
enum State {
    Loading,
    Checking(Option<Candidate>),
    Judging(Box<Judging>),
    Establishing(Box<Judged>),
    Burning { judged: Box<Judged>, attempts: u8 },
    Reloading { judged: Box<Judged>, attempts: u8 },
}

/// A code that was typed, and the record it is to be checked against once the password is right.
#[derive(Debug)]
struct Candidate {
    code: Code,
    factor: TotpFactor,
    seen: Versioned<MailboxRecord>,
}

/// The password is right and so is the code, if one is asked. Now the names are looked at whose second
/// factor must be off, or covered by the one that was checked.
#[derive(Debug)]
struct Judging {
    right: PasswordRight,
    user: Option<Vec<u8>>,
    factor: Option<Candidate>,
    no_factor: Option<NoFactorAsked>,
    asking: (Mailbox, Role),
    waiting: VecDeque<(Mailbox, Role)>,
}

/// Why a name is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// The authenticating user, who gave no code: 2-factor authentication may have been switched
    /// on while the password was being checked.
    Authenticating,
    /// The mailbox that a master user opens.
    MasterTarget,
    /// A name that the password source returned: the mailbox, or the master user who opened it.
    Returned,
}

/// Everything is proved but the burn.
#[derive(Debug)]
struct Judged {
    right: PasswordRight,
    user: Option<Vec<u8>>,
    factor: FactorProof,
}

#[derive(Debug)]
enum FactorProof {
    ToBurn(Candidate),
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
        let load = Effect::Load(identity.authenticating().clone());
        let credential = request.credential;
        let login = Login { policy, identity, credential, arrived: now };
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
            (State::Judging(judging), Input::Loaded(Ok(record))) => {
                login.judge(*judging, record.as_ref())
            }
            (State::Establishing(judged), Input::Established(answer)) => {
                login.established(judged, answer)
            }
            (State::Burning { judged, attempts }, Input::Burned(answer)) => {
                login.burned(judged, attempts, answer)
            }
            (State::Reloading { judged, attempts }, Input::Loaded(Ok(record))) => {
                login.reloaded(*judged, attempts, record)
            }
            (
                State::Loading | State::Judging(_) | State::Reloading { .. },
                Input::Loaded(Err(why)),
            ) => unavailable(why),
            (
                State::Loading
                | State::Checking(_)
                | State::Judging(_)
                | State::Establishing(_)
                | State::Burning { .. }
                | State::Reloading { .. },
                Input::Loaded(_) | Input::Password(_) | Input::Established(_) | Input::Burned(_),
            ) => unavailable("an effect was answered with the result of another one"),
        }
    }
}

impl Login {
    fn perform(self, state: State, effect: Effect) -> Next {
        Next::Perform(Flow { login: self, state }, effect)
    }

    /// The record of the authenticating user is there: what is the password?
    fn loaded(self, record: Option<Versioned<MailboxRecord>>) -> Next {
        let hash = record.as_ref().and_then(|r| r.value.password_hash.clone());
        let factor = record.and_then(|seen| seen.value.totp.clone().map(|totp| (totp, seen)));
        let (password, candidate) = match factor {
            // Off: the credential is checked as it was typed, whatever it ends in.
            None => (self.credential.clone(), None),
            // On. App passwords and live sessions will be looked at here, before the split.
            Some((factor, seen)) => match split(&self.credential) {
                Ok(cut) => (cut.password, Some(Candidate { code: cut.code, factor, seen })),
                Err(SplitError::NoCode) => return refuse(Refusal::MissingCode),
                Err(SplitError::NoPassword) => return refuse(Refusal::EmptyPassword),
            },
        };
        let mailbox = self.identity.authenticating().clone();
        let question = PasswordQuestion { mailbox, password, hash };
        self.perform(State::Checking(candidate), Effect::CheckPassword(question))
    }

    /// The password source has answered: is the code good, and whose names are involved?
    fn password_checked(self, candidate: Option<Candidate>, answer: PasswordAnswer) -> Next {
        let (right, user, auth_user) = match PasswordRight::from_answer(answer) {
            Ok(proof) => proof,
            Err(NotRight::Wrong) => return refuse(Refusal::WrongPassword),
            Err(NotRight::Unavailable(why)) => return unavailable(why),
        };
        if let Some(Candidate { code, factor, .. }) = &candidate
            && let Err(mismatch) = self.step_of(code, factor)
        {
            return refuse(mismatch);
        }
        if user.is_none() && self.policy.passwords == Passwords::Upstream {
            // Nobody knows which mailbox would open, so it cannot be judged.
            return unavailable("the upstream said OK and named no mailbox");
        }
        let names = self.names_to_judge(candidate.is_some(), user.as_deref(), auth_user.as_deref());
        let Ok(mut waiting) = names else {
            return refuse(Refusal::BadName);
        };
        match waiting.pop_front() {
            Some(asking) => {
                let load = Effect::Load(asking.0.clone());
                let judging =
                    Judging { right, user, factor: candidate, no_factor: None, asking, waiting };
                self.perform(State::Judging(Box::new(judging)), load)
            }
            // Nobody else is involved, and `names_to_judge` is empty only with a code.
            None => self.judged(right, user, candidate, None),
        }
    }

    fn names_to_judge(
        &self,
        with_code: bool,
        returned: Option<&[u8]>,
        auth_user: Option<&[u8]>,
    ) -> Result<VecDeque<(Mailbox, Role)>, MailboxError> {
        let mut names = VecDeque::new();
        if !with_code {
            names.push_back((self.identity.authenticating().clone(), Role::Authenticating));
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
    fn judge(self, mut judging: Judging, record: Option<&Versioned<MailboxRecord>>) -> Next {
        let record = record.map(|r| &r.value);
        let off = NoFactorAsked::from_record(record);
        let gone = record.is_none() && self.policy.passwords == Passwords::Stored;
        match (judging.asking.1, off) {
            // Removed or renamed while its password was being checked.
            (Role::Authenticating, Some(_)) if gone => return refuse(Refusal::WrongPassword),
            (Role::Authenticating, Some(proof)) => judging.no_factor = Some(proof),
            (Role::Authenticating, None) => return refuse(Refusal::MissingCode),
            (Role::MasterTarget | Role::Returned, Some(_)) => {}
            (Role::MasterTarget, None) => {
                let allowed = self.policy.names.master_without_factor == MasterPolicy::Allow;
                if judging.factor.is_none() && !allowed {
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
            None => self.judged(judging.right, judging.user, judging.factor, judging.no_factor),
        }
    }

    /// All names are judged; the mail server is told where it did not check the password itself.
    fn judged(
        self,
        right: PasswordRight,
        user: Option<Vec<u8>>,
        candidate: Option<Candidate>,
        no_factor: Option<NoFactorAsked>,
    ) -> Next {
        let factor = match (candidate, no_factor) {
            (Some(candidate), _) => FactorProof::ToBurn(candidate),
            (None, Some(proof)) => FactorProof::NotAsked(proof),
            (None, None) => return unavailable("no factor was proved and none was ruled out"),
        };
        let judged = Box::new(Judged { right, user, factor });
        match self.policy.passwords {
            Passwords::Upstream => self.burn(judged, 0),
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
            // The password was right, so this is not the client's fault.
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
        self.burn(judged, 0)
    }

    /// Burns the step if there is one, else accepts.
    fn burn(self, judged: Box<Judged>, attempts: u8) -> Next {
        let candidate = match judged.factor {
            FactorProof::ToBurn(ref candidate) => candidate,
            FactorProof::NotAsked(no_factor) => {
                let accepted =
                    Accepted::by_password(self.identity, judged.user, judged.right, no_factor);
                return Next::Finish(Outcome::Accepted(accepted));
            }
        };
        let step = match self.step_of(&candidate.code, &candidate.factor) {
            Ok(step) => step,
            Err(refusal) => return refuse(refusal),
        };
        let mut record = candidate.seen.value.clone();
        record.totp = Some(TotpFactor { last_step: step.0, ..candidate.factor.clone() });
        let effect = Effect::Burn {
            mailbox: self.identity.authenticating().clone(),
            expect: candidate.seen.version,
            record: Box::new(record),
        };
        self.perform(State::Burning { judged, attempts }, effect)
    }

    fn burned(self, judged: Box<Judged>, attempts: u8, answer: BurnAnswer) -> Next {
        if let Some(burned) = StepBurned::from_answer(&answer) {
            let Judged { right, user, .. } = *judged;
            let accepted = Accepted::by_password_and_code(self.identity, user, right, burned);
            return Next::Finish(Outcome::Accepted(accepted));
        }
        match answer {
            BurnAnswer::Conflict if attempts < BURN_ATTEMPTS => {
                let load = Effect::Load(self.identity.authenticating().clone());
                self.perform(State::Reloading { judged, attempts: attempts + 1 }, load)
            }
            BurnAnswer::Conflict | BurnAnswer::Burned => {
                unavailable("the mailbox's record changes faster than it can be written")
            }
            BurnAnswer::Unavailable(why) => unavailable(why),
        }
    }

    /// Somebody changed the record between reading and burning. Only a burn of another step is
    /// carried on from; a new password or factor asks for a new login.
    fn reloaded(
        self,
        mut judged: Judged,
        attempts: u8,
        record: Option<Versioned<MailboxRecord>>,
    ) -> Next {
        let FactorProof::ToBurn(before) = judged.factor else {
            return unavailable("nothing was to be burned");
        };
        let Some((seen, factor)) = record.and_then(|r| r.value.totp.clone().map(|t| (r, t))) else {
            return unavailable("the mailbox's second factor was switched off meanwhile");
        };
        let same = factor.secret == before.factor.secret
            && seen.value.password_hash == before.seen.value.password_hash;
        if !same {
            return unavailable("the mailbox's password or factor was changed meanwhile");
        }
        judged.factor = FactorProof::ToBurn(Candidate { code: before.code, factor, seen });
        self.burn(Box::new(judged), attempts)
    }

    fn step_of(&self, code: &Code, factor: &TotpFactor) -> Result<Step, Refusal> {
        matching_step(&factor.secret, code, self.arrived, factor.last_step).map_err(|mismatch| {
            match mismatch {
                CodeMismatch::Wrong => Refusal::WrongCode,
                CodeMismatch::Used => Refusal::UsedCode,
            }
        })
    }
}

fn refuse(refusal: Refusal) -> Next {
    Next::Finish(Outcome::Refused(refusal))
}

fn unavailable(why: impl Into<String>) -> Next {
    Next::Finish(Outcome::Unavailable(why.into()))
}

#[cfg(test)]
mod tests;
