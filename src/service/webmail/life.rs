//! More time for a token, and its end.
//!
//! # Security
//!
//! To refresh is not to sign in again: it moves the idle end only, never the absolute one.

use super::{Life, Webmail, WebmailError};
use crate::{
    base::{Mailbox, Secret, UnixMillis, limits::ADMIN_ATTEMPTS},
    decision::{
        record::{MailboxRecord, Versioned},
        session::Session,
        webmail::{self, Found, TypedWebmailToken},
    },
    ports::{
        event::TrailEvent,
        store::{Change, Commit, Expect},
    },
    service::admin::{Access, Admin},
};

impl Webmail {
    /// Counts as a use of a token, for a webmail whose user is there and asks for no mail; `None` if it is
    /// none, or has ended.
    ///
    /// # Errors
    ///
    /// See [`WebmailError`].
    pub async fn refresh(
        &self,
        name: &[u8],
        token: &Secret,
        access: &Access,
    ) -> Result<Option<Life>, WebmailError> {
        let admin = self.admin();
        let policy = self.authenticator.policy();
        let mailbox = mailbox(admin, name)?;
        let Some(typed) = TypedWebmailToken::parse(token) else { return Ok(None) };
        for _ in 0..ADMIN_ATTEMPTS {
            let at = now(admin)?;
            let Some(found) = admin.store.load(&mailbox).await? else { return Ok(None) };
            let Ok(token) =
                webmail::find(&policy.webmail, &typed, &found.value, &mailbox, &policy.key, at)
            else {
                return Ok(None);
            };
            if !token.rule.is_asked_by(access.token.as_deref()) {
                return Err(WebmailError::OtherToken);
            }
            let (session, life, stale) = refreshed(&token, at);
            if !stale {
                return Ok(Some(life));
            }
            let Versioned { value: mut record, version } = found;
            if let Some(kept) = record.sessions.iter_mut().find(|kept| kept.id == session) {
                kept.last_use.at = at;
            }
            let change = change(&mailbox, record, version);
            if let Commit::Done(_) = admin.store.commit(vec![change]).await? {
                return Ok(Some(life));
            }
        }
        Err(WebmailError::Unavailable("the mailbox's record changes all the time".into()))
    }

    /// Ends a token; whether there was one.
    ///
    /// # Errors
    ///
    /// See [`WebmailError`].
    pub async fn revoke(
        &self,
        name: &[u8],
        token: &Secret,
        access: &Access,
    ) -> Result<bool, WebmailError> {
        let admin = self.admin();
        let mailbox = mailbox(admin, name)?;
        let Some(typed) = TypedWebmailToken::parse(token) else { return Ok(false) };
        let digest = typed.digest(&mailbox, &admin.key);
        for _ in 0..ADMIN_ATTEMPTS {
            let Some(found) = admin.store.load(&mailbox).await? else { return Ok(false) };
            let Versioned { value: mut record, version } = found;
            let ends = |s: &Session| s.webmail.is_some() && s.digest == digest;
            let ended = record.sessions.iter().find(|s| ends(s));
            let Some(grant) = ended.and_then(|s| s.webmail.as_ref()) else { return Ok(false) };
            if !self.is_asked_by(&grant.webmail, access) {
                return Err(WebmailError::OtherToken);
            }
            // Also one whose time is over: nothing of it is to be left.
            record.sessions.retain(|s| !ends(s));
            let note = TrailEvent::change(now(admin)?, &mailbox, &access.by, "webmail log-out")
                .with_detail(&typed.id.to_string());
            let record = admin.worth_keeping(record).map(Box::new);
            let expect = Expect::Version(version);
            let change = Change::Mailbox { mailbox: mailbox.clone(), expect, record };
            let changes = vec![change, Change::Note(Box::new(note))];
            if let Commit::Done(_) = admin.store.commit(changes).await? {
                return Ok(true);
            }
        }
        Err(WebmailError::Unavailable("the mailbox's record changes all the time".into()))
    }
}

/// The session of a token that lives, how long it will if it is used now, and whether that is worth
/// writing down.
fn refreshed(found: &Found<'_>, at: UnixMillis) -> (u64, Life, bool) {
    let stale = found.rule.is_stale(found.session, at);
    let mut session = found.session.clone();
    if stale {
        session.last_use.at = at;
    }
    let expires = found.rule.expires(&session);
    let absolute = session.opened.at.plus_seconds(found.rule.absolute_seconds);
    (session.id, Life { expires, ends: session.ends.min(absolute) }, stale)
}

fn change(
    mailbox: &Mailbox,
    record: MailboxRecord,
    version: crate::decision::record::Version,
) -> Change {
    let (mailbox, expect) = (mailbox.clone(), Expect::Version(version));
    Change::Mailbox { mailbox, expect, record: Some(Box::new(record)) }
}

fn mailbox(admin: &Admin, name: &[u8]) -> Result<Mailbox, WebmailError> {
    admin.names.canonical(name).map_err(|error| WebmailError::BadName(error.to_string()))
}

fn now(admin: &Admin) -> Result<UnixMillis, WebmailError> {
    admin.clock.now().map_err(|error| WebmailError::Unavailable(error.to_string()))
}
