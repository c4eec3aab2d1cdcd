//! How many login events of a mailbox are kept of one day, so that one mailbox does not fill the
//! trail. What is beyond is counted.

use std::collections::HashMap;

use super::TELL_SECONDS;
use crate::{
    base::{UnixMillis, limits::AUDIT_COUNTED},
    ports::trail::Lane,
};

const DAY_SECONDS: u64 = 86_400;

#[derive(Default)]
struct Share {
    used: u32,
    beyond: u64,
}

/// The shares of one day.
#[derive(Default)]
pub(super) struct Quotas {
    day: u64,
    shares: HashMap<(Lane, Box<str>), Share>,
    /// Shares with something beyond them.
    exceeded: bool,
    told: Option<UnixMillis>,
    /// What is to be told of the day before.
    before: Vec<(Lane, Box<str>, u64)>,
}

impl Quotas {
    /// Whether one more event of this mailbox is kept.
    pub(super) fn admits(&mut self, lane: Lane, name: &str, most: u32, now: UnixMillis) -> bool {
        let day = now.seconds() / DAY_SECONDS;
        if day != self.day {
            self.take();
            self.day = day;
            self.shares.clear();
        }
        let key = (lane, name.into());
        // More mailboxes than are counted: the bound of all events is left.
        if self.shares.len() >= AUDIT_COUNTED && !self.shares.contains_key(&key) {
            return true;
        }
        let share = self.shares.entry(key).or_default();
        if share.used < most {
            share.used += 1;
            return true;
        }
        share.beyond = share.beyond.saturating_add(1);
        self.exceeded = true;
        false
    }

    /// Moves what is beyond into `before`.
    fn take(&mut self) {
        if !std::mem::take(&mut self.exceeded) {
            return;
        }
        for ((lane, name), share) in &mut self.shares {
            let beyond = std::mem::take(&mut share.beyond);
            if beyond > 0 {
                self.before.push((*lane, name.clone(), beyond));
            }
        }
    }

    /// What is beyond the shares, and was not told yet: now and then, or at once.
    pub(super) fn beyond(&mut self, now: UnixMillis, at_once: bool) -> Vec<(Lane, Box<str>, u64)> {
        let told = *self.told.get_or_insert(now);
        if at_once || now >= told.plus_seconds(TELL_SECONDS) || now < told {
            self.told = Some(now);
            self.take();
        }
        std::mem::take(&mut self.before)
    }
}
