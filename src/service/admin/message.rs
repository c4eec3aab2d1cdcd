//! Requests and answers, as they also travel over the control socket.

use serde::{Deserialize, Serialize};

use super::Disclosed;

/// What is asked. Names are as typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Makes a mailbox; `store` mode only.
    MailboxAdd {
        /// Name.
        mailbox: String,
        /// Its password.
        password: NewPassword,
    },
    /// A page of mailboxes in the order of their names.
    MailboxList {
        /// The last name of the page before.
        after: Option<String>,
        /// At most so many; bounded by `limits::ADMIN_PAGE`.
        limit: usize,
    },
    /// One mailbox; never its hash or secret.
    MailboxShow {
        /// Name.
        mailbox: String,
    },
    /// Gives a mailbox another password; `store` mode only.
    MailboxPassword {
        /// Name.
        mailbox: String,
        /// The new password.
        password: NewPassword,
    },
    /// Gives a mailbox another name.
    MailboxRename {
        /// Old name.
        mailbox: String,
        /// New name.
        to: String,
    },
    /// Removes a mailbox with all that belongs to it.
    MailboxRemove {
        /// Name.
        mailbox: String,
    },
    /// Starts an enrolment.
    TotpEnable {
        /// Name.
        mailbox: String,
    },
    /// Confirms an enrolment.
    TotpConfirm {
        /// Name.
        mailbox: String,
        /// The code that the app shows.
        code: Disclosed,
    },
    /// Switches 2-factor authentication off, and drops a started enrolment.
    TotpDisable {
        /// Name.
        mailbox: String,
    },
    /// How it stands with the second factor.
    TotpStatus {
        /// Name.
        mailbox: String,
    },
}

/// A new password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NewPassword {
    /// The password itself; it is hashed.
    Clear(Disclosed),
    /// A hash made elsewhere, `{SCHEME}` in front.
    Hash(Disclosed),
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Response {
    /// The mailbox was made.
    Added {
        /// Canonical name.
        mailbox: String,
    },
    /// The password was changed.
    PasswordSet {
        /// Canonical name.
        mailbox: String,
    },
    /// The mailbox was renamed.
    Renamed {
        /// Canonical name before.
        from: String,
        /// Canonical name now.
        mailbox: String,
    },
    /// The mailbox was removed.
    Removed {
        /// Canonical name.
        mailbox: String,
    },
    /// A page.
    Mailboxes {
        /// In the order of their names.
        mailboxes: Vec<MailboxView>,
        /// Where the next page begins; `None` at the end.
        next: Option<String>,
    },
    /// One mailbox.
    Mailbox(MailboxView),
    /// A started enrolment: the only answer with a secret.
    Enrolment(Enrolment),
    /// 2-factor authentication is on.
    Confirmed {
        /// Canonical name.
        mailbox: String,
        /// How far the app's clock is off, in steps of 30 seconds; negative: slow.
        drift_steps: i64,
    },
    /// 2-factor authentication is off now.
    Disabled {
        /// Canonical name.
        mailbox: String,
    },
    /// How it stands.
    Totp(TotpView),
}

/// What may be seen of a mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// When the record was made, seconds since 1970.
    pub created: Option<u64>,
    /// Why the record cannot be read.
    pub problem: Option<String>,
}

/// A started enrolment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
}

impl Request {
    /// The word in the log.
    pub fn action(&self) -> &'static str {
        match self {
            Self::MailboxAdd { .. } => "mailbox add",
            Self::MailboxList { .. } => "mailbox list",
            Self::MailboxShow { .. } => "mailbox show",
            Self::MailboxPassword { .. } => "mailbox password",
            Self::MailboxRename { .. } => "mailbox rename",
            Self::MailboxRemove { .. } => "mailbox remove",
            Self::TotpEnable { .. } => "totp enable",
            Self::TotpConfirm { .. } => "totp confirm",
            Self::TotpDisable { .. } => "totp disable",
            Self::TotpStatus { .. } => "totp status",
        }
    }
}

impl Response {
    /// The mailbox that was changed, for answers that tell of a change.
    pub fn changed(&self) -> Option<&str> {
        match self {
            Self::Added { mailbox }
            | Self::PasswordSet { mailbox }
            | Self::Renamed { mailbox, .. }
            | Self::Removed { mailbox }
            | Self::Confirmed { mailbox, .. }
            | Self::Disabled { mailbox }
            | Self::Enrolment(Enrolment { mailbox, .. }) => Some(mailbox),
            Self::Mailboxes { .. } | Self::Mailbox(_) | Self::Totp(_) => None,
        }
    }
}
