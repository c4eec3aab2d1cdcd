//! The use-case "is this owner told": what the store remembers of notices, and what they need from it.
//!
//! It writes no text and sends nothing; the adapter that does asks here first, and says afterwards
//! what was sent. What the store cannot tell is answered with "send": one notice too many rather
//! than none.

use std::sync::Arc;

use crate::{
    base::{Mailbox, Secret, UnixMillis},
    decision::notice::{NoticeKind, Tally, Verdict},
    ports::{
        notice::{Notice, What},
        store::{Change, Entry, EntryKey, Store},
    },
};

/// What is remembered, over a store.
#[derive(Clone)]
pub struct Notices {
    store: Arc<dyn Store>,
}

impl Notices {
    /// Over a store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// Whether the notice is to be sent now. One caller at a time.
    ///
    /// It goes by the moment of asking, not by that of the event: events that waited while their
    /// owner was told are older than that.
    pub async fn admit(&self, notice: &Notice, now: UnixMillis) -> Verdict {
        let kind = notice.what.kind();
        if kind == NoticeKind::Test {
            return Verdict::Send;
        }
        let mut tally = match self.tally(&notice.mailbox, kind, now).await {
            Ok(tally) => tally,
            Err(error) => {
                tracing::warn!(mailbox = %notice.mailbox, kind = kind.as_str(), %error,
                    "it is not known whether the owner was told of this lately");
                return Verdict::Send;
            }
        };
        let verdict = tally.event(kind, now);
        // The others are counted when they were sent.
        if kind == NoticeKind::WrongCodes {
            self.keep(&notice.mailbox, kind, Some(tally)).await;
        }
        verdict
    }

    /// The notice was sent at this moment, and is not sent again for some time. Switching on begins
    /// anew: nothing that was told before keeps a notice back.
    pub async fn sent(&self, notice: &Notice, now: UnixMillis) {
        let kind = notice.what.kind();
        if kind == NoticeKind::Test {
            return;
        }
        let mut tally = self.tally(&notice.mailbox, kind, now).await.unwrap_or_default();
        // Where the count could not be read, or its day is over, it begins with this one.
        let _: Verdict = tally.event(kind, now);
        tally.told(kind, now);
        self.keep(&notice.mailbox, kind, Some(tally)).await;
        if kind == NoticeKind::SecondFactorOn {
            self.keep(&notice.mailbox, NoticeKind::WrongCodes, None).await;
        }
    }

    /// How many recovery codes the mailbox has left now, if that is to be told and known.
    pub async fn left(&self, notice: &Notice) -> Option<usize> {
        match notice.what {
            What::RecoveryCodeUsed(_) => {
                let found = self.store.load(&notice.mailbox).await.ok()?;
                found.map(|found| found.value.recovery.len())
            }
            What::SecondFactorOn
            | What::SecondFactorOff
            | What::SecondFactorMoved
            | What::SecondFactorRequired { from: _, days: _ }
            | What::AppPasswordAdded { name: _ }
            | What::RecoveryCodesReplaced
            | What::WrongCode(_)
            | What::Test => None,
        }
    }

    async fn tally(
        &self,
        mailbox: &Mailbox,
        kind: NoticeKind,
        now: UnixMillis,
    ) -> Result<Tally, String> {
        let found = self.store.load_entry(&key(mailbox, kind), now).await;
        match found.map_err(|error| error.to_string())? {
            None => Ok(Tally::default()),
            Some(entry) => Tally::decode(entry.value.value.expose())
                .ok_or_else(|| "what was kept cannot be read".to_owned()),
        }
    }

    async fn keep(&self, mailbox: &Mailbox, kind: NoticeKind, tally: Option<Tally>) {
        let entry = tally.map(|tally| Entry {
            value: Secret::from_vec(tally.encode()),
            expires: tally.expires(),
        });
        let change = Change::Entry { key: key(mailbox, kind), expect: None, entry };
        if let Err(error) = self.store.commit(vec![change]).await {
            tracing::warn!(%mailbox, kind = kind.as_str(), %error,
                "it could not be kept what the owner was told of: this may be told again");
        }
    }
}

fn key(mailbox: &Mailbox, kind: NoticeKind) -> EntryKey {
    EntryKey { kind: "notice", mailbox: mailbox.clone(), id: kind.as_str().to_owned() }
}
