//! One test for each edge of the two machines, and for what counts where.

mod clock;
mod numbers;

use std::collections::BTreeMap;

use super::*;
use crate::{
    base::{
        Mailbox, NetAddress,
        limits::{THROTTLE_CODE_MARKS, THROTTLE_PASSWORD_MARKS},
    },
    decision::testing::alice,
};

const MINUTE: u64 = 60;
const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;
const START: u64 = 1_800_000_000;

const HOME: &str = "192.0.2.7";
const AWAY: &str = "198.51.100.9";

/// Counters as a store would keep them, and the mailbox they are used for.
#[derive(Clone, Default)]
struct World {
    policy: ThrottlePolicy,
    stored: BTreeMap<Key, Counter>,
}

fn at(seconds: u64) -> UnixMillis {
    UnixMillis::from_seconds(START + seconds)
}

fn mark(number: u64) -> Fingerprint {
    Fingerprint(u128::from(number).to_le_bytes())
}

impl World {
    fn shared(network: &str) -> Self {
        let settings = Settings {
            shared_networks: vec![Network::parse(network).unwrap()],
            ..Settings::default()
        };
        Self { policy: ThrottlePolicy::new(settings).unwrap(), ..Self::default() }
    }

    fn view(&self, mailbox: &Mailbox, from: &str) -> View {
        let keys = self.policy.keys_for(Some(&owner(mailbox)), NetAddress::parse(from));
        View::new(keys.into_iter().map(|key| (key.clone(), self.stored.get(&key).cloned())))
    }

    fn admit(&self, from: &str, seconds: u64) -> Admission {
        admit(&self.policy, &self.view(&alice(), from), at(seconds))
    }

    fn code(&self, from: &str, credential: u64, seconds: u64) -> CodeAdmission {
        admit_code(&self.policy, &self.view(&alice(), from), mark(credential), at(seconds))
    }

    fn standing(&self, from: &str, seconds: u64) -> Standing {
        standing(&self.policy, &self.view(&alice(), from), at(seconds))
    }

    fn tell_of(&mut self, mailbox: &Mailbox, from: &str, event: Event, seconds: u64) -> usize {
        let changed = after(&self.policy, &self.view(mailbox, from), event, at(seconds));
        let count = changed.len();
        self.stored.extend(changed);
        count
    }

    fn tell(&mut self, from: &str, event: Event, seconds: u64) -> usize {
        self.tell_of(&alice(), from, event, seconds)
    }

    /// Fails with new passwords until throttled; says how often.
    fn fail_until_throttled(&mut self, from: &str, event: fn(Fingerprint) -> Event, t: u64) -> u64 {
        for n in 0.. {
            if self.admit(from, t) != Admission::Go {
                return n;
            }
            self.tell(from, event(mark(t * 100_000 + n)), t);
        }
        unreachable!()
    }

    fn level(&self, key: &Key, kind: Kind) -> [u64; 3] {
        let Some(counter) = self.stored.get(key) else { return [0; 3] };
        match kind {
            Kind::Password => counter.password.0,
            Kind::Code => counter.code.0,
            Kind::KnownCode => counter.known_code.0,
        }
    }
}

fn owner(mailbox: &Mailbox) -> Owner {
    Owner { mailbox: mailbox.clone(), since: UnixMillis::from_seconds(7) }
}

fn pair(from: &str) -> Key {
    let alice = owner(&alice());
    let keys = ThrottlePolicy::default().keys_for(Some(&alice), NetAddress::parse(from));
    keys.into_iter().find(|key| matches!(key, Key::Pair(..))).unwrap()
}

fn mailbox() -> Key {
    Key::Mailbox(owner(&alice()))
}

fn wait_of(admission: Admission) -> (u64, Limit) {
    match admission {
        Admission::Go => panic!("not throttled"),
        Admission::Throttled { retry_after, limit } => (retry_after.as_secs(), limit),
    }
}

// One test for each edge of the lane.

#[test]
fn lane_clear_to_counting_on_a_failure() {
    let mut world = World::default();
    assert_eq!(world.level(&pair(AWAY), Kind::Password), [0; 3]);
    // Mailbox, pair, /32, /24.
    assert_eq!(world.tell(AWAY, Event::WrongPassword(mark(1)), 0), 4);
    assert_eq!(world.level(&pair(AWAY), Kind::Password), [20_000, 120_000, 900_000]);
    assert_eq!(world.level(&pair(AWAY), Kind::Code), [0; 3]);
}

#[test]
fn lane_counting_to_itself_on_a_failure_with_room_left() {
    let mut world = World::default();
    for n in 1..=9 {
        world.tell(AWAY, Event::WrongPassword(mark(n)), 0);
        assert_eq!(world.admit(AWAY, 0), Admission::Go);
        assert_eq!(world.level(&pair(AWAY), Kind::Password)[0], n * 20_000);
    }
}

#[test]
fn lane_counting_to_itself_on_the_same_failure() {
    let mut world = World::default();
    world.tell(AWAY, Event::WrongPassword(mark(1)), 0);
    for _ in 0..1_000 {
        assert_eq!(world.tell(AWAY, Event::WrongPassword(mark(1)), 1), 0);
    }
    assert_eq!(world.level(&pair(AWAY), Kind::Password)[0], 20_000);
    // A phone that takes its wrong password to another address counts once for the mailbox.
    let before = world.level(&mailbox(), Kind::Password);
    world.tell("203.0.113.4", Event::WrongPassword(mark(1)), 1);
    assert!(world.level(&mailbox(), Kind::Password) <= before);
}

#[test]
fn lane_counting_to_full_on_the_failure_that_fills_a_rung() {
    let mut world = World::default();
    assert_eq!(world.fail_until_throttled(AWAY, Event::WrongPassword, 0), 10);
    let limit = Limit { scope: Scope::Pair, kind: Kind::Password };
    assert_eq!(wait_of(world.admit(AWAY, 0)), (20, limit));

    let mut world = World::default();
    assert_eq!(world.fail_until_throttled(AWAY, Event::WrongCode, 0), 6);
    let limit = Limit { scope: Scope::Mailbox, kind: Kind::Code };
    assert_eq!(wait_of(world.admit(AWAY, 0)), (300, limit));
}

#[test]
fn lane_full_to_itself_on_an_attempt() {
    let mut world = World::default();
    world.fail_until_throttled(AWAY, Event::WrongPassword, 0);
    for seconds in 0..20 {
        // Hammering does not prolong it.
        assert_eq!(wait_of(world.admit(AWAY, seconds)).0, 20 - seconds);
    }
}

#[test]
fn lane_full_to_counting_when_time_made_room() {
    let mut world = World::default();
    world.fail_until_throttled(AWAY, Event::WrongPassword, 0);
    assert_ne!(world.admit(AWAY, 19), Admission::Go);
    assert_eq!(world.fail_until_throttled(AWAY, Event::WrongPassword, 20), 1);
    assert_eq!(world.fail_until_throttled(AWAY, Event::WrongPassword, 80), 3);
}

#[test]
fn lane_counting_to_clear_when_time_forgot_all() {
    let mut world = World::default();
    world.tell(AWAY, Event::WrongPassword(mark(1)), 0);
    let counter = world.stored[&pair(AWAY)].clone();
    // The memory of the password outlasts the levels here.
    assert_eq!(counter.expires(&world.policy), at(DAY));
    let later = counter.aged(&world.policy, Scope::Pair, at(DAY));
    assert_eq!(later, Counter { at: at(DAY), ..Counter::default() });
    assert_eq!(later.expires(&world.policy), at(DAY));
}

// One test for each edge of the standing.

#[test]
fn standing_unknown_to_known_on_success() {
    let mut world = World::default();
    assert_eq!(world.standing(HOME, 0), Standing::Unknown);
    assert_eq!(world.tell(HOME, Event::Success { spent: Some(mark(1)) }, 0), 2);
    assert_eq!(world.standing(HOME, 0), Standing::Known);
    assert_eq!(world.standing(AWAY, 0), Standing::Unknown);
}

#[test]
fn standing_known_to_itself_on_success() {
    let mut world = World::default();
    world.tell(HOME, Event::Success { spent: None }, 0);
    // Soon after, nothing is written.
    assert_eq!(world.tell(HOME, Event::Success { spent: None }, HOUR), 0);
    assert_eq!(world.tell(HOME, Event::Success { spent: None }, DAY), 1);
    assert_eq!(world.standing(HOME, 31 * DAY - 1), Standing::Known);
}

#[test]
fn standing_known_to_unknown_when_its_time_passed() {
    let mut world = World::default();
    world.tell(HOME, Event::Success { spent: None }, 0);
    assert_eq!(world.stored[&pair(HOME)].expires(&world.policy), at(30 * DAY));
    assert_eq!(world.standing(HOME, 30 * DAY - 1), Standing::Known);
    assert_eq!(world.standing(HOME, 30 * DAY), Standing::Unknown);
}

#[test]
fn standing_shared_and_nowhere_never_become_known() {
    let mut world = World::shared("192.0.2.0/24");
    world.tell(HOME, Event::Success { spent: None }, 0);
    assert_eq!(world.standing(HOME, 0), Standing::Shared);
    world.tell("unknown", Event::Success { spent: None }, 0);
    assert_eq!(world.standing("unknown", 0), Standing::Nowhere);
    assert!(world.stored.is_empty());
}

// What counts where.

#[test]
fn strangers_do_not_slow_a_known_place() {
    let mut world = World::default();
    world.tell(HOME, Event::Success { spent: None }, 0);
    // Without the password: from everywhere, and from the known place's own network.
    for n in 0..20_000_u64 {
        let from = format!("10.{}.{}.1", n / 250, n % 250);
        world.tell(&from, Event::WrongPassword(mark(n)), 1);
        let bob = Mailbox::new(&format!("user{n}@example.org")).unwrap();
        world.tell_of(&bob, HOME, Event::WrongPassword(mark(n)), 1);
    }
    assert_eq!(wait_of(world.admit(AWAY, 1)).1.scope, Scope::Mailbox);
    assert_eq!(world.admit(HOME, 1), Admission::Go);
    // With the password, from everywhere.
    world.fail_until_throttled("203.0.113.4", Event::WrongCode, 3 * DAY);
    assert_eq!(wait_of(world.admit(AWAY, 3 * DAY)).1.kind, Kind::Code);
    assert_eq!(world.admit(HOME, 3 * DAY), Admission::Go);
}

#[test]
fn a_known_place_has_its_own_bounds() {
    let mut world = World::default();
    world.tell(HOME, Event::Success { spent: None }, 0);
    assert_eq!(world.fail_until_throttled(HOME, Event::WrongPassword, 0), 10);
    assert_eq!(world.level(&mailbox(), Kind::Password), [0; 3]);
    assert_eq!(world.fail_until_throttled(HOME, Event::WrongCode, HOUR), 10);
    assert_eq!(world.level(&mailbox(), Kind::Code), [0; 3]);
    // All known places together have a bound as well.
    let places = ["192.0.2.8", "192.0.2.9", "192.0.2.10"];
    for place in places {
        world.tell(place, Event::Success { spent: None }, 2 * HOUR);
    }
    let guesses = places.map(|p| world.fail_until_throttled(p, Event::WrongCode, 2 * HOUR));
    assert_eq!(guesses.iter().sum::<u64>(), 15);
    assert_eq!(world.admit(AWAY, 2 * HOUR), Admission::Go);
}

#[test]
fn a_shared_place_is_not_slowed_by_the_rest_of_the_world() {
    let mut world = World::shared("192.0.2.0/24");
    for n in 0..5_000_u64 {
        world.tell(&format!("10.{}.{}.1", n / 250, n % 250), Event::WrongPassword(mark(n)), 0);
    }
    assert_ne!(world.admit(AWAY, 0), Admission::Go);
    assert_eq!(world.admit(HOME, 0), Admission::Go);
    // Other mailboxes there do not slow it either, but codes guessed anywhere do.
    for n in 0..500 {
        let bob = Mailbox::new(&format!("user{n}@example.org")).unwrap();
        world.tell_of(&bob, HOME, Event::WrongPassword(mark(n)), 0);
    }
    assert_eq!(world.admit(HOME, 0), Admission::Go);
    world.fail_until_throttled(AWAY, Event::WrongCode, 3 * DAY);
    assert_eq!(
        wait_of(world.admit(HOME, 3 * DAY)).1,
        Limit { scope: Scope::Mailbox, kind: Kind::Code }
    );
}

#[test]
fn a_network_that_tries_many_mailboxes_is_slowed() {
    let mut world = World::default();
    let mut wide = World::default();
    for n in 0..60_u64 {
        let bob = Mailbox::new(&format!("user{n}@example.org")).unwrap();
        world.tell_of(&bob, AWAY, Event::WrongPassword(mark(n)), 0);
        let from = format!("198.51.100.{}", n + 20);
        wide.tell_of(&bob, &from, Event::WrongPassword(mark(n)), 0);
    }
    let limit = Limit { scope: Scope::Narrow, kind: Kind::Password };
    assert_eq!(wait_of(world.admit(AWAY, 0)).1, limit);
    assert_eq!(wait_of(wide.admit(AWAY, 0)).1.scope, Scope::Wide);
    assert_eq!(wide.admit("198.51.101.9", 0), Admission::Go);
}

#[test]
fn no_success_takes_a_failure_back() {
    let mut world = World::default();
    world.fail_until_throttled(HOME, Event::WrongCode, 0);
    world.tell(HOME, Event::WrongPassword(mark(1)), 0);
    let before = world.stored.clone();
    world.tell(HOME, Event::Success { spent: Some(mark(2)) }, 0);
    for (key, counter) in before {
        let now = &world.stored[&key];
        assert_eq!(
            (counter.password, counter.code, counter.known_code),
            (now.password, now.code, now.known_code)
        );
    }
    // It does make the place known, where other lanes count.
    assert_eq!(world.admit(HOME, 0), Admission::Go);
    assert_ne!(world.admit(AWAY, 0), Admission::Go);
}

// Credentials that come again.

#[test]
fn a_wrong_code_that_comes_again_is_stale_and_free() {
    let mut world = World::default();
    assert_eq!(world.code(AWAY, 1, 0), CodeAdmission::Look);
    world.tell(AWAY, Event::WrongCode(mark(1)), 0);
    let levels = world.level(&mailbox(), Kind::Code);
    // Thunderbird: 21 retries in 55 s; then every ten minutes for a week, from here and there.
    for n in 0..21 {
        assert_eq!(world.code(AWAY, 1, n * 2), CodeAdmission::Stale);
        assert_eq!(world.tell(AWAY, Event::StaleCode(mark(1)), n * 2), 0);
    }
    let mut writes = 0;
    for n in 1..=7 * 144 {
        let from = if n % 2 == 0 { AWAY } else { "203.0.113.4" };
        assert_eq!(world.code(from, 1, n * 10 * MINUTE), CodeAdmission::Stale);
        writes += world.tell(from, Event::StaleCode(mark(1)), n * 10 * MINUTE);
    }
    assert!(writes < 120, "{writes} writes");
    assert!(world.level(&mailbox(), Kind::Code) < levels);
    // A day of silence, and it is looked at again, for the price of a guess.
    assert_eq!(world.code(AWAY, 1, 9 * DAY), CodeAdmission::Look);
}

#[test]
fn a_spent_or_used_code_is_free() {
    let mut world = World::default();
    world.tell(HOME, Event::Success { spent: Some(mark(1)) }, 0);
    world.tell(AWAY, Event::UsedCode(mark(2)), 0);
    for from in [HOME, AWAY, "203.0.113.4"] {
        assert_eq!(world.code(from, 1, 1), CodeAdmission::Stale);
        assert_eq!(world.code(from, 2, 1), CodeAdmission::Stale);
        assert_eq!(world.code(from, 3, 1), CodeAdmission::Look);
    }
    assert_eq!(world.level(&mailbox(), Kind::Code), [0; 3]);
    assert_eq!(world.level(&mailbox(), Kind::KnownCode), [0; 3]);
}

#[test]
fn a_missing_code_writes_nothing() {
    let mut world = World::default();
    for n in 0..1_000 {
        assert_eq!(world.tell(AWAY, Event::MissingCode, n), 0);
        assert_eq!(world.admit(AWAY, n), Admission::Go);
    }
}

#[test]
fn memory_is_bounded_and_drops_what_was_not_seen_for_longest() {
    let mut world = World::default();
    for n in 0..1_000 {
        world.tell(AWAY, Event::WrongPassword(mark(n)), n);
        world.tell(AWAY, Event::WrongCode(mark(n)), n);
    }
    let counter = &world.stored[&pair(AWAY)];
    assert_eq!(counter.password_marks.len(), THROTTLE_PASSWORD_MARKS);
    assert_eq!(counter.code_marks.len(), THROTTLE_CODE_MARKS);
    assert!(counter.has_code(mark(999)) && !counter.has_code(mark(983)));
    assert!(counter.encode().len() <= 700);
}

/// So whoever is told how long to wait is told the answer to the first question.
#[test]
fn the_second_question_never_asks_for_a_longer_wait_than_the_first() {
    for event in [Event::WrongCode as fn(Fingerprint) -> Event, Event::WrongPassword] {
        for from in [HOME, AWAY] {
            let mut world = World::default();
            world.fail_until_throttled(from, event, 0);
            for later in [0, 60, 250, 600] {
                let first = match world.admit(from, later) {
                    Admission::Go => Duration::ZERO,
                    Admission::Throttled { retry_after, .. } => retry_after,
                };
                let second = match world.code(from, 999, later) {
                    CodeAdmission::Look => Duration::ZERO,
                    CodeAdmission::Stale => panic!("not that one"),
                    CodeAdmission::Throttled { retry_after, .. } => retry_after,
                };
                assert!(second <= first, "{second:?} {first:?}");
            }
        }
    }
}

#[test]
fn a_code_that_is_full_throttles_at_the_second_question_too() {
    let mut world = World::default();
    world.fail_until_throttled(AWAY, Event::WrongCode, 0);
    let limit = Limit { scope: Scope::Mailbox, kind: Kind::Code };
    let retry_after = Duration::from_secs(300);
    assert_eq!(world.code(AWAY, 999, 0), CodeAdmission::Throttled { retry_after, limit });
    // Wrong passwords do not come into it there: the password is right.
    let mut world = World::default();
    world.fail_until_throttled(AWAY, Event::WrongPassword, 0);
    assert_eq!(world.code(AWAY, 999, 0), CodeAdmission::Look);
}
