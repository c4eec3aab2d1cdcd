//! What a visitor may look at and change. Each change is an administrator's request, made in the owner's
//! name; what weakens the mailbox or shows something once is behind a fresh code.

use super::{
    Owner, OwnerError, Shown, ShownKind, Ticket, Visit, session::Span, sign_in::circumstances,
};
use crate::{
    base::{
        Secret, SecretText, Service,
        limits::{PANEL_EVENTS, SESSION_PARALLEL_SECONDS},
    },
    decision::outcome::Outcome,
    ports::event::TrailEvent,
    service::{
        admin::{
            AdminError, AppPasswordView, AuditWanted, Disclosed, MailboxPolicyView, NewAppPassword,
            Request, Response, SessionView, TotpView,
        },
        behalf::Behalf,
        trail::Programs,
    },
};

/// How many recovery codes there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecoveryLeft {
    /// So many are left.
    pub left: usize,
    /// Of so many.
    pub of: usize,
}

/// An answer of another kind than the question: a mistake of ours.
fn unexpected() -> OwnerError {
    OwnerError::Unavailable("another answer than was asked for".into())
}

/// Whether it is what a code at the panel, or for a webmail's token, opened for a form that is sent twice: the
/// browser is in a list of its own, and the token's session is beside it. A mail program may call its service the
/// same, so one that lives longer is none.
fn is_of_form(session: &SessionView) -> bool {
    let form = [Service::Panel.as_str(), Service::Webmail.as_str()];
    form.contains(&&*session.opened.service)
        && session.webmail.is_none()
        && session.ends.saturating_sub(session.opened.at) <= SESSION_PARALLEL_SECONDS
}

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
        let found = self.admin().store.load(&visit.mailbox).await?;
        if found.is_some_and(|found| found.value.is_enrolled()) {
            self.challenge(visit, factor).await
        } else {
            Ok(())
        }
    }

    /// Asks for it in the owner's name, if the session lives still: it may have ended since the page was
    /// asked for.
    async fn request(&self, visit: &Visit, request: Request) -> Result<Response, OwnerError> {
        self.asked(visit, request, &self.behalf(visit)).await
    }

    /// The same for what ends all sessions of the mailbox if it is done; the ticket of the one that takes
    /// this one's place.
    async fn renewing(
        &self,
        visit: &Visit,
        request: Request,
        span: Span,
    ) -> Result<(Response, Ticket), OwnerError> {
        let ticket = self.new_ticket(&visit.mailbox)?;
        let session = self.behalf(visit).replaced_by(self.successor(visit, &ticket, span)?);
        let response = self.asked(visit, request, &session).await?;
        self.forget_shown(&visit.ticket);
        Ok((response, ticket))
    }

    pub(super) fn behalf(&self, visit: &Visit) -> Behalf {
        Behalf::new(self.key(&visit.ticket), visit.session.standing)
    }

    /// Who asks, for log and audit trail.
    pub(super) fn by(visit: &Visit) -> String {
        match visit.by_link() {
            None => format!("owner at the panel from {}", visit.from),
            Some(by) => format!("owner by link of {by}, from {}", visit.from),
        }
    }

    async fn asked(
        &self,
        visit: &Visit,
        request: Request,
        session: &Behalf,
    ) -> Result<Response, OwnerError> {
        self.signed_in(visit).await?;
        let by = Self::by(visit);
        match self.admin().handle_on_behalf(request, &by, session).await {
            Ok(response) => Ok(response),
            Err(AdminError::Busy) => {
                // Perhaps because it has ended since it was looked at.
                self.signed_in(visit).await?;
                Err(AdminError::Busy.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// How second factor and enrolment stand.
    ///
    /// # Errors
    ///
    /// See [`OwnerError`]; the same for the methods below.
    pub async fn factor(&self, visit: &Visit) -> Result<TotpView, OwnerError> {
        let mailbox = visit.mailbox.to_string();
        match self.request(visit, Request::TotpStatus { mailbox }).await? {
            Response::Totp(view) => Ok(view),
            _ => Err(unexpected()),
        }
    }

    /// Starts an enrolment; [`Owner::shown`] has its secret. One whose secret is still shown goes on, so
    /// that a form sent twice does not spoil what was scanned.
    pub async fn begin_enrolment(&self, visit: &Visit) -> Result<(), OwnerError> {
        if self.shown(visit, ShownKind::Enrolment).is_some() {
            return Ok(());
        }
        let mailbox = visit.mailbox.to_string();
        match self.request(visit, Request::TotpEnable { mailbox }).await? {
            Response::Enrolment(enrolment) => {
                self.put_on_screen(&visit.ticket, Shown::Enrolment(enrolment));
                Ok(())
            }
            _ => Err(unexpected()),
        }
    }

    /// Switches on with the code that the app shows; [`Owner::shown`] has the recovery codes, for the new
    /// ticket. All other sessions end.
    pub async fn confirm_enrolment(
        &self,
        visit: &Visit,
        code: SecretText,
    ) -> Result<Ticket, OwnerError> {
        let (mailbox, code) = (visit.mailbox.to_string(), Disclosed::new(code));
        match self.renewing(visit, Request::TotpConfirm { mailbox, code }, Span::New).await? {
            (Response::Confirmed { drift_steps, recovery_codes: codes, .. }, ticket) => {
                let shown = Shown::RecoveryCodes { codes, drift_steps, first: true };
                self.put_on_screen(&ticket, shown);
                Ok(ticket)
            }
            _ => Err(unexpected()),
        }
    }

    /// Switches off, with a fresh code. The visitor gets a new ticket.
    pub async fn disable(&self, visit: &Visit, factor: Secret) -> Result<Ticket, OwnerError> {
        self.challenge(visit, factor).await?;
        let mailbox = visit.mailbox.to_string();
        let request = Request::TotpDisable { mailbox };
        self.renewing(visit, request, Span::New).await.map(|(_, ticket)| ticket)
    }

    /// Starts the move to a new phone; [`Owner::shown`] has its secret. Nothing is replaced yet.
    pub async fn begin_move(&self, visit: &Visit) -> Result<(), OwnerError> {
        if self.shown(visit, ShownKind::NewPhone).is_some() {
            return Ok(());
        }
        let mailbox = visit.mailbox.to_string();
        match self.request(visit, Request::TotpMove { mailbox }).await? {
            Response::Enrolment(enrolment) => {
                self.put_on_screen(&visit.ticket, Shown::NewPhone(enrolment));
                Ok(())
            }
            _ => Err(unexpected()),
        }
    }

    /// Moves to the new phone. Its code is looked at first, so that a mistyped one costs no code of the
    /// old; the old phone's code, or a recovery code, is used up before anything is replaced. How far the
    /// new phone's clock is off, in steps, and a new ticket; all other sessions end.
    pub async fn confirm_move(
        &self,
        visit: &Visit,
        old: Secret,
        new: SecretText,
    ) -> Result<(i64, Ticket), OwnerError> {
        let (mailbox, code) = (visit.mailbox.to_string(), Disclosed::new(new));
        let check = Request::TotpMoveCheck { mailbox: mailbox.clone(), code: code.clone() };
        self.request(visit, check).await?;
        self.challenge(visit, old).await?;
        let request = Request::TotpMoveConfirm { mailbox, code };
        match self.renewing(visit, request, Span::New).await? {
            (Response::Moved { drift_steps, .. }, ticket) => Ok((drift_steps, ticket)),
            _ => Err(unexpected()),
        }
    }

    /// A new set of recovery codes, with a fresh code; [`Owner::shown`] has them.
    pub async fn new_recovery_codes(
        &self,
        visit: &Visit,
        factor: Secret,
    ) -> Result<(), OwnerError> {
        self.challenge(visit, factor).await?;
        let mailbox = visit.mailbox.to_string();
        match self.request(visit, Request::RecoveryCodesNew { mailbox }).await? {
            Response::RecoveryCodes { recovery_codes: codes, .. } => {
                let shown = Shown::RecoveryCodes { codes, drift_steps: 0, first: false };
                self.put_on_screen(&visit.ticket, shown);
                Ok(())
            }
            _ => Err(unexpected()),
        }
    }

    /// How many recovery codes are left.
    pub async fn recovery_codes(&self, visit: &Visit) -> Result<RecoveryLeft, OwnerError> {
        let mailbox = visit.mailbox.to_string();
        match self.request(visit, Request::RecoveryCodesLeft { mailbox }).await? {
            Response::RecoveryLeft { left, of, .. } => Ok(RecoveryLeft { left, of }),
            _ => Err(unexpected()),
        }
    }

    /// The app passwords, without their secret parts.
    pub async fn app_passwords(&self, visit: &Visit) -> Result<Vec<AppPasswordView>, OwnerError> {
        let mailbox = visit.mailbox.to_string();
        match self.request(visit, Request::AppPasswordList { mailbox }).await? {
            Response::AppPasswords { app_passwords, .. } => Ok(app_passwords),
            _ => Err(unexpected()),
        }
    }

    /// A new app password; with a fresh code where there is a second factor. [`Owner::shown`] has it. While
    /// one of that name is still shown, the form was sent twice, and nothing is made. It opens mail, so
    /// somebody has given the password.
    pub async fn add_app_password(
        &self,
        visit: &Visit,
        wanted: NewAppPassword,
        factor: Secret,
    ) -> Result<(), OwnerError> {
        if let Some(Shown::AppPassword { name, .. }) = self.shown(visit, ShownKind::AppPassword)
            && name == wanted.name
        {
            return Ok(());
        }
        if visit.by_link().is_some() {
            return Err(OwnerError::NeedsPassword);
        }
        self.challenge_if_enrolled(visit, factor).await?;
        let mailbox = visit.mailbox.to_string();
        let (name, services) = (wanted.name.clone(), wanted.services.clone());
        match self.request(visit, Request::AppPasswordAdd { mailbox, wanted }).await? {
            Response::AppPassword { password, .. } => {
                let shown = Shown::AppPassword { name, services, password };
                self.put_on_screen(&visit.ticket, shown);
                Ok(())
            }
            _ => Err(unexpected()),
        }
    }

    /// Revokes an app password.
    pub async fn revoke_app_password(&self, visit: &Visit, id: String) -> Result<(), OwnerError> {
        let mailbox = visit.mailbox.to_string();
        self.request(visit, Request::AppPasswordRevoke { mailbox, id }).await.map(drop)
    }

    /// The sign-ins of mail programs that live.
    pub async fn sessions(&self, visit: &Visit) -> Result<Vec<SessionView>, OwnerError> {
        let mailbox = visit.mailbox.to_string();
        match self.request(visit, Request::SessionList { mailbox }).await? {
            Response::Sessions { mut sessions, .. } => {
                sessions.retain(|session| !is_of_form(session));
                Ok(sessions)
            }
            _ => Err(unexpected()),
        }
    }

    /// Ends one of them.
    pub async fn end_session(&self, visit: &Visit, id: u64) -> Result<(), OwnerError> {
        let mailbox = visit.mailbox.to_string();
        self.request(visit, Request::SessionRevoke { mailbox, id: Some(id) }).await.map(drop)
    }

    /// Ends all of them, and all sessions of the panel but this one, which gets a new ticket. It asks for
    /// no code, so this one lives no longer by it.
    pub async fn end_all(&self, visit: &Visit) -> Result<Ticket, OwnerError> {
        let request = Request::SignInsEnd { mailbox: visit.mailbox.to_string() };
        self.renewing(visit, request, Span::Same).await.map(|(_, ticket)| ticket)
    }

    /// Which programs log in with the bare password.
    pub async fn programs(&self, visit: &Visit) -> Result<Programs, OwnerError> {
        let mailbox = visit.mailbox.to_string();
        match self.request(visit, Request::MailboxPrograms { mailbox }).await? {
            Response::Programs { programs, .. } => Ok(programs),
            _ => Err(unexpected()),
        }
    }

    /// Logins and changes, newest first, so many at a time, and where the next ones begin.
    pub async fn activity(
        &self,
        visit: &Visit,
        before: Option<String>,
    ) -> Result<(Vec<TrailEvent>, Option<String>), OwnerError> {
        let wanted = AuditWanted {
            mailbox: Some(visit.mailbox.to_string()),
            after: before,
            limit: PANEL_EVENTS,
            ..AuditWanted::default()
        };
        match self.request(visit, Request::Audit(wanted)).await? {
            Response::Audit { events, next, .. } => {
                Ok((events.into_iter().map(|view| view.event).collect(), next))
            }
            _ => Err(unexpected()),
        }
    }

    /// Whether the mailbox must have a second factor, may not have one, or will have to.
    pub async fn policy(&self, visit: &Visit) -> Result<MailboxPolicyView, OwnerError> {
        let mailbox = Some(visit.mailbox.to_string());
        match self.request(visit, Request::PolicyShow { mailbox }).await? {
            Response::MailboxPolicy(view) => Ok(view),
            _ => Err(unexpected()),
        }
    }
}
