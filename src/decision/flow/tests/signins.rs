//! Sessions, recovery codes and app passwords.

use super::*;
use crate::decision::{
    app_password::{AppPassword, ID_CHARACTERS, SECRET_CHARACTERS},
    place::{Binding, Network},
};

const ALICE: &str = "alice@example.org";

fn with_sessions(passwords: Passwords) -> Arc<Policy> {
    let mut policy = Policy::clone(&policy(passwords));
    policy.sessions = SessionPolicy::default();
    Arc::new(policy)
}

/// Logs in at a moment, from an address, for a service.
fn login_at(
    world: &mut World,
    policy: &Arc<Policy>,
    credential: &str,
    seconds: u64,
    from: &str,
    service: Service,
) -> &'static str {
    let request =
        Request { service, remote: NetAddress::parse(from), ..request(ALICE, credential) };
    let mut next = Flow::start(request, Arc::clone(policy), UnixMillis::from_seconds(seconds));
    loop {
        match next {
            Next::Finish(outcome) => return word(&outcome),
            Next::Perform(flow, effect) => next = flow.step(world.perform(effect)),
        }
    }
}

fn recovery_code(world: &mut World) -> String {
    let code = RecoveryCode::generate(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    let mut record = world.records[ALICE].value.clone();
    record.recovery.push(code.digest(&Mailbox::new(ALICE).unwrap(), &key()));
    world.write(ALICE, record);
    code.shown().expose().to_owned()
}

fn app_password(world: &mut World, limits: impl Fn(&mut AppPassword)) -> String {
    let typed = TypedAppPassword::generate(&[9; ID_CHARACTERS + SECRET_CHARACTERS]);
    let mut app = AppPassword {
        id: typed.id,
        digest: typed.digest(&Mailbox::new(ALICE).unwrap(), &key()),
        name: "phone".into(),
        services: Vec::new(),
        networks: Vec::new(),
        created: UnixMillis::from_seconds(NOW),
        expires: None,
        last_use: None,
    };
    limits(&mut app);
    let mut record = world.records[ALICE].value.clone();
    record.app_passwords.push(app);
    world.write(ALICE, record);
    typed.shown().expose().to_owned()
}

#[test]
fn a_sign_in_lives_from_the_same_place_for_its_time_and_no_longer() {
    let policy = with_sessions(Passwords::Upstream);
    let mut world = World::sample();
    let typed = format!("T9D3K!px{}", code(ALICE, 0));
    let other = format!("T9D3K!px{}", code(ALICE, 1));
    let hour = 3_600;
    for (after, from, service, credential, expected) in [
        (0, "192.0.2.1", Service::Imap, &typed, "password+code"),
        (1, "192.0.2.1", Service::Imap, &typed, "password+session"),
        (1, "192.0.2.1", Service::Smtp, &typed, "password+session"),
        (2, "192.0.2.2", Service::Imap, &typed, "used_code"),
        (2, "192.0.2.1", Service::Other("unheard-of".into()), &typed, "used_code"),
        (hour - 10, "192.0.2.1", Service::Imap, &typed, "password+session"),
        (2 * hour - 20, "192.0.2.1", Service::Imap, &typed, "password+session"),
        (3 * hour, "192.0.2.1", Service::Imap, &typed, "wrong_code"),
        (3 * hour, "192.0.2.1", Service::Imap, &other, "wrong_code"),
    ] {
        let got = login_at(&mut world, &policy, credential, NOW + after, from, service);
        assert_eq!(got, expected, "{after} {from}");
    }
}

#[test]
fn the_absolute_end_is_not_moved_by_use() {
    let policy = with_sessions(Passwords::Upstream);
    let mut world = World::sample();
    let typed = format!("T9D3K!px{}", code(ALICE, 0));
    let mut last = 0;
    for quarter in 0..60 {
        let after = quarter * 900;
        let got = login_at(&mut world, &policy, &typed, NOW + after, "192.0.2.1", Service::Imap);
        if !got.starts_with("password") {
            break;
        }
        last = after;
    }
    assert_eq!(last, 12 * 3_600 - 900, "one login each quarter of an hour, twelve hours long");
}

#[test]
fn a_session_stands_for_the_code_and_not_for_the_password() {
    let policy = with_sessions(Passwords::Upstream);
    let mut world = World::sample();
    let typed = format!("T9D3K!px{}", code(ALICE, 0));
    let now = |n| NOW + n;
    assert_eq!(
        login_at(&mut world, &policy, &typed, now(0), "192.0.2.1", Service::Imap),
        "password+code"
    );
    world.passwords.insert(ALICE.into(), "changed".into());
    assert_eq!(
        login_at(&mut world, &policy, &typed, now(1), "192.0.2.1", Service::Imap),
        "wrong_password"
    );
}

#[test]
fn a_session_that_is_ended_during_the_password_check_does_not_count() {
    let policy = with_sessions(Passwords::Upstream);
    let mut world = World::sample();
    let typed = format!("T9D3K!px{}", code(ALICE, 0));
    let _ = login_at(&mut world, &policy, &typed, NOW, "192.0.2.1", Service::Imap);
    let mut next =
        Flow::start(request(ALICE, &typed), Arc::clone(&policy), UnixMillis::from_seconds(NOW + 1));
    let outcome = loop {
        next = match next {
            Next::Finish(outcome) => break outcome,
            Next::Perform(flow, effect @ Effect::CheckPassword(_)) => {
                let input = world.perform(effect);
                let mut record = world.records[ALICE].value.clone();
                record.sessions.clear();
                world.write(ALICE, record);
                flow.step(input)
            }
            Next::Perform(flow, effect) => flow.step(world.perform(effect)),
        };
    };
    assert_eq!(word(&outcome), "used_code");
}

#[test]
fn a_recovery_code_opens_once_and_only_with_the_password() {
    let policy = policy(Passwords::Upstream);
    let mut world = World::sample();
    let recovery = recovery_code(&mut world);
    let typed = format!("T9D3K!px{recovery}");
    for (credential, expected) in [
        (format!("guess{recovery}"), "wrong_password"),
        (recovery.clone(), "missing_code"),
        ("T9D3K!pxabcde-fghij".into(), "wrong_code"),
        (typed.clone(), "password+recovery_code"),
        (typed.clone(), "wrong_code"),
    ] {
        assert_eq!(word(&world.login(&policy, request(ALICE, &credential))), expected);
    }
    assert!(world.records[ALICE].value.recovery.is_empty());
}

#[test]
fn an_app_password_needs_neither_password_nor_code_and_keeps_to_its_limits() {
    for passwords in [Passwords::Upstream, Passwords::Stored] {
        let policy = policy(passwords);
        let mut world = World::sample();
        let typed = app_password(&mut world, |app| {
            app.services = vec![Service::Imap];
            app.networks = vec![Network::parse("192.0.2.0/24").unwrap()];
            app.expires = Some(UnixMillis::from_seconds(NOW + 100));
        });
        let wrong = format!("{}{}", &typed[..typed.len() - 1], "a");
        let plain = typed.replace('-', "").to_uppercase();
        for (credential, after, from, service, expected) in [
            (&typed, 0, "192.0.2.1", Service::Imap, "app_password"),
            (&plain, 99, "192.0.2.9", Service::Imap, "app_password"),
            (&wrong, 0, "192.0.2.1", Service::Imap, "app_password_wrong"),
            (&typed, 0, "192.0.2.1", Service::Smtp, "app_password_out_of_scope"),
            (&typed, 0, "198.51.100.1", Service::Imap, "app_password_out_of_scope"),
            (&typed, 100, "192.0.2.1", Service::Imap, "app_password_expired"),
        ] {
            let got = login_at(&mut world, &policy, credential, NOW + after, from, service);
            assert_eq!(got, expected, "{credential} {after} {from}");
        }
        let last = world.records[ALICE].value.app_passwords[0].last_use.clone().unwrap();
        assert_eq!(last.from, NetAddress::parse("192.0.2.9"));
    }
}

#[test]
fn an_app_password_of_one_mailbox_opens_no_other() {
    let policy = policy(Passwords::Upstream);
    let mut world = World::sample();
    let typed = app_password(&mut world, |_| {});
    for user in ["bob@example.org", "chief@example.org", "bob@example.org*alice@example.org"] {
        let outcome = world.login(&policy, request(user, &typed));
        assert!(!outcome.is_accepted(), "{user}");
    }
}

#[test]
fn a_locked_mailbox_is_shut_for_everything() {
    let policy = with_sessions(Passwords::Upstream);
    let mut world = World::sample();
    let app = app_password(&mut world, |_| {});
    let recovery = recovery_code(&mut world);
    let mut record = world.records[ALICE].value.clone();
    record.locked = Some(UnixMillis::from_seconds(NOW));
    world.write(ALICE, record);
    let good = code(ALICE, 0);
    for credential in [app, format!("T9D3K!px{good}"), format!("T9D3K!px{recovery}")] {
        assert_eq!(word(&world.login(&policy, request(ALICE, &credential))), "locked");
    }
}

#[test]
fn connections_opened_together_with_one_string_are_one_sign_in() {
    // Every interleaving of a few logins: one burns, all are in.
    let mut policy = Policy::clone(&policy(Passwords::Upstream));
    policy.sessions = SessionPolicy { absolute_seconds: 0, ..SessionPolicy::default() };
    let policy = Arc::new(policy);
    let typed = format!("T9D3K!px{}", code(ALICE, 0));
    for seed in 0..500_usize {
        let mut world = World::sample();
        // Not at the very same moment, and done in any order.
        let start = |later: u64| {
            let at = UnixMillis::from_millis(NOW * 1_000 + later);
            Flow::start(request(ALICE, &typed), Arc::clone(&policy), at)
        };
        let mut running: Vec<Next> = (0..5).map(start).collect();
        let (mut outcomes, mut turn) = (Vec::new(), seed);
        while !running.is_empty() {
            turn = turn.wrapping_mul(6_364_136_223).wrapping_add(1_442_695);
            match running.swap_remove((turn >> 7) % running.len()) {
                Next::Finish(outcome) => outcomes.push(word(&outcome)),
                Next::Perform(flow, effect) => running.push(flow.step(world.perform(effect))),
            }
        }
        let burned = outcomes.iter().filter(|word| **word == "password+code").count();
        assert_eq!(burned, 1, "{outcomes:?}");
        let lived = outcomes.iter().filter(|word| **word == "password+session").count();
        assert_eq!(burned + lived, 5, "{outcomes:?}");
    }
}

#[test]
fn an_app_password_that_is_revoked_while_the_mail_server_is_told_does_not_count() {
    let policy = policy(Passwords::Stored);
    let mut world = World::sample();
    let typed = app_password(&mut world, |_| {});
    let mut next =
        Flow::start(request(ALICE, &typed), Arc::clone(&policy), UnixMillis::from_seconds(NOW));
    let outcome = loop {
        next = match next {
            Next::Finish(outcome) => break outcome,
            Next::Perform(flow, effect @ Effect::Establish(_)) => {
                let input = world.perform(effect);
                let mut record = world.records[ALICE].value.clone();
                record.app_passwords.clear();
                world.write(ALICE, record);
                flow.step(input)
            }
            Next::Perform(flow, effect) => flow.step(world.perform(effect)),
        };
    };
    assert_eq!(word(&outcome), "app_password_wrong");
}

#[test]
fn of_connections_opened_together_the_first_one_may_be_checked_last() {
    for throttle in [None, Some(ThrottlePolicy::default())] {
        let mut policy = Policy::clone(&with_sessions(Passwords::Upstream));
        policy.throttle = throttle;
        let policy = Arc::new(policy);
        let mut world = World::sample();
        let typed = format!("T9D3K!px{}", code(ALICE, 0));
        let at = |millis| UnixMillis::from_millis(NOW * 1_000 + millis);
        // Its password check takes longer than all of the other one.
        let Next::Perform(flow, effect) =
            Flow::start(request(ALICE, &typed), Arc::clone(&policy), at(0))
        else {
            panic!("it starts with an effect");
        };
        let first = flow.step(world.perform(effect));
        for (mut next, expected) in [
            (Flow::start(request(ALICE, &typed), Arc::clone(&policy), at(20)), "password+code"),
            (first, "password+session"),
        ] {
            let outcome = loop {
                next = match next {
                    Next::Finish(outcome) => break outcome,
                    Next::Perform(flow, effect) => flow.step(world.perform(effect)),
                };
            };
            assert_eq!(word(&outcome), expected);
        }
    }
}

#[test]
fn what_the_administrator_shortens_is_shorter_for_sessions_that_are_open() {
    let long = with_sessions(Passwords::Upstream);
    let short = |change: fn(&mut SessionPolicy)| {
        let mut policy = Policy::clone(&long);
        change(&mut policy.sessions);
        Arc::new(policy)
    };
    for (policy, after, expected) in [
        (Arc::clone(&long), 600, "password+session"),
        (short(|s| s.absolute_seconds = 0), 5, "password+session"),
        (short(|s| s.absolute_seconds = 0), 11, "used_code"),
        (short(|s| s.absolute_seconds = 300), 299, "password+session"),
        (short(|s| s.absolute_seconds = 300), 600, "wrong_code"),
        (short(|s| s.idle_seconds = 300), 600, "wrong_code"),
    ] {
        let mut world = World::sample();
        let typed = format!("T9D3K!px{}", code(ALICE, 0));
        let _ = login_at(&mut world, &long, &typed, NOW, "192.0.2.1", Service::Imap);
        let got = login_at(&mut world, &policy, &typed, NOW + after, "192.0.2.1", Service::Imap);
        assert_eq!(got, expected, "{:?} after {after}", policy.sessions);
    }
}

#[test]
fn a_master_users_sign_in_is_for_the_mailbox_that_it_opened() {
    let policy = with_sessions(Passwords::Upstream);
    let mut world = World::sample();
    let typed = format!("boss{}", code("chief@example.org", 0));
    for (user, opened, expected) in [
        ("chief@example.org", "chief@example.org", "password+code"),
        ("chief@example.org", "chief@example.org", "password+session"),
        ("bob@example.org*chief@example.org", "bob@example.org", "used_code"),
        ("alice@example.org*chief@example.org", "alice@example.org", "used_code"),
    ] {
        world.returned.insert("chief@example.org".into(), opened.into());
        assert_eq!(word(&world.login(&policy, request(user, &typed))), expected, "{user}");
    }
}

/// Whether the password check of a login could be answered from memory, and what came out of it.
fn recalled(world: &mut World, policy: &Arc<Policy>, request: Request) -> (bool, &'static str) {
    let mut next = Flow::start(request, Arc::clone(policy), UnixMillis::from_seconds(NOW));
    let mut recall = false;
    loop {
        match next {
            Next::Finish(outcome) => return (recall, word(&outcome)),
            Next::Perform(flow, effect) => {
                if let Effect::CheckPassword(question) = &effect {
                    recall = question.recall.is_some();
                }
                next = flow.step(world.perform(effect));
            }
        }
    }
}

#[test]
fn only_a_sign_in_that_lives_may_go_by_an_earlier_answer() {
    for passwords in [Passwords::Upstream, Passwords::Stored] {
        let mut policy = Policy::clone(&with_sessions(passwords));
        policy.sessions.password_seconds = 60;
        let off = with_sessions(passwords);
        let policy = Arc::new(policy);
        let mut world = World::sample();
        let typed = format!("T9D3K!px{}", code(ALICE, 0));
        let alice = request(ALICE, &typed);
        let at = |from: &str| Request { remote: NetAddress::parse(from), ..request(ALICE, &typed) };
        let app = app_password(&mut world, |_| {});
        for (request, expected) in [
            // The code is still to be used up.
            (alice.clone(), (false, "password+code")),
            (alice.clone(), (true, "password+session")),
            (Request { service: Service::Smtp, ..alice.clone() }, (true, "password+session")),
            (at("198.51.100.9"), (false, "used_code")),
            (request(ALICE, "T9D3K!px"), (false, "missing_code")),
            (request(ALICE, &format!("wrong{}", code(ALICE, 0))), (false, "wrong_password")),
            (request(ALICE, &app), (false, "app_password")),
            (request("bob@example.org", "hunter123456"), (false, "password")),
        ] {
            let stored = passwords == Passwords::Stored;
            let bobs = request.authcid.starts_with(b"bob");
            let what = format!("{passwords:?} {request:?}");
            let got = recalled(&mut world, &policy, request);
            // The store of this world has no record of Bob.
            let expected = if stored && bobs { (false, "wrong_password") } else { expected };
            assert_eq!(got, expected, "{what}");
        }
        assert_eq!(recalled(&mut world, &off, alice), (false, "password+session"));
    }
}

#[test]
fn a_master_user_a_form_and_a_place_without_a_name_are_asked_each_time() {
    let mut policy = Policy::clone(&with_sessions(Passwords::Upstream));
    policy.sessions.password_seconds = 60;
    policy.sessions.binding = Binding::None;
    policy.names.master_separator = Some('*');
    let policy = Arc::new(policy);
    let mut world = World::sample();
    let chiefs = format!("boss{}", code("chief@example.org", 0));
    world.returned.insert("chief@example.org".into(), "bob@example.org".into());
    let master = request("bob@example.org*chief@example.org", &chiefs);
    assert_eq!(recalled(&mut world, &policy, master.clone()), (false, "password+code"));
    assert_eq!(recalled(&mut world, &policy, master), (false, "password+session"));
    let form = Credential::Apart {
        password: Secret::from_slice(b"T9D3K!px"),
        factor: Some(Secret::from_slice(code(ALICE, 0).as_bytes())),
    };
    let panel = Request { credential: form, service: Service::Panel, ..request(ALICE, "") };
    assert_eq!(recalled(&mut world, &policy, panel.clone()), (false, "password+code"));
    assert_eq!(recalled(&mut world, &policy, panel), (false, "password+session"));
    let next = format!("T9D3K!px{}", code(ALICE, 1));
    let nowhere = Request { remote: NetAddress::UNKNOWN, ..request(ALICE, &next) };
    assert_eq!(recalled(&mut world, &policy, nowhere.clone()), (false, "password+code"));
    assert_eq!(recalled(&mut world, &policy, nowhere), (false, "password+session"));
}
