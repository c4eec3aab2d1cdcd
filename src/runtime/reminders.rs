//! Drives the rounds in which owners are told that a second factor will be required: at the start, after
//! each reload, and some times a day.
//!
//! It pauses after each page, so that logins come first.

use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    base::limits::{REMINDER_AGAIN_SECONDS, REMINDER_PAUSE_MILLIS, REMINDER_SECONDS},
    service::reminders::{Interrupted, Plan, Reminders, Round},
};

/// Goes on until the daemon stops. `None` for a plan tells nobody.
pub async fn remind(
    reminders: Reminders,
    mut plan: watch::Receiver<Option<Plan>>,
    stopping: CancellationToken,
) {
    let mut round = Round::default();
    loop {
        let current = plan.borrow_and_update().clone();
        let pause = match &current {
            Some(current) => page(&reminders, current, &mut round, &stopping).await,
            None => None,
        };
        let pause = async {
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stopping.cancelled() => return,
            () = pause => {}
            changed = plan.changed() => match changed {
                Ok(()) => round = Round::default(),
                Err(_) => return,
            },
        }
    }
}

/// Looks at one page; how long it is to the next, `None` for until the configuration is read again.
async fn page(
    reminders: &Reminders,
    plan: &Plan,
    round: &mut Round,
    stopping: &CancellationToken,
) -> Option<Duration> {
    let again = Duration::from_secs(REMINDER_AGAIN_SECONDS);
    match reminders.page(plan, round, &|| stopping.is_cancelled()).await {
        Ok(()) if !round.is_done() => return Some(Duration::from_millis(REMINDER_PAUSE_MILLIS)),
        Ok(()) => {}
        Err(Interrupted::Off | Interrupted::Stopping) => {
            *round = Round::default();
            return None;
        }
        Err(why @ (Interrupted::Store(_) | Interrupted::Clock(_) | Interrupted::Relay(_))) => {
            tracing::warn!(%why, again_in_seconds = REMINDER_AGAIN_SECONDS,
                "owners are not told yet that a second factor will be required");
            return Some(again);
        }
    }
    let done = std::mem::take(round);
    if done.told() > 0 || done.not_now() > 0 {
        tracing::info!(
            told = done.told(),
            not_now = done.not_now(),
            "owners were told that a second factor will be required"
        );
    }
    Some(if done.not_now() > 0 { again } else { Duration::from_secs(REMINDER_SECONDS) })
}
