//! The use-case "a second factor will be required soon": goes through all mailboxes, and has the owners
//! of those without one told, so many days before.
//!
//! A round goes page by page, so that it never holds up logins: whoever drives it pauses in between. What was told
//! is in the store, so a restart neither tells twice nor leaves anybody out; what the mail server does
//! not take now is told in a later round. Where passwords are Dovecot's, mailboxes without a record are
//! known by their logins only (the programs with the bare password, `trail/programs.rs`).

use std::sync::Arc;

use super::trail::PROGRAMS_KIND;
use crate::{
    base::{
        Clock, Mailbox, Secret, UnixMillis,
        limits::{REMINDER_FAILURES, REMINDER_PAGE},
    },
    decision::{
        enforcement::EnforcementPolicy,
        record::MailboxRecord,
        reminder::{Reminded, Schedule, days_until},
    },
    ports::{
        notice::{Delivery, Notice, Notifier, What},
        store::{Change, Entry, EntryKey, Store, StoreError},
    },
};

/// What is told of, and when.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Who must have a second factor, and from when on.
    pub enforcement: EnforcementPolicy,
    /// How many days before.
    pub schedule: Schedule,
    /// Whether a mailbox may be there without a record: where passwords are not our own.
    pub without_record: bool,
}

/// Why a page was not finished. The round goes on there when it is asked again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Interrupted {
    /// No page.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No time.
    #[error("the clock is wrong: {0}")]
    Clock(String),
    /// The mail server took none of several in a row.
    #[error("the mail server takes nothing: {0}")]
    Relay(String),
    /// Nobody is told of this any more.
    #[error("these notices were switched off")]
    Off,
    /// It was asked to end.
    #[error("the daemon stops")]
    Stopping,
}

/// Which mailboxes are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Records,
    Logins,
    Done,
}

/// One way through all mailboxes.
#[derive(Debug, Default)]
pub struct Round {
    stage: Stage,
    after: Option<Mailbox>,
    in_a_row: usize,
    told: usize,
    not_now: usize,
}

impl Round {
    /// Whether all were looked at.
    pub fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    /// Owners that were told.
    pub fn told(&self) -> usize {
        self.told
    }

    /// Owners that are to be told in another round: the mail server did not take it, or their record could
    /// not be read.
    pub fn not_now(&self) -> usize {
        self.not_now
    }

    fn next_stage(&mut self, plan: &Plan) {
        self.after = None;
        // A mailbox without a record has no level of its own.
        let logins = plan.without_record && plan.enforcement.names_a_date();
        self.stage = match self.stage {
            Stage::Records if logins => Stage::Logins,
            Stage::Records | Stage::Logins | Stage::Done => Stage::Done,
        };
    }
}

/// Goes through the mailboxes.
pub struct Reminders {
    store: Arc<dyn Store>,
    notifier: Arc<dyn Notifier>,
    clock: Arc<dyn Clock>,
}

impl Reminders {
    /// Over a store, telling by this notifier.
    pub fn new(store: Arc<dyn Store>, notifier: Arc<dyn Notifier>, clock: Arc<dyn Clock>) -> Self {
        Self { store, notifier, clock }
    }

    /// Where it is kept what the owner of a mailbox was told.
    pub fn key(mailbox: &Mailbox) -> EntryKey {
        EntryKey { kind: "reminder", mailbox: mailbox.clone(), id: String::new() }
    }

    /// Looks at the next page of mailboxes. `stop` is asked before each of them: a mail that is on its way is
    /// waited for, so that it is remembered.
    ///
    /// # Errors
    ///
    /// Why it ended early. Whoever was told stays told.
    pub async fn page(
        &self,
        plan: &Plan,
        round: &mut Round,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<(), Interrupted> {
        let after = round.after.clone();
        match round.stage {
            Stage::Done => Ok(()),
            Stage::Records => {
                let page = self.store.page(after.as_ref(), REMINDER_PAGE).await?;
                if page.is_empty() {
                    round.next_stage(plan);
                    return Ok(());
                }
                for (mailbox, found) in page {
                    if stop() {
                        return Err(Interrupted::Stopping);
                    }
                    match found {
                        Ok(found) => {
                            self.look(plan, round, &mailbox, Some(&found.value)).await?;
                        }
                        Err(_) => round.not_now += 1,
                    }
                    round.after = Some(mailbox);
                }
                Ok(())
            }
            Stage::Logins => {
                let page = self.store.entries(PROGRAMS_KIND, after.as_ref(), REMINDER_PAGE).await?;
                if page.is_empty() {
                    round.next_stage(plan);
                    return Ok(());
                }
                for mailbox in page {
                    if stop() {
                        return Err(Interrupted::Stopping);
                    }
                    match self.store.load(&mailbox).await {
                        // Looked at already, or made this moment.
                        Ok(Some(_)) => {}
                        Ok(None) => self.look(plan, round, &mailbox, None).await?,
                        Err(StoreError::Damaged(_)) => round.not_now += 1,
                        Err(error) => return Err(error.into()),
                    }
                    round.after = Some(mailbox);
                }
                Ok(())
            }
        }
    }

    /// One mailbox. An error stops the round before it is looked at again; after several that the mail
    /// server did not take, behind it, so that they keep nobody else from being told.
    async fn look(
        &self,
        plan: &Plan,
        round: &mut Round,
        mailbox: &Mailbox,
        record: Option<&MailboxRecord>,
    ) -> Result<(), Interrupted> {
        let now = self.clock.now().map_err(|error| Interrupted::Clock(error.to_string()))?;
        let Some(from) = plan.enforcement.will_require(mailbox, record, now) else { return Ok(()) };
        let Some(step) = plan.schedule.step(from, now) else { return Ok(()) };
        let next = Reminded::new(from, step);
        if !next.is_news_after(self.reminded(mailbox, now).await?) {
            return Ok(());
        }
        let what = What::SecondFactorRequired { from, days: days_until(from, now) };
        let notice = Notice { mailbox: mailbox.clone(), at: now, what };
        match self.notifier.tell(&notice).await {
            Delivery::Sent => round.told += 1,
            // Said in the log; it would be said there each time.
            Delivery::Never(_) => {}
            Delivery::Off => return Err(Interrupted::Off),
            Delivery::Later(why) => {
                round.not_now += 1;
                round.in_a_row += 1;
                if round.in_a_row < REMINDER_FAILURES {
                    return Ok(());
                }
                round.in_a_row = 0;
                round.after = Some(mailbox.clone());
                return Err(Interrupted::Relay(why));
            }
        }
        round.in_a_row = 0;
        self.keep(mailbox, next).await;
        Ok(())
    }

    /// What was told last. What cannot be read is told once more rather than not at all.
    async fn reminded(
        &self,
        mailbox: &Mailbox,
        now: UnixMillis,
    ) -> Result<Option<Reminded>, StoreError> {
        match self.store.load_entry(&Self::key(mailbox), now).await {
            Ok(found) => Ok(found.and_then(|found| Reminded::decode(found.value.value.expose()))),
            Err(StoreError::Damaged(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn keep(&self, mailbox: &Mailbox, told: Reminded) {
        let entry = Entry { value: Secret::from_vec(told.encode()), expires: told.expires() };
        let change = Change::Entry { key: Self::key(mailbox), expect: None, entry: Some(entry) };
        if let Err(error) = self.store.commit(vec![change]).await {
            tracing::warn!(%mailbox, %error,
                "it could not be kept what the owner was told of: this may be told again");
        }
    }
}
