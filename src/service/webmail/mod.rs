//! What a webmail asks for: a token for somebody who has just given password and code, more time for it,
//! its end.
//!
//! Who gets one is decided by the machine that decides every login ([`Authenticator`]), for
//! `Service::Webmail`. It knows no HTTP; whoever calls it holds refusals back until the moment at which
//! all of them leave, as at every other door.
//!
//! # Security
//!
//! The caller is a webmail that the administrator trusts with passwords and with the addresses of
//! browsers. "Code required" says that the password is right, "throttled" that there were guesses;
//! everything else is one refusal. A token leaves once, in the answer to the exchange; the store has its
//! keyed hash.

mod exchange;
mod life;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use super::{
    admin::{Access, Admin},
    authenticate::Authenticator,
};
use crate::{
    base::{Mailbox, NetAddress, Secret, SecretText, UnixMillis},
    decision::refusal::Refusal,
    ports::{password::PasswordSources, store::StoreError},
};

/// The use-cases, with what they need.
pub struct Webmail {
    authenticator: Arc<Authenticator>,
    parts: Parts,
}

/// What of the configuration they are made of.
pub struct Parts {
    /// The administrator's use-cases.
    pub admin: Arc<Admin>,
    /// Who knows passwords.
    pub passwords: Arc<dyn PasswordSources>,
}

/// What somebody typed into a webmail's form.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The webmail, as it is configured.
    pub webmail: String,
    /// The name, as typed.
    pub name: Vec<u8>,
    /// The password.
    pub password: Secret,
    /// A code or recovery code; `None` if it was not asked yet.
    pub factor: Option<Secret>,
    /// Where the browser is.
    pub browser: NetAddress,
}

/// What became of an exchange.
#[derive(Debug)]
#[must_use]
pub enum Exchanged {
    /// In.
    Token(Minted),
    /// The password is right; a code is asked.
    CodeRequired,
    /// Not in. The reason is for the log; a webmail says the same for all of them.
    Refused(Refusal),
    /// Not in: there were too many failures. The code was not looked at, and as a rule not the password.
    Throttled {
        /// When there is room for another try.
        retry_after: Duration,
    },
    /// Nobody can say now.
    Unavailable(String),
}

/// A token, and what to do with it.
#[derive(Debug)]
pub struct Minted {
    /// The name to log in with, which may be another one than was typed.
    pub mailbox: Mailbox,
    /// What to log in with, in place of the password.
    pub token: SecretText,
    /// The number of its session.
    pub session: u64,
    /// How long it lives.
    pub life: Life,
}

/// How long a token lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// When it ends if it is not used again.
    pub expires: UnixMillis,
    /// When it ends in any case.
    pub ends: UnixMillis,
}

/// Why nothing can be said of a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebmailError {
    /// The store, or the clock.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// Not a mailbox name.
    #[error("{0}")]
    BadName(String),
    /// The token is of a webmail that another API token asks for.
    #[error("another API token asks for this webmail")]
    OtherToken,
}

impl From<StoreError> for WebmailError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl Webmail {
    /// Over the one that decides logins.
    pub fn new(authenticator: Arc<Authenticator>, parts: Parts) -> Self {
        Self { authenticator, parts }
    }

    /// Whether a webmail of this name is configured.
    pub fn knows(&self, webmail: &str) -> bool {
        self.authenticator.policy().webmail.contains_key(webmail)
    }

    /// Whether somebody may ask for this webmail at all.
    pub fn is_asked_by(&self, webmail: &str, access: &Access) -> bool {
        let policy = self.authenticator.policy();
        policy.webmail.get(webmail).is_none_or(|rule| rule.is_asked_by(access.token.as_deref()))
    }

    fn admin(&self) -> &Admin {
        &self.parts.admin
    }
}
