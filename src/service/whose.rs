//! Under which name a login is written down.
//!
//! # Security
//!
//! People type passwords into the field for the name, and the log and the audit trail are read by many. So a
//! name is written down as typed only if it is known to be one (it has a record, its password was right,
//! or it logged in before), or looks like one. Of any other there is a short keyed hash, by which the same one is
//! known again. `names.log_unknown` writes all of them down.

use std::borrow::Cow;

use super::{authenticate::Authenticator, trail};
use crate::{
    base::{Mailbox, UnixMillis},
    decision::{
        digest::Kind,
        flow::{Policy, Request},
        names::{Identity, Plausible},
        outcome::Outcome,
    },
};

/// The names of a login, for the log.
pub(super) struct Whose<'a> {
    pub(super) mailbox: Cow<'a, str>,
    /// Whether that is no mailbox, or none that is known.
    pub(super) typed: bool,
    pub(super) target: Option<Cow<'a, str>>,
}

impl<'a> Whose<'a> {
    /// Names that are known.
    pub(super) fn known(identity: &'a Identity) -> Self {
        let (user, target) = match identity {
            Identity::Own(mailbox) => (mailbox, None),
            Identity::Master { user, target } => (user, Some(target)),
        };
        let target = target.map(|target| target.as_str().into());
        Self { mailbox: user.as_str().into(), typed: false, target }
    }

    /// A name that is no mailbox's, from somebody who is believed.
    pub(super) fn named(name: &'a [u8]) -> Self {
        Self { mailbox: String::from_utf8_lossy(name), typed: true, target: None }
    }

    /// What a stranger typed, and what no mailbox can be made of.
    pub(super) fn typed(policy: &Policy, name: &'a [u8]) -> Self {
        let shown =
            name.is_empty() || policy.names.log_unknown || policy.names.plausible(b"", name).user;
        if shown { Self::named(name) } else { Self::hidden(policy, name) }
    }

    fn hidden(policy: &Policy, name: &[u8]) -> Self {
        Self { mailbox: hidden(policy, name).into(), typed: true, target: None }
    }
}

/// What stands for a name that is not written down.
fn hidden(policy: &Policy, name: &[u8]) -> String {
    let digest = policy.key.digest_of(Kind::TypedName, &[name]);
    let [a, b, c, d, ..] = digest.bytes();
    format!("(not a mailbox: {a:02x}{b:02x}{c:02x}{d:02x})")
}

impl Authenticator {
    /// The names of a login that was decided. `recorded`: the user has a record.
    pub(super) async fn whose<'a>(
        &self,
        policy: &Policy,
        identity: &'a Identity,
        typed: &Typed,
        decided: (&Outcome, bool),
        now: Option<UnixMillis>,
    ) -> Whose<'a> {
        let (outcome, recorded) = decided;
        let known = Whose::known(identity);
        if policy.names.log_unknown || is_proved(outcome) {
            return known;
        }
        let Plausible { user, target } = policy.names.plausible(&typed.authzid, &typed.name);
        let target = known
            .target
            .map(|name| if target { name } else { hidden(policy, name.as_bytes()).into() });
        if recorded || user || self.logged_in_before(identity.authenticating(), now).await {
            return Whose { target, ..known };
        }
        Whose { target, ..Whose::hidden(policy, &typed.name) }
    }

    /// Whether the mail server has let this mailbox in with its password, not too long ago.
    async fn logged_in_before(&self, mailbox: &Mailbox, now: Option<UnixMillis>) -> bool {
        let Some(now) = now else { return false };
        let [programs, _] = trail::Recorder::summaries(mailbox);
        matches!(self.store.load_entry(&programs, now).await, Ok(Some(_)))
    }
}

/// What is kept of a request until its login is written down.
pub(super) struct Typed {
    authzid: Vec<u8>,
    name: Vec<u8>,
}

impl Typed {
    pub(super) fn of(request: &Request) -> Self {
        Self { authzid: request.authzid.clone(), name: request.authcid.clone() }
    }

    pub(super) fn name(&self) -> &[u8] {
        &self.name
    }
}

/// Whether the password was right: then the name is a mailbox's.
fn is_proved(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Accepted(_) => true,
        Outcome::Refused(refusal) => refusal.needs_right_password(),
        Outcome::Unavailable(_) => false,
    }
}
