//! Why a login was refused, and the word for it in log and audit trail.
//!
//! It says nothing of how that looks to whoever tried: all refusals look alike (`outcome`).

use super::{app_password::AppPasswordMismatch, webmail::WebmailMismatch};

/// Why a login was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The exchange was hopeless: malformed, a mechanism that is not offered, cancelled.
    Malformed,
    /// The name cannot be a mailbox.
    BadName,
    /// The password is empty.
    EmptyPassword,
    /// The credential is longer than is looked at.
    TooLong,
    /// Wrong password, or no such mailbox, or not allowed in by the password source.
    WrongPassword,
    /// 2-factor authentication is on and there is no code at the end of the credential.
    MissingCode,
    /// The password is right, the code is not.
    WrongCode,
    /// The password is right, the code was used before.
    UsedCode,
    /// The password source named another mailbox, and that one has a factor of its own or must have.
    OtherMailboxProtected,
    /// A master user without a second factor, and a target that has one or must have.
    MasterWithoutFactor,
    /// A token or ticket that the upstream took, of a mailbox with a second factor that it cannot
    /// carry.
    MechanismWithoutFactor,
    /// The mailbox is locked.
    Locked,
    /// Too many failures: the code was not looked at, and as a rule not the password.
    Throttled,
    /// An app password with another secret part.
    AppPasswordWrong,
    /// An app password whose time is over.
    AppPasswordExpired,
    /// An app password that is not for this service, or not from this network.
    AppPasswordOutOfScope,
    /// A webmail's token that is none of this mailbox, any more or ever.
    WebmailTokenWrong,
    /// A webmail's token whose time is over.
    WebmailTokenEnded,
    /// A webmail's token that is not for this service, or not from there.
    WebmailTokenOutOfScope,
    /// The password is right, and the second factor that the mailbox must have is missing.
    FactorRequired,
    /// What was typed is right, and the service is off.
    ServiceOff,
    /// Password and code are right, and the service takes app passwords only.
    AppPasswordsOnly,
    /// The app password is right, and the service takes password and code only.
    FullSignInOnly,
}

impl From<AppPasswordMismatch> for Refusal {
    fn from(mismatch: AppPasswordMismatch) -> Self {
        match mismatch {
            AppPasswordMismatch::Wrong => Self::AppPasswordWrong,
            AppPasswordMismatch::Expired => Self::AppPasswordExpired,
            AppPasswordMismatch::OutOfScope => Self::AppPasswordOutOfScope,
        }
    }
}

impl From<WebmailMismatch> for Refusal {
    fn from(mismatch: WebmailMismatch) -> Self {
        match mismatch {
            WebmailMismatch::Wrong => Self::WebmailTokenWrong,
            WebmailMismatch::Ended => Self::WebmailTokenEnded,
            WebmailMismatch::OutOfScope => Self::WebmailTokenOutOfScope,
        }
    }
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::Malformed,
        Self::BadName,
        Self::EmptyPassword,
        Self::TooLong,
        Self::WrongPassword,
        Self::MissingCode,
        Self::WrongCode,
        Self::UsedCode,
        Self::OtherMailboxProtected,
        Self::MasterWithoutFactor,
        Self::MechanismWithoutFactor,
        Self::Locked,
        Self::Throttled,
        Self::AppPasswordWrong,
        Self::AppPasswordExpired,
        Self::AppPasswordOutOfScope,
        Self::WebmailTokenWrong,
        Self::WebmailTokenEnded,
        Self::WebmailTokenOutOfScope,
        Self::FactorRequired,
        Self::ServiceOff,
        Self::AppPasswordsOnly,
        Self::FullSignInOnly,
    ];

    /// Whether nobody can cause it without a password, app password or token that is right.
    pub fn needs_right_password(self) -> bool {
        match self {
            Self::WrongCode
            | Self::UsedCode
            | Self::OtherMailboxProtected
            | Self::MasterWithoutFactor
            | Self::MechanismWithoutFactor
            | Self::FactorRequired
            | Self::ServiceOff
            | Self::AppPasswordsOnly
            | Self::FullSignInOnly
            | Self::AppPasswordExpired
            | Self::AppPasswordOutOfScope
            | Self::WebmailTokenEnded
            | Self::WebmailTokenOutOfScope => true,
            Self::Malformed
            | Self::BadName
            | Self::EmptyPassword
            | Self::TooLong
            | Self::WrongPassword
            | Self::MissingCode
            | Self::Locked
            | Self::Throttled
            | Self::AppPasswordWrong
            | Self::WebmailTokenWrong => false,
        }
    }

    /// The word in the log; documented in docs/operation.md.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::BadName => "bad_name",
            Self::EmptyPassword => "empty_password",
            Self::TooLong => "too_long",
            Self::WrongPassword => "wrong_password",
            Self::MissingCode => "missing_code",
            Self::WrongCode => "wrong_code",
            Self::UsedCode => "used_code",
            Self::OtherMailboxProtected => "other_mailbox_protected",
            Self::MasterWithoutFactor => "master_without_factor",
            Self::MechanismWithoutFactor => "mechanism_without_factor",
            Self::Locked => "locked",
            Self::Throttled => "throttled",
            Self::AppPasswordWrong => "app_password_wrong",
            Self::AppPasswordExpired => "app_password_expired",
            Self::AppPasswordOutOfScope => "app_password_out_of_scope",
            Self::WebmailTokenWrong => "webmail_token_wrong",
            Self::WebmailTokenEnded => "webmail_token_ended",
            Self::WebmailTokenOutOfScope => "webmail_token_out_of_scope",
            Self::FactorRequired => "factor_required",
            Self::ServiceOff => "service_off",
            Self::AppPasswordsOnly => "app_passwords_only",
            Self::FullSignInOnly => "full_sign_in_only",
        }
    }
}
