//! A few connections to an upstream `client` socket, shared by all logins of `client` listeners.
//!
//! Connections are made when they are first needed and replaced when they have ended, so that a
//! restart of Dovecot heals by itself.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::Mutex;

use super::{Answer, Link, UpstreamError};
use crate::{
    base::{Secret, limits::UPSTREAM_CONNECTIONS},
    wire::Parameters,
};

/// The protocol's minor version we speak to an upstream of our own.
const MINOR: u32 = 2;

/// Shared connections to one socket.
#[derive(Debug)]
pub struct Pool {
    path: PathBuf,
    slots: Vec<Mutex<Option<Arc<Link>>>>,
    turn: AtomicUsize,
}

impl Pool {
    /// At most `connections` of them; none is made yet.
    pub fn new(path: PathBuf, connections: usize) -> Self {
        let count = connections.clamp(1, UPSTREAM_CONNECTIONS);
        let slots = std::iter::repeat_with(|| Mutex::new(None)).take(count).collect();
        Self { path, slots, turn: AtomicUsize::new(0) }
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

    /// Takes a connection out of use; requests that are under way on it are still answered.
    async fn retire(&self, turn: usize, link: &Arc<Link>) {
        if let Some(slot) = self.slots.get(turn.checked_rem(self.slots.len()).unwrap_or_default()) {
            let mut slot = slot.lock().await;
            if slot.as_ref().is_some_and(|current| Arc::ptr_eq(current, link)) {
                *slot = None;
            }
        }
    }

    async fn link(&self, turn: usize) -> Result<Arc<Link>, UpstreamError> {
        let index = turn.checked_rem(self.slots.len()).unwrap_or_default();
        let Some(slot) = self.slots.get(index) else {
            return Err(UpstreamError::Unfit("the pool has no connections".into()));
        };
        let mut slot = slot.lock().await;
        if let Some(link) = slot.as_ref().filter(|link| !link.has_ended()) {
            return Ok(Arc::clone(link));
        }
        let link = Arc::new(Link::connect(&self.path, MINOR, std::process::id()).await?);
        *slot = Some(Arc::clone(&link));
        Ok(link)
    }
}
