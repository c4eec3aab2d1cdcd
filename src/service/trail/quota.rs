//! How many login events of a mailbox are kept of one day, so that one mailbox does not fill the
//! trail. What is beyond is counted.
//!
//! Lanes are bounded apart: a flood of names that anybody can make up leaves the shares of those who
//! knew a password alone.

use std::collections::{BTreeMap, HashMap};

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
    /// At most [`AUDIT_COUNTED`] of each lane.
    shares: BTreeMap<Lane, HashMap<Box<str>, Share>>,
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
        let shares = self.shares.entry(lane).or_default();
        // More mailboxes than are counted: the bound of all events is left.
        if shares.len() >= AUDIT_COUNTED && !shares.contains_key(name) {
            return true;
        }
        let share = shares.entry(name.into()).or_default();
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
        for (lane, shares) in &mut self.shares {
            for (name, share) in shares {
                let beyond = std::mem::take(&mut share.beyond);
                if beyond > 0 {
                    self.before.push((*lane, name.clone(), beyond));
                }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_in_one_lane_leaves_the_others_counted() {
        let now = UnixMillis::from_seconds(1_800_000_000);
        let mut quotas = Quotas::default();
        for number in 0..=AUDIT_COUNTED {
            assert!(quotas.admits(Lane::Refused, &format!("name{number}"), 2, now));
        }
        let kept = |quotas: &mut Quotas, lane, name: &str| {
            (0..5).filter(|_| quotas.admits(lane, name, 2, now)).count()
        };
        assert_eq!(kept(&mut quotas, Lane::SignIn, "alice"), 2);
        assert_eq!(kept(&mut quotas, Lane::Refused, "name0"), 1, "those that are counted stay so");
        assert_eq!(kept(&mut quotas, Lane::Refused, "one too many"), 5);
        let mut beyond = quotas.beyond(now, true);
        beyond.sort();
        let told = |lane, name: &str, count| (lane, name.into(), count);
        assert_eq!(beyond, [told(Lane::SignIn, "alice", 3), told(Lane::Refused, "name0", 4)]);
    }
}
