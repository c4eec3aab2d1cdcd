//! Passwords that were found right a moment ago, in memory: a password source that need not be asked each
//! time.
//!
//! It decides nothing: which question may be answered so, and for how long, is `decision::recall`'s.
//! Nothing is written down, so a restart knows nothing of it.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use quick_cache::unsync::Cache;

use crate::{
    base::{Clock, Mailbox, UnixMillis, limits::RECENT_PASSWORDS},
    decision::{
        digest::{CredentialKey, Digest},
        recall::FoundRight,
    },
    ports::{
        BoxFuture,
        password::{PasswordAnswer, PasswordQuestion, PasswordSource},
    },
};

/// What was found right.
pub(super) struct Recent {
    /// Random, of this process; without it nothing is kept.
    key: Option<CredentialKey>,
    kept: Mutex<Kept>,
    /// How often everything was forgotten because something else counts from then on.
    era: AtomicU64,
}

struct Kept {
    found: Cache<[u8; 32], FoundRight>,
    /// The latest time that the clock was seen to show.
    latest: UnixMillis,
    /// How often it was seen to have gone back.
    turns: u64,
}

/// When a question was asked.
#[derive(Clone, Copy)]
struct Asked {
    at: UnixMillis,
    turns: u64,
}

impl Kept {
    /// The time now. A clock that was set back would make what is kept young again: it is forgotten.
    fn now(&mut self, clock: &dyn Clock) -> Option<UnixMillis> {
        let now = clock.now().ok();
        match now {
            Some(now) if now >= self.latest => self.latest = now,
            Some(_) | None => {
                self.found.clear();
                self.turns += 1;
                self.latest = now.unwrap_or_default();
            }
        }
        now
    }
}

impl Recent {
    /// Keeps hashes made with this key.
    pub(super) fn new(key: Option<CredentialKey>) -> Self {
        let found = Cache::new(RECENT_PASSWORDS);
        let kept = Mutex::new(Kept { found, latest: UnixMillis::default(), turns: 0 });
        Self { key, kept, era: AtomicU64::new(0) }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets everything, also what logins that are on their way will find right.
    pub(super) fn forget(&self) {
        self.era.fetch_add(1, Ordering::SeqCst);
        self.kept().found.clear();
    }

    /// Names the present settings; ask before they are read, so that old ones never go by a new name.
    pub(super) fn era(&self) -> u64 {
        self.era.load(Ordering::SeqCst)
    }

    fn is_over(&self, era: u64) -> bool {
        self.era() != era
    }

    /// An answer that stands for this question, or the moment at which it is to be asked.
    fn answer(
        &self,
        kept_as: &Digest,
        era: u64,
        question: &PasswordQuestion,
        clock: &dyn Clock,
    ) -> Result<PasswordAnswer, Option<Asked>> {
        let mut kept = self.kept();
        let now = kept.now(clock).filter(|_| !self.is_over(era));
        let Some(now) = now else { return Err(None) };
        let found = kept.found.get(kept_as.bytes());
        let asked = Asked { at: now, turns: kept.turns };
        found.and_then(|found| found.answer(question, now)).ok_or(Some(asked))
    }

    /// Keeps what was found. Not when the clock was set back or something else counts since it was asked.
    fn keep(
        &self,
        kept_as: &Digest,
        era: u64,
        found: Option<FoundRight>,
        asked: Asked,
        clock: &dyn Clock,
    ) {
        let mut kept = self.kept();
        let in_order = kept.now(clock).is_some() && kept.turns == asked.turns;
        match found.filter(|_| in_order && !self.is_over(era)) {
            Some(found) => kept.found.insert(*kept_as.bytes(), found),
            None => drop(kept.found.remove(kept_as.bytes())),
        }
    }
}

/// A password source that is asked where nothing recent stands for its answer.
pub(super) struct Remembering<'a> {
    pub(super) source: &'a dyn PasswordSource,
    pub(super) recent: &'a Recent,
    pub(super) clock: &'a dyn Clock,
    /// The settings by which the login is decided.
    pub(super) era: u64,
}

impl Remembering<'_> {
    async fn look_or_ask(&self, question: &PasswordQuestion) -> PasswordAnswer {
        let Self { source, recent, clock, era } = *self;
        let (Some(recall), Some(key)) = (&question.recall, &recent.key) else {
            return source.check(question).await;
        };
        let Some(told) = source.repeatable() else { return source.check(question).await };
        let kept_as = recall.key(key, question, told.expose());
        let asked = match recent.answer(&kept_as, era, question, clock) {
            Ok(answer) => return answer,
            Err(asked) => asked,
        };
        let answer = source.check(question).await;
        if let Some(asked) = asked {
            let same = source.repeatable().as_ref() == Some(&told);
            let found = FoundRight::from_answer(&answer, question, asked.at).filter(|_| same);
            recent.keep(&kept_as, era, found, asked, clock);
        }
        answer
    }
}

impl PasswordSource for Remembering<'_> {
    fn check<'a>(&'a self, question: &'a PasswordQuestion) -> BoxFuture<'a, PasswordAnswer> {
        Box::pin(self.look_or_ask(question))
    }

    fn relay(&self, counted: bool) -> BoxFuture<'_, PasswordAnswer> {
        self.source.relay(counted)
    }

    fn establish<'a>(&'a self, mailbox: &'a Mailbox) -> BoxFuture<'a, PasswordAnswer> {
        self.source.establish(mailbox)
    }
}

#[cfg(test)]
mod tests;
