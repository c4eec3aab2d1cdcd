//! Mechanisms that the upstream decides: who comes in by them, and what a failure costs.

use super::*;
use crate::base::RelayedMechanism;

const ALICE: &str = "alice@example.org";
const BOB: &str = "bob@example.org";
const LISTED: RelayedMechanism = RelayedMechanism::OAuthBearer;
const ELSEWHERE: RelayedMechanism = RelayedMechanism::GssApi;

fn listed(passwords: Passwords) -> Policy {
    let mut policy = Policy::clone(&policy(passwords));
    policy.mechanisms = Mechanisms::new(vec![LISTED, ELSEWHERE], vec![ELSEWHERE]).unwrap();
    policy
}

fn right(user: &str, auth_user: Option<&str>) -> PasswordAnswer {
    PasswordAnswer::Right { user: Some(user.into()), auth_user: auth_user.map(Into::into) }
}

fn asking(mechanism: RelayedMechanism) -> RelayedRequest {
    let remote = NetAddress::parse("192.0.2.1");
    RelayedRequest { mechanism, service: Service::Imap, remote, via: remote }
}

impl World {
    fn relayed(&mut self, policy: &Policy, request: RelayedRequest) -> Outcome {
        let now = UnixMillis::from_seconds(self.now);
        let mut next = Flow::start_relayed(request, Arc::new(policy.clone()), now);
        loop {
            match next {
                Next::Finish(outcome) => return outcome,
                Next::Perform(flow, effect) => next = flow.step(self.perform(effect)),
            }
        }
    }
}

#[test]
fn the_returned_names_are_judged() {
    let admin = Some("admin@example.org");
    let chief = Some("chief@example.org");
    let table = [
        // user, auth_user, by a mechanism without and with a second factor elsewhere
        (BOB, None, "mechanism", "mechanism"),
        (ALICE, None, "mechanism_without_factor", "mechanism+factor_elsewhere"),
        ("ALICE@Example.ORG", None, "mechanism_without_factor", "mechanism+factor_elsewhere"),
        (ALICE, Some(ALICE), "mechanism_without_factor", "mechanism+factor_elsewhere"),
        (BOB, Some("Bob@example.org"), "mechanism", "mechanism"),
        ("nobody@example.org", None, "mechanism", "mechanism"),
        (BOB, admin, "mechanism", "mechanism"),
        (BOB, chief, "mechanism_without_factor", "mechanism+factor_elsewhere"),
        (ALICE, admin, "master_without_factor", "mechanism"),
        (ALICE, chief, "master_without_factor", "mechanism+factor_elsewhere"),
        ("bo\tb", None, "bad_name", "bad_name"),
        (BOB, Some("ad min"), "bad_name", "bad_name"),
        ("", None, "bad_name", "bad_name"),
    ];
    for (user, auth_user, without, elsewhere) in table {
        for (mechanism, expected) in [(LISTED, without), (ELSEWHERE, elsewhere)] {
            let mut world = World::sample();
            world.token = right(user, auth_user);
            let policy = listed(Passwords::Upstream);
            let outcome = world.relayed(&policy, asking(mechanism));
            assert_eq!(word(&outcome), expected, "{user} {auth_user:?} {mechanism}");
            if let Outcome::Accepted(accepted) = outcome {
                assert_eq!(accepted.user(), Some(user.as_bytes()));
            }
        }
    }
}

#[test]
fn master_policy_allow_judges_the_master_only() {
    let mut policy = listed(Passwords::Upstream);
    policy.names.master_without_factor = MasterPolicy::Allow;
    for (master, expected) in
        [("admin@example.org", "mechanism"), ("chief@example.org", "mechanism_without_factor")]
    {
        let mut world = World::sample();
        world.token = right(ALICE, Some(master));
        assert_eq!(word(&world.relayed(&policy, asking(LISTED))), expected, "{master}");
    }
}

#[test]
fn a_lock_holds_whatever_the_mechanism_and_whoever_opens() {
    for (user, auth_user) in [(BOB, None), (ALICE, None), (BOB, Some("carol@example.org"))] {
        for mechanism in [LISTED, ELSEWHERE] {
            let mut world = World::sample();
            let now = UnixMillis::from_seconds(NOW);
            for locked in [ALICE, BOB] {
                let mut record = world
                    .records
                    .get(locked)
                    .map_or_else(|| MailboxRecord::new(now), |seen| seen.value.clone());
                record.locked = Some(now);
                world.write(locked, record);
            }
            world.token = right(user, auth_user);
            let outcome = world.relayed(&listed(Passwords::Upstream), asking(mechanism));
            assert_eq!(word(&outcome), "locked", "{user} {auth_user:?} {mechanism}");
        }
    }
}

#[test]
fn nothing_is_asked_about_a_mechanism_that_is_not_listed() {
    let policy = listed(Passwords::Upstream);
    for mechanism in [RelayedMechanism::XOAuth2, RelayedMechanism::GssSpnego] {
        let now = UnixMillis::from_seconds(NOW);
        let next = Flow::start_relayed(asking(mechanism), Arc::new(policy.clone()), now);
        assert!(matches!(next, Next::Finish(Outcome::Refused(Refusal::Malformed))), "{mechanism}");
    }
}

#[test]
fn no_name_and_no_answer_are_no_verdict() {
    for answer in [
        PasswordAnswer::Right { user: None, auth_user: Some(BOB.into()) },
        PasswordAnswer::Unavailable("x".into()),
    ] {
        let mut world = World::sample();
        world.token = answer;
        let outcome = world.relayed(&listed(Passwords::Upstream), asking(LISTED));
        assert_eq!(word(&outcome), "unavailable");
    }
    let mut world = World::sample();
    let outcome = world.relayed(&listed(Passwords::Upstream), asking(LISTED));
    assert_eq!(word(&outcome), "wrong_password");
}

#[test]
fn a_mailbox_that_is_enrolled_or_locked_during_the_exchange_does_not_open() {
    let policy = Arc::new(listed(Passwords::Upstream));
    let mut world = World::sample();
    world.token = right(BOB, None);
    let now = UnixMillis::from_seconds(NOW);
    let next = Flow::start_relayed(asking(LISTED), Arc::clone(&policy), now);
    let Next::Perform(flow, effect @ Effect::Relay { .. }) = next else { panic!("not asked") };
    let answered = world.perform(effect);
    world.enrol(BOB);
    let mut next = flow.step(answered);
    let outcome = loop {
        match next {
            Next::Finish(outcome) => break outcome,
            Next::Perform(flow, effect) => next = flow.step(world.perform(effect)),
        }
    };
    assert_eq!(word(&outcome), "mechanism_without_factor");
}

#[test]
fn where_passwords_are_our_own_a_mailbox_must_exist() {
    let mut world = World::sample();
    world.token = right("nobody@example.org", None);
    let outcome = world.relayed(&listed(Passwords::Stored), asking(ELSEWHERE));
    assert_eq!(word(&outcome), "wrong_password");
}

#[test]
fn a_store_that_does_not_answer_is_no_verdict() {
    let policy = Arc::new(listed(Passwords::Upstream));
    for user in [ALICE, BOB] {
        let now = UnixMillis::from_seconds(NOW);
        let next = Flow::start_relayed(asking(ELSEWHERE), Arc::clone(&policy), now);
        let Next::Perform(flow, Effect::Relay { .. }) = next else { panic!("not asked") };
        let next = flow.step(Input::Relayed(right(user, None)));
        let Next::Perform(flow, Effect::Load(_)) = next else { panic!("not looked at") };
        let Next::Finish(outcome) = flow.step(Input::Loaded(Err("gone".into()))) else {
            panic!("goes on")
        };
        assert_eq!(word(&outcome), "unavailable");
    }
}

#[test]
fn failures_are_counted_by_network_where_they_are_ours() {
    let throttled = |passwords| {
        let mut policy = listed(passwords);
        policy.throttle = Some(ThrottlePolicy::default());
        policy
    };
    // The upstream's own: nothing is counted here.
    let mut world = World::sample();
    for _ in 0..500 {
        let outcome = world.relayed(&throttled(Passwords::Upstream), asking(LISTED));
        assert_eq!(word(&outcome), "wrong_password");
    }
    assert!(world.counters.is_empty());
    let policy = throttled(Passwords::Stored);
    let mut outcomes = (0..5_000).map(|_| world.relayed(&policy, asking(LISTED)));
    let stopped = outcomes.find(|outcome| word(outcome) != "wrong_password").unwrap();
    assert_eq!(word(&stopped), "throttled", "nothing stops the guessing");
    drop(outcomes);
    assert!(world.counters.keys().all(|key| matches!(key, Key::Network(_))));
    // Nor does a right one get in from there.
    world.token = right(BOB, None);
    assert_eq!(word(&world.relayed(&policy, asking(LISTED))), "throttled");
}

#[test]
fn who_hangs_up_during_the_exchange_is_counted_where_that_is_ours() {
    let mut policy = listed(Passwords::Stored);
    policy.throttle = Some(ThrottlePolicy::default());
    let now = UnixMillis::from_seconds(NOW);
    let next = Flow::start_relayed(asking(LISTED), Arc::new(policy), now);
    let Next::Perform(flow, effect) = next else { panic!("finished") };
    assert!(flow.if_abandoned().is_none(), "nothing was asked yet");
    let mut world = World::sample();
    let Next::Perform(flow, Effect::Relay { counted: true }) = flow.step(world.perform(effect))
    else {
        panic!("not asked")
    };
    assert!(matches!(flow.if_abandoned(), Some(Count { event: Event::WrongPassword(_), .. })));
}

proptest! {
    /// Any answers in any order never lead to an acceptance without an OK that names a mailbox.
    #[test]
    fn results_of_other_effects_end_it(which in 0_u8..6) {
        let now = UnixMillis::from_seconds(NOW);
        let policy = Arc::new(listed(Passwords::Upstream));
        let next = Flow::start_relayed(asking(ELSEWHERE), policy, now);
        let Next::Perform(flow, _) = next else { panic!("finished") };
        let input = match which {
            0 => Input::Loaded(Ok(None)),
            1 => Input::Password(right(BOB, None)),
            2 => Input::Established(right(BOB, None)),
            3 => Input::Burned(BurnAnswer::Burned),
            4 => Input::Touched(BurnAnswer::Burned),
            _ => Input::Counted(Ok(())),
        };
        let Next::Finish(outcome) = flow.step(input) else { panic!("goes on") };
        prop_assert_eq!(word(&outcome), "unavailable");
    }
}

#[test]
fn rules_of_enforcement_hold_for_tokens() {
    use crate::decision::{
        enforcement::{Level, ServiceRule, ServiceRules},
        place::Network,
    };
    type Change = fn(&mut EnforcementPolicy);
    let required: Change = |rules| rules.level = Level::Required;
    let dry: Change = |rules| (rules.level, rules.dry_run) = (Level::Required, true);
    let off: Change =
        |rules| rules.services = ServiceRules::new(vec![(Service::Imap, ServiceRule::Off)]);
    let apps: Change = |rules| {
        rules.services = ServiceRules::new(vec![(Service::Imap, ServiceRule::AppPasswords)])
    };
    let exempt: Change =
        |rules| rules.exempt_networks = vec![Network::parse("192.0.2.0/24").unwrap()];
    let admin = Some("admin@example.org");
    for (change, user, auth_user, without, elsewhere) in [
        (required, BOB, None, "factor_required", "mechanism+factor_elsewhere"),
        (required, BOB, admin, "master_without_factor", "mechanism+factor_elsewhere"),
        (required, ALICE, None, "mechanism_without_factor", "mechanism+factor_elsewhere"),
        (dry, BOB, None, "mechanism", "mechanism+factor_elsewhere"),
        (dry, ALICE, None, "mechanism_without_factor", "mechanism+factor_elsewhere"),
        (off, BOB, None, "service_off", "service_off"),
        (off, ALICE, None, "mechanism_without_factor", "service_off"),
        (apps, BOB, None, "mechanism", "mechanism"),
        (apps, ALICE, None, "mechanism_without_factor", "app_passwords_only"),
        // An exempt network is for passwords.
        (exempt, ALICE, None, "mechanism_without_factor", "mechanism+factor_elsewhere"),
    ] {
        for (mechanism, expected) in [(LISTED, without), (ELSEWHERE, elsewhere)] {
            let mut policy = listed(Passwords::Upstream);
            change(&mut policy.enforcement);
            let mut world = World::sample();
            world.token = right(user, auth_user);
            let outcome = world.relayed(&policy, asking(mechanism));
            assert_eq!(word(&outcome), expected, "{user} {auth_user:?} {mechanism}");
            if let Outcome::Accepted(accepted) = &outcome {
                let noted = policy.enforcement.dry_run && mechanism == LISTED;
                assert_eq!(accepted.would_refuse().is_some(), noted);
            }
        }
    }
}
