//! What may be seen of mailboxes, as it travels in answers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Disclosed;
use crate::{decision::place::Use, service::trail::WrongCodes};

/// What may be seen of a mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MailboxView {
    /// Canonical name.
    pub mailbox: String,
    /// Whether mail2fa has a password hash of it.
    pub password: bool,
    /// Scheme of that hash, `ARGON2ID`.
    pub scheme: Option<String>,
    /// Whether a code is asked at login; `None` if the record cannot be read.
    pub totp: Option<bool>,
    /// Since when, seconds since 1970.
    pub totp_since: Option<u64>,
    /// How many app passwords it has.
    pub app_passwords: Option<usize>,
    /// Since when nobody gets in, seconds since 1970.
    pub locked: Option<u64>,
    /// When the record was made, seconds since 1970.
    pub created: Option<u64>,
    /// Why the record cannot be read.
    pub problem: Option<String>,
}

/// When, from where and for what something was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UseView {
    /// Seconds since 1970.
    pub at: u64,
    /// The address; `None` if the mail server named none.
    pub from: Option<String>,
    /// The service.
    pub service: String,
}

impl UseView {
    /// Of a use that was noted.
    pub fn of(noted: &Use) -> Self {
        let Use { at, from, service } = noted;
        let from = from.ip().map(|ip| ip.to_string());
        Self { at: at.seconds(), from, service: service.to_string() }
    }
}

/// What may be seen of an app password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AppPasswordView {
    /// The four characters that it begins with.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// Services it opens; none means all.
    pub services: Vec<String>,
    /// Networks it may be used from; none means any.
    pub networks: Vec<String>,
    /// When it was made, seconds since 1970.
    pub created: u64,
    /// When it ends, seconds since 1970.
    pub expires: Option<u64>,
    /// Its last use, to the hour if it is used often.
    pub last_use: Option<UseView>,
}

/// What may be seen of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionView {
    /// Names it within the mailbox.
    pub id: u64,
    /// The sign-in.
    pub opened: UseView,
    /// Its last use, to an eighth of the idle time.
    pub last_use: UseView,
    /// When it ends if it is not used again, seconds since 1970.
    pub ends: u64,
    /// The webmail that has a token of it, if one has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webmail: Option<String>,
}

/// A started enrolment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Enrolment {
    /// Canonical name.
    pub mailbox: String,
    /// The secret in base 32.
    pub secret: Disclosed,
    /// What the QR code carries.
    pub otpauth_uri: Disclosed,
    /// When it is too late for the code, seconds since 1970.
    pub expires: u64,
}

/// How it stands with a mailbox's second factor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TotpView {
    /// Canonical name.
    pub mailbox: String,
    /// Whether a code is asked at login.
    pub enabled: bool,
    /// Since when, seconds since 1970.
    pub since: Option<u64>,
    /// When the latest code was used, seconds since 1970, to the step.
    pub last_used: Option<u64>,
    /// An enrolment waits for its code until then, seconds since 1970.
    pub pending_until: Option<u64>,
    /// Wrong codes that came with the right password, in the last thirty days or longer.
    #[serde(default)]
    pub wrong_codes: Option<WrongCodes>,
}
