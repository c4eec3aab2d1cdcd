//! Sessions: list, revoke. And the lock, which lets nobody in.

use super::{AdminError, Response, SessionView, UseView, acting::Acting, change::Missing};
use crate::decision::session::Session;

impl Acting<'_> {
    /// Those that live.
    pub(super) async fn list_sessions(&self, typed: &str) -> Result<Response, AdminError> {
        let mailbox = self.name(typed)?;
        let now = self.now()?;
        let found = self.known(&mailbox).await?;
        let sessions = found.map(|found| found.value.sessions).unwrap_or_default();
        let live = sessions.iter().filter(|session| session.is_live(now));
        Ok(Response::Sessions { mailbox: mailbox.to_string(), sessions: live.map(view).collect() })
    }

    /// Ends one, or all; how many of those lived.
    pub(super) async fn revoke_sessions(
        &self,
        typed: &str,
        id: Option<u64>,
    ) -> Result<Response, AdminError> {
        let mailbox = self.name(typed)?;
        let now = self.now()?;
        let count = self
            .change(&mailbox, Missing::Refuse, |record| {
                let wanted = |session: &Session| id.is_none_or(|id| session.id == id);
                let live = |session: &&Session| wanted(session) && session.is_live(now);
                let count = record.sessions.iter().filter(live).count();
                if let (Some(id), 0) = (id, count) {
                    return Err(AdminError::NoSession { mailbox: mailbox.to_string(), id });
                }
                record.sessions.retain(|session| !wanted(session));
                let which = id.map_or_else(|| format!("all {count}"), |id| id.to_string());
                Ok((count, which))
            })
            .await?;
        Ok(Response::SessionsRevoked { mailbox: mailbox.to_string(), count })
    }

    /// Ends all, those to the User Panel too; how many of mail programs lived.
    pub(super) async fn end_sign_ins(&self, typed: &str) -> Result<Response, AdminError> {
        let mailbox = self.name(typed)?;
        let now = self.now()?;
        let count = self
            .change_with(&mailbox, Missing::Make, &[self.begin_era(&mailbox)?], |record| {
                let count = record.sessions.iter().filter(|session| session.is_live(now)).count();
                record.sessions.clear();
                Ok((count, format!("{count} of mail programs, and all of the panel")))
            })
            .await?;
        Ok(Response::SessionsRevoked { mailbox: mailbox.to_string(), count })
    }

    /// Lets nobody in from now on, and ends all sessions.
    pub(super) async fn lock(&self, typed: &str) -> Result<Response, AdminError> {
        let mailbox = self.name(typed)?;
        let now = self.now()?;
        self.change(&mailbox, Missing::Make, |record| {
            if record.locked.is_some() {
                return Err(AdminError::AlreadyLocked { mailbox: mailbox.to_string() });
            }
            record.locked = Some(now);
            record.sessions.clear();
            Ok(((), String::new()))
        })
        .await?;
        Ok(Response::Locked { mailbox: mailbox.to_string() })
    }

    /// Lets in again who has what it takes.
    pub(super) async fn unlock(&self, typed: &str) -> Result<Response, AdminError> {
        let mailbox = self.name(typed)?;
        self.change(&mailbox, Missing::Make, |record| match record.locked.take() {
            Some(_) => Ok(((), String::new())),
            None => Err(AdminError::NotLocked { mailbox: mailbox.to_string() }),
        })
        .await?;
        Ok(Response::Unlocked { mailbox: mailbox.to_string() })
    }
}

fn view(session: &Session) -> SessionView {
    let idle_end = session.last_use.at.plus_seconds(session.idle_seconds);
    SessionView {
        id: session.id,
        opened: UseView::of(&session.opened),
        last_use: UseView::of(&session.last_use),
        ends: session.ends.min(idle_end).seconds(),
        webmail: session.webmail.as_ref().map(|grant| grant.webmail.clone()),
    }
}
