//! What a credential is, for a mailbox with a given record.
//!
//! In this order: an app password of the mailbox; without 2-factor authentication a password, as
//! typed; with it, a password with a recovery code or a code behind it, and either may be the
//! credential of a sign-in that still lives. From an exempt network what is neither of these is a
//! password, as typed. Otherwise never "the whole string is the password".

use crate::{
    base::{Secret, UnixMillis},
    decision::{
        app_password::TypedAppPassword,
        code::{Code, SplitError, split},
        digest::Digest,
        outcome::Refusal,
        record::MailboxRecord,
        recovery::RecoveryCode,
        totp::{CodeMismatch, Step, matching_step},
    },
};

/// What stands behind the password.
#[derive(Debug)]
pub(super) enum Factor {
    /// Six digits.
    Code(Code),
    /// The hash of what has the shape of a recovery code.
    Recovery(Digest),
    /// Either of them, in a sign-in that lives.
    Session,
}

/// What was typed.
#[derive(Debug)]
pub(super) enum Typed {
    /// An app password, and this mailbox has one of its name.
    AppPassword(TypedAppPassword),
    /// A password and nothing else.
    Password(Secret),
    /// A password and something behind it.
    PasswordAndFactor(Secret, Factor),
    /// None of these.
    Hopeless(Refusal),
}

/// Recognises a credential. `live` says whether the record has a live sign-in of it, `exempt` whether
/// the password is enough from where it comes.
pub(super) fn recognise(
    credential: &Secret,
    record: Option<&MailboxRecord>,
    exempt: bool,
    live: impl Fn(&MailboxRecord) -> bool,
    recovery: impl Fn(&RecoveryCode) -> Digest,
) -> Typed {
    let Some(record) = record else {
        return Typed::Password(credential.clone());
    };
    if !record.app_passwords.is_empty()
        && let Some(typed) = TypedAppPassword::parse(credential)
        && record.app_passwords.iter().any(|stored| stored.id == typed.id)
    {
        return Typed::AppPassword(typed);
    }
    if !record.is_enrolled() {
        return Typed::Password(credential.clone());
    }
    let (password, factor) = match RecoveryCode::split(credential) {
        Some((password, code)) => (password, Factor::Recovery(recovery(&code))),
        None => match split(credential) {
            Ok(cut) => (cut.password, Factor::Code(cut.code)),
            Err(SplitError::NoCode | SplitError::NoPassword) if exempt => {
                return Typed::Password(credential.clone());
            }
            Err(SplitError::NoCode) => return Typed::Hopeless(Refusal::MissingCode),
            Err(SplitError::NoPassword) => return Typed::Hopeless(Refusal::EmptyPassword),
        },
    };
    if live(record) {
        return Typed::PasswordAndFactor(password, Factor::Session);
    }
    match factor {
        Factor::Code(_) if exempt => Typed::Password(credential.clone()),
        Factor::Code(_) | Factor::Recovery(_) | Factor::Session => {
            Typed::PasswordAndFactor(password, factor)
        }
    }
}

/// What using up a code does to the record.
#[derive(Debug)]
pub(super) enum Burn {
    /// The step of a code.
    Step(Step),
    /// One code of the set leaves it.
    Recovery(Digest),
}

/// Whether a code or recovery code is good for this record now, and what using it up means.
pub(super) fn judge(
    factor: &Factor,
    record: &MailboxRecord,
    now: UnixMillis,
) -> Result<Burn, Refusal> {
    let Some(totp) = &record.totp else {
        return Err(Refusal::WrongCode);
    };
    match factor {
        Factor::Code(code) => match matching_step(&totp.secret, code, now, totp.last_step) {
            Ok(step) => Ok(Burn::Step(step)),
            Err(CodeMismatch::Wrong) => Err(Refusal::WrongCode),
            Err(CodeMismatch::Used) => Err(Refusal::UsedCode),
        },
        Factor::Recovery(digest) if record.recovery.contains(digest) => Ok(Burn::Recovery(*digest)),
        // Used, of an old set, or never one: the set does not remember.
        Factor::Recovery(_) => Err(Refusal::WrongCode),
        Factor::Session => Err(Refusal::UsedCode),
    }
}

impl Burn {
    /// The record after it.
    pub(super) fn apply(&self, record: &mut MailboxRecord) {
        match self {
            Self::Step(step) => {
                if let Some(totp) = &mut record.totp {
                    totp.last_step = step.0;
                }
            }
            Self::Recovery(used) => record.recovery.retain(|code| code != used),
        }
    }
}
