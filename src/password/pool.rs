//! Threads that hash: a fixed number of them, fed by a bounded queue.
//!
//! They are not tokio's: hashing takes from a tenth of a millisecond to seconds, and neither the
//! reactor's threads nor the shared blocking pool may wait behind it. Handing work in never
//! blocks; a full queue is an answer ([`HashError::Busy`]), so memory and waiting stay bounded.
//!
//! A panic in one hash costs that hash its answer ([`HashError::Unavailable`]) and nothing else.
//! Work that nobody waits for any more is skipped.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::{Builder, JoinHandle},
};

use tokio::sync::oneshot;

use super::scheme::Scratch;
use crate::{base::limits::HASH_THREADS, ports::password::HashError};

type Job = Box<dyn FnOnce(&mut Scratch) + Send>;

/// The threads and their queue. Dropping it ends the hashes that run, drops those that wait, and
/// returns when the threads are gone.
pub struct Pool {
    queue: Option<SyncSender<Job>>,
    stopping: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    /// Starts the threads: at least one, at most `HASH_THREADS`. `queue` counts the waiting jobs
    /// beside those that run; at least one.
    pub fn start(threads: usize, queue: usize) -> Result<Self, HashError> {
        let (sender, receiver) = sync_channel(queue.max(1));
        let receiver = Arc::new(Mutex::new(receiver));
        let mut pool =
            Self { queue: Some(sender), stopping: Arc::default(), threads: Vec::default() };
        for number in 0..threads.clamp(1, HASH_THREADS) {
            let (receiver, stopping) = (receiver.clone(), pool.stopping.clone());
            let thread = Builder::new()
                .name(format!("hash-{number}"))
                .spawn(move || work(&receiver, &stopping))
                .map_err(|_| HashError::Unavailable)?;
            pool.threads.push(thread);
        }
        Ok(pool)
    }

    /// Queues a job at once, and returns a future of its answer. Dropping the future gives the
    /// job up if it has not begun.
    pub(super) fn submit<T, F>(
        &self,
        job: F,
    ) -> Result<impl Future<Output = Result<T, HashError>> + Send + use<T, F>, HashError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Scratch) -> Result<T, HashError> + Send + 'static,
    {
        let (sender, answer) = oneshot::channel();
        let job: Job = Box::new(move |scratch| {
            if !sender.is_closed() {
                // Nobody may be waiting any more by now; then the answer goes nowhere.
                let _ = sender.send(job(scratch));
            }
        });
        let queue = self.queue.as_ref().ok_or(HashError::Unavailable)?;
        queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => HashError::Busy,
            TrySendError::Disconnected(_) => HashError::Unavailable,
        })?;
        // A panic drops the sender, and so does a pool that stops.
        Ok(async move { answer.await.unwrap_or(Err(HashError::Unavailable)) })
    }

    /// Takes no more jobs and drops the waiting ones.
    fn stop(&mut self) {
        self.stopping.store(true, Ordering::Release);
        self.queue = None;
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.stop();
        for thread in self.threads.drain(..) {
            // A thread that panicked outside of a job has nothing left to say.
            let _ = thread.join();
        }
    }
}

/// One thread's life. It ends when the queue is closed and empty.
fn work(queue: &Mutex<Receiver<Job>>, stopping: &AtomicBool) {
    let mut scratch = Scratch::default();
    loop {
        // The guard is gone at the end of the statement: it is held while waiting, not while
        // hashing. Idle threads wait for the lock, one waits for a job.
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        if stopping.load(Ordering::Acquire) {
            continue;
        }
        if catch_unwind(AssertUnwindSafe(|| job(&mut scratch))).is_err() {
            scratch = Scratch::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Occupies a thread until the returned sender is dropped.
    fn occupy(pool: &Pool) -> mpsc::Sender<()> {
        let (open, gate) = mpsc::channel::<()>();
        let (begun, has_begun) = mpsc::channel();
        let job = pool.submit(move |_| {
            begun.send(()).unwrap();
            let _ = gate.recv();
            Ok(())
        });
        // The job is skipped if its future is dropped before it begins.
        has_begun.recv().unwrap();
        drop(job);
        open
    }

    #[tokio::test]
    async fn a_full_queue_is_busy_and_loses_nothing() {
        let pool = Pool::start(1, 2).unwrap();
        let open = occupy(&pool);
        let first = pool.submit(|_| Ok(1)).unwrap();
        let second = pool.submit(|_| Ok(2)).unwrap();
        assert_eq!(pool.submit(|_| Ok(3)).err(), Some(HashError::Busy));
        drop(open);
        assert_eq!(first.await, Ok(1));
        assert_eq!(second.await, Ok(2));
        assert_eq!(pool.submit(|_| Ok(4)).unwrap().await, Ok(4));
    }

    #[tokio::test]
    async fn a_panic_costs_one_answer() {
        let pool = Pool::start(1, 4).unwrap();
        for _ in 0..3 {
            let broken = pool.submit::<(), _>(|_| panic!("a hash that panics")).unwrap();
            assert_eq!(broken.await, Err(HashError::Unavailable));
        }
        assert_eq!(pool.submit(|_| Ok(7)).unwrap().await, Ok(7));
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_is_skipped() {
        let pool = Pool::start(1, 4).unwrap();
        let open = occupy(&pool);
        let (ran, has_run) = mpsc::channel();
        let abandoned = ran.clone();
        drop(pool.submit(move |_| Ok(abandoned.send("abandoned"))).unwrap());
        let wanted = pool.submit(move |_| Ok(ran.send("wanted"))).unwrap();
        drop(open);
        assert!(wanted.await.unwrap().is_ok());
        assert_eq!(has_run.iter().collect::<Vec<_>>(), ["wanted"]);
    }

    #[tokio::test]
    async fn stopping_answers_those_who_wait() {
        let mut pool = Pool::start(1, 4).unwrap();
        let open = occupy(&pool);
        let waiting = pool.submit(|_| Ok(())).unwrap();
        pool.stop();
        assert_eq!(pool.submit(|_| Ok(())).err(), Some(HashError::Unavailable));
        drop(open);
        assert_eq!(waiting.await, Err(HashError::Unavailable));
        drop(pool);
    }
}
