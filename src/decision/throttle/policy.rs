//! How many failures are too many: ladders, their defaults, and the chance they leave an attacker.
//!
//! [`Settings`] are numbers as an administrator may write them, [`ThrottlePolicy`] is what passed
//! the check. One of the checks is the promise of this room: a policy under which somebody who
//! knows the password has one chance in a thousand a day to guess a code is not a policy.

use std::time::Duration;

use super::key::{Key, Owner, Scope, all_keys};
use crate::base::{
    NetAddress,
    limits::{CODE_DIGITS, WINDOW_STEPS},
};
use crate::decision::place::Network;

/// Seconds in a day.
const DAY: u64 = 86_400;

/// Highest chance a day that a policy may leave to somebody who knows the password: one in this.
pub const GUESS_ODDS: u64 = 1_000;

/// Codes that are right at one moment: one for each step of the window.
pub const RIGHT_CODES: u64 = 2 * WINDOW_STEPS + 1;

/// All codes there are.
pub const ALL_CODES: u64 = 1_000_000;

const _: () = assert!(CODE_DIGITS == 6);

/// One rung: so many failures at once, then one more in each period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// Failures before the rung holds; 1 to 10,000.
    pub burst: u32,
    /// Seconds after which one failure is forgotten; 1 to 604,800 (a week).
    pub every_seconds: u32,
}

impl Rung {
    /// A rung.
    pub const fn new(burst: u32, every_seconds: u32) -> Self {
        Self { burst, every_seconds }
    }

    /// What one failure weighs, milliseconds.
    pub(super) fn weight(self) -> u64 {
        u64::from(self.every_seconds) * 1_000
    }

    /// What the rung carries before it holds, milliseconds.
    pub(super) fn capacity(self) -> u64 {
        self.weight() * u64::from(self.burst)
    }
}

/// Three rungs, from impatient to patient. An attempt must find room on each, so the impatient one
/// lets a person mistype, and the patient one decides what somebody gets who never gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ladder(pub [Rung; 3]);

impl Ladder {
    /// A ladder from three `(burst, seconds)`.
    const fn of(rungs: [(u32, u32); 3]) -> Self {
        let [first, second, third] = rungs;
        Self([
            Rung::new(first.0, first.1),
            Rung::new(second.0, second.1),
            Rung::new(third.0, third.1),
        ])
    }

    /// The most failures that fit into any span of so many seconds. Exact: a rung that was empty
    /// takes its burst at once and then one each period, and no order of attempts gets more out
    /// of it, because the level falls by one a period at most.
    pub fn most_within(&self, seconds: u64) -> u64 {
        let of = |rung: &Rung| u64::from(rung.burst) + seconds / u64::from(rung.every_seconds);
        self.0.iter().map(of).min().unwrap_or(0)
    }
}

/// Two ladders of one key: the kinds of failure are counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ladders {
    /// For wrong passwords.
    pub password: Ladder,
    /// For right passwords with a wrong code, a strong sign of theft.
    pub code: Ladder,
}

/// All numbers, not yet checked. The defaults are the ones docs/throttling.md gives figures for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// A mailbox, from all places that are not known to be the owner's.
    pub mailbox: Ladders,
    /// Wrong codes of a mailbox from all its known places together.
    pub mailbox_known_code: Ladder,
    /// A mailbox at one place. The only ladder that a known place has for passwords.
    pub pair: Ladders,
    /// /32 and /64.
    pub narrow: Ladders,
    /// /24 and /56.
    pub wide: Ladders,
    /// /48.
    pub widest: Ladders,
    /// Seconds for which a success makes its place a known one; at most 400 days.
    pub known_for_seconds: u64,
    /// Seconds for which a failed credential is remembered after it was last seen; 10 minutes to
    /// 30 days.
    pub remember_seconds: u64,
    /// Networks that many people come from by nature: webmail hosts, own relays. They are never a
    /// known place, and never slowed as networks.
    pub shared_networks: Vec<Network>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mailbox: Ladders {
                password: Ladder::of([(30, 20), (100, 60), (1_000, 120)]),
                code: Ladder::of([(6, 300), (30, 3_600), (100, 7_200)]),
            },
            mailbox_known_code: Ladder::of([(15, 60), (40, 3_600), (150, 7_200)]),
            pair: Ladders {
                password: Ladder::of([(10, 20), (30, 120), (100, 900)]),
                code: Ladder::of([(10, 60), (25, 3_600), (75, 7_200)]),
            },
            narrow: Ladders {
                password: Ladder::of([(20, 10), (100, 60), (300, 300)]),
                code: Ladder::of([(10, 60), (30, 900), (100, 3_600)]),
            },
            wide: Ladders {
                password: Ladder::of([(60, 3), (300, 20), (1_000, 120)]),
                code: Ladder::of([(20, 30), (60, 600), (200, 1_800)]),
            },
            widest: Ladders {
                password: Ladder::of([(120, 2), (600, 10), (2_000, 60)]),
                code: Ladder::of([(40, 20), (120, 300), (400, 900)]),
            },
            known_for_seconds: 30 * DAY,
            remember_seconds: DAY,
            shared_networks: Vec::new(),
        }
    }
}

/// Why numbers are not a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A burst of none, or too large.
    #[error("{0}: a rung's burst must be 1 to 10000")]
    Burst(&'static str),
    /// A period of none, or too long.
    #[error("{0}: a rung's period must be 1 to 604800 seconds")]
    Period(&'static str),
    /// [`Settings::known_for_seconds`].
    #[error("a success can make a place known for at most 400 days")]
    KnownFor,
    /// [`Settings::remember_seconds`].
    #[error("failed credentials must be remembered for 10 minutes to 30 days")]
    Remember,
    /// The promise would not hold.
    #[error(
        "{guesses} codes a day could be guessed with a known password: the chance must stay below \
         1 in {GUESS_ODDS}"
    )]
    CodesTooEasy {
        /// Guesses a day.
        guesses: u64,
    },
}

/// The numbers of all throttling, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThrottlePolicy(Settings);

impl Default for ThrottlePolicy {
    /// The default numbers; a test shows that they pass the check.
    fn default() -> Self {
        Self(Settings::default())
    }
}

impl ThrottlePolicy {
    /// Checks the numbers.
    pub fn new(settings: Settings) -> Result<Self, PolicyError> {
        let ladders = [
            ("mailbox.password", settings.mailbox.password),
            ("mailbox.code", settings.mailbox.code),
            ("mailbox_known_code", settings.mailbox_known_code),
            ("pair.password", settings.pair.password),
            ("pair.code", settings.pair.code),
            ("narrow.password", settings.narrow.password),
            ("narrow.code", settings.narrow.code),
            ("wide.password", settings.wide.password),
            ("wide.code", settings.wide.code),
            ("widest.password", settings.widest.password),
            ("widest.code", settings.widest.code),
        ];
        for (name, rung) in ladders.iter().flat_map(|(name, l)| l.0.iter().map(move |r| (name, r)))
        {
            if !(1..=10_000).contains(&rung.burst) {
                return Err(PolicyError::Burst(name));
            }
            if !(1..=604_800).contains(&rung.every_seconds) {
                return Err(PolicyError::Period(name));
            }
        }
        if settings.known_for_seconds > 400 * DAY {
            return Err(PolicyError::KnownFor);
        }
        if !(600..=30 * DAY).contains(&settings.remember_seconds) {
            return Err(PolicyError::Remember);
        }
        let policy = Self(settings);
        let guesses = policy.code_guesses_within(DAY);
        if guesses * RIGHT_CODES * GUESS_ODDS >= ALL_CODES {
            return Err(PolicyError::CodesTooEasy { guesses });
        }
        Ok(policy)
    }

    /// The numbers.
    pub fn settings(&self) -> &Settings {
        &self.0
    }

    /// The most codes that can be tried on one mailbox, with the right password and from any
    /// number of addresses, unknown and known ones together, in any span of so many seconds.
    pub fn code_guesses_within(&self, seconds: u64) -> u64 {
        self.0.mailbox.code.most_within(seconds) + self.0.mailbox_known_code.most_within(seconds)
    }

    /// The keys whose counters a login needs: of a shared network none but the pair.
    pub fn keys_for(&self, owner: Option<&Owner>, remote: NetAddress) -> Vec<Key> {
        let mut keys = all_keys(owner, remote);
        let shared = keys.iter().any(|key| key.scope() == Scope::Narrow && self.is_shared_key(key));
        keys.retain(|key| !shared || key.mailbox().is_some());
        keys
    }

    fn is_shared_key(&self, key: &Key) -> bool {
        key.network().is_some_and(|place| self.is_shared(place))
    }

    /// Whether many people come from a place by nature. One such address makes its whole /64 so.
    pub(super) fn is_shared(&self, place: Network) -> bool {
        self.0.shared_networks.iter().any(|network| network.overlaps(&place))
    }

    pub(super) fn ladder(&self, scope: Scope, kind: Kind) -> &Ladder {
        let ladders = match scope {
            Scope::Mailbox => &self.0.mailbox,
            Scope::Pair => &self.0.pair,
            Scope::Narrow => &self.0.narrow,
            Scope::Wide => &self.0.wide,
            Scope::Widest => &self.0.widest,
        };
        match (kind, scope) {
            (Kind::Password, _) => &ladders.password,
            (Kind::Code, _) => &ladders.code,
            (Kind::KnownCode, Scope::Mailbox) => &self.0.mailbox_known_code,
            (Kind::KnownCode, Scope::Pair | Scope::Narrow | Scope::Wide | Scope::Widest) => {
                &ladders.code
            }
        }
    }

    pub(super) fn known_for(&self) -> u64 {
        self.0.known_for_seconds * 1_000
    }

    pub(super) fn remember(&self) -> u64 {
        self.0.remember_seconds * 1_000
    }

    /// How long a success makes its place known.
    pub fn known_place_lasts(&self) -> Duration {
        Duration::from_secs(self.0.known_for_seconds)
    }
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Wrong passwords.
    Password,
    /// Right passwords with a wrong code.
    Code,
    /// The same from known places; only mailboxes count it.
    KnownCode,
}
