//! Why an administrator's request was not done.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    base::{UnixMillis, limits::LAST_MOMENT_SECONDS},
    ports::{password::HashError, store::StoreError},
};

/// Why a request was not done, with what to do about it. Travels over the control socket; has no
/// secret and no unchecked text of the request in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, thiserror::Error)]
#[serde(tag = "error", rename_all = "snake_case")]
pub enum AdminError {
    /// Not a mailbox name.
    #[error("{why}")]
    BadName {
        /// What is wrong with it.
        why: String,
    },
    /// A password or hash that cannot be used.
    #[error("{why}")]
    BadPassword {
        /// What is wrong with it.
        why: String,
    },
    /// Not six digits.
    #[error("a code has six digits, such as 189145 or \"189 145\"")]
    BadCode,
    /// A number that is too small or too large.
    #[error("{field} is a number from {least} to {most}")]
    BadNumber {
        /// The field or parameter that it stands in.
        field: String,
        /// The smallest that can be asked for.
        least: u64,
        /// The largest that can be asked for.
        most: u64,
    },
    /// The mailbox does not exist.
    #[error("there is no mailbox {mailbox}")]
    NoMailbox {
        /// Its canonical name.
        mailbox: String,
    },
    /// Nothing is kept about the mailbox, whose password is Dovecot's.
    #[error(
        "mail2fa keeps nothing about {mailbox}: its 2-factor authentication is off, it has no app \
         password, and its password is Dovecot's"
    )]
    NoRecord {
        /// Its canonical name.
        mailbox: String,
    },
    /// The mailbox exists already.
    #[error("the mailbox {mailbox} exists already")]
    Exists {
        /// Its canonical name.
        mailbox: String,
    },
    /// Both names of a rename are one.
    #[error("both names are {mailbox} in the end; nothing to rename")]
    SameName {
        /// The canonical name.
        mailbox: String,
    },
    /// Passwords belong to Dovecot.
    #[error(
        "passwords are Dovecot's here (passwords.source = \"dovecot\"): make the mailbox or change \
         its password there; `totp enable` works for it without more"
    )]
    NotOurPasswords,
    /// 2-factor authentication is on already.
    #[error(
        "2-factor authentication is on for {mailbox} already; to give it a new secret, \
         `mail2fa totp disable {mailbox}` first"
    )]
    AlreadyOn {
        /// The canonical name.
        mailbox: String,
    },
    /// 2-factor authentication is off.
    #[error("2-factor authentication is off for {mailbox}")]
    AlreadyOff {
        /// The canonical name.
        mailbox: String,
    },
    /// Nobody may switch 2-factor authentication on.
    #[error(
        "2-factor authentication cannot be switched on for {mailbox}: its level is \"off\", by the \
         {level_of}; `mail2fa policy set {mailbox} optional` allows it"
    )]
    EnrolmentOff {
        /// The canonical name.
        mailbox: String,
        /// Whose level it is: mailbox, domain, server.
        level_of: String,
    },
    /// No enrolment waits for a code.
    #[error(
        "no enrolment of {mailbox} waits for a code, or its time is over; start one with \
         `mail2fa totp enable {mailbox}`"
    )]
    NoEnrolment {
        /// The canonical name.
        mailbox: String,
    },
    /// The confirming code is wrong.
    #[error(
        "this code is wrong ({left} more may be tried); type the one that the app shows now, and \
         see that the clocks of phone and server are right"
    )]
    WrongCode {
        /// Codes that may be tried still.
        left: u8,
    },
    /// Wrong too often.
    #[error(
        "wrong too often: this enrolment is dropped; remove it from the app and start again with \
         `mail2fa totp enable {mailbox}`"
    )]
    EnrolmentDropped {
        /// The canonical name.
        mailbox: String,
    },
    /// An app password that cannot be made like this.
    #[error("{why}")]
    BadAppPassword {
        /// What is wrong with it.
        why: String,
    },
    /// Not the name of an app password.
    #[error("an app password is named by the four characters it begins with")]
    BadAppPasswordId,
    /// As many app passwords as there may be.
    #[error("a mailbox has at most {most} app passwords; revoke one that is not used any more")]
    TooManyAppPasswords {
        /// So many.
        most: usize,
    },
    /// A test notice was not sent.
    #[error("not sent: {why}")]
    NoticeNotSent {
        /// What the mail server said, or what is missing.
        why: String,
    },
    /// No app password of this name.
    #[error("{mailbox} has no app password {id}")]
    NoAppPassword {
        /// The canonical name.
        mailbox: String,
        /// The four characters.
        #[serde(rename = "app_password")]
        id: String,
    },
    /// No session of this number lives.
    #[error("{mailbox} has no session {id} that lives")]
    NoSession {
        /// The canonical name.
        mailbox: String,
        /// Its number.
        #[serde(rename = "session")]
        id: u64,
    },
    /// Locked already.
    #[error("{mailbox} is locked: nothing was done")]
    AlreadyLocked {
        /// The canonical name.
        mailbox: String,
    },
    /// Not locked.
    #[error("{mailbox} is not locked")]
    NotLocked {
        /// The canonical name.
        mailbox: String,
    },
    /// Not a word that chooses events.
    #[error(
        "there are no events of this kind; \"login\", \"change\", \"accepted\", \"refused\", \
         \"unavailable\" or a reason of docs/operation.md can be asked for"
    )]
    BadKind,
    /// Not a place in the audit trail.
    #[error("this is no place in the audit trail")]
    BadCursor,
    /// A token that cannot be made like this.
    #[error("{why}")]
    BadToken {
        /// What is wrong with it.
        why: String,
    },
    /// There is a token of this name.
    #[error("there is a token called {name} already")]
    TokenExists {
        /// The name.
        name: String,
    },
    /// As many tokens as there may be.
    #[error("there are at most {most} tokens; revoke one that is not used any more")]
    TooManyTokens {
        /// So many.
        most: usize,
    },
    /// No token of this name.
    #[error("there is no token of this name")]
    NoToken,
    /// The caller may not do this.
    #[error("{}", needed(scope))]
    NoScope {
        /// What is needed; empty: no scope allows it.
        scope: String,
    },
    /// The caller may not do this with this mailbox, whether or not it exists.
    #[error("this token is not for mailboxes of this domain")]
    OutOfReach,
    /// The record kept changing.
    #[error("the mailbox is being changed by others at the same time; try again")]
    Busy,
    /// Something needed is not there now.
    #[error("{why}; try again")]
    Unavailable {
        /// What.
        why: String,
    },
    /// The write may or may not have happened.
    #[error("{why}; look whether it happened before trying again")]
    Ambiguous {
        /// What the store said.
        why: String,
    },
    /// The store cannot be trusted or written.
    #[error("{why}")]
    Storage {
        /// What the store said.
        why: String,
    },
}

fn needed(scope: &str) -> String {
    match scope {
        "" => "no token may do this: ask over the control socket, as root".into(),
        scope => format!("this needs the scope {scope}"),
    }
}

impl From<StoreError> for AdminError {
    fn from(error: StoreError) -> Self {
        let why = error.to_string();
        match error {
            StoreError::Unavailable(_) => Self::Unavailable { why },
            StoreError::Ambiguous(_) => Self::Ambiguous { why },
            StoreError::Damaged(_) | StoreError::Full(_) | StoreError::TooLarge(_) => {
                Self::Storage { why }
            }
        }
    }
}

impl From<HashError> for AdminError {
    fn from(error: HashError) -> Self {
        let why = error.to_string();
        match error {
            HashError::Busy | HashError::Unavailable => Self::Unavailable { why },
            HashError::UnknownScheme(_)
            | HashError::Malformed { scheme: _, why: _ }
            | HashError::UnusablePassword(_) => Self::BadPassword { why },
        }
    }
}

/// A moment that somebody asked for, in seconds.
pub(super) fn moment(field: &str, seconds: u64) -> Result<UnixMillis, AdminError> {
    let most = LAST_MOMENT_SECONDS;
    if seconds <= most {
        return Ok(UnixMillis::from_seconds(seconds));
    }
    Err(AdminError::BadNumber { field: field.into(), least: 0, most })
}

/// How many entries of a page somebody asked for.
pub(super) fn page_of(limit: usize, most: usize) -> Result<usize, AdminError> {
    if (1..=most).contains(&limit) {
        return Ok(limit);
    }
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    Err(AdminError::BadNumber { field: "limit".into(), least: 1, most })
}
