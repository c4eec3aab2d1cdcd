//! From the record to a right password: what was typed, may it be tried, may its code be looked at.

use std::collections::VecDeque;

use super::{
    Basis, Candidate, Checked, Claim, Credential, Effect, Login, Look, Next, Passwords, Role,
    Standing, State,
    credential::{Factor, Known, Typed, challenged, judge, recognise},
    refuse, still_the_same, unavailable,
};
use crate::decision::{
    answer::PasswordAnswer,
    app_password::TypedAppPassword,
    digest::Kind,
    enforcement::Permit,
    names::Identity,
    outcome::Outcome,
    proof::{AppPasswordRight, Before, NotRight, PasswordRight, SessionLive, SignedIn},
    question::{PasswordQuestion, Recall},
    record::{MailboxRecord, Versioned},
    recovery::RecoveryCode,
    refusal::Refusal,
    throttle::{Admission, CodeAdmission, Event, Fingerprint, Owner, View, admit, admit_code},
};

impl Login {
    /// The record of the authenticating user is there: must it wait?
    pub(super) fn loaded(
        mut self,
        live: Option<SignedIn>,
        record: Option<Versioned<MailboxRecord>>,
    ) -> Next {
        if record.as_ref().is_some_and(|record| record.value.locked.is_some()) {
            return refuse(Refusal::Locked);
        }
        // A mailbox that an upstream knows and we do not is the upstream's to protect: unless we
        // refuse its right password, and the upstream's penalty must not tell that it was right.
        let ours = record.is_some()
            || self.policy.passwords == Passwords::Stored
            || self.ruling(self.identity.authenticating(), None).password_alone().is_err();
        match self.policy.throttle.as_ref().filter(|_| ours) {
            None => self.admitted(live, record, None),
            Some(throttle) => {
                // Names that nobody has must not fill the store.
                let owner = record.as_ref().map(|record| Owner {
                    mailbox: self.identity.authenticating().clone(),
                    since: record.value.created,
                });
                self.counters = throttle.keys_for(owner.as_ref(), self.arrival.from);
                let effect = Effect::Counters(self.counters.clone());
                self.perform(State::Admitting(live, record), effect)
            }
        }
    }

    /// What was typed?
    pub(super) fn admitted(
        mut self,
        panel: Option<SignedIn>,
        record: Option<Versioned<MailboxRecord>>,
        view: Option<&View>,
    ) -> Next {
        let value = record.as_ref().map(|record| &record.value);
        let hash = value.and_then(|record| record.password_hash.clone());
        let (policy, mailbox) = (&self.policy, self.identity.authenticating());
        let recovery = |code: &RecoveryCode| code.digest(mailbox, &policy.key);
        let live = |record: &MailboxRecord| self.signed_in(record);
        if let Some(panel) = panel {
            let factor = challenged(&self.typed, value, recovery);
            return self.challenged(panel, factor, record);
        }
        let exempt = self.ruling(mailbox, value).is_exempt();
        let known = Known { exempt, tokens: !policy.webmail.is_empty() };
        let typed = recognise(&self.typed, value, known, live, recovery);
        let (password, candidate) = match (typed, record) {
            (Typed::Hopeless(refusal), _) => return refuse(refusal),
            // Nobody guesses those: they go on working while others are kept waiting.
            (Typed::AppPassword(typed), Some(seen)) => return self.app_password(typed, seen),
            (Typed::WebmailToken(typed), Some(seen)) => return self.webmail_token(typed, seen),
            (Typed::WebmailToken(_), None) => return refuse(Refusal::WebmailTokenWrong),
            (Typed::PasswordAndFactor(password, factor), Some(seen)) => {
                (password, Some(Candidate { factor, seen }))
            }
            (Typed::Password(password), seen) => {
                self.seen = seen;
                (password, None)
            }
            (Typed::AppPassword(_) | Typed::PasswordAndFactor(..), None) => {
                return unavailable("a factor was recognised without a record");
            }
        };
        let signed_in = matches!(candidate, Some(Candidate { factor: Factor::Session, .. }));
        if !signed_in && !self.may_try(view) {
            return refuse(Refusal::Throttled);
        }
        let counted = !self.counters.is_empty();
        self.hash.clone_from(&hash);
        let asked = self.asked.clone();
        let recall = candidate.as_ref().and_then(|candidate| self.recall(candidate));
        let mailbox = mailbox.clone();
        let question = PasswordQuestion { mailbox, asked, password, hash, counted, recall };
        self.password = self.fingerprint(question.password.expose());
        self.perform(State::Checking(candidate), Effect::CheckPassword(question))
    }

    /// Whether an earlier answer may stand for the password check. Only for a sign-in that lives and a
    /// mailbox's own password: what a master user may open is the mail server's to say each time, and so
    /// is what the panel may show.
    fn recall(&self, candidate: &Candidate) -> Option<Recall> {
        let (seconds, from) = (self.policy.sessions.password_seconds, self.arrival.from);
        let fits = seconds > 0
            && matches!(candidate.factor, Factor::Session)
            && matches!(self.identity, Identity::Own(_))
            && matches!(self.typed, Credential::Joined(_))
            && from.ip().is_some();
        fits.then(|| Recall {
            version: candidate.seen.version,
            session: self.session,
            service: self.arrival.service.clone(),
            from,
            seconds,
            named: self.policy.passwords == Passwords::Upstream,
        })
    }

    /// A code alone, of somebody whose sign-in to the panel lives.
    fn challenged(
        self,
        live: SignedIn,
        factor: Option<Factor>,
        record: Option<Versioned<MailboxRecord>>,
    ) -> Next {
        let (Some(factor), Some(seen)) = (factor, record) else {
            return refuse(Refusal::WrongCode);
        };
        let candidate = Some(Candidate { factor, seen });
        let right = Before::Panel(live);
        self.checked(Checked { right, user: None, auth_user: None, candidate })
    }

    /// Whether a sign-in of this very credential lives.
    pub(super) fn signed_in(&self, record: &MailboxRecord) -> bool {
        self.policy.sessions.has_live(&record.sessions, &self.session, self.arrival.at)
    }

    pub(super) fn session_live(&self, record: &MailboxRecord) -> Option<SessionLive> {
        SessionLive::from_record(record, &self.policy.sessions, &self.session, self.arrival.at)
    }

    pub(super) fn may_try(&self, view: Option<&View>) -> bool {
        match (&self.policy.throttle, view) {
            (Some(throttle), Some(view)) => match admit(throttle, view, self.arrival.at) {
                Admission::Go => true,
                Admission::Throttled { .. } => false,
            },
            (None, _) | (_, None) => true,
        }
    }

    pub(super) fn fingerprint(&self, bytes: &[u8]) -> Fingerprint {
        let mailbox = self.identity.authenticating();
        let digest = self.policy.key.digest(Kind::Fingerprint, mailbox, &[bytes]);
        let mut print = [0; 16];
        print.iter_mut().zip(digest.bytes()).for_each(|(slot, byte)| *slot = *byte);
        Fingerprint(print)
    }

    /// An app password is its own proof: no password source is asked, the mail server is told.
    pub(super) fn app_password(
        self,
        typed: TypedAppPassword,
        seen: Versioned<MailboxRecord>,
    ) -> Next {
        let checked = self.app_password_right(&typed, &seen.value);
        let mailbox = self.identity.opened();
        match checked {
            Err(refusal) => refuse(refusal),
            Ok((right, _)) => {
                let establish = Effect::Establish(mailbox.clone());
                let waiting = VecDeque::from([(mailbox.clone(), Role::WithAppPassword)]);
                let basis = Basis::AppPassword(right, typed, seen);
                let claim = Box::new(Claim { basis, user: None, waiting });
                self.perform(State::Establishing(claim), establish)
            }
        }
    }

    pub(super) fn app_password_right(
        &self,
        typed: &TypedAppPassword,
        record: &MailboxRecord,
    ) -> Result<(AppPasswordRight, Permit), Refusal> {
        let Identity::Own(mailbox) = &self.identity else {
            // One program's password for one mailbox opens no other.
            return Err(Refusal::AppPasswordOutOfScope);
        };
        let stored = record.app_passwords.iter().find(|stored| stored.id == typed.id);
        let stored = stored.ok_or(Refusal::AppPasswordWrong)?;
        let right =
            AppPasswordRight::from_check(stored, typed, mailbox, &self.policy.key, &self.arrival)?;
        // Only of a right one the rules say anything.
        Ok((right, self.ruling(mailbox, Some(record)).app_password()?))
    }

    /// The password source has answered: may a code be looked at?
    pub(super) fn password_checked(
        self,
        candidate: Option<Candidate>,
        answer: PasswordAnswer,
    ) -> Next {
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
        self.checked(Checked { right: Before::Password(right), user, auth_user, candidate })
    }

    /// What stands before the code is right: is there one, and may it be looked at?
    fn checked(self, checked: Checked) -> Next {
        match &checked.candidate {
            Some(Candidate {
                factor: Factor::Code(_) | Factor::Recovery(_) | Factor::Malformed,
                ..
            }) if !self.counters.is_empty() => {
                let mailbox = self.identity.authenticating().clone();
                let effect = Effect::CodeCounters(mailbox, self.counters.clone());
                self.perform(State::AdmittingCode(Box::new(checked)), effect)
            }
            Some(_) | None => self.judge_code(checked),
        }
    }

    /// Nobody else looks at a code of this mailbox now: is the record still what was seen?
    pub(super) fn relook(self, checked: Box<Checked>, view: View) -> Next {
        let Some(candidate) = &checked.candidate else {
            return unavailable("there was no code to look at");
        };
        let name = self.identity.authenticating().clone();
        let look = Effect::Relook(name, candidate.seen.version);
        self.perform(State::Relooking(checked, view), look)
    }

    /// The very same sign-in may have been made
    /// meanwhile, by a connection opened at the same time; otherwise: may this code be looked at?
    pub(super) fn relooked(self, mut checked: Checked, view: &View, look: Look) -> Next {
        let (Some(throttle), Some(before)) = (&self.policy.throttle, checked.candidate.take())
        else {
            return unavailable("there was no code to look at");
        };
        let Candidate { factor, seen } = before;
        let seen = match look {
            Look::Same => seen,
            Look::Now(record) => match still_the_same(&seen.value, record) {
                Ok(seen) => seen,
                Err(why) => return unavailable(why),
            },
        };
        let now = self.arrival.at;
        if self.signed_in(&seen.value) {
            checked.candidate = Some(Candidate { factor: Factor::Session, seen });
            return self.judge_code(checked);
        }
        let whole = self.fingerprint(self.typed.whole().expose());
        match admit_code(throttle, view, whole, now) {
            CodeAdmission::Look => {
                checked.candidate = Some(Candidate { factor, seen });
                self.judge_code(checked)
            }
            CodeAdmission::Stale => self.fail(Refusal::UsedCode, Event::StaleCode),
            CodeAdmission::Throttled { .. } => refuse(Refusal::Throttled),
        }
    }

    /// Is the code good, and whose names are involved?
    pub(super) fn judge_code(mut self, checked: Checked) -> Next {
        let Checked { right, user, auth_user, candidate } = checked;
        // The record says nothing new of this until the end: it is one with a factor.
        let permit = candidate.as_ref().map(|candidate| {
            self.ruling(self.identity.authenticating(), Some(&candidate.seen.value)).full()
        });
        let (role, standing) = match candidate {
            None => (Some(Role::WithoutCode), Standing::Unproved),
            Some(Candidate { factor: Factor::Session, seen }) => {
                self.seen = Some(seen);
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
        match permit {
            None => {}
            Some(Ok(permit)) => self.note(permit),
            Some(Err(refusal)) => return refuse(refusal),
        }
        let Ok(waiting) = self.names_to_judge(role, user.as_deref(), auth_user.as_deref()) else {
            return refuse(Refusal::BadName);
        };
        let basis = match (right, standing) {
            (Before::Password(right), standing) => Basis::Password(right, standing),
            (Before::Panel(live), Standing::ToBurn(candidate)) => {
                // No mailbox opens: there is nobody to be told.
                let basis = Basis::Panel(live, candidate);
                return self.look(Box::new(Claim { basis, user, waiting }));
            }
            (Before::Panel(_), Standing::Unproved | Standing::Live(..) | Standing::Suffices(_)) => {
                return unavailable("no code was to be used up");
            }
        };
        let claim = Box::new(Claim { basis, user, waiting });
        match self.policy.passwords {
            Passwords::Upstream => self.look(claim),
            // The mail server did not check the password itself: it must be told.
            Passwords::Stored => {
                let establish = Effect::Establish(self.identity.opened().clone());
                self.perform(State::Establishing(claim), establish)
            }
        }
    }
}
