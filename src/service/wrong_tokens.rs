//! Wrong tokens of the API: how many came from a network, who is told to wait, and what the log says of it.
//!
//! How many are too many is `decision::throttle`'s: they are counted like wrong passwords of networks, on
//! counters of their own and in memory only. So they never keep a login waiting, whoever sends them from an
//! address that webmail uses too, and cost the disk nothing; there is nothing to guess that a restart could help
//! with.
//!
//! # Security
//!
//! It is asked only about tokens that were looked at and are no good: a good one is served from any network,
//! whatever its neighbours do. What it keeps is bounded. It never sees a token.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use quick_cache::unsync::Cache;

use crate::{
    base::{
        NetAddress, UnixMillis,
        limits::{API_TOKEN_NETWORKS, API_TOKEN_NEWS_SECONDS},
    },
    decision::throttle::{
        Admission, Counter, Event, Fingerprint, Key, ThrottlePolicy, View, admit, after, settle,
    },
};

/// Networks count how often, not what.
const ANY: Event = Event::WrongPassword(Fingerprint([0; 16]));

/// All that came to one place.
pub struct WrongTokens {
    /// The default one, whatever the configuration says about logins: no network is shared by nature here.
    policy: ThrottlePolicy,
    known: Mutex<Known>,
}

struct Known {
    counters: Cache<Key, Counter>,
    news: Cache<Key, News>,
}

/// What the log was told about a network.
#[derive(Clone, Copy)]
struct News {
    /// When.
    at: UnixMillis,
    /// Wrong tokens since.
    unsaid: u64,
}

impl Default for WrongTokens {
    fn default() -> Self {
        let known = Known {
            counters: Cache::new(API_TOKEN_NETWORKS),
            news: Cache::new(API_TOKEN_NETWORKS),
        };
        Self { policy: ThrottlePolicy::default(), known: Mutex::new(known) }
    }
}

impl WrongTokens {
    /// Takes one from this address. How long its network has to wait if there were too many; those that come
    /// meanwhile do not prolong it.
    pub fn count(&self, from: NetAddress, now: UnixMillis) -> Option<Duration> {
        let keys = self.policy.keys_for(None, from);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = known.count(&self.policy, &keys, now);
        if let Some(before) = keys.last().and_then(|widest| known.news(widest, now)) {
            let waits = wait.is_some();
            tracing::warn!(%from, unsaid_before = before, waits, "api: refused a token");
        }
        wait
    }
}

impl Known {
    fn count(
        &mut self,
        policy: &ThrottlePolicy,
        keys: &[Key],
        now: UnixMillis,
    ) -> Option<Duration> {
        let view = View::new(keys.iter().map(|key| (key.clone(), self.counters.get(key).cloned())));
        let settled = settle(policy, &view, now);
        let view = view.updated(settled.iter().map(|(key, at)| (key.clone(), Some(at.clone()))));
        let (changed, wait) = match admit(policy, &view, now) {
            Admission::Go => (after(policy, &view, ANY, now), None),
            Admission::Throttled { retry_after, limit: _ } => (settled, Some(retry_after)),
        };
        for (key, counter) in changed {
            self.counters.insert(key, counter);
        }
        wait
    }

    /// How many were not told of, if it is time to tell.
    fn news(&mut self, network: &Key, now: UnixMillis) -> Option<u64> {
        let news = self.news.get(network).copied();
        let due = |news: &News| now.seconds().abs_diff(news.at.seconds()) >= API_TOKEN_NEWS_SECONDS;
        match news {
            Some(news) if !due(&news) => {
                let unsaid = news.unsaid.saturating_add(1);
                self.news.insert(network.clone(), News { unsaid, ..news });
                None
            }
            news => {
                self.news.insert(network.clone(), News { at: now, unsaid: 0 });
                Some(news.map_or(0, |news| news.unsaid))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "192.0.2.7";

    fn at(seconds: u64) -> UnixMillis {
        UnixMillis::from_seconds(1_800_000_000 + seconds)
    }

    /// So many from there at that moment: how many had to wait.
    fn come(wrong: &WrongTokens, from: &str, times: usize, now: UnixMillis) -> usize {
        let from = NetAddress::parse(from);
        (0..times).filter(|_| wrong.count(from, now).is_some()).count()
    }

    #[test]
    fn a_network_waits_after_too_many_and_only_so_long() {
        let wrong = WrongTokens::default();
        assert_eq!(come(&wrong, HERE, 20, at(0)), 0);
        let wait = wrong.count(NetAddress::parse(HERE), at(0)).unwrap();
        assert_eq!(wait, Duration::from_secs(10));
        assert_eq!(come(&wrong, HERE, 1_000, at(0)), 1_000);
        assert_eq!(come(&wrong, HERE, 2, at(10)), 1, "those meanwhile prolonged nothing");
        assert_eq!(come(&wrong, "198.51.100.1", 20, at(10)), 0, "others are others");
    }

    #[test]
    fn whoever_has_many_addresses_is_one_network() {
        let wrong = WrongTokens::default();
        let waited: usize =
            (0..500).map(|n| come(&wrong, &format!("2001:db8:0:{n:x}::1"), 1, at(0))).sum();
        assert!(waited >= 500 - 120, "{waited}");
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let wrong = WrongTokens::default();
        come(&wrong, HERE, 21, at(10_000_000));
        assert_eq!(come(&wrong, HERE, 1, at(0)), 1);
        assert_eq!(come(&wrong, HERE, 1, at(10)), 0);
    }

    #[test]
    fn the_log_is_told_once_in_a_while_and_how_many_it_was() {
        let mut known = WrongTokens::default().known.into_inner().unwrap();
        let network = ThrottlePolicy::default().keys_for(None, NetAddress::parse(HERE)).pop();
        let network = network.unwrap();
        assert_eq!(known.news(&network, at(0)), Some(0));
        for second in 0..API_TOKEN_NEWS_SECONDS {
            assert_eq!(known.news(&network, at(second)), None);
        }
        assert_eq!(known.news(&network, at(API_TOKEN_NEWS_SECONDS)), Some(API_TOKEN_NEWS_SECONDS));
        assert_eq!(known.news(&network, at(0)), Some(0), "the clock was set back");
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let wrong = WrongTokens::default();
        for n in 0..20_000_u32 {
            let from = NetAddress::from(std::net::IpAddr::from(n.to_be_bytes()));
            let _ = wrong.count(from, at(0));
        }
        let known = wrong.known.into_inner().unwrap();
        assert!(
            known.counters.len() <= API_TOKEN_NETWORKS && known.news.len() <= API_TOKEN_NETWORKS
        );
    }
}
