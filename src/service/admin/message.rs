//! Requests, as they also travel over the API (`api/operations.rs`).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Disclosed, audit_view::AuditWanted, policy_view::NewLevel, token::NewToken};

/// What is asked. Names are as typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
        /// The `next` of the page before.
        after: Option<String>,
        /// At most so many, from 1 to `limits::ADMIN_PAGE`.
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
    /// Starts the move to a new phone: another secret, which replaces the one that counts when a code
    /// has proven it.
    TotpMove {
        /// Name.
        mailbox: String,
    },
    /// Looks whether a code of the new phone is right; nothing is replaced.
    TotpMoveCheck {
        /// Name.
        mailbox: String,
        /// The code that the new phone shows.
        code: Disclosed,
    },
    /// Replaces the secret. Who asks has seen a code of the old one.
    TotpMoveConfirm {
        /// Name.
        mailbox: String,
        /// The code that the new phone shows.
        code: Disclosed,
    },
    /// How it stands with the second factor.
    TotpStatus {
        /// Name.
        mailbox: String,
    },
    /// Makes an app password.
    AppPasswordAdd {
        /// Name of the mailbox.
        mailbox: String,
        /// What it is for.
        wanted: NewAppPassword,
    },
    /// The app passwords of a mailbox.
    AppPasswordList {
        /// Name.
        mailbox: String,
    },
    /// Ends one app password.
    AppPasswordRevoke {
        /// Name of the mailbox.
        mailbox: String,
        /// The four characters that it begins with.
        id: String,
    },
    /// Makes a new set of recovery codes; the old one is gone.
    RecoveryCodesNew {
        /// Name.
        mailbox: String,
    },
    /// How many recovery codes are left.
    RecoveryCodesLeft {
        /// Name.
        mailbox: String,
    },
    /// The sessions that live.
    SessionList {
        /// Name.
        mailbox: String,
    },
    /// Ends sessions.
    SessionRevoke {
        /// Name.
        mailbox: String,
        /// Which; `None` means all.
        id: Option<u64>,
    },
    /// Ends all sign-ins, those to the User Panel too. The mailbox needs no record before.
    SignInsEnd {
        /// Name.
        mailbox: String,
    },
    /// Lets nobody in.
    MailboxLock {
        /// Name.
        mailbox: String,
    },
    /// Ends a lock.
    MailboxUnlock {
        /// Name.
        mailbox: String,
    },
    /// Sends a test notice to a mailbox's owner.
    NoticeTest {
        /// Name.
        mailbox: String,
    },
    /// The programs that use the bare password.
    MailboxPrograms {
        /// Name.
        mailbox: String,
    },
    /// Makes a one-time link to the User Panel.
    PanelLink {
        /// Name.
        mailbox: String,
    },
    /// A page of the audit trail, newest first.
    Audit(AuditWanted),
    /// What enforcement says.
    PolicyShow {
        /// Of this mailbox; `None` means what is configured.
        mailbox: Option<String>,
    },
    /// Gives a mailbox a level of enforcement of its own.
    PolicySet {
        /// Name.
        mailbox: String,
        /// Which.
        level: NewLevel,
    },
    /// Makes a token of the API.
    TokenAdd {
        /// What it is for.
        wanted: NewToken,
    },
    /// The tokens of the API.
    TokenList,
    /// Ends a token of the API.
    TokenRevoke {
        /// Its name.
        name: String,
    },
    /// Whether all is well.
    Health,
}

/// What is asked of a new app password.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAppPassword {
    /// What its owner calls it.
    pub name: String,
    /// Services it opens, as the mail server names them; none means all.
    #[serde(default)]
    pub services: Vec<String>,
    /// Networks it may be used from; none means any.
    #[serde(default)]
    pub networks: Vec<String>,
    /// When it ends, seconds since 1970.
    #[serde(default)]
    pub expires: Option<u64>,
}

/// A new password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NewPassword {
    /// The password itself; it is hashed.
    Clear(Disclosed),
    /// A hash made elsewhere, `{SCHEME}` in front.
    Hash(Disclosed),
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
            Self::TotpMove { .. } => "totp move",
            Self::TotpMoveCheck { .. } => "totp check-move",
            Self::TotpMoveConfirm { .. } => "totp finish-move",
            Self::TotpStatus { .. } => "totp status",
            Self::AppPasswordAdd { .. } => "app-password add",
            Self::AppPasswordList { .. } => "app-password list",
            Self::AppPasswordRevoke { .. } => "app-password revoke",
            Self::RecoveryCodesNew { .. } => "recovery-codes new",
            Self::RecoveryCodesLeft { .. } => "recovery-codes left",
            Self::SessionList { .. } => "session list",
            Self::SessionRevoke { .. } => "session revoke",
            Self::SignInsEnd { .. } => "sign-ins end",
            Self::MailboxLock { .. } => "mailbox lock",
            Self::MailboxUnlock { .. } => "mailbox unlock",
            Self::PanelLink { .. } => "panel link",
            Self::NoticeTest { .. } => "notice test",
            Self::MailboxPrograms { .. } => "mailbox programs",
            Self::Audit(_) => "audit",
            Self::PolicyShow { .. } => "policy show",
            Self::PolicySet { .. } => "policy set",
            Self::TokenAdd { .. } => "token add",
            Self::TokenList => "token list",
            Self::TokenRevoke { .. } => "token revoke",
            Self::Health => "health",
        }
    }
}

impl Request {
    /// The mailboxes that it touches or shows, as typed.
    pub fn mailboxes(&self) -> Vec<&str> {
        match self {
            Self::MailboxRename { mailbox, to } => vec![mailbox, to],
            Self::MailboxAdd { mailbox, .. }
            | Self::MailboxShow { mailbox }
            | Self::MailboxPassword { mailbox, .. }
            | Self::MailboxRemove { mailbox }
            | Self::TotpEnable { mailbox }
            | Self::TotpConfirm { mailbox, .. }
            | Self::TotpDisable { mailbox }
            | Self::TotpMove { mailbox }
            | Self::TotpMoveCheck { mailbox, .. }
            | Self::TotpMoveConfirm { mailbox, .. }
            | Self::TotpStatus { mailbox }
            | Self::AppPasswordAdd { mailbox, .. }
            | Self::AppPasswordList { mailbox }
            | Self::AppPasswordRevoke { mailbox, .. }
            | Self::RecoveryCodesNew { mailbox }
            | Self::RecoveryCodesLeft { mailbox }
            | Self::SessionList { mailbox }
            | Self::SessionRevoke { mailbox, .. }
            | Self::SignInsEnd { mailbox }
            | Self::MailboxLock { mailbox }
            | Self::MailboxUnlock { mailbox }
            | Self::NoticeTest { mailbox }
            | Self::MailboxPrograms { mailbox }
            | Self::PanelLink { mailbox }
            | Self::PolicySet { mailbox, .. } => vec![mailbox],
            Self::PolicyShow { mailbox } | Self::Audit(AuditWanted { mailbox, .. }) => {
                mailbox.as_deref().into_iter().collect()
            }
            Self::MailboxList { .. }
            | Self::TokenAdd { .. }
            | Self::TokenList
            | Self::TokenRevoke { .. }
            | Self::Health => Vec::new(),
        }
    }
}
