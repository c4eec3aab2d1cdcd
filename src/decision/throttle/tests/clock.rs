//! Clocks that jump, time that passes, and counters as bytes.

use proptest::prelude::*;

use super::*;

#[test]
fn a_clock_set_back_by_years_neither_forgives_nor_waits_for_years() {
    let mut world = World::default();
    let ahead = 10 * 365 * DAY;
    world.fail_until_throttled(AWAY, Event::WrongCode, ahead);
    // Back by ten years: still throttled, and asked again and again without end.
    for seconds in [0, HOUR, DAY] {
        assert_eq!(wait_of(world.admit(AWAY, seconds)).0, 300);
    }
    let moved = settle(&world.policy, &world.view(&alice(), AWAY), at(DAY));
    assert_eq!(moved.len(), 4);
    world.stored.extend(moved);
    assert!(settle(&world.policy, &world.view(&alice(), AWAY), at(DAY)).is_empty());
    assert_eq!(wait_of(world.admit(AWAY, DAY)).0, 300);
    assert_eq!(world.admit(AWAY, DAY + 300), Admission::Go);
}

#[test]
fn overlapping_logins_do_not_age_a_counter_twice() {
    let mut world = World::default();
    world.tell(AWAY, Event::WrongPassword(mark(1)), 100);
    // This one arrived earlier and took longer.
    world.tell(AWAY, Event::WrongPassword(mark(2)), 20);
    assert_eq!(world.stored[&pair(AWAY)].at(), at(100));
    assert_eq!(world.level(&pair(AWAY), Kind::Password)[0], 40_000);
}

#[test]
fn a_success_of_the_future_lasts_no_longer_than_one_of_today() {
    let mut world = World::default();
    world.tell(HOME, Event::Success { spent: None }, 10 * 365 * DAY);
    world.stored.extend(settle(&world.policy, &world.view(&alice(), HOME), at(0)));
    assert_eq!(world.standing(HOME, 30 * DAY - 1), Standing::Known);
    assert_eq!(world.standing(HOME, 30 * DAY), Standing::Unknown);
}

#[test]
fn levels_of_a_laxer_policy_do_not_hold_for_long() {
    let mut world = World::default();
    let mut counter = Counter { at: at(0), ..Counter::default() };
    counter.password.0 = [u64::MAX; 3];
    world.stored.insert(pair(AWAY), counter);
    let (wait, _) = wait_of(world.admit(AWAY, 0));
    assert_eq!(wait, 101 * 900);
}

fn event() -> impl Strategy<Value = Event> {
    let print = (0_u64..30).prop_map(mark);
    prop_oneof![
        4 => print.clone().prop_map(Event::WrongPassword),
        4 => print.clone().prop_map(Event::WrongCode),
        1 => print.clone().prop_map(Event::UsedCode),
        1 => print.clone().prop_map(Event::StaleCode),
        1 => Just(Event::MissingCode),
        1 => proptest::option::of(print).prop_map(|spent| Event::Success { spent }),
    ]
}

fn place() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just(HOME), Just(AWAY), Just("2001:db8::1"), Just("none")]
}

fn waits(admission: Admission) -> Duration {
    match admission {
        Admission::Go => Duration::ZERO,
        Admission::Throttled { retry_after, .. } => retry_after,
    }
}

proptest! {
    /// Whatever happened, and however the clock jumped in between: no wait is longer than the
    /// longest period, everything is bounded, bytes carry it, and it ends.
    #[test]
    fn jumps_of_the_clock(
        story in proptest::collection::vec((event(), place(), 0_u64..20 * 365 * DAY), 1..60),
        probe in 0_u64..20 * 365 * DAY,
    ) {
        let mut world = World::default();
        for (event, from, seconds) in story {
            let view = world.view(&alice(), from);
            world.stored.extend(settle(&world.policy, &view, at(seconds)));
            if world.admit(from, seconds) == Admission::Go {
                world.tell(from, event, seconds);
            }
        }
        for counter in world.stored.values() {
            prop_assert_eq!(&Counter::decode(&counter.encode()).unwrap(), counter);
            prop_assert!(counter.password_marks.len() <= THROTTLE_PASSWORD_MARKS);
            prop_assert!(counter.code_marks.len() <= THROTTLE_CODE_MARKS);
        }
        for from in [HOME, AWAY, "2001:db8::1", "none"] {
            let view = world.view(&alice(), from);
            world.stored.extend(settle(&world.policy, &view, at(probe)));
            let wait = waits(world.admit(from, probe));
            prop_assert!(wait <= Duration::from_secs(7_200), "{wait:?}");
            let then = probe + wait.as_secs() + 300;
            prop_assert_eq!(world.admit(from, then), Admission::Go);
        }
        for counter in world.stored.values() {
            let end = counter.expires(&world.policy).seconds() - START;
            let left = counter.aged(&world.policy, Scope::Mailbox, at(end));
            prop_assert!(end <= 20 * 365 * DAY + 31 * DAY);
            prop_assert!(!left.is_known() && left.code_marks.is_empty());
        }
    }

    /// From one moment to an earlier one a wait never shrinks, and to a later one it never grows.
    #[test]
    fn waits_fall_with_time_only(
        failures in proptest::collection::vec((event(), place(), 0_u64..5), 1..40),
        probes in proptest::collection::vec(0_u64..3 * DAY, 2..20),
    ) {
        let mut world = World::default();
        let mut seconds = DAY;
        for (event, from, step) in failures {
            seconds += step;
            if !matches!(event, Event::Success { .. }) {
                world.tell(from, event, seconds);
            }
        }
        let mut probes = probes;
        probes.sort_unstable();
        for from in [HOME, AWAY, "2001:db8::1", "none"] {
            for two in probes.windows(2) {
                let (early, late) = (world.admit(from, two[0]), world.admit(from, two[1]));
                prop_assert!(waits(early) >= waits(late));
                prop_assert!(waits(early) <= waits(late) + Duration::from_secs(two[1] - two[0]));
            }
        }
    }

    /// One failure more never makes a wait shorter, for anybody.
    #[test]
    fn failures_never_help(
        failures in proptest::collection::vec((event(), place()), 1..40),
    ) {
        let mut world = World::default();
        for (event, from) in failures {
            if matches!(event, Event::Success { .. }) {
                continue;
            }
            let before = [HOME, AWAY, "2001:db8::1"].map(|p| waits(world.admit(p, 0)));
            world.tell(from, event, 0);
            let now = [HOME, AWAY, "2001:db8::1"].map(|p| waits(world.admit(p, 0)));
            prop_assert!(before.iter().zip(now).all(|(before, now)| *before <= now));
        }
    }

    #[test]
    fn any_bytes_are_a_counter_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..700)) {
        if let Ok(counter) = Counter::decode(&bytes) {
            prop_assert_eq!(counter.encode(), bytes);
            let policy = ThrottlePolicy::default();
            let _ = counter.aged(&policy, Scope::Pair, at(0)).expires(&policy);
        }
    }

    #[test]
    fn cut_or_changed_lengths_are_errors(cut in 0_usize..90, extra in 1_usize..5) {
        let mut counter = Counter { at: at(0), ..Counter::default() };
        counter.mark_code(mark(1));
        let bytes = counter.encode();
        prop_assert_eq!(Counter::decode(&bytes[..cut]), Err(DecodeError::Malformed));
        let long = [bytes.clone(), vec![0; extra]].concat();
        prop_assert_eq!(Counter::decode(&long), Err(DecodeError::Malformed));
        let other = [&[9], &bytes[1..]].concat();
        prop_assert_eq!(Counter::decode(&other), Err(DecodeError::Version(9)));
    }
}
