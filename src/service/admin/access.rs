//! Who asks over the API, and what of what is asked and answered is theirs.
//!
//! # Security
//!
//! The one place where a caller's rights are looked at. A mailbox out of reach is refused in the same words
//! whether or not it exists, before the store is asked. Lists and the audit trail are cut to what is within
//! reach, with the places at which they go on.

use super::{Admin, AdminError, MailboxView, Request, Response, error::page_of};
use crate::{
    base::{
        Mailbox,
        limits::{ADMIN_LIST_PAGES, ADMIN_PAGE},
    },
    decision::{
        api_token::{Rights, Scope},
        cursor,
    },
    ports::event::TrailEvent,
};

/// Somebody who may do something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Who, for the audit trail: `uid=0`, `token panel`.
    pub by: String,
    /// The name of the API token they brought; `None` on the control socket.
    pub token: Option<String>,
    /// What they may do.
    pub rights: Rights,
}

impl Access {
    /// Whether they may do what needs this scope; `None` is what no token may.
    ///
    /// # Errors
    ///
    /// [`AdminError::NoScope`]
    pub fn needs(&self, scope: Option<Scope>) -> Result<(), AdminError> {
        if self.rights.allow(scope) {
            return Ok(());
        }
        let scope = scope.map_or("", Scope::as_str).to_owned();
        Err(AdminError::NoScope { scope })
    }
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
        let Access { by, rights, token: _ } = access;
        if let Err(error) = access.needs(scope) {
            tracing::warn!(target: "mail2fa::admin", action = request.action(), %by, "refused: no scope");
            return Err(error);
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

    /// A page of the mailboxes within reach. It looks through whole pages, but only so many: what is not
    /// full by then goes on at a place that is sealed, since it names a mailbox that may not be shown.
    async fn list_within(
        &self,
        after: Option<String>,
        limit: usize,
        access: &Access,
    ) -> Result<Response, AdminError> {
        let limit = page_of(limit, ADMIN_PAGE)?;
        let mut place = after.map(|text| self.place(text, &access.by)).transpose()?;
        let mut found: Vec<MailboxView> = Vec::new();
        for _ in 0..ADMIN_LIST_PAGES {
            let asked = Request::MailboxList { after: place, limit: ADMIN_PAGE };
            let Response::Mailboxes { mailboxes, next } = self.handle(asked, &access.by).await?
            else {
                return Err(AdminError::Storage { why: "a list is no list".into() });
            };
            let within = mailboxes.into_iter().filter(|v| reaches(&access.rights, &v.mailbox));
            found.extend(within);
            if found.len() > limit || (found.len() == limit && next.is_some()) {
                found.truncate(limit);
                let next = found.last().map(|view| view.mailbox.clone());
                return Ok(Response::Mailboxes { mailboxes: found, next });
            }
            if next.is_none() {
                return Ok(Response::Mailboxes { mailboxes: found, next: None });
            }
            place = next;
        }
        let next = place.map(|place| self.sealed(&place, &access.by)).transpose()?;
        Ok(Response::Mailboxes { mailboxes: found, next })
    }

    /// Where a list goes on.
    fn place(&self, text: String, by: &str) -> Result<String, AdminError> {
        if !cursor::is_sealed(&text) {
            return Ok(text);
        }
        let mailbox = cursor::open(&self.key, by, &text);
        let bad = || AdminError::BadName { why: "this is no place in the list".into() };
        mailbox.map(|mailbox| mailbox.to_string()).ok_or_else(bad)
    }

    fn sealed(&self, place: &str, by: &str) -> Result<String, AdminError> {
        let mut nonce = [0; cursor::NONCE_BYTES];
        self.random(&mut nonce)?;
        let sealed =
            Mailbox::new(place).ok().and_then(|at| cursor::seal(&self.key, by, &at, &nonce));
        sealed.ok_or_else(|| AdminError::Storage { why: "a place cannot be sealed".into() })
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A mailbox may have been renamed across the border by somebody who may, and what is typed as a name
    /// may be anything.
    #[test]
    fn an_event_is_shown_if_all_that_it_names_is_within_reach() {
        let rights = Rights { domains: vec!["example.org".into()], ..Rights::all() };
        let event = |mailbox: &str, target: Option<&str>, typed| TrailEvent {
            mailbox: Some(mailbox.into()),
            target: target.map(Into::into),
            typed,
            ..TrailEvent::default()
        };
        let (own, other) = ("alice@example.org", "alice@example.net");
        assert!(shows(&rights, &event(own, None, false)));
        assert!(shows(&rights, &event(own, Some("bob@example.org"), false)));
        assert!(!shows(&rights, &event(own, Some(other), false)));
        assert!(!shows(&rights, &event(other, Some(own), false)));
        assert!(!shows(&rights, &event(other, None, false)));
        assert!(!shows(&rights, &event(own, None, true)));
        assert!(!shows(&rights, &TrailEvent::default()));
    }
}
