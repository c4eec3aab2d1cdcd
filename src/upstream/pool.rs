//! A few connections to an upstream `client` socket, shared by all logins of `client` listeners.
//!
//! Connections are made when they are first needed and replaced when they have ended, so that a
//! restart of Dovecot heals by itself. Logins that wait while a connection is being made share its
//! failure: an upstream that hangs costs each of them one time limit, not one after the other.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use tokio::sync::Mutex;

use super::{Answer, Dialogue, Link, UpstreamError};
use crate::{
    base::{Secret, limits::UPSTREAM_CONNECTIONS},
    wire::{MechanismOffer, Parameters},
};

/// The protocol's minor version we speak to an upstream of our own.
const MINOR: u32 = 2;

/// Shared connections to one socket.
#[derive(Debug)]
pub struct Pool {
    path: PathBuf,
    slots: Vec<Slot>,
    turn: AtomicUsize,
    /// What the upstream offered when it was last connected to.
    offers: std::sync::Mutex<Option<Arc<[MechanismOffer]>>>,
}

/// A place for one connection.
#[derive(Debug, Default)]
struct Slot {
    current: Mutex<Current>,
    /// How often making it has failed.
    failures: AtomicU64,
}

#[derive(Debug, Default)]
struct Current {
    link: Option<Arc<Link>>,
    /// Why the last attempt failed.
    error: Option<UpstreamError>,
}

impl Pool {
    /// At most `connections` of them; none is made yet.
    pub fn new(path: PathBuf, connections: usize) -> Self {
        let count = connections.clamp(1, UPSTREAM_CONNECTIONS);
        let slots = std::iter::repeat_with(Slot::default).take(count).collect();
        Self { path, slots, turn: AtomicUsize::new(0), offers: std::sync::Mutex::default() }
    }

    /// The socket.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Asks the upstream. A connection that turns out to have ended before it gave an answer is
    /// replaced, once: Dovecot was restarted. (Asking again is harmless: the first question was
    /// lost with its connection.)
    pub async fn request(
        &self,
        mechanism: &str,
        parameters: &Parameters,
        initial_response: &Secret,
    ) -> Result<Answer, UpstreamError> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let mut retried = false;
        loop {
            let link = self.link(turn).await?;
            let id = link.next_id();
            match link.request(id, mechanism, parameters, initial_response).await {
                Err(UpstreamError::Lost(_)) if !retried => retried = true,
                Err(UpstreamError::WornOut) if !retried => {
                    retried = true;
                    self.retire(turn, &link).await;
                }
                answer => return answer,
            }
        }
    }

    /// Starts a request of several rounds, on a connection that it keeps to its end.
    pub async fn converse(
        &self,
        mechanism: &str,
        parameters: &Parameters,
        initial_response: Option<&Secret>,
    ) -> Result<Dialogue, UpstreamError> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let mut retried = false;
        loop {
            let link = self.link(turn).await?;
            let id = link.next_id();
            match link.converse(id, mechanism, parameters, initial_response) {
                Err(UpstreamError::Lost(_)) if !retried => retried = true,
                Err(UpstreamError::WornOut) if !retried => {
                    retried = true;
                    self.retire(turn, &link).await;
                }
                dialogue => return dialogue,
            }
        }
    }

    /// What the upstream offers, as far as it was ever reached; otherwise it is connected to now.
    pub async fn offers(&self) -> Result<Arc<[MechanismOffer]>, UpstreamError> {
        let known = self.known_offers().clone();
        if let Some(offers) = known {
            return Ok(offers);
        }
        let link = self.link(0).await?;
        Ok(link.greeting().mechanisms.clone().into())
    }

    fn known_offers(&self) -> MutexGuard<'_, Option<Arc<[MechanismOffer]>>> {
        self.offers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a connection out of use; requests that are under way on it are still answered.
    async fn retire(&self, turn: usize, link: &Arc<Link>) {
        if let Some(slot) = self.slot(turn) {
            let mut current = slot.current.lock().await;
            if current.link.as_ref().is_some_and(|live| Arc::ptr_eq(live, link)) {
                current.link = None;
            }
        }
    }

    fn slot(&self, turn: usize) -> Option<&Slot> {
        self.slots.get(turn.checked_rem(self.slots.len()).unwrap_or_default())
    }

    async fn link(&self, turn: usize) -> Result<Arc<Link>, UpstreamError> {
        let Some(slot) = self.slot(turn) else {
            return Err(UpstreamError::Unfit("the pool has no connections".into()));
        };
        let seen = slot.failures.load(Ordering::Acquire);
        let mut current = slot.current.lock().await;
        if let Some(link) = current.link.as_ref().filter(|link| !link.has_ended()) {
            return Ok(Arc::clone(link));
        }
        if slot.failures.load(Ordering::Acquire) != seen
            && let Some(error) = &current.error
        {
            return Err(error.clone());
        }
        match Link::connect(&self.path, MINOR, std::process::id()).await {
            Ok(link) => {
                *self.known_offers() = Some(link.greeting().mechanisms.clone().into());
                let link = Arc::new(link);
                current.link = Some(Arc::clone(&link));
                Ok(link)
            }
            Err(error) => {
                current.error = Some(error.clone());
                slot.failures.fetch_add(1, Ordering::Release);
                Err(error)
            }
        }
    }
}
