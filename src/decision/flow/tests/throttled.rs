//! The machine with throttling: what is counted, who must wait, and that five connections at once
//! still are one sign-in.

use super::*;

const ALICE: &str = "alice@example.org";

fn throttled(passwords: Passwords) -> Arc<Policy> {
    let mut policy = Policy::clone(&policy(passwords));
    policy.throttle = Some(ThrottlePolicy::default());
    policy.sessions = SessionPolicy::default();
    Arc::new(policy)
}

fn login(
    world: &mut World,
    policy: &Arc<Policy>,
    user: &str,
    credential: &str,
    from: &str,
) -> &'static str {
    let request = Request { remote: NetAddress::parse(from), ..request(user, credential) };
    let now = UnixMillis::from_seconds(world.now);
    let mut next = Flow::start(request, Arc::clone(policy), now);
    loop {
        match next {
            Next::Finish(outcome) => return word(&outcome),
            Next::Perform(flow, effect) => next = flow.step(world.perform(effect)),
        }
    }
}

/// A code that is wrong now, another one for each number.
fn wrong_code(number: u32) -> String {
    let right: Vec<String> = (-1..=1).map(|offset| code(ALICE, offset)).collect();
    (0..100_u32)
        .map(|n| format!("{:06}", (n + number * 7) % 1_000_000))
        .find(|digits| !right.contains(digits))
        .unwrap()
}

#[test]
fn guessing_codes_with_the_right_password_ends_soon_from_any_number_of_places() {
    let policy = throttled(Passwords::Upstream);
    let mut world = World::sample();
    let mut looked_at = 0;
    for guess in 0..1_000_u32 {
        let from = format!("2001:db8:{guess:x}::1");
        let typed = format!("T9D3K!px{}", wrong_code(guess));
        match login(&mut world, &policy, ALICE, &typed, &from) {
            "wrong_code" => looked_at += 1,
            "throttled" => {}
            other => panic!("{other}"),
        }
    }
    assert!((1..20).contains(&looked_at), "{looked_at} codes were looked at in one moment");
}

#[test]
fn a_stranger_without_the_password_does_not_lock_the_owner_out_of_a_known_place() {
    let policy = throttled(Passwords::Upstream);
    let mut world = World::sample();
    let good = format!("T9D3K!px{}", code(ALICE, -1));
    assert_eq!(login(&mut world, &policy, ALICE, &good, "192.0.2.1"), "password+code");
    let mut refused = 0;
    for guess in 0..500_u32 {
        let from = format!("2001:db8:{guess:x}::1");
        let typed = format!("guess{guess}x123456");
        refused += u32::from(login(&mut world, &policy, ALICE, &typed, &from) == "throttled");
    }
    assert!(refused > 300, "the stranger is slowed: {refused}");
    let fresh = format!("T9D3K!px{}", code(ALICE, 0));
    assert_eq!(login(&mut world, &policy, ALICE, &fresh, "192.0.2.1"), "password+code");
    // And whoever is signed in stays so.
    assert_eq!(login(&mut world, &policy, ALICE, &good, "192.0.2.1"), "password+session");
}

#[test]
fn a_program_that_repeats_an_old_string_locks_nobody_out() {
    let policy = throttled(Passwords::Upstream);
    let mut world = World::sample();
    let old = format!("T9D3K!px{}", code(ALICE, -5));
    assert_eq!(login(&mut world, &policy, ALICE, &old, "192.0.2.1"), "wrong_code");
    for _ in 0..500 {
        assert_eq!(login(&mut world, &policy, ALICE, &old, "192.0.2.1"), "used_code");
    }
    let fresh = format!("T9D3K!px{}", code(ALICE, 0));
    assert_eq!(login(&mut world, &policy, ALICE, &fresh, "192.0.2.1"), "password+code");
}

#[test]
fn names_that_nobody_has_leave_counters_of_networks_only() {
    let policy = throttled(Passwords::Stored);
    let mut world = World::sample();
    for n in 0..50 {
        let _ = login(&mut world, &policy, &format!("nobody{n}@example.org"), "x", "192.0.2.1");
    }
    assert!(!world.counters.is_empty());
    assert!(world.counters.keys().all(|key| key.mailbox().is_none()));
}

#[test]
fn a_mailbox_that_only_the_upstream_knows_is_left_to_it() {
    let policy = throttled(Passwords::Upstream);
    let mut world = World::sample();
    for _ in 0..100 {
        let got = login(&mut world, &policy, "bob@example.org", "wrong", "192.0.2.1");
        assert_eq!(got, "wrong_password");
    }
    assert!(world.counters.is_empty());
}

#[test]
fn connections_opened_together_are_still_one_sign_in() {
    let policy = throttled(Passwords::Upstream);
    let typed = format!("T9D3K!px{}", code(ALICE, 0));
    for seed in 0..300_usize {
        let mut world = World::sample();
        let now = UnixMillis::from_seconds(NOW);
        let start = || Flow::start(request(ALICE, &typed), Arc::clone(&policy), now);
        // Whose turn it is to look at codes: its number, once it has entered.
        let mut inside: Option<usize> = None;
        let mut running: Vec<(usize, Next)> = (0..5).map(|n| (n, start())).collect();
        let (mut outcomes, mut turn) = (Vec::new(), seed);
        while !running.is_empty() {
            turn = turn.wrapping_mul(6_364_136_223).wrapping_add(1_442_695);
            let (number, next) = running.swap_remove((turn >> 7) % running.len());
            match next {
                Next::Finish(outcome) => {
                    inside = inside.filter(|n| *n != number);
                    outcomes.push(word(&outcome));
                }
                Next::Perform(flow, effect) => {
                    if matches!(effect, Effect::CodeCounters(..)) {
                        if inside.is_some_and(|n| n != number) {
                            running.push((number, Next::Perform(flow, effect)));
                            continue;
                        }
                        inside = Some(number);
                    }
                    running.push((number, flow.step(world.perform(effect))));
                }
            }
        }
        let burned = outcomes.iter().filter(|word| **word == "password+code").count();
        let lived = outcomes.iter().filter(|word| **word == "password+session").count();
        assert_eq!((burned, lived), (1, 4), "{outcomes:?}");
    }
}
