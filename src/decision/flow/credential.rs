//! What a credential is, for a mailbox with a given record.
//!
//! In this order: where webmails get tokens, one of those; an app password of the mailbox; without 2-factor authentication a password, as
//! typed; with it, a password with a recovery code or a code behind it, and either may be the
//! credential of a sign-in that still lives. From an exempt network what is neither of these is a
//! password, as typed. Otherwise never "the whole string is the password".

use crate::{
    base::{Secret, UnixMillis},
    decision::{
        app_password::TypedAppPassword,
        code::{Code, SplitError, split},
        digest::Digest,
        flow::Credential,
        record::MailboxRecord,
        recovery::RecoveryCode,
        refusal::Refusal,
        totp::{CodeMismatch, Step, matching_step},
        webmail::TypedWebmailToken,
    },
};

/// What stands behind the password.
#[derive(Debug)]
pub(super) enum Factor {
    /// Six digits.
    Code(Code),
    /// The hash of what has the shape of a recovery code.
    Recovery(Digest),
    /// Neither of them, in the field for one.
    Malformed,
    /// Either of them, in a sign-in that lives.
    Session,
}

/// What was typed.
#[derive(Debug)]
pub(super) enum Typed {
    /// An app password, and this mailbox has one of its name.
    AppPassword(TypedAppPassword),
    /// A webmail's token, of this mailbox or not.
    WebmailToken(TypedWebmailToken),
    /// A password and nothing else.
    Password(Secret),
    /// A password and something behind it.
    PasswordAndFactor(Secret, Factor),
    /// None of these.
    Hopeless(Refusal),
}

/// What is known of a login beside its credential.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// The password is enough from where it comes.
    pub(super) exempt: bool,
    /// Some webmail gets tokens.
    pub(super) tokens: bool,
}

/// Recognises a credential. `live` says whether the record has a live sign-in of it, `known`
/// what else matters.
pub(super) fn recognise(
    credential: &Credential,
    record: Option<&MailboxRecord>,
    Known { exempt, tokens }: Known,
    live: impl Fn(&MailboxRecord) -> bool,
    recovery: impl Fn(&RecoveryCode) -> Digest,
) -> Typed {
    let credential = match credential {
        Credential::Joined(credential) => credential,
        Credential::Apart { password, factor } => {
            return in_fields(password, factor.as_ref(), record, live, recovery);
        }
    };
    // Also of a mailbox without a record: it may have had one when the token was minted.
    if tokens && let Some(typed) = TypedWebmailToken::parse(credential) {
        return Typed::WebmailToken(typed);
    }
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
        Factor::Code(_) | Factor::Recovery(_) | Factor::Malformed | Factor::Session => {
            Typed::PasswordAndFactor(password, factor)
        }
    }
}

/// Recognises what stands in the fields of a form. Without a code it is a password, as far as that goes:
/// the last look refuses it where a code is asked.
fn in_fields(
    password: &Secret,
    factor: Option<&Secret>,
    record: Option<&MailboxRecord>,
    live: impl Fn(&MailboxRecord) -> bool,
    recovery: impl Fn(&RecoveryCode) -> Digest,
) -> Typed {
    let (Some(record), Some(typed)) = (record.filter(|record| record.is_enrolled()), factor) else {
        return Typed::Password(password.clone());
    };
    if password.expose().trim_ascii().is_empty() {
        return Typed::Hopeless(Refusal::EmptyPassword);
    }
    let factor = if live(record) { Factor::Session } else { read(typed, recovery) };
    Typed::PasswordAndFactor(password.clone(), factor)
}

/// What stands in the field for a code, where nothing else is asked; `None` without a second factor.
pub(super) fn challenged(
    typed: &Credential,
    record: Option<&MailboxRecord>,
    recovery: impl Fn(&RecoveryCode) -> Digest,
) -> Option<Factor> {
    record.filter(|record| record.is_enrolled())?;
    match typed {
        Credential::Apart { factor: Some(typed), .. } => Some(read(typed, recovery)),
        Credential::Apart { factor: None, .. } | Credential::Joined(_) => None,
    }
}

/// Reads the field for a code.
fn read(typed: &Secret, recovery: impl Fn(&RecoveryCode) -> Digest) -> Factor {
    let bytes = typed.expose().trim_ascii();
    match (RecoveryCode::parse(bytes), Code::parse(bytes)) {
        (Some(code), _) => Factor::Recovery(recovery(&code)),
        (None, Some(code)) => Factor::Code(code),
        (None, None) => Factor::Malformed,
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
        Factor::Recovery(_) | Factor::Malformed => Err(Refusal::WrongCode),
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
