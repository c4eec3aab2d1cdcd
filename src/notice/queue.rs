//! The queue of notices and the worker that sends them.
//!
//! Whoever has a notice puts it in and goes on. The worker sends one at a time; one that was not taken
//! is tried again a few times, while the others go on. A notice that is lost is named in the log:
//! because the queue is full, because it was never taken, or because the daemon stops. Nothing waits
//! on disk: what is in the queue when the power goes is not sent.

use std::{
    collections::VecDeque,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::FutureExt;
use tokio::{
    sync::mpsc::{self, error::TrySendError},
    task::JoinHandle,
    time::{Instant, sleep, sleep_until, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    letter::Letters,
    transport::{SendError, Transport},
};
use crate::{
    base::{
        Clock, Current, UnixMillis,
        limits::{NOTICE_DRAIN_SECONDS, NOTICE_QUEUE, NOTICE_RETRY_SECONDS, NOTICE_SEND_SECONDS},
    },
    decision::notice::{NoticeKind, Verdict},
    ports::{
        BoxFuture,
        notice::{Notice, Notifier},
    },
    service::notices::Notices,
};

const SEND: Duration = Duration::from_secs(NOTICE_SEND_SECONDS);
const DRAIN: Duration = Duration::from_secs(NOTICE_DRAIN_SECONDS);
/// What a mail that is just being handed over still has when the daemon stops.
const LAST: Duration = Duration::from_secs(NOTICE_DRAIN_SECONDS / 2);

/// What notices need that the configuration says; replaced as a whole by a reload.
pub struct Outfit {
    /// The kinds that are sent.
    pub kinds: Vec<NoticeKind>,
    /// Writes them.
    pub letters: Letters,
    /// Takes them.
    pub transport: Box<dyn Transport>,
}

/// Tells owners by mail.
pub struct Owners {
    queue: mpsc::Sender<Notice>,
    /// `None` while notices are switched off.
    outfit: Arc<Current<Option<Outfit>>>,
    stopping: CancellationToken,
    worker: Mutex<Option<JoinHandle<usize>>>,
}

impl Owners {
    /// Starts the worker; call it inside a runtime. `None` tells nobody, until [`Self::equip`].
    pub fn start(memory: Notices, clock: Arc<dyn Clock>, outfit: Option<Outfit>) -> Self {
        let (queue, waiting) = mpsc::channel(NOTICE_QUEUE);
        let outfit = Arc::new(Current::new(outfit));
        let stopping = CancellationToken::new();
        let worker = Worker {
            waiting,
            again: VecDeque::new(),
            unsent: 0,
            memory,
            clock,
            outfit: Arc::clone(&outfit),
            stopping: stopping.clone(),
        };
        let worker = Mutex::new(Some(tokio::spawn(worker.run())));
        Self { queue, outfit, stopping, worker }
    }

    /// Notices that are sent from now on are sent like this.
    pub fn equip(&self, outfit: Option<Outfit>) {
        self.outfit.set(outfit);
    }

    /// Sends what waits, within [`NOTICE_DRAIN_SECONDS`] and a little, and stops; how many notices
    /// were not sent.
    pub async fn finish(&self) -> usize {
        self.stopping.cancel();
        let worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(worker) = worker else { return 0 };
        // The worker keeps its own time; one that has panicked sent nothing.
        worker.await.unwrap_or(1)
    }
}

impl Notifier for Owners {
    fn notify(&self, notice: Notice) {
        let kind = notice.what.kind();
        if self.outfit.get().as_ref().as_ref().is_none_or(|outfit| !outfit.kinds.contains(&kind)) {
            return;
        }
        let (notice, why) = match self.queue.try_send(notice) {
            Ok(()) => return,
            Err(TrySendError::Full(notice)) => (notice, "too many notices wait"),
            Err(TrySendError::Closed(notice)) => (notice, "the daemon stops"),
        };
        lost(&notice, why);
    }

    fn try_now<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            let outfit = self.outfit.get();
            let outfit = outfit.as_ref().as_ref().ok_or_else(|| {
                "notices are switched off: [notices] has no from, or enabled = false".to_owned()
            })?;
            let sent = hand_over(outfit, notice, None).await;
            match &sent {
                Ok(()) => told(notice),
                Err(error) => lost(notice, &error.to_string()),
            }
            sent.map_err(|error| error.to_string())
        })
    }
}

/// A notice that was not taken.
struct Again {
    notice: Notice,
    /// How often it was tried.
    tried: usize,
    due: Instant,
}

struct Worker {
    waiting: mpsc::Receiver<Notice>,
    again: VecDeque<Again>,
    unsent: usize,
    memory: Notices,
    clock: Arc<dyn Clock>,
    outfit: Arc<Current<Option<Outfit>>>,
    stopping: CancellationToken,
}

impl Worker {
    async fn run(mut self) -> usize {
        loop {
            let due = self.again.iter().map(|again| again.due).min();
            let retry = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = self.stopping.cancelled() => break,
                () = retry => self.retry().await,
                notice = self.waiting.recv() => match notice {
                    Some(notice) => self.take(notice).await,
                    None => break,
                },
            }
        }
        self.drain().await
    }

    /// A new one. Further wrong codes of a mailbox whose notice is still to be sent say nothing new.
    async fn take(&mut self, notice: Notice) {
        let is_wrong_code = notice.what.kind() == NoticeKind::WrongCodes;
        let same = |again: &Again| {
            again.notice.mailbox == notice.mailbox
                && again.notice.what.kind() == NoticeKind::WrongCodes
        };
        if is_wrong_code && self.again.iter().any(same) {
            return;
        }
        let now = self.now(&notice);
        match self.memory.admit(&notice, now).await {
            Verdict::Keep if is_wrong_code => {}
            Verdict::Keep => lost(&notice, "its owner was told this as often as a day allows"),
            Verdict::Send => self.send(notice, 0).await,
        }
    }

    /// The first one that is due.
    async fn retry(&mut self) {
        let now = Instant::now();
        let Some(first) = self.again.iter().position(|again| again.due <= now) else { return };
        let Some(Again { notice, tried, .. }) = self.again.remove(first) else { return };
        // Others of its kind may have been sent meanwhile. Wrong codes are not counted twice.
        let at = self.now(&notice);
        let kind = notice.what.kind();
        if kind != NoticeKind::WrongCodes && self.memory.admit(&notice, at).await == Verdict::Keep {
            self.give_up(&notice, "its owner was told this as often as a day allows");
            return;
        }
        self.send(notice, tried).await;
    }

    async fn send(&mut self, notice: Notice, tried: usize) {
        let outfit = self.outfit.get();
        let kind = notice.what.kind();
        let Some(outfit) = outfit.as_ref().as_ref().filter(|o| o.kinds.contains(&kind)) else {
            self.give_up(&notice, "notices of this kind were switched off meanwhile");
            return;
        };
        let left = self.memory.left(&notice).await;
        let sent = tokio::select! {
            sent = hand_over(outfit, &notice, left) => sent,
            () = async { self.stopping.cancelled().await; sleep(LAST).await } => {
                Err(SendError::Later("the daemon stops".into()))
            }
        };
        match sent {
            Ok(()) => {
                told(&notice);
                let now = self.now(&notice);
                self.memory.sent(&notice, now).await;
            }
            Err(SendError::Never(why)) => self.give_up(&notice, &why),
            Err(SendError::Later(why)) => self.later(notice, tried, &why),
        }
    }

    fn later(&mut self, notice: Notice, tried: usize, why: &str) {
        let Some(pause) = NOTICE_RETRY_SECONDS.get(tried) else {
            self.give_up(&notice, why);
            return;
        };
        tracing::warn!(
            target: "mail2fa::notice", kind = notice.what.kind().as_str(), mailbox = %notice.mailbox,
            %why, again_in_seconds = pause, "not sent yet"
        );
        if self.again.len() >= NOTICE_QUEUE
            && let Some(oldest) = self.again.pop_front()
        {
            self.give_up(&oldest.notice, "too many notices wait to be tried again");
        }
        let due = Instant::now() + Duration::from_secs(*pause);
        self.again.push_back(Again { notice, tried: tried + 1, due });
    }

    /// Tries what waits once more, as far as the time goes; how many were never sent.
    async fn drain(mut self) -> usize {
        let end = Instant::now() + DRAIN;
        self.waiting.close();
        let retries: Vec<Again> = self.again.drain(..).collect();
        let mut rest = retries.into_iter();
        while Instant::now() < end {
            // Taking one ends by itself soon after `stopping`; the limit is for many.
            if let Ok(notice) = self.waiting.try_recv() {
                let copy = notice.clone();
                if timeout_at(end, self.take(notice)).await.is_err() {
                    self.give_up(&copy, "the daemon stops");
                }
            } else if let Some(Again { notice, tried, .. }) = rest.next() {
                let copy = notice.clone();
                if timeout_at(end, self.send(notice, tried)).await.is_err() {
                    self.give_up(&copy, "the daemon stops");
                }
            } else {
                break;
            }
        }
        let failed = std::mem::take(&mut self.again);
        for again in failed.into_iter().chain(rest) {
            self.give_up(&again.notice, "the daemon stops");
        }
        while let Ok(notice) = self.waiting.try_recv() {
            self.give_up(&notice, "the daemon stops");
        }
        self.unsent
    }

    fn give_up(&mut self, notice: &Notice, why: &str) {
        self.unsent += 1;
        lost(notice, why);
    }

    /// The present; where there is no clock, the moment of the event.
    fn now(&self, notice: &Notice) -> UnixMillis {
        self.clock.now().unwrap_or(notice.at)
    }
}

/// Writes and sends one, in bounded time. A panic on the way is one failure of many.
async fn hand_over(outfit: &Outfit, notice: &Notice, left: Option<usize>) -> Result<(), SendError> {
    let whole = async {
        let letter = outfit.letters.write(notice, left);
        let letter = letter.map_err(|error| SendError::Never(error.to_string()))?;
        match timeout(SEND, outfit.transport.send(&letter)).await {
            Ok(sent) => sent,
            Err(_) => Err(SendError::Later(format!("not taken within {NOTICE_SEND_SECONDS} s"))),
        }
    };
    let panicked = |_| Err(SendError::Never("a bug in mail2fa".into()));
    AssertUnwindSafe(whole).catch_unwind().await.unwrap_or_else(panicked)
}

fn told(notice: &Notice) {
    let (kind, mailbox) = (notice.what.kind().as_str(), &notice.mailbox);
    tracing::info!(target: "mail2fa::notice", kind, %mailbox, "sent");
}

fn lost(notice: &Notice, why: &str) {
    let (kind, mailbox) = (notice.what.kind().as_str(), &notice.mailbox);
    tracing::error!(target: "mail2fa::notice", kind, %mailbox, why, "not sent: the owner was not told");
}
