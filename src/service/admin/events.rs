//! The audit trail and the programs with the bare password, as they may be seen.

use super::{AdminError, AuditWanted, EventView, Response, acting::Acting, error::page_of};
use crate::{
    base::{UnixMillis, limits::AUDIT_PAGE},
    service::trail::{EventQuery, is_known_word},
};

impl Acting<'_> {
    /// Some events, newest first.
    pub(super) async fn events(&self, wanted: AuditWanted) -> Result<Response, AdminError> {
        let mailbox = wanted.mailbox.as_deref().map(|typed| self.name(typed)).transpose()?;
        if wanted.kind.as_deref().is_some_and(|word| !is_known_word(word)) {
            return Err(AdminError::BadKind);
        }
        let query = EventQuery {
            mailbox,
            word: wanted.kind,
            since: wanted.since.map(UnixMillis::from_millis),
            until: wanted.until.map(UnixMillis::from_millis),
            before: wanted.after,
            most: page_of(wanted.limit, AUDIT_PAGE)?,
        };
        let page = self.trail.events(&query).await?.ok_or(AdminError::BadCursor)?;
        Ok(Response::Audit {
            events: page.events.into_iter().map(|(id, event)| EventView { id, event }).collect(),
            next: page.next,
            unreadable: page.unreadable,
        })
    }

    /// Which programs use the bare password. A mailbox needs no record for it.
    pub(super) async fn programs(&self, typed: &str) -> Result<Response, AdminError> {
        let mailbox = self.name(typed)?;
        let programs = self.trail.programs(&mailbox).await?;
        let enrolled = self.record(&mailbox).await?.is_some_and(|found| found.value.is_enrolled());
        Ok(Response::Programs { mailbox: mailbox.to_string(), totp: enrolled, programs })
    }
}
