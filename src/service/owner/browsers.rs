//! Browsers that are signed in to the panel of a mailbox: its owner sees them, and ends one.
//!
//! # Security
//!
//! What names one here is the keyed hash that its session is stored under, which is worth nothing without the
//! token. Only sessions of the visitor's own mailbox can be named. One that is ended gets no other in its
//! place, also if it asks for one at that moment (`service::behalf`).

use std::cmp::Reverse;

use super::{Owner, OwnerError, Visit, session::read};
use crate::{
    base::limits::{ADMIN_ATTEMPTS, SCAN_PAGE},
    decision::panel::is_name,
    ports::{
        event::TrailEvent,
        store::{Change, Commit, EntryKey, Expect},
    },
    service::admin::{AdminError, UseView},
};

/// The word for what is done, as for a mail program's.
const ACTION: &str = "session revoke";

/// A browser that is signed in to the panel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowserView {
    /// Names it within the mailbox.
    pub id: String,
    /// The sign-in.
    pub opened: UseView,
    /// Its last use, to an eighth of the idle time, seconds since 1970.
    pub last_use: u64,
    /// When it ends if it is not used again, seconds since 1970.
    pub ends: u64,
    /// Whether it came by a link, without a password.
    pub by_link: bool,
    /// Whether it is the one that asks.
    pub own: bool,
}

impl Owner {
    /// Those that are signed in, the visitor's first, then the latest first.
    ///
    /// # Errors
    ///
    /// See [`OwnerError`].
    pub async fn browsers(&self, visit: &Visit) -> Result<Vec<BrowserView>, OwnerError> {
        self.signed_in(visit).await?;
        let now = self.now().map_err(OwnerError::Unavailable)?;
        let (admin, policy) = (self.admin(), self.parts().policy);
        let own = self.key(&visit.ticket);
        let found = admin.store.entries_of(own.kind, &own.mailbox, now, SCAN_PAGE).await?;
        let mut browsers = Vec::new();
        for (id, entry) in found {
            // One that cannot be read lets nobody in.
            let Ok(session) = read(&entry) else { continue };
            if session.is_live(&policy, &visit.session.standing, now) {
                browsers.push(BrowserView {
                    own: id == own.id,
                    id,
                    opened: UseView::of(&session.opening()),
                    last_use: session.last_use.seconds(),
                    ends: session.expires(&policy).seconds(),
                    by_link: session.by_link.is_some(),
                });
            }
        }
        browsers.sort_by_key(|browser| (!browser.own, Reverse(browser.opened.at)));
        Ok(browsers)
    }

    /// Ends one; one that is not there has ended.
    ///
    /// # Errors
    ///
    /// See [`OwnerError`].
    pub async fn end_browser(&self, visit: &Visit, id: &str) -> Result<(), OwnerError> {
        let own = self.key(&visit.ticket);
        if id == own.id {
            return self.sign_out([&visit.ticket]).await;
        }
        if !is_name(id) {
            return Ok(());
        }
        let key = EntryKey { id: id.to_owned(), ..own };
        let admin = self.admin();
        for _ in 0..ADMIN_ATTEMPTS {
            self.signed_in(visit).await?;
            let now = self.now().map_err(OwnerError::Unavailable)?;
            let Some(found) = admin.store.load_entry(&key, now).await? else { return Ok(()) };
            let from = read(&found.value)?.from;
            let expect = Some(Expect::Version(found.version));
            let mut changes = vec![Change::Entry { key: key.clone(), expect, entry: None }];
            match admin.on_behalf(&self.behalf(visit), &mut changes).await {
                Ok(()) => {}
                Err(AdminError::Busy) => continue,
                Err(error) => return Err(error.into()),
            }
            let by = Self::by(visit);
            let note = TrailEvent::change(now, &visit.mailbox, &by, ACTION)
                .with_detail(&format!("a browser's at the panel, from {from}"));
            changes.push(Change::Note(Box::new(note)));
            if let Commit::Done(_) = admin.store.commit(changes).await? {
                let mailbox = &visit.mailbox;
                tracing::info!(target: "mail2fa::admin", action = ACTION, %mailbox, %by, "changed");
                self.forget_shown_of(id);
                return Ok(());
            }
        }
        Err(AdminError::Busy.into())
    }
}
