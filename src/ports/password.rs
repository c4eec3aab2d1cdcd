//! The password source port: is this password right, and may this mailbox in.
//!
//! Two kinds stand behind it: an upstream Dovecot that knows the password, and hashes in
//! mail2fa's own store.

use super::BoxFuture;
use crate::base::{Mailbox, NetAddress, Secret, SecretText, Service};

pub use crate::decision::{answer::PasswordAnswer, question::PasswordQuestion};

/// A password source, for one request: whatever an accepted upstream request must keep (its id,
/// its reply) the implementation keeps.
pub trait PasswordSource: Send + Sync {
    /// Checks the password.
    fn check<'a>(&'a self, question: &'a PasswordQuestion) -> BoxFuture<'a, PasswordAnswer>;

    /// Whether an earlier answer may stand for a new one, and if so, all that the answer depends on
    /// besides the question: what the source is, and what else it is told. Asked before and after a check;
    /// an answer is kept only if both are the same, so a source with which more came than the answer says
    /// no then.
    fn repeatable(&self) -> Option<Secret> {
        None
    }

    /// Lets the upstream decide the exchange of a relayed mechanism; `counted` as in
    /// [`PasswordQuestion`]. A source that has none to relay says so.
    fn relay(&self, counted: bool) -> BoxFuture<'_, PasswordAnswer> {
        let _ = counted;
        let why = "there is no exchange to be relayed";
        Box::pin(std::future::ready(PasswordAnswer::Unavailable(why.into())))
    }

    /// Tells the mail server that the mailbox is authenticated, where it did not check the
    /// password itself (vouching). Nothing reaches the client yet.
    fn establish<'a>(&'a self, mailbox: &'a Mailbox) -> BoxFuture<'a, PasswordAnswer>;
}

/// A login by a form, as far as the source of its password has to know.
#[derive(Clone, Copy, Debug)]
pub struct FormLogin<'a> {
    /// The name as typed.
    pub name: &'a [u8],
    /// From where, as the browser's or webmail's connection says.
    pub from: NetAddress,
    /// For which service.
    pub service: &'a Service,
}

/// Makes password sources for logins that come from no mail server.
pub trait PasswordSources: Send + Sync {
    /// The source for one login. It asks in the name that was typed, so that a mail server sees the same
    /// as from a mail program.
    fn for_form(&self, login: &FormLogin<'_>) -> Box<dyn PasswordSource + '_>;
}

/// Makes and checks hashes of mail2fa's own store.
pub trait PasswordHasher: Send + Sync {
    /// Hashes a new password with the preferred scheme; the result has its `{SCHEME}` in front.
    fn hash<'a>(&'a self, password: &'a Secret) -> BoxFuture<'a, Result<SecretText, HashError>>;

    /// Checks a password against a stored hash; `None` spends the time of a real check.
    fn verify<'a>(
        &'a self,
        password: &'a Secret,
        hash: Option<&'a SecretText>,
    ) -> BoxFuture<'a, Result<Verdict, HashError>>;
}

/// Whether a password fits a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// It does.
    Right,
    /// It does not.
    Wrong,
}

/// Why a hash could not be made or checked. Never contains the hash or the password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// More checks are waiting than the pool takes.
    #[error("too many password checks are waiting")]
    Busy,
    /// A scheme that is not supported.
    #[error("the password scheme {0} is not supported")]
    UnknownScheme(String),
    /// Not a hash of the scheme it says it is, or its cost is beyond the bounds.
    #[error("the stored {scheme} hash cannot be used: {why}")]
    Malformed {
        /// The scheme named.
        scheme: String,
        /// What is wrong with it, without any of its bytes.
        why: &'static str,
    },
    /// A password that no hash is made of.
    #[error("this password cannot be used: {0}")]
    UnusablePassword(&'static str),
    /// The pool has stopped, or there was no randomness.
    #[error("the password hasher is unavailable")]
    Unavailable,
}
