//! The use-case "log in" by a mechanism that the upstream decides.
//!
//! It drives the same machine over the same ports as `authenticate`, and tells the log by the name
//! that the upstream gives.

use std::sync::{Mutex, PoisonError};

use super::{
    authenticate::{Authenticator, Circumstances, Told},
    whose::Whose,
};
use crate::{
    base::{Mailbox, RelayedMechanism},
    decision::{
        flow::{Flow, RelayedRequest},
        names::{Identity, NameRules},
        outcome::Outcome,
    },
    ports::{
        BoxFuture,
        password::{PasswordAnswer, PasswordQuestion, PasswordSource},
    },
};

impl Authenticator {
    /// The mechanisms that may be offered because the upstream decides them.
    pub fn relayed_mechanisms(&self) -> Vec<RelayedMechanism> {
        self.policy().mechanisms.passed().to_vec()
    }

    /// Decides one login by such a mechanism and logs the decision. Dropping the future abandons it.
    pub async fn authenticate_relayed(
        &self,
        request: RelayedRequest,
        circumstances: &Circumstances,
        source: &dyn PasswordSource,
    ) -> Outcome {
        let policy = self.policy();
        let names = policy.names.clone();
        let source = Overheard { source, names: Mutex::default() };
        let (outcome, started) = match self.clock.now() {
            Ok(now) => {
                let throttle = policy.throttle.clone().unwrap_or_default();
                let next = Flow::start_relayed(request, policy, now);
                (self.run(next, &source, circumstances, &throttle, now).await.0, Some(now))
            }
            Err(error) => (Outcome::Unavailable(error.to_string()), None),
        };
        let told = Told::from(&outcome);
        match (&outcome, source.into_names()) {
            (Outcome::Accepted(accepted), _) => {
                self.tell(&Whose::known(accepted.identity()), circumstances, told, started);
            }
            (Outcome::Refused(_) | Outcome::Unavailable(_), Some((user, auth_user))) => {
                let identity = identity(&names, &user, auth_user.as_deref());
                let whose = identity.as_ref().map_or_else(|| Whose::named(&user), Whose::known);
                self.tell(&whose, circumstances, told, started);
            }
            (Outcome::Refused(_) | Outcome::Unavailable(_), None) => {
                self.tell(&Whose::named(b""), circumstances, told, started);
            }
        }
        outcome
    }
}

/// Who was refused, for the log only.
fn identity(names: &NameRules, user: &[u8], auth_user: Option<&[u8]>) -> Option<Identity> {
    names.identify(user, auth_user.unwrap_or(user)).ok()
}

/// The names of an OK: `user` and `auth_user`.
type Names = (Vec<u8>, Option<Vec<u8>>);

/// A source, and what it said of names.
struct Overheard<'a> {
    source: &'a dyn PasswordSource,
    names: Mutex<Option<Names>>,
}

impl Overheard<'_> {
    fn into_names(self) -> Option<Names> {
        self.names.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PasswordSource for Overheard<'_> {
    fn check<'a>(&'a self, question: &'a PasswordQuestion) -> BoxFuture<'a, PasswordAnswer> {
        self.source.check(question)
    }

    fn relay(&self, counted: bool) -> BoxFuture<'_, PasswordAnswer> {
        Box::pin(async move {
            let answer = self.source.relay(counted).await;
            if let PasswordAnswer::Right { user: Some(user), auth_user } = &answer {
                let names = Some((user.clone(), auth_user.clone()));
                *self.names.lock().unwrap_or_else(PoisonError::into_inner) = names;
            }
            answer
        })
    }

    fn establish<'a>(&'a self, mailbox: &'a Mailbox) -> BoxFuture<'a, PasswordAnswer> {
        self.source.establish(mailbox)
    }
}
