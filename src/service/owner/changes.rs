//! What a visitor may look at and change. Each change is an administrator's request, made in the owner's
//! name; what weakens the mailbox or shows something once is behind a fresh code.

use super::{Owner, OwnerError, Ticket, Visit, sign_in::circumstances};
use crate::{
    base::{Secret, SecretText},
    decision::outcome::Outcome,
    service::admin::{Disclosed, NewAppPassword, Request, Response},
};

impl Owner {
    /// Asks for a fresh code or recovery code, which is used up.
    async fn challenge(&self, visit: &Visit, factor: Secret) -> Result<(), OwnerError> {
        let live = self.signed_in(visit).await?;
        let mailbox = visit.mailbox.clone();
        let outcome =
            self.authenticator.challenge(live, mailbox, factor, &circumstances(visit.from)).await;
        match outcome {
            Outcome::Accepted(_) => Ok(()),
            Outcome::Refused(refusal) => Err(OwnerError::Code(refusal)),
            Outcome::Unavailable(why) => Err(OwnerError::Unavailable(why)),
        }
    }

    /// The same where there is a second factor; nothing is asked where there is none.
    async fn challenge_if_enrolled(&self, visit: &Visit, factor: Secret) -> Result<(), OwnerError> {
        let found = self.admin.store.load(&visit.mailbox).await?;
        match found.is_some_and(|found| found.value.is_enrolled()) {
            true => self.challenge(visit, factor).await,
            false => Ok(()),
        }
    }

    async fn request(&self, visit: &Visit, request: Request) -> Result<Response, OwnerError> {
        let by = format!("owner at the panel from {}", visit.from);
        Ok(self.admin.handle(request, &by).await?)
    }

    /// How second factor and enrolment stand.
    ///
    /// # Errors
    ///
    /// See [`OwnerError`]; the same for the methods below.
    pub async fn factor(&self, visit: &Visit) -> Result<Response, OwnerError> {
        let mailbox = visit.mailbox.to_string();
        self.request(visit, Request::TotpStatus { mailbox }).await
    }

    /// Starts an enrolment: the secret, shown this once.
    pub async fn begin_enrolment(&self, visit: &Visit) -> Result<Response, OwnerError> {
        let mailbox = visit.mailbox.to_string();
        self.request(visit, Request::TotpEnable { mailbox }).await
    }

    /// Switches on with the code that the app shows. All other sessions end; the visitor gets a new
    /// ticket.
    pub async fn confirm_enrolment(
        &self,
        visit: &Visit,
        code: SecretText,
    ) -> Result<(Response, Ticket), OwnerError> {
        let (mailbox, code) = (visit.mailbox.to_string(), Disclosed::new(code));
        let response = self.request(visit, Request::TotpConfirm { mailbox, code }).await?;
        Ok((response, self.renew(visit).await?))
    }

    /// Switches off, with a fresh code. The visitor gets a new ticket.
    pub async fn disable(
        &self,
        visit: &Visit,
        factor: Secret,
    ) -> Result<(Response, Ticket), OwnerError> {
        self.challenge(visit, factor).await?;
        let mailbox = visit.mailbox.to_string();
        let response = self.request(visit, Request::TotpDisable { mailbox }).await?;
        Ok((response, self.renew(visit).await?))
    }

    /// A new set of recovery codes, with a fresh code.
    pub async fn new_recovery_codes(
        &self,
        visit: &Visit,
        factor: Secret,
    ) -> Result<Response, OwnerError> {
        self.challenge(visit, factor).await?;
        let mailbox = visit.mailbox.to_string();
        self.request(visit, Request::RecoveryCodesNew { mailbox }).await
    }

    /// How many recovery codes are left.
    pub async fn recovery_codes(&self, visit: &Visit) -> Result<Response, OwnerError> {
        let mailbox = visit.mailbox.to_string();
        self.request(visit, Request::RecoveryCodesLeft { mailbox }).await
    }

    /// The app passwords, without their secret parts.
    pub async fn app_passwords(&self, visit: &Visit) -> Result<Response, OwnerError> {
        let mailbox = visit.mailbox.to_string();
        self.request(visit, Request::AppPasswordList { mailbox }).await
    }

    /// A new app password, shown this once; with a fresh code where there is a second factor.
    pub async fn add_app_password(
        &self,
        visit: &Visit,
        wanted: NewAppPassword,
        factor: Secret,
    ) -> Result<Response, OwnerError> {
        self.challenge_if_enrolled(visit, factor).await?;
        let mailbox = visit.mailbox.to_string();
        self.request(visit, Request::AppPasswordAdd { mailbox, wanted }).await
    }

    /// Revokes an app password.
    pub async fn revoke_app_password(
        &self,
        visit: &Visit,
        id: String,
    ) -> Result<Response, OwnerError> {
        let mailbox = visit.mailbox.to_string();
        self.request(visit, Request::AppPasswordRevoke { mailbox, id }).await
    }

    /// The sign-ins of mail programs that live.
    pub async fn sessions(&self, visit: &Visit) -> Result<Response, OwnerError> {
        let mailbox = visit.mailbox.to_string();
        self.request(visit, Request::SessionList { mailbox }).await
    }

    /// Ends one of them, or all.
    pub async fn end_sessions(
        &self,
        visit: &Visit,
        id: Option<u64>,
    ) -> Result<Response, OwnerError> {
        let mailbox = visit.mailbox.to_string();
        self.request(visit, Request::SessionRevoke { mailbox, id }).await
    }
}
