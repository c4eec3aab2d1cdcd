//! Answers, as they also travel over the API (`api/operations.rs`).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Disclosed,
    audit_view::EventView,
    policy_view::{MailboxPolicyView, PolicyView},
    token::TokenView,
    view::{AppPasswordView, Enrolment, MailboxView, SessionView, TotpView},
};
use crate::service::trail::Program;

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
        /// App passwords that ended with the old name.
        app_passwords: usize,
        /// Recovery codes that ended with the old name.
        recovery_codes: usize,
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
    /// A started enrolment, with its secret.
    Enrolment(Enrolment),
    /// 2-factor authentication is on.
    Confirmed {
        /// Canonical name.
        mailbox: String,
        /// How far the app's clock is off, in steps of 30 seconds; negative: slow.
        drift_steps: i64,
        /// The first set of recovery codes.
        recovery_codes: Vec<Disclosed>,
    },
    /// 2-factor authentication is off now.
    Disabled {
        /// Canonical name.
        mailbox: String,
        /// Whether it must have a second factor all the same: then its password opens nothing.
        required: bool,
    },
    /// A code of the new phone is right.
    MoveChecked {
        /// Canonical name.
        mailbox: String,
    },
    /// The new phone's codes count now, the old one's no more.
    Moved {
        /// Canonical name.
        mailbox: String,
        /// How far the app's clock is off, in steps of 30 seconds; negative: slow.
        drift_steps: i64,
    },
    /// How it stands.
    Totp(TotpView),
    /// A new app password.
    AppPassword {
        /// Canonical name of the mailbox.
        mailbox: String,
        /// The four characters that name it.
        id: String,
        /// The app password.
        password: Disclosed,
    },
    /// All app passwords.
    AppPasswords {
        /// Canonical name.
        mailbox: String,
        /// In the order in which they were made.
        app_passwords: Vec<AppPasswordView>,
    },
    /// An app password opens nothing any more.
    AppPasswordRevoked {
        /// Canonical name.
        mailbox: String,
        /// Which.
        id: String,
    },
    /// A new set of recovery codes.
    RecoveryCodes {
        /// Canonical name.
        mailbox: String,
        /// The codes.
        recovery_codes: Vec<Disclosed>,
    },
    /// How many recovery codes are left.
    RecoveryLeft {
        /// Canonical name.
        mailbox: String,
        /// So many.
        left: usize,
        /// Codes in a set.
        of: usize,
    },
    /// The sessions that live.
    Sessions {
        /// Canonical name.
        mailbox: String,
        /// All of them.
        sessions: Vec<SessionView>,
    },
    /// Sessions were ended.
    SessionsRevoked {
        /// Canonical name.
        mailbox: String,
        /// How many.
        count: usize,
    },
    /// Nobody gets in any more.
    Locked {
        /// Canonical name.
        mailbox: String,
    },
    /// The lock is off.
    Unlocked {
        /// Canonical name.
        mailbox: String,
    },
    /// A test notice was taken by the mail server.
    NoticeSent {
        /// Canonical name.
        mailbox: String,
    },
    /// A one-time link to the User Panel.
    PanelLink {
        /// Canonical name.
        mailbox: String,
        /// What stands behind `link?t=` in the panel's address.
        link: Disclosed,
        /// The whole address to send the browser to, with `panel.origin`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        url: Option<Disclosed>,
        /// When it is too late to follow it, seconds since 1970.
        expires: u64,
    },
    /// What is configured.
    Policy(PolicyView),
    /// What holds for a mailbox.
    MailboxPolicy(MailboxPolicyView),
    /// The mailbox has another level; what holds for it now.
    PolicySet(MailboxPolicyView),
    /// The programs that use the bare password.
    Programs {
        /// Canonical name.
        mailbox: String,
        /// Whether 2-factor authentication is on.
        totp: bool,
        /// The latest first.
        programs: Vec<Program>,
    },
    /// A page of the audit trail.
    Audit {
        /// Newest first. There may be none, and more all the same.
        events: Vec<EventView>,
        /// Where the next page begins; `None` at the end.
        next: Option<String>,
        /// Parts of the trail that cannot be read.
        unreadable: usize,
    },
    /// A new token of the API.
    TokenAdded {
        /// What it is called.
        name: String,
        /// The characters that name it.
        id: String,
        /// The token.
        token: Disclosed,
    },
    /// All tokens of the API.
    Tokens {
        /// In the order in which they were made.
        tokens: Vec<TokenView>,
    },
    /// A token opens nothing any more.
    TokenRevoked {
        /// What it was called.
        name: String,
    },
    /// All is well: a write would be taken.
    Health {
        /// The daemon's version.
        version: String,
    },
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
            | Self::Moved { mailbox, .. }
            | Self::Disabled { mailbox, .. }
            | Self::PolicySet(MailboxPolicyView { mailbox, .. })
            | Self::AppPassword { mailbox, .. }
            | Self::AppPasswordRevoked { mailbox, .. }
            | Self::RecoveryCodes { mailbox, .. }
            | Self::SessionsRevoked { mailbox, .. }
            | Self::Locked { mailbox }
            | Self::Unlocked { mailbox }
            | Self::PanelLink { mailbox, .. }
            | Self::Enrolment(Enrolment { mailbox, .. }) => Some(mailbox),
            Self::Mailboxes { .. }
            | Self::Mailbox(_)
            | Self::MoveChecked { .. }
            | Self::Totp(_)
            | Self::AppPasswords { .. }
            | Self::RecoveryLeft { .. }
            | Self::NoticeSent { .. }
            | Self::Sessions { .. }
            | Self::Policy(_)
            | Self::MailboxPolicy(_)
            | Self::Programs { .. }
            | Self::TokenAdded { .. }
            | Self::Tokens { .. }
            | Self::TokenRevoked { .. }
            | Self::Health { .. }
            | Self::Audit { .. } => None,
        }
    }
}
