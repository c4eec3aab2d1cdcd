//! Password and code from the fields of a form.

use super::*;
use crate::decision::panel::{PanelPolicy, PanelSession, Standing};

const ALICE: &str = "alice@example.org";
const BOB: &str = "bob@example.org";

fn form(user: &str, password: &str, factor: Option<&str>) -> Request {
    let secret = |text: &str| Secret::from_slice(text.as_bytes());
    let credential = Credential::Apart { password: secret(password), factor: factor.map(secret) };
    Request { credential, service: Service::Panel, ..request(user, "") }
}

fn sent(world: &mut World, policy: &Arc<Policy>, request: Request) -> &'static str {
    word(&world.login(policy, request))
}

#[test]
fn who_gets_in_by_a_form() {
    let good = code(ALICE, 0);
    let spaced = format!(" {} {} ", &good[..3], &good[3..]);
    let joined = format!("T9D3K!px{good}");
    for (user, password, factor, expected) in [
        (ALICE, "T9D3K!px", Some(&*good), "password+code"),
        (ALICE, "T9D3K!px", Some(&*spaced), "password+code"),
        (ALICE, "T9D3K!px", None, "missing_code"),
        (ALICE, "guess", None, "wrong_password"),
        (ALICE, "guess", Some(&*good), "wrong_password"),
        (ALICE, "T9D3K!px", Some("12345"), "wrong_code"),
        (ALICE, "T9D3K!px", Some(""), "wrong_code"),
        (ALICE, &joined, None, "wrong_password"),
        (ALICE, "", Some(&*good), "empty_password"),
        (ALICE, " ", Some(&*good), "empty_password"),
        (ALICE, "T9D3K!px\0", Some(&*good), "malformed"),
        (ALICE, "T9D3K!px", Some("123\x00456"), "malformed"),
        (BOB, "hunter123456", None, "password"),
        (BOB, "hunter123456", Some("000000"), "password"),
        (BOB, "hunter", Some("123456"), "wrong_password"),
        ("alice@example.org*chief@example.org", "boss", None, "bad_name"),
    ] {
        let mut world = World::sample();
        let got = sent(&mut world, &policy(Passwords::Upstream), form(user, password, factor));
        assert_eq!(got, expected, "{user} {password} {factor:?}");
    }
}

/// Dovecot's `login_user`: a master user whose name says nothing of it.
#[test]
fn a_form_opens_no_mailbox_of_a_master_user_whom_only_the_upstream_knows() {
    for service in [Service::Panel, Service::Webmail] {
        let mut world = World::sample();
        let master = "carol@example.org";
        world.passwords.insert(master.into(), "boss".into());
        world.returned.insert(master.into(), BOB.into());
        world.masters.insert(master.into(), master.into());
        let request = Request { service, ..form(master, "boss", None) };
        assert_eq!(sent(&mut world, &policy(Passwords::Upstream), request), "bad_name");
    }
}

#[test]
fn a_form_that_is_sent_twice_gets_in_twice_and_not_a_minute_later() {
    let mut policy = Policy::clone(&policy(Passwords::Upstream));
    policy.sessions = SessionPolicy::default();
    let policy = Arc::new(policy);
    let mut world = World::sample();
    let good = code(ALICE, 0);
    let mut at = |seconds: u64| {
        let request = form(ALICE, "T9D3K!px", Some(&good));
        let mut next = Flow::start(request, Arc::clone(&policy), UnixMillis::from_seconds(seconds));
        loop {
            match next {
                Next::Finish(outcome) => return word(&outcome),
                Next::Perform(flow, effect) => next = flow.step(world.perform(effect)),
            }
        }
    };
    assert_eq!(at(NOW), "password+code");
    assert_eq!(at(NOW + 9), "password+session");
    assert_eq!(at(NOW + 10), "used_code");
}

/// Between the last look at the mailbox and the write that uses the code up.
#[test]
fn a_lock_that_comes_before_the_code_is_used_up_counts() {
    let good = code(ALICE, 0);
    let joined = request(ALICE, &format!("T9D3K!px{good}"));
    for request in [joined, form(ALICE, "T9D3K!px", Some(&good))] {
        let mut world = World::sample();
        let now = UnixMillis::from_seconds(NOW);
        let mut next = Flow::start(request, policy(Passwords::Upstream), now);
        let outcome = loop {
            match next {
                Next::Finish(outcome) => break outcome,
                Next::Perform(flow, effect) => {
                    let record = world.records.get_mut(ALICE).unwrap();
                    if matches!(effect, Effect::Burn(..)) && record.value.locked.is_none() {
                        record.value.locked = Some(now);
                        record.version.0 += 1;
                    }
                    next = flow.step(world.perform(effect));
                }
            }
        };
        assert!(matches!(outcome, Outcome::Unavailable(_)), "{}", word(&outcome));
        assert!(world.records[ALICE].value.locked.is_some(), "it came in between");
    }
}

#[test]
fn what_a_form_opened_opens_no_mail() {
    let mut policy = Policy::clone(&policy(Passwords::Upstream));
    policy.sessions = SessionPolicy::default();
    let policy = Arc::new(policy);
    let mut world = World::sample();
    let good = code(ALICE, 0);
    let first = form(ALICE, "T9D3K!px", Some(&good));
    assert_eq!(sent(&mut world, &policy, first), "password+code");
    let joined = request(ALICE, &format!("T9D3K!px{good}"));
    assert_eq!(sent(&mut world, &policy, joined), "used_code");
    let mut named = request(ALICE, &format!("T9D3K!px\0{good}"));
    named.service = Service::parse("panel");
    assert_eq!(sent(&mut world, &policy, named), "wrong_password");
}

/// Asks who is at the panel for a fresh code.
fn challenged(world: &mut World, policy: &Arc<Policy>, typed: &str) -> &'static str {
    let now = UnixMillis::from_seconds(NOW);
    let (alice, from) = (Mailbox::new(ALICE).unwrap(), NetAddress::parse("192.0.2.1"));
    let standing = Standing::of(&key(), &alice, world.records.get(ALICE).map(|r| &r.value));
    let session = PanelSession::open(now, from, standing);
    let live = SignedIn::from_session(&session, &PanelPolicy::default(), &standing, now).unwrap();
    let typed = Secret::from_slice(typed.as_bytes());
    let mut next = Flow::challenge(live, alice, typed, from, Arc::clone(policy), now);
    loop {
        match next {
            Next::Finish(outcome) => return word(&outcome),
            Next::Perform(flow, effect) => {
                assert!(!matches!(effect, Effect::CheckPassword(_) | Effect::Establish(_)));
                next = flow.step(world.perform(effect));
            }
        }
    }
}

#[test]
fn a_fresh_code_is_used_up_and_opens_nothing() {
    for passwords in [Passwords::Upstream, Passwords::Stored] {
        let policy = policy(passwords);
        let mut world = World::sample();
        let good = code(ALICE, 0);
        let wrong = if good == "123456" { "123457" } else { "123456" };
        assert_eq!(challenged(&mut world, &policy, wrong), "wrong_code");
        assert_eq!(challenged(&mut world, &policy, "T9D3K!px"), "wrong_code");
        assert_eq!(challenged(&mut world, &policy, ""), "wrong_code");
        assert_eq!(challenged(&mut world, &policy, &good), "panel+code");
        assert_eq!(challenged(&mut world, &policy, &good), "used_code");
        assert!(world.records[ALICE].value.sessions.is_empty());
    }
}

#[test]
fn guesses_at_the_panel_are_counted_with_all_others() {
    let mut policy = Policy::clone(&policy(Passwords::Upstream));
    policy.throttle = Some(ThrottlePolicy::default());
    let policy = Arc::new(policy);
    let mut world = World::sample();
    let good = code(ALICE, 0);
    for guess in 0..200 {
        let guess = format!("{guess:06}");
        if guess != good && challenged(&mut world, &policy, &guess) == "throttled" {
            assert_eq!(challenged(&mut world, &policy, &good), "throttled");
            return;
        }
    }
    panic!("nobody had to wait");
}

#[test]
fn without_a_second_factor_there_is_nothing_to_ask() {
    let mut world = World::sample();
    world.records.remove(ALICE);
    assert_eq!(challenged(&mut world, &policy(Passwords::Upstream), "123456"), "wrong_code");
}
