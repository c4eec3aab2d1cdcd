//! The audit trail: collects what happens, writes it down in batches, and reads it back.
//!
//! Login decisions come in through [`LoginLog`] and wait in memory, bounded, until
//! [`Recorder::flush`] writes them: a login neither waits for its event nor fails by it. What is
//! lost on the way is counted, and the count is an event too. Changes do not pass here; they note
//! themselves in their own write set (`service/admin/acting.rs`).
//!
//! Beside the events two things are kept of a mailbox: which programs use its bare password
//! (`programs.rs`), and how often a wrong code came with the right password (`wrong_codes.rs`).
//!
//! # Security
//!
//! Names, session and client ids come from strangers. They are cleaned and bounded before they are
//! kept. Whoever floods the trail without a password pushes out only events of his own kind (see
//! [`Lane`]), and of one mailbox only so many are kept of a day.

mod programs;
mod quota;
mod read;
mod summary;
mod wrong_codes;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

pub(crate) use programs::KIND as PROGRAMS_KIND;
pub use programs::{Program, Programs};
pub use read::{EventPage, EventQuery, WORDS, is_known_word};
pub use wrong_codes::WrongCodes;

use self::{programs::Inventory, quota::Quotas, wrong_codes::Signals};
use crate::{
    base::{
        Clock, Current, Mailbox, Service, UnixMillis,
        limits::{AUDIT_DETAIL_BYTES, AUDIT_QUEUE, AUDIT_TEXT_BYTES, CLOCK_LOST_SECONDS},
    },
    decision::{outcome::Method, refusal::Refusal, retention::TrailPolicy},
    ports::{
        audit::{LoginEvent, LoginLog, LoginResult},
        event::{EventKind, TrailEvent, clean, clean_name},
        store::{Store, StoreError},
        trail::{Lane, Trail, TrailQuery},
    },
};

/// Seconds between two log lines about lost events, and between two counts of what is beyond a
/// mailbox's share.
const TELL_SECONDS: u64 = 600;

/// Blocks that are read to find the time of the last event: the very last may be damaged.
const NEWEST_BLOCKS: usize = 8;

#[derive(Default)]
struct Queue {
    events: VecDeque<(Lane, TrailEvent)>,
    lost: u64,
    lost_told: Option<UnixMillis>,
}

/// The audit trail of a running program.
pub struct Recorder {
    store: Arc<dyn Store>,
    trail: Arc<dyn Trail>,
    clock: Arc<dyn Clock>,
    policy: Current<TrailPolicy>,
    /// The last time that is known; [`UnixMillis::default`] before there is one.
    known: Mutex<UnixMillis>,
    queue: Mutex<Queue>,
    quotas: Mutex<Quotas>,
    programs: Inventory,
    signals: Signals,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Recorder {
    /// Over a store and its trail.
    pub fn new(
        store: Arc<dyn Store>,
        trail: Arc<dyn Trail>,
        clock: Arc<dyn Clock>,
        policy: TrailPolicy,
    ) -> Self {
        Self {
            store,
            trail,
            clock,
            policy: Current::new(policy),
            known: Mutex::default(),
            queue: Mutex::default(),
            quotas: Mutex::default(),
            programs: Inventory::default(),
            signals: Signals::default(),
        }
    }

    /// What comes from now on is kept by this policy.
    pub fn set_policy(&self, policy: TrailPolicy) {
        self.policy.set(policy);
    }

    fn policy(&self) -> Arc<TrailPolicy> {
        self.policy.get()
    }

    /// The time, and whether it is not known: then it is the last one that was.
    fn time(&self) -> (UnixMillis, bool) {
        let mut known = lock(&self.known);
        let now = self.clock.now().ok().filter(|now| now.seconds() >= CLOCK_LOST_SECONDS);
        let lost = now.is_none();
        let time = now.unwrap_or(*known);
        *known = time;
        (time, lost)
    }

    fn now(&self) -> UnixMillis {
        self.time().0
    }

    /// When something that is noted now happens, and whether that is not known because the clock has lost
    /// its time. Then it is the time of the last event in the trail, so that the event has its place behind
    /// that one and is kept as long.
    pub async fn moment(&self) -> (UnixMillis, bool) {
        let (time, lost) = self.time();
        if !lost || time != UnixMillis::default() {
            return (time, lost);
        }
        let newest = TrailQuery {
            mailbox: None,
            lanes: Lane::ALL.to_vec(),
            before: None,
            since: UnixMillis::default(),
            most: NEWEST_BLOCKS,
        };
        let page = self.trail.read(&newest).await.unwrap_or_default();
        let newest = page.blocks.first().map(|block| block.stamp.at()).unwrap_or_default();
        // An empty trail: no earlier than any clock that is right.
        let newest = newest.max(UnixMillis::from_seconds(CLOCK_LOST_SECONDS));
        *lock(&self.known) = newest;
        (newest, true)
    }

    /// Writes down what waits. To be called again and again, by one caller at a time.
    pub async fn flush(&self) {
        self.write(false).await;
    }

    /// Writes down everything; for the end of the program.
    pub async fn finish(&self) {
        self.write(true).await;
    }

    async fn write(&self, all: bool) {
        let (now, _) = self.moment().await;
        let policy = self.policy();
        let (mut events, lost) = {
            let mut queue = lock(&self.queue);
            (std::mem::take(&mut queue.events), std::mem::take(&mut queue.lost))
        };
        // Those of logins that came before a time was known.
        for (_, event) in events.iter_mut().filter(|(_, event)| event.at == 0) {
            event.at = now.millis();
        }
        for (lane, mailbox, count) in lock(&self.quotas).beyond(now, all) {
            events.push_back((lane, more(now, &mailbox, count)));
        }
        if lost > 0 {
            events.push_back((Lane::SignIn, lost_events(now, lost)));
        }
        for lane in Lane::ALL {
            let own = events.iter().filter(|(other, _)| *other == lane);
            let own: Vec<_> = own.map(|(_, event)| event.clone()).collect();
            if own.is_empty() {
                continue;
            }
            // A count of lost events that is lost itself is counted on.
            let count = own.iter().map(worth).sum();
            if let Err(error) = self.trail.append(lane, own).await {
                self.note_loss(count, now, &error);
            }
        }
        self.signals.write(self.store.as_ref(), now).await;
        if let Some(kept) = policy.programs {
            self.programs.write(self.store.as_ref(), now, kept, all).await;
        }
    }

    fn note_loss(&self, count: u64, now: UnixMillis, error: &StoreError) {
        let mut queue = lock(&self.queue);
        queue.lost = queue.lost.saturating_add(count);
        if due(queue.lost_told, now) {
            queue.lost_told = Some(now);
            tracing::warn!(%error, events = queue.lost, "login events are missing in the audit trail");
        }
    }

    /// Removes what is older, or more, than is to be kept.
    ///
    /// # Errors
    ///
    /// What the store says; the next call goes on.
    pub async fn expire(&self) -> Result<(), StoreError> {
        let policy = self.policy();
        let (now, lost) = self.time();
        // A wrong clock must not remove anything.
        if lost {
            return Ok(());
        }
        for lane in Lane::ALL {
            let (kept, total) = match lane {
                Lane::Change => (policy.changes, u64::MAX),
                Lane::SignIn | Lane::Refused => (Some(policy.logins.unwrap_or(0)), policy.total),
            };
            let Some(kept) = kept else { continue };
            let before = now.millis().saturating_sub(kept.saturating_mul(1_000));
            let before = UnixMillis::from_millis(before);
            while self.trail.expire(lane, before, total).await?.more {}
        }
        Ok(())
    }

    /// Wrong codes that came with the right password of a mailbox.
    ///
    /// # Errors
    ///
    /// What the store says.
    pub async fn wrong_codes(&self, mailbox: &Mailbox) -> Result<Option<WrongCodes>, StoreError> {
        self.signals.read(self.store.as_ref(), mailbox, self.now()).await
    }

    /// The programs that use the bare password of a mailbox, the latest first.
    ///
    /// # Errors
    ///
    /// What the store says.
    pub async fn programs(&self, mailbox: &Mailbox) -> Result<Programs, StoreError> {
        let kept = self.policy().programs.unwrap_or(0);
        self.programs.read(self.store.as_ref(), mailbox, self.now(), kept).await
    }

    /// Forgets what waits for a mailbox that is removed or renamed. What is stored goes with the
    /// write set of that change, see [`Recorder::summaries`].
    pub fn forget(&self, mailbox: &Mailbox) {
        self.programs.forget(mailbox);
        self.signals.forget(mailbox);
    }

    /// The entries that summarise a mailbox's logins.
    pub fn summaries(mailbox: &Mailbox) -> [crate::ports::store::EntryKey; 2] {
        [programs::key(mailbox), wrong_codes::key(mailbox)]
    }

    fn queue(&self, lane: Lane, event: TrailEvent, now: UnixMillis) {
        let mut queue = lock(&self.queue);
        if queue.events.len() >= AUDIT_QUEUE {
            queue.lost = queue.lost.saturating_add(1);
            if due(queue.lost_told, now) {
                queue.lost_told = Some(now);
                tracing::warn!(
                    "login events come faster than the audit trail is written; some are lost"
                );
            }
            return;
        }
        queue.events.push_back((lane, event));
    }
}

impl LoginLog for Recorder {
    fn login(&self, event: &LoginEvent<'_>) {
        let policy = self.policy();
        let (now, lost) = self.time();
        let mailbox = (!event.typed).then(|| Mailbox::new(event.mailbox).ok()).flatten();
        if let Some(mailbox) = &mailbox {
            match event.result {
                LoginResult::Accepted(Method::Password)
                    if event.target.is_none()
                        && !matches!(event.service, Service::Panel | Service::Webmail)
                        && policy.programs.is_some() =>
                {
                    self.programs.note(mailbox, event, now);
                }
                LoginResult::Refused(Refusal::WrongCode) => self.signals.note(mailbox, now),
                LoginResult::Accepted(_)
                | LoginResult::Refused(_)
                | LoginResult::Unavailable(_) => {}
            }
        }
        if policy.logins.is_none() {
            return;
        }
        let lane = lane(event.result);
        let name = mailbox.as_ref().map_or("", Mailbox::as_str);
        if !name.is_empty() && !lock(&self.quotas).admits(lane, name, policy.per_mailbox, now) {
            return;
        }
        let mut noted = login(event, mailbox.is_none(), now);
        noted.time_unknown = lost;
        self.queue(lane, noted, now);
    }
}

fn due(told: Option<UnixMillis>, now: UnixMillis) -> bool {
    told.is_none_or(|told| now >= told.plus_seconds(TELL_SECONDS) || now < told)
}

/// Which lane a login belongs to. Only what nobody can cause without the password is kept apart.
fn lane(result: LoginResult<'_>) -> Lane {
    match result {
        LoginResult::Accepted(_) => Lane::SignIn,
        LoginResult::Refused(refusal) if refusal.needs_right_password() => Lane::SignIn,
        LoginResult::Refused(_) | LoginResult::Unavailable(_) => Lane::Refused,
    }
}

/// The event of a login.
fn login(event: &LoginEvent<'_>, typed: bool, now: UnixMillis) -> TrailEvent {
    let (result, reason, detail) = match event.result {
        LoginResult::Accepted(method) => ("accepted", method.as_str(), None),
        LoginResult::Refused(refusal) => ("refused", refusal.as_str(), None),
        LoginResult::Unavailable(why) => {
            ("unavailable", "temp_fail", Some(clean(why, AUDIT_DETAIL_BYTES)))
        }
    };
    let text = |text: &str| Some(clean(text, AUDIT_TEXT_BYTES));
    TrailEvent {
        at: now.millis(),
        kind: EventKind::Login,
        mailbox: (!event.mailbox.is_empty()).then(|| clean_name(event.mailbox)),
        typed,
        target: event.target.map(clean_name),
        result: Some(result.into()),
        reason: Some(reason.into()),
        service: text(event.service.as_str()),
        from: event.remote.ip().map(|ip| ip.to_string()),
        listener: text(event.listener),
        mechanism: text(event.mechanism),
        session: event.session.and_then(text),
        client: event.client.and_then(text),
        would_refuse: event.would_refuse.map(|refusal| refusal.as_str().into()),
        duration_ms: Some(event.duration_ms),
        detail,
        ..TrailEvent::default()
    }
}

fn more(now: UnixMillis, mailbox: &str, count: u64) -> TrailEvent {
    TrailEvent {
        at: now.millis(),
        kind: EventKind::More,
        mailbox: Some(mailbox.to_owned()),
        count: Some(count),
        ..TrailEvent::default()
    }
}

fn lost_events(now: UnixMillis, count: u64) -> TrailEvent {
    TrailEvent {
        at: now.millis(),
        kind: EventKind::Lost,
        count: Some(count),
        ..TrailEvent::default()
    }
}

/// How many logins an event stands for.
fn worth(event: &TrailEvent) -> u64 {
    match event.kind {
        EventKind::Login | EventKind::Change => 1,
        EventKind::Lost | EventKind::More => event.count.unwrap_or(1),
    }
}
