//! Who asks over the API, and what of what is asked and answered is theirs.
//!
//! # Security
//!
//! The one place where a caller's rights are looked at. A mailbox out of reach is refused in the same words
//! whether or not it exists, before the store is asked. Lists and the audit trail are cut to what is within
//! reach, with the places at which they go on.

use super::{Admin, AdminError, MailboxView, Request, Response};
use crate::{
    base::Mailbox,
    decision::api_token::{Rights, Scope},
    ports::trail::TrailEvent,
};

/// Somebody who may do something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Who, for the audit trail: `uid=0`, `token panel`.
    pub by: String,
    /// What they may do.
    pub rights: Rights,
}

impl Admin {
    /// Does a request of somebody, if they may. It needs this scope; `None` is for the machine's
    /// administrator only.
    ///
    /// # Errors
    ///
    /// As [`Admin::handle`], and when they may not: nothing was done then.
    pub async fn handle_for(
        &self,
        access: &Access,
        scope: Option<Scope>,
        request: Request,
    ) -> Result<Response, AdminError> {
        let Access { by, rights } = access;
        if !rights.allow(scope) {
            let scope = scope.map_or("none that a token has", Scope::as_str).to_owned();
            tracing::warn!(target: "mail2fa::admin", action = request.action(), %by, "refused: no scope");
            return Err(AdminError::NoScope { scope });
        }
        if !rights.are_limited() {
            return self.handle(request, by).await;
        }
        for typed in request.mailboxes() {
            if !rights.reach(&self.name(typed)?) {
                tracing::warn!(target: "mail2fa::admin", action = request.action(), %by, "refused: out of reach");
                return Err(AdminError::OutOfReach);
            }
        }
        if let Request::MailboxList { after, limit } = request {
            return self.list_within(after, limit, access).await;
        }
        self.handle(request, by).await.map(|response| within(rights, response))
    }

    /// A page of the mailboxes within reach. It goes on until there is one to show: a page without any
    /// would tell where the others are.
    async fn list_within(
        &self,
        mut after: Option<String>,
        limit: usize,
        access: &Access,
    ) -> Result<Response, AdminError> {
        loop {
            let asked = Request::MailboxList { after, limit };
            let Response::Mailboxes { mut mailboxes, next } =
                self.handle(asked, &access.by).await?
            else {
                return Err(AdminError::Storage { why: "a list is no list".into() });
            };
            mailboxes.retain(|view| reaches(&access.rights, &view.mailbox));
            match (next, mailboxes.last()) {
                (Some(next), None) => after = Some(next),
                (Some(_), Some(MailboxView { mailbox, .. })) => {
                    let next = Some(mailbox.clone());
                    return Ok(Response::Mailboxes { mailboxes, next });
                }
                (None, _) => return Ok(Response::Mailboxes { mailboxes, next: None }),
            }
        }
    }
}

fn reaches(rights: &Rights, name: &str) -> bool {
    Mailbox::new(name).is_ok_and(|mailbox| rights.reach(&mailbox))
}

/// The part of an answer that is within reach.
fn within(rights: &Rights, mut response: Response) -> Response {
    match &mut response {
        Response::Audit { events, .. } => events.retain(|view| shows(rights, &view.event)),
        Response::Policy(view) => {
            view.domains.retain(|domain| rights.domains.contains(&domain.name));
        }
        _ => {}
    }
    response
}

/// Whether all mailboxes that an event names are within reach.
fn shows(rights: &Rights, event: &TrailEvent) -> bool {
    let target = event.target.as_deref();
    !event.typed
        && event.mailbox.as_deref().is_some_and(|name| reaches(rights, name))
        && target.is_none_or(|name| reaches(rights, name))
}
