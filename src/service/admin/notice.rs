//! What owners are told of changes, and the test whether they are told.
//!
//! A change is on disk before its owner is told of it, and stands whatever becomes of the notice.

use super::{Admin, AdminError, Response};
use crate::{
    base::Mailbox,
    ports::notice::{Notice, What},
};

impl Admin {
    /// Tells the owner. Neither waits nor fails.
    pub(super) fn tell_owner(&self, mailbox: &Mailbox, what: What) {
        // Without a clock nothing is decided; a notice that does not say when is better than none.
        let at = self.clock.now().unwrap_or_default();
        self.notifier.notify(Notice { mailbox: mailbox.clone(), at, what });
    }

    /// Sends a test notice and waits for what comes of it. The mailbox needs no record.
    pub(super) async fn test_notice(&self, typed: &str) -> Result<Response, AdminError> {
        let mailbox = self.name(typed)?;
        let notice = Notice { mailbox, at: self.now()?, what: What::Test };
        match self.notifier.try_now(&notice).await {
            Ok(()) => Ok(Response::NoticeSent { mailbox: notice.mailbox.to_string() }),
            Err(why) => Err(AdminError::NoticeNotSent { why }),
        }
    }
}
