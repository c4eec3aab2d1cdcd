//! What was typed is right. The mail server is told where it must be, and then every name that is
//! involved is looked at once more, because all that came before takes time.

use std::collections::VecDeque;

use super::{
    Basis, Claim, Credential, Effect, Login, Next, Passwords, Role, Standing, State, refuse,
    unavailable, without_code,
};
use crate::{
    base::Mailbox,
    decision::{
        answer::PasswordAnswer,
        names::{Identity, NameError},
        outcome::Accepted,
        proof::{Before, PasswordSuffices},
        record::{MailboxRecord, Versioned},
        refusal::Refusal,
    },
};

impl Login {
    pub(super) fn names_to_judge(
        &self,
        authenticating: Option<Role>,
        returned: Option<&[u8]>,
        auth_user: Option<&[u8]>,
    ) -> Result<VecDeque<(Mailbox, Role)>, NameError> {
        let mut names = VecDeque::new();
        if let Identity::Master { target, .. } = &self.identity {
            names.push_back((target.clone(), Role::MasterTarget));
        }
        let canonical = |name| self.policy.names.canonical(name);
        let returned = returned.map(canonical).transpose()?;
        let auth_user = auth_user.map(canonical).transpose()?;
        // A master user whom only the mail server knows, in the name or by its `login_user`: what a form
        // opens is the owner's.
        if let (Some(auth_user), Credential::Apart { .. }) = (&auth_user, &self.typed)
            && (auth_user != self.identity.authenticating()
                || returned.as_ref().is_some_and(|returned| returned != auth_user))
        {
            return Err(NameError::Separator);
        }
        if let Some(returned) = returned.filter(|name| name != self.identity.opened()) {
            names.push_back((returned, Role::Returned));
        }
        if let Some(auth_user) = auth_user.filter(|name| name != self.identity.authenticating()) {
            names.push_back((auth_user, Role::Returned));
        }
        if let Some(role) = authenticating {
            names.push_back((self.identity.authenticating().clone(), role));
        }
        Ok(names)
    }

    /// The mail server has been told, and must have understood the same mailbox.
    pub(super) fn established(self, mut claim: Box<Claim>, answer: PasswordAnswer) -> Next {
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
    pub(super) fn look(self, mut claim: Box<Claim>) -> Next {
        match claim.waiting.pop_front() {
            Some(asking) => {
                let look = self.last_look(&asking);
                self.perform(State::Judging(claim, asking), look)
            }
            None => self.complete(*claim),
        }
    }

    /// The authenticating user's record need not be read again if it is what was seen.
    fn last_look(&self, (name, role): &(Mailbox, Role)) -> Effect {
        match (role, &self.seen) {
            (Role::WithoutCode | Role::WithSession, Some(seen)) => {
                Effect::Relook(name.clone(), seen.version)
            }
            (Role::WithoutCode | Role::WithSession, None)
            | (
                Role::WithAppPassword
                | Role::WithWebmailToken
                | Role::MasterTarget
                | Role::Returned,
                _,
            ) => Effect::Load(name.clone()),
        }
    }

    /// The record is the one that was seen.
    pub(super) fn judge_same(mut self, claim: Claim, name: &Mailbox, role: Role) -> Next {
        match self.seen.take() {
            Some(seen) => self.judge(claim, name, role, Some(seen)),
            // Never taken for a mailbox that has none.
            None => unavailable("a record is the same and was not seen before"),
        }
    }

    /// One more name has been looked up: may the login go on?
    pub(super) fn judge(
        mut self,
        mut claim: Claim,
        name: &Mailbox,
        role: Role,
        seen: Option<Versioned<MailboxRecord>>,
    ) -> Next {
        let record = seen.as_ref().map(|r| &r.value);
        if record.is_some_and(|record| record.locked.is_some()) {
            return refuse(Refusal::Locked);
        }
        let ruling = self.ruling(name, record);
        // With passwords of our own the record is the mailbox, and the hash is what was checked.
        let stored = self.policy.passwords == Passwords::Stored;
        let gone = stored && record.is_none();
        let replaced = stored && record.is_some_and(|record| record.password_hash != self.hash);
        claim.basis = match (role, claim.basis) {
            // Removed or renamed while its password was being checked.
            (Role::WithoutCode, _) if gone => return refuse(Refusal::WrongPassword),
            (Role::WithoutCode, Basis::Password(right, Standing::Unproved)) => {
                match PasswordSuffices::from_ruling(&ruling) {
                    // Given another password meanwhile, or removed and made again.
                    Ok(_) if replaced => return refuse(Refusal::WrongPassword),
                    Ok((proof, permit)) => {
                        self.note(permit);
                        Basis::Password(right, Standing::Suffices(proof))
                    }
                    Err(refusal) => return refuse(refusal),
                }
            }
            (Role::WithoutCode, _) => return refuse(Refusal::MissingCode),
            (Role::WithSession, Basis::Password(right, Standing::Unproved)) => {
                let live = record.and_then(|record| self.session_live(record));
                match (live, seen) {
                    (Some(live), Some(seen)) => Basis::Password(right, Standing::Live(live, seen)),
                    // Ended meanwhile, and its code is used up.
                    (None, _) | (_, None) => return refuse(Refusal::UsedCode),
                }
            }
            (Role::WithSession, _) => return refuse(Refusal::UsedCode),
            (Role::WithAppPassword, Basis::AppPassword(_, typed, _)) => {
                let Some(seen) = seen else { return refuse(Refusal::AppPasswordWrong) };
                match self.app_password_right(&typed, &seen.value) {
                    Ok((right, permit)) => {
                        self.note(permit);
                        Basis::AppPassword(right, typed, seen)
                    }
                    Err(refusal) => return refuse(refusal),
                }
            }
            (Role::WithAppPassword, _) => return refuse(Refusal::AppPasswordWrong),
            (Role::WithWebmailToken, Basis::WebmailToken(_, typed, _)) => {
                let Some(seen) = seen else { return refuse(Refusal::WebmailTokenWrong) };
                match self.webmail_token_right(&typed, &seen.value) {
                    Ok((right, permit)) => {
                        self.note(permit);
                        Basis::WebmailToken(right, typed, seen)
                    }
                    Err(refusal) => return refuse(refusal),
                }
            }
            (Role::WithWebmailToken, _) => return refuse(Refusal::WebmailTokenWrong),
            (Role::MasterTarget, basis) => {
                let factor = !without_code(&claim.waiting);
                match ruling.as_target(factor, self.policy.names.master_without_factor) {
                    Ok(permit) => self.note(permit),
                    Err(refusal) => return refuse(refusal),
                }
                basis
            }
            // A factor that was checked is another mailbox's.
            (Role::Returned, basis) => {
                match ruling.as_another() {
                    Ok(permit) => self.note(permit),
                    Err(refusal) => return refuse(refusal),
                }
                basis
            }
        };
        self.look(Box::new(claim))
    }

    /// Uses up what is used up, notes what is noted, accepts.
    pub(super) fn complete(self, claim: Claim) -> Next {
        let user = claim.user;
        match claim.basis {
            Basis::Password(_, Standing::Unproved) => {
                unavailable("no factor was proved and none was ruled out")
            }
            Basis::Password(right, Standing::ToBurn(candidate)) => {
                self.burn(Before::Password(right), user, candidate, 0)
            }
            Basis::Panel(live, candidate) => self.burn(Before::Panel(live), user, candidate, 0),
            Basis::Password(right, Standing::Suffices(proof)) => {
                let identity = self.identity.clone();
                self.accept(Accepted::by_password(identity, user, right, proof))
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
            Basis::WebmailToken(right, typed, seen) => {
                let note = self.webmail_token_use(typed.id, seen);
                let identity = self.identity.clone();
                self.note_and_accept(Accepted::by_webmail_token(identity, user, right), note)
            }
        }
    }
}
