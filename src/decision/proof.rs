//! Proofs of what was checked. Each is made in one place, from the answer that proves it, and is used
//! up by the acceptance that needs it; no other code can make one.

use super::{
    answer::{BurnAnswer, PasswordAnswer},
    app_password::{AppPassword, AppPasswordMismatch, TypedAppPassword},
    digest::{CredentialKey, Digest},
    panel::{PanelPolicy, PanelSession, Standing},
    place::Use,
    record::MailboxRecord,
    session::SessionPolicy,
};
use crate::base::{Mailbox, UnixMillis};

/// A name that came with an answer.
type Name = Option<Vec<u8>>;

/// The password source said that the password is right.
#[derive(Debug)]
pub struct PasswordRight(());

impl PasswordRight {
    /// The proof, and the names the source returned; none if the answer is any other.
    pub(super) fn from_answer(answer: PasswordAnswer) -> Result<(Self, Name, Name), NotRight> {
        match answer {
            PasswordAnswer::Right { user, auth_user } => Ok((Self(()), user, auth_user)),
            PasswordAnswer::Wrong => Err(NotRight::Wrong),
            PasswordAnswer::Unavailable(why) => Err(NotRight::Unavailable(why)),
        }
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

/// What an answer says that is not "right".
#[derive(Debug)]
pub(super) enum NotRight {
    /// Wrong.
    Wrong,
    /// Nothing.
    Unavailable(String),
}

/// The store said, after the password was checked, that the mailbox has no second factor.
#[derive(Debug)]
pub struct NoFactorAsked(());

impl NoFactorAsked {
    /// The proof from what the store surely holds now: no record, or one without a factor.
    pub(super) fn from_record(record: Option<&MailboxRecord>) -> Option<Self> {
        match record {
            Some(record) if record.is_enrolled() => None,
            Some(_) | None => Some(Self(())),
        }
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
