//! What goes into the machine and what comes out of it.

use std::borrow::Cow;

use super::Flow;
use crate::{
    base::{Mailbox, NetAddress, Secret, Service},
    decision::{
        answer::{BurnAnswer, PasswordAnswer},
        digest::CredentialKey,
        enforcement::EnforcementPolicy,
        mechanisms::Mechanisms,
        names::NameRules,
        outcome::Outcome,
        question::PasswordQuestion,
        record::{MailboxRecord, Version, Versioned},
        session::SessionPolicy,
        throttle::{Event, Key, ThrottlePolicy, View},
        webmail::WebmailRules,
    },
};

/// A login as the decision sees it.
#[derive(Clone, Debug)]
pub struct Request {
    /// SASL authorization identity, as typed; empty if none.
    pub authzid: Vec<u8>,
    /// SASL authentication identity, as typed.
    pub authcid: Vec<u8>,
    /// What was typed.
    pub credential: Credential,
    /// For which service.
    pub service: Service,
    /// From where, as the peer says.
    pub remote: NetAddress,
    /// The host that connected, which may have passed `remote` on; mostly `remote` itself.
    pub via: NetAddress,
}

/// What was typed to get in.
#[derive(Clone, Debug)]
pub enum Credential {
    /// One string, as mail programs send it: a password, with a code behind it where one is asked, or an
    /// app password.
    Joined(Secret),
    /// The fields of a form. Never an app password, and never cut.
    Apart {
        /// The password.
        password: Secret,
        /// A code or recovery code; `None` if it was not asked yet.
        factor: Option<Secret>,
    },
}

impl Credential {
    /// All that was typed, as one string. Fields are joined by a NUL, which no joined credential has.
    /// Only those make a secret of their own.
    pub(super) fn whole(&self) -> Cow<'_, Secret> {
        match self {
            Self::Joined(whole) | Self::Apart { password: whole, factor: None } => {
                Cow::Borrowed(whole)
            }
            Self::Apart { password, factor: Some(factor) } => {
                Cow::Owned(Secret::from_vec([password.expose(), b"\0", factor.expose()].concat()))
            }
        }
    }

    /// Whether a field of a form has a NUL in it: SASL PLAIN would read it as the end of a field.
    pub(super) fn has_nul(&self) -> bool {
        match self {
            Self::Joined(_) => false,
            Self::Apart { password, factor } => [Some(password), factor.as_ref()]
                .into_iter()
                .flatten()
                .any(|field| field.expose().contains(&0)),
        }
    }

    /// Whether no password was typed.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Joined(password) | Self::Apart { password, factor: _ } => password.is_empty(),
        }
    }
}

/// What the administrator has configured, as far as the decision needs it.
#[derive(Clone, Debug)]
pub struct Policy {
    /// From typed to canonical names.
    pub names: NameRules,
    /// Who knows the passwords.
    pub passwords: Passwords,
    /// How long a sign-in lives.
    pub sessions: SessionPolicy,
    /// The key of the credential hashes.
    pub key: CredentialKey,
    /// Who must wait after failures; `None` for nobody.
    pub throttle: Option<ThrottlePolicy>,
    /// Who must have a second factor, and what services may be opened with.
    pub enforcement: EnforcementPolicy,
    /// Which mechanisms the upstream decides.
    pub mechanisms: Mechanisms,
    /// Which webmails get tokens.
    pub webmail: WebmailRules,
}

/// Who knows the passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passwords {
    /// An upstream: a mailbox without a record is the usual case and has no second factor.
    Upstream,
    /// Our own store: a mailbox without a record does not exist.
    Stored,
}

/// The answer to [`Effect::Load`]; the error says why there is none.
pub type LoadAnswer = Result<Option<Versioned<MailboxRecord>>, String>;

/// What comes next.
#[derive(Debug)]
#[must_use]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one at a time, and a box would be an allocation at each step"
)]
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
    /// Read this mailbox's record if it no longer has this version; [`Input::Same`] if it has.
    Relook(Mailbox, Version),
    /// Ask the password source.
    CheckPassword(PasswordQuestion),
    /// Hand the exchange of a relayed mechanism to the upstream, which decides it. `counted` as in
    /// [`PasswordQuestion`].
    Relay {
        /// Failures of this login are counted here.
        counted: bool,
    },
    /// Tell the mail server that this mailbox is authenticated, without telling the client yet.
    Establish(Mailbox),
    /// Write this record, in which the code is used up, if it still has this version; with it, in
    /// one durable write set, what the success does to these counters. All of it or nothing.
    Burn(Write, Option<Count>),
    /// Write this record, in which a use is noted, if it still has this version.
    Touch(Write),
    /// Read these counters.
    Counters(Vec<Key>),
    /// Wait until no other login looks at a code of this mailbox, keep all others waiting until this
    /// flow is over, and read these counters.
    CodeCounters(Mailbox, Vec<Key>),
    /// Count this, durably.
    Count(Count),
}

/// What came out of a login, and the counters it is counted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// The counters.
    pub keys: Vec<Key>,
    /// What is counted.
    pub event: Event,
}

/// A record to be written by compare-and-swap.
#[derive(Debug)]
pub struct Write {
    /// Whose record.
    pub mailbox: Mailbox,
    /// The version that must still be there.
    pub expect: Version,
    /// The new record.
    pub record: Box<MailboxRecord>,
}

/// The result of an effect.
#[derive(Debug)]
pub enum Input {
    /// Of [`Effect::Load`], and of [`Effect::Relook`] unless it is [`Input::Same`].
    Loaded(LoadAnswer),
    /// Of [`Effect::Relook`]: the record still has the version that was named.
    Same,
    /// Of [`Effect::CheckPassword`].
    Password(PasswordAnswer),
    /// Of [`Effect::Relay`].
    Relayed(PasswordAnswer),
    /// Of [`Effect::Establish`].
    Established(PasswordAnswer),
    /// Of [`Effect::Burn`].
    Burned(BurnAnswer),
    /// Of [`Effect::Touch`].
    Touched(BurnAnswer),
    /// Of [`Effect::Counters`] and [`Effect::CodeCounters`].
    Counters(Result<View, String>),
    /// Of [`Effect::Count`].
    Counted(Result<(), String>),
}
