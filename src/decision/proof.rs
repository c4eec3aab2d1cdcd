//! Proofs of what was checked. Each is made in one place, from the answer that proves it, and is used
//! up by the acceptance that needs it; no other code can make one.

use super::{
    answer::{BurnAnswer, PasswordAnswer},
    app_password::{AppPassword, AppPasswordMismatch, TypedAppPassword},
    digest::{CredentialKey, Digest},
    enforcement::{Alone, Permit, Ruling},
    mechanisms::Mechanisms,
    panel::{PanelPolicy, PanelSession, Standing},
    place::Use,
    record::MailboxRecord,
    refusal::Refusal,
    session::SessionPolicy,
    webmail::{self, AtDoor, MintedOn, TypedWebmailToken, WebmailMismatch, WebmailRules},
};
use crate::base::{Mailbox, RelayedMechanism, UnixMillis};

/// A name that came with an answer.
type Name = Option<Vec<u8>>;

/// The password source said that the password is right.
#[derive(Debug)]
pub struct PasswordRight(());

impl PasswordRight {
    /// The proof, and the names the source returned; none if the answer is any other.
    pub(super) fn from_answer(answer: PasswordAnswer) -> Result<(Self, Name, Name), NotRight> {
        right(answer).map(|(user, auth_user)| (Self(()), user, auth_user))
    }
}

/// A sign-in to the User Panel lives.
#[derive(Debug)]
pub struct SignedIn(());

impl SignedIn {
    /// The proof, if the stored session lives at this moment for a mailbox that stands like this.
    pub fn from_session(
        session: &PanelSession,
        policy: &PanelPolicy,
        standing: &Standing,
        now: UnixMillis,
    ) -> Option<Self> {
        session.is_live(policy, standing, now).then_some(Self(()))
    }
}

/// What stands before a code.
#[derive(Debug)]
pub enum Before {
    /// The password was typed with it.
    Password(PasswordRight),
    /// Its owner is at the panel already, and is asked for a fresh one.
    Panel(SignedIn),
}

/// The upstream said, of an exchange that was relayed to it, who is there.
#[derive(Debug)]
pub struct MechanismRight(());

impl MechanismRight {
    /// The proof, and the names the upstream returned; none if the answer is any other.
    pub(super) fn from_answer(answer: PasswordAnswer) -> Result<(Self, Name, Name), NotRight> {
        right(answer).map(|(user, auth_user)| (Self(()), user, auth_user))
    }
}

/// The administrator says that whoever decides this mechanism asks for a second factor itself.
#[derive(Debug)]
pub struct FactorElsewhere(());

impl FactorElsewhere {
    /// The proof, if the configuration says so.
    pub(super) fn from_policy(policy: &Mechanisms, mechanism: RelayedMechanism) -> Option<Self> {
        policy.has_factor_elsewhere(mechanism).then_some(Self(()))
    }
}

/// The names in an answer that says "right"; none if it is any other.
fn right(answer: PasswordAnswer) -> Result<(Name, Name), NotRight> {
    match answer {
        PasswordAnswer::Right { user, auth_user } => Ok((user, auth_user)),
        PasswordAnswer::Wrong => Err(NotRight::Wrong),
        PasswordAnswer::Unavailable(why) => Err(NotRight::Unavailable(why)),
    }
}

/// What an answer says that is not "right".
#[derive(Debug)]
pub(super) enum NotRight {
    /// Wrong.
    Wrong,
    /// Nothing.
    Unavailable(String),
}

/// The rules said, of what the store held after the password was checked, that the mailbox has no
/// second factor and need not have one.
#[derive(Debug)]
pub struct NoFactorAsked(());

/// The rules said, after the password was checked, that the login comes from an exempt network.
#[derive(Debug)]
pub struct NetworkExempt(());

/// Why the password alone opens the mailbox.
#[derive(Debug)]
pub enum PasswordSuffices {
    /// No factor is asked.
    NoFactorAsked(NoFactorAsked),
    /// From there none is.
    NetworkExempt(NetworkExempt),
}

impl PasswordSuffices {
    /// The proof from a ruling on what the store surely holds now, or why there is none.
    pub(super) fn from_ruling(ruling: &Ruling) -> Result<(Self, Permit), Refusal> {
        let (alone, permit) = ruling.password_alone()?;
        let proof = match alone {
            Alone::NoFactorAsked => Self::NoFactorAsked(NoFactorAsked(())),
            Alone::NetworkExempt => Self::NetworkExempt(NetworkExempt(())),
        };
        Ok((proof, permit))
    }
}

/// The store said that this very login used up its code or recovery code.
#[derive(Debug)]
pub struct CodeBurned(());

impl CodeBurned {
    /// The proof, if the answer is "burned".
    pub(super) fn from_answer(answer: &BurnAnswer) -> Option<Self> {
        match answer {
            BurnAnswer::Burned => Some(Self(())),
            BurnAnswer::Conflict | BurnAnswer::Unavailable(_) => None,
        }
    }
}

/// The store said, after the password was checked, that the very credential has a live session.
#[derive(Debug)]
pub struct SessionLive(());

impl SessionLive {
    /// The proof, if the record has a session of this credential that lives at this moment.
    pub(super) fn from_record(
        record: &MailboxRecord,
        policy: &SessionPolicy,
        digest: &Digest,
        now: UnixMillis,
    ) -> Option<Self> {
        let live = record.is_enrolled() && policy.has_live(&record.sessions, digest, now);
        live.then_some(Self(()))
    }
}

/// What was typed is an app password of this mailbox, and opens this door.
#[derive(Debug)]
pub struct AppPasswordRight(());

impl AppPasswordRight {
    /// The proof, or why it does not open the door.
    pub(super) fn from_check(
        stored: &AppPassword,
        typed: &TypedAppPassword,
        mailbox: &Mailbox,
        key: &CredentialKey,
        at: &Use,
    ) -> Result<Self, AppPasswordMismatch> {
        stored.check(typed, mailbox, key, at).map(|()| Self(()))
    }
}

/// What was typed is a token of this mailbox that lives and opens this door, minted on this.
#[derive(Debug)]
pub struct WebmailTokenRight(());

impl WebmailTokenRight {
    /// The proof and what the token was minted on, or why it does not open the door.
    pub(super) fn from_check(
        rules: &WebmailRules,
        typed: &TypedWebmailToken,
        record: &MailboxRecord,
        mailbox: &Mailbox,
        key: &CredentialKey,
        door: AtDoor<'_>,
    ) -> Result<(Self, MintedOn), WebmailMismatch> {
        let found = webmail::find(rules, typed, record, mailbox, key, door.at.at)?;
        found.opens(door).map(|minted_on| (Self(()), minted_on))
    }
}
