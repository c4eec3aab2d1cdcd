//! What goes on while the daemon runs, besides deciding: the watchdog, the store's housekeeping, the audit
//! trail's writing. Each ends when the daemon stops.

use std::{sync::Arc, time::Duration};

use sd_notify::NotifyState;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::compose::{self, DiskStore};
use crate::{
    base::limits::{AUDIT_EXPIRE_SECONDS, AUDIT_FLUSH_MILLIS, PURGE_SECONDS},
    ports::store::Store,
    service::{authenticate::Authenticator, trail::Recorder},
};

/// Feeds systemd's watchdog as long as a write gets through the store.
pub(super) async fn watchdog(authenticator: Arc<Authenticator>, stopping: CancellationToken) {
    let Some(limit) = sd_notify::watchdog_enabled() else { return };
    let mut ticks = tokio::time::interval(limit / 3);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stopping.cancelled() => return,
        }
        match authenticator.ping().await {
            Ok(()) => notify(&[NotifyState::Watchdog]),
            Err(error) => tracing::error!(%error, "the store does not answer"),
        }
    }
}

/// Removes what has expired, and looks whether all that must be there still is.
pub(super) async fn housekeeping(store: Arc<DiskStore>, stopping: CancellationToken) {
    let clock = compose::clock();
    let mut ticks = tokio::time::interval(Duration::from_secs(PURGE_SECONDS));
    // The first tick comes at once; opening the store has just compared everything.
    ticks.tick().await;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stopping.cancelled() => return,
        }
        if let Ok(now) = clock.now()
            && let Err(error) = store.purge(now).await
        {
            tracing::warn!(%error, "expired entries were not removed");
        }
        if let Err(error) = store.verify().await {
            tracing::error!(%error, "the store could not be compared with its census");
        }
        for (shard, damage) in store.damage() {
            tracing::error!(?shard, %damage, "the store is damaged");
        }
    }
}

/// Writes the audit trail down, and removes what is too old.
pub(super) async fn keep_trail(trail: Arc<Recorder>, stopping: CancellationToken) {
    let mut writes = tokio::time::interval(Duration::from_millis(AUDIT_FLUSH_MILLIS));
    let mut removals = tokio::time::interval(Duration::from_secs(AUDIT_EXPIRE_SECONDS));
    writes.set_missed_tick_behavior(MissedTickBehavior::Delay);
    removals.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            // What is written last is written when all logins have ended.
            () = stopping.cancelled() => return,
            _ = writes.tick() => trail.flush().await,
            _ = removals.tick() => if let Err(error) = trail.expire().await {
                tracing::warn!(%error, "old events of the audit trail were not removed");
            },
        }
    }
}

/// Tells systemd, if it listens.
pub(super) fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "systemd was not told");
    }
}
