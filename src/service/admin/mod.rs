//! What an administrator does: mailboxes, passwords, second factors, app passwords, recovery codes,
//! sessions, locks, levels of enforcement.
//!
//! One [`Admin`] serves the control socket and, when no daemon runs, the command line directly.
//! It takes requests and gives answers as plain data; it does not know where they come from.
//!
//! Every name goes through the same rules as a login's ([`NameRules`]). Every change is a
//! compare-and-swap, tried again a bounded number of times when the record changed under it.
//!
//! It logs each change: who asked, what, and for which mailbox, under the target
//! `mail2fa::admin`; and each change notes itself in the audit trail (`acting.rs`).
//!
//! # Security
//!
//! Whoever reaches this may switch second factors off: callers let only root and the service user
//! in, or ask for what a token of the API allows (`access.rs`). A secret leaves in one answer only, the one to the request that made it.

mod access;
mod acting;
mod answer;
mod app_password;
mod audit_view;
mod change;
mod disclosed;
mod enrolment;
mod error;
mod events;
mod mailbox;
mod message;
mod new_phone;
mod notice;
mod panel_link;
mod policy;
mod policy_view;
mod recovery;
mod session;
#[cfg(test)]
pub(super) mod tests;
mod token;
mod view;

use std::sync::Arc;

pub use access::Access;
pub use answer::Response;
pub use audit_view::{AuditWanted, EventView};
pub use disclosed::Disclosed;
pub use error::AdminError;
pub use message::{NewAppPassword, NewPassword, Request};
pub use policy_view::{
    DomainView, MailboxPolicyView, NewLevel, PolicyView, ServiceRuleView, ServiceView,
};
pub use token::{NewToken, TokenView};
pub use view::{AppPasswordView, Enrolment, MailboxView, SessionView, TotpView, UseView};

use crate::{
    base::{Clock, Mailbox, Rng, UnixMillis},
    decision::{
        digest::CredentialKey,
        enforcement::EnforcementPolicy,
        names::NameRules,
        record::{MailboxRecord, Versioned},
    },
    ports::{
        notice::Notifier,
        password::PasswordHasher,
        store::{Expect, Store},
    },
    service::{behalf::Behalf, trail::Recorder},
};
use acting::Acting;

/// The use-cases, with what they need.
pub struct Admin {
    /// Where the records are.
    pub store: Arc<dyn Store>,
    /// Makes hashes; `None` when Dovecot knows the passwords.
    pub hasher: Option<Arc<dyn PasswordHasher>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The key of the credential hashes.
    pub key: CredentialKey,
    /// Makes secrets.
    pub rng: Arc<dyn Rng>,
    /// From typed names to mailboxes.
    pub names: NameRules,
    /// The service's name in authenticator apps.
    pub issuer: String,
    /// Tells owners what was changed.
    pub notifier: Arc<dyn Notifier>,
    /// The audit trail.
    pub trail: Arc<Recorder>,
    /// Who must have a second factor.
    pub enforcement: EnforcementPolicy,
    /// The address of the User Panel, with a slash at its end, where it is known.
    pub panel: Option<String>,
}

impl Admin {
    /// Does one request on behalf of `by`, a description for the log such as `uid=0`.
    ///
    /// # Errors
    ///
    /// What an administrator has to know; nothing was changed then, except where the error says
    /// that this is unknown.
    pub async fn handle(&self, request: Request, by: &str) -> Result<Response, AdminError> {
        self.act(request, by, None).await
    }

    /// The same on behalf of a session of the panel: [`AdminError::Busy`] if it has ended by the time at
    /// which something is written.
    pub(in crate::service) async fn handle_on_behalf(
        &self,
        request: Request,
        by: &str,
        session: &Behalf,
    ) -> Result<Response, AdminError> {
        if !self.is_named(session.mailbox()) {
            return Err(AdminError::Busy);
        }
        self.act(request, by, Some(session)).await
    }

    async fn act(
        &self,
        request: Request,
        by: &str,
        session: Option<&Behalf>,
    ) -> Result<Response, AdminError> {
        let action = request.action();
        let acting = Acting { admin: self, by, action, session };
        let result = acting.perform(request).await;
        match &result {
            Ok(response) => {
                if let Some(mailbox) = response.changed() {
                    tracing::info!(target: "mail2fa::admin", %action, %mailbox, %by, "changed");
                }
            }
            Err(error) => {
                tracing::warn!(target: "mail2fa::admin", %action, %by, %error, "not done");
            }
        }
        result
    }

    /// Whether a write would be taken.
    async fn health(&self) -> Result<Response, AdminError> {
        self.store.ping().await?;
        Ok(Response::Health { version: env!("CARGO_PKG_VERSION").into() })
    }

    fn name(&self, typed: &str) -> Result<Mailbox, AdminError> {
        self.names
            .canonical(typed.as_bytes())
            .map_err(|error| AdminError::BadName { why: error.to_string() })
    }

    pub(crate) fn now(&self) -> Result<UnixMillis, AdminError> {
        self.clock.now().map_err(|error| AdminError::Unavailable { why: error.to_string() })
    }

    pub(in crate::service) fn random(&self, buffer: &mut [u8]) -> Result<(), AdminError> {
        self.rng.fill(buffer).map_err(|error| AdminError::Unavailable { why: error.to_string() })
    }

    async fn record(
        &self,
        mailbox: &Mailbox,
    ) -> Result<Option<Versioned<MailboxRecord>>, AdminError> {
        Ok(self.store.load(mailbox).await?)
    }

    async fn existing(&self, mailbox: &Mailbox) -> Result<Versioned<MailboxRecord>, AdminError> {
        let name = || mailbox.to_string();
        self.record(mailbox).await?.ok_or_else(|| match self.hasher {
            Some(_) => AdminError::NoMailbox { mailbox: name() },
            None => AdminError::NoRecord { mailbox: name() },
        })
    }
}

impl Acting<'_> {
    async fn perform(&self, request: Request) -> Result<Response, AdminError> {
        match request {
            Request::MailboxAdd { mailbox, password } => self.add(&mailbox, password).await,
            Request::MailboxList { after, limit } => self.list(after.as_deref(), limit).await,
            Request::MailboxShow { mailbox } => self.show(&mailbox).await,
            Request::MailboxPassword { mailbox, password } => {
                self.set_password(&mailbox, password).await
            }
            Request::MailboxRename { mailbox, to } => self.rename(&mailbox, &to).await,
            Request::MailboxRemove { mailbox } => self.remove(&mailbox).await,
            Request::TotpEnable { mailbox } => self.enable(&mailbox).await,
            Request::TotpConfirm { mailbox, code } => self.confirm(&mailbox, &code).await,
            Request::TotpDisable { mailbox } => self.disable(&mailbox).await,
            Request::TotpMove { mailbox } => self.begin_move(&mailbox).await,
            Request::TotpMoveCheck { mailbox, code } => self.check_move(&mailbox, &code).await,
            Request::TotpMoveConfirm { mailbox, code } => self.confirm_move(&mailbox, &code).await,
            Request::TotpStatus { mailbox } => self.status(&mailbox).await,
            Request::AppPasswordAdd { mailbox, wanted } => {
                self.add_app_password(&mailbox, &wanted).await
            }
            Request::AppPasswordList { mailbox } => self.list_app_passwords(&mailbox).await,
            Request::AppPasswordRevoke { mailbox, id } => {
                self.revoke_app_password(&mailbox, &id).await
            }
            Request::RecoveryCodesNew { mailbox } => self.new_recovery_codes(&mailbox).await,
            Request::RecoveryCodesLeft { mailbox } => self.recovery_codes_left(&mailbox).await,
            Request::SessionList { mailbox } => self.list_sessions(&mailbox).await,
            Request::SessionRevoke { mailbox, id } => self.revoke_sessions(&mailbox, id).await,
            Request::SignInsEnd { mailbox } => self.end_sign_ins(&mailbox).await,
            Request::MailboxLock { mailbox } => self.lock(&mailbox).await,
            Request::MailboxUnlock { mailbox } => self.unlock(&mailbox).await,
            Request::PolicyShow { mailbox: None } => Ok(self.policy()),
            Request::PolicyShow { mailbox: Some(mailbox) } => self.policy_of(&mailbox).await,
            Request::PolicySet { mailbox, level } => self.set_policy(&mailbox, level).await,
            Request::MailboxPrograms { mailbox } => self.programs(&mailbox).await,
            Request::Audit(wanted) => self.events(wanted).await,
            Request::PanelLink { mailbox } => self.link_to_panel(&mailbox).await,
            Request::NoticeTest { mailbox } => self.test_notice(&mailbox).await,
            Request::TokenAdd { wanted } => self.add_token(wanted).await,
            Request::TokenList => self.list_tokens().await,
            Request::TokenRevoke { name } => self.revoke_token(&name).await,
            Request::Health => self.health().await,
        }
    }
}

/// The condition under which a record that was read may be replaced.
fn unchanged(found: Option<&Versioned<MailboxRecord>>) -> Expect {
    found.map_or(Expect::Absent, |found| Expect::Version(found.version))
}
