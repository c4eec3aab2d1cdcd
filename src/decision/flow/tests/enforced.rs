//! The machine under rules of enforcement: what they refuse, also when they come to hold during a
//! login, and by whichever way a mailbox is reached.

use std::collections::HashMap;

use super::*;
use crate::decision::{
    app_password::{AppPassword, ID_CHARACTERS, SECRET_CHARACTERS},
    enforcement::{DomainRule, Level, OwnLevel, ServiceRule, ServiceRules, Unenrolled},
    place::Network,
};

const ALICE: &str = "alice@example.org";
const BOB: &str = "bob@example.org";
const BOBS: &str = "hunter123456";

fn enforced(passwords: Passwords, change: impl FnOnce(&mut EnforcementPolicy)) -> Arc<Policy> {
    let mut policy = Policy::clone(&policy(passwords));
    policy.sessions = SessionPolicy::default();
    change(&mut policy.enforcement);
    Arc::new(policy)
}

fn required() -> Arc<Policy> {
    enforced(Passwords::Upstream, |rules| rules.level = Level::Required)
}

fn services(rules: &[(Service, ServiceRule)]) -> ServiceRules {
    ServiceRules::new(rules.to_vec())
}

/// Runs a login; `meanwhile` is called after each effect, with whether it checked the password.
fn run(
    world: &mut World,
    policy: &Arc<Policy>,
    request: Request,
    mut meanwhile: impl FnMut(&mut World, bool),
) -> Outcome {
    let mut next = Flow::start(request, Arc::clone(policy), UnixMillis::from_seconds(NOW));
    loop {
        next = match next {
            Next::Finish(outcome) => return outcome,
            Next::Perform(flow, effect) => {
                let checked = matches!(effect, Effect::CheckPassword(_));
                let input = world.perform(effect);
                meanwhile(world, checked);
                flow.step(input)
            }
        };
    }
}

fn login(world: &mut World, policy: &Arc<Policy>, user: &str, credential: &str) -> String {
    said(&run(world, policy, request(user, credential), |_, _| {}))
}

/// The word, and what a dry run let through.
fn said(outcome: &Outcome) -> String {
    let would = match outcome {
        Outcome::Accepted(accepted) => accepted.would_refuse(),
        Outcome::Refused(_) | Outcome::Unavailable(_) => None,
    };
    let would = would.map(|refusal| format!(", would {}", refusal.as_str()));
    format!("{}{}", word(outcome), would.unwrap_or_default())
}

/// The record of a mailbox, or a new one, with a level of its own.
fn own_level(world: &mut World, name: &str, level: Level) {
    let now = UnixMillis::from_seconds(NOW);
    let found = world.records.get(name).map(|found| found.value.clone());
    let mut record = found.unwrap_or_else(|| MailboxRecord::new(now));
    record.enforcement = Some(OwnLevel { level, set: now });
    world.write(name, record);
}

fn app_password(world: &mut World, name: &str) -> String {
    let now = UnixMillis::from_seconds(NOW);
    let typed = TypedAppPassword::generate(&[9; ID_CHARACTERS + SECRET_CHARACTERS]);
    let app = AppPassword {
        id: typed.id,
        digest: typed.digest(&Mailbox::new(name).unwrap(), &key()),
        name: "phone".into(),
        services: Vec::new(),
        networks: Vec::new(),
        created: now,
        expires: None,
        last_use: None,
    };
    let found = world.records.get(name).map(|found| found.value.clone());
    let mut record = found.unwrap_or_else(|| MailboxRecord::new(now));
    record.app_passwords.push(app);
    world.write(name, record);
    typed.shown().expose().to_owned()
}

#[test]
fn a_mailbox_that_must_have_a_factor_does_not_open_without() {
    let policy = required();
    let mut world = World::sample();
    let good = format!("T9D3K!px{}", code(ALICE, 0));
    for (user, credential, expected) in [
        (BOB, BOBS, "factor_required"),
        ("BOB@Example.ORG", BOBS, "factor_required"),
        // The reason is the right one, and a wrong password is counted as such.
        (BOB, "wrong", "wrong_password"),
        ("nobody@example.org", "x", "wrong_password"),
        (ALICE, "T9D3K!px", "missing_code"),
        (ALICE, good.as_str(), "password+code"),
        (ALICE, good.as_str(), "password+session"),
    ] {
        assert_eq!(login(&mut world, &policy, user, credential), expected, "{user}");
    }
}

#[test]
fn levels_of_mailbox_domain_and_server() {
    let rule = |level| DomainRule { level, dry_run: None };
    let policy = enforced(Passwords::Upstream, |rules| {
        rules.level = Level::Required;
        rules.domains = HashMap::from([
            ("example.org".into(), rule(Level::Optional)),
            ("later.example".into(), rule(Level::RequiredFrom(UnixMillis::from_seconds(NOW + 1)))),
            ("now.example".into(), rule(Level::RequiredFrom(UnixMillis::from_seconds(NOW)))),
        ]);
    });
    let mut world = World::sample();
    for name in ["x@later.example", "x@now.example", "x@other.example", "x"] {
        world.passwords.insert(name.into(), "x".into());
    }
    for (user, credential, expected) in [
        (BOB, BOBS, "password"),
        ("x@later.example", "x", "password"),
        ("x@now.example", "x", "factor_required"),
        ("x@other.example", "x", "factor_required"),
        ("x", "x", "factor_required"),
    ] {
        assert_eq!(login(&mut world, &policy, user, credential), expected, "{user}");
    }
    own_level(&mut world, BOB, Level::Required);
    own_level(&mut world, "x@other.example", Level::Off);
    assert_eq!(login(&mut world, &policy, BOB, BOBS), "factor_required");
    assert_eq!(login(&mut world, &policy, "x@other.example", "x"), "password");
    own_level(&mut world, ALICE, Level::Off);
    assert_eq!(login(&mut world, &policy, ALICE, "T9D3K!px"), "missing_code");
}

#[test]
fn a_level_that_changes_during_the_password_check_counts() {
    let policy = enforced(Passwords::Upstream, |_| {});
    for (before, after, expected) in [
        (None, Level::Required, "factor_required"),
        (
            Some(Level::Optional),
            Level::RequiredFrom(UnixMillis::from_seconds(NOW)),
            "factor_required",
        ),
        (Some(Level::Required), Level::Optional, "password"),
        (None, Level::RequiredFrom(UnixMillis::from_seconds(NOW + 1)), "password"),
    ] {
        let mut world = World::sample();
        if let Some(before) = before {
            own_level(&mut world, BOB, before);
        }
        let outcome = run(&mut world, &policy, request(BOB, BOBS), |world, checked| {
            if checked {
                own_level(world, BOB, after);
            }
        });
        assert_eq!(said(&outcome), expected, "{after:?}");
    }
}

#[test]
fn app_passwords_of_a_mailbox_that_must_enrol() {
    for (unenrolled, level, expected) in [
        (Unenrolled::Panel, Level::Required, "factor_required"),
        (Unenrolled::AppPasswords, Level::Required, "app_password"),
        (Unenrolled::Panel, Level::Optional, "app_password"),
    ] {
        for passwords in [Passwords::Upstream, Passwords::Stored] {
            let policy = enforced(passwords, |rules| {
                (rules.unenrolled, rules.level) = (unenrolled, level);
            });
            let mut world = World::sample();
            let typed = app_password(&mut world, BOB);
            assert_eq!(login(&mut world, &policy, BOB, &typed), expected);
            let wrong = format!("{}a", &typed[..typed.len() - 1]);
            assert_eq!(login(&mut world, &policy, BOB, &wrong), "app_password_wrong");
            // Also if it comes to be required while the mail server is told.
            let mut steps = 0;
            let outcome = run(&mut world, &policy, request(BOB, &typed), |world, _| {
                steps += 1;
                if steps == 2 {
                    own_level(world, BOB, Level::Required);
                }
            });
            let refused = unenrolled == Unenrolled::Panel;
            let late = if refused { "factor_required" } else { "app_password" };
            assert_eq!(said(&outcome), late);
        }
    }
}

#[test]
fn what_services_may_be_opened_with() {
    let policy = enforced(Passwords::Upstream, |rules| {
        rules.services = services(&[
            (Service::Smtp, ServiceRule::AppPasswords),
            (Service::Sieve, ServiceRule::Full),
            (Service::Pop3, ServiceRule::Off),
        ]);
    });
    let other = || Service::Other("xmpp".into());
    for (service, bare, app, full) in [
        (Service::Imap, "password", "app_password", "password+code"),
        (Service::Smtp, "password", "app_password", "app_passwords_only"),
        (Service::Sieve, "password", "full_sign_in_only", "password+code"),
        (Service::Pop3, "service_off", "service_off", "service_off"),
        // An app password is for no service that is not known.
        (other(), "service_off", "app_password_out_of_scope", "service_off"),
    ] {
        let mut world = World::sample();
        let typed = app_password(&mut world, ALICE);
        let good = format!("T9D3K!px{}", code(ALICE, 0));
        let mut at = |user: &str, credential: &str| {
            let request = Request { service: service.clone(), ..request(user, credential) };
            said(&run(&mut world, &policy, request, |_, _| {}))
        };
        assert_eq!(at(BOB, BOBS), bare, "{service}");
        assert_eq!(at(BOB, "wrong"), "wrong_password", "{service}");
        assert_eq!(at(ALICE, &typed), app, "{service}");
        assert_eq!(at(ALICE, "T9D3K!px"), "missing_code", "{service}");
        assert_eq!(at(ALICE, "T9D3K!px000000"), "wrong_code", "{service}");
        assert_eq!(at(ALICE, &good), full, "{service}");
        let burned = world.last_step(ALICE) != 0;
        assert_eq!(burned, full == "password+code", "a refusal costs no code: {service}");
    }
}

#[test]
fn a_sign_in_is_not_for_a_service_that_takes_app_passwords_only() {
    let lax = enforced(Passwords::Upstream, |_| {});
    let strict = enforced(Passwords::Upstream, |rules| {
        rules.services = services(&[(Service::Imap, ServiceRule::AppPasswords)]);
    });
    let mut world = World::sample();
    let good = format!("T9D3K!px{}", code(ALICE, 0));
    assert_eq!(login(&mut world, &lax, ALICE, &good), "password+code");
    assert_eq!(login(&mut world, &lax, ALICE, &good), "password+session");
    // The rules of today hold for a session of yesterday.
    assert_eq!(login(&mut world, &strict, ALICE, &good), "app_passwords_only");
}

#[test]
fn no_other_name_leads_around_a_level() {
    let policy = required();
    // A master user without a factor is stopped by a level of his own; here he has none.
    let target_only = enforced(Passwords::Upstream, |_| {});
    let mut world = World::sample();
    own_level(&mut world, BOB, Level::Required);
    let chief = format!("boss{}", code("chief@example.org", 0));
    world.returned.insert("admin@example.org".into(), BOB.into());
    world.returned.insert("chief@example.org".into(), BOB.into());
    let master = "bob@example.org*admin@example.org";
    assert_eq!(login(&mut world, &target_only, master, "root"), "master_without_factor");
    assert_eq!(login(&mut world, &policy, master, "root"), "master_without_factor");
    let master = "bob@example.org*chief@example.org";
    assert_eq!(login(&mut world, &target_only, master, &chief), "password+code");
    // An alias, with its own password and with its own code.
    for (alias, password) in [("carol@example.org", "x".to_owned()), (ALICE, String::new())] {
        let mut world = World::sample();
        own_level(&mut world, BOB, Level::Required);
        let typed = if password.is_empty() {
            format!("T9D3K!px{}", code(ALICE, 0))
        } else {
            world.passwords.insert(alias.into(), password.clone());
            password
        };
        world.returned.insert(alias.into(), BOB.into());
        assert_eq!(login(&mut world, &target_only, alias, &typed), "other_mailbox_protected");
        assert_eq!(world.last_step(ALICE), 0);
    }
    // A master user whom only the upstream knows.
    let mut world = World::sample();
    own_level(&mut world, "admin@example.org", Level::Required);
    world.masters.insert(BOB.into(), "admin@example.org".into());
    assert_eq!(login(&mut world, &target_only, BOB, BOBS), "other_mailbox_protected");
    // The target comes to be required during the check.
    let mut world = World::sample();
    world.returned.insert("admin@example.org".into(), BOB.into());
    let typed = request("bob@example.org*admin@example.org", "root");
    let outcome = run(&mut world, &target_only, typed, |world, checked| {
        if checked {
            own_level(world, BOB, Level::Required);
        }
    });
    assert_eq!(said(&outcome), "master_without_factor");
}

#[test]
fn a_dry_run_lets_in_and_says_so_and_never_without_the_code() {
    let policy = enforced(Passwords::Upstream, |rules| {
        (rules.level, rules.dry_run) = (Level::Required, true);
        rules.services = services(&[
            (Service::Smtp, ServiceRule::AppPasswords),
            (Service::Pop3, ServiceRule::Off),
        ]);
    });
    let good = format!("T9D3K!px{}", code(ALICE, 0));
    for (user, credential, service, expected) in [
        (BOB, BOBS, Service::Imap, "password, would factor_required"),
        (BOB, BOBS, Service::Pop3, "password, would service_off"),
        (BOB, "wrong", Service::Pop3, "wrong_password"),
        (ALICE, "T9D3K!px", Service::Imap, "missing_code"),
        (ALICE, "T9D3K!px", Service::Pop3, "missing_code"),
        (ALICE, "T9D3K!px000000", Service::Smtp, "wrong_code"),
        (ALICE, &good, Service::Imap, "password+code"),
        (ALICE, &good, Service::Smtp, "password+code, would app_passwords_only"),
    ] {
        let mut world = World::sample();
        let request = Request { service, ..request(user, credential) };
        let outcome = run(&mut world, &policy, request, |_, _| {});
        assert_eq!(said(&outcome), expected, "{user}");
    }
    // Switched on during the check, it is asked for.
    let outcome = run(&mut World::sample(), &policy, request(BOB, BOBS), |world, checked| {
        if checked {
            world.enrol(BOB);
        }
    });
    assert_eq!(said(&outcome), "missing_code");
    // The first name is in a dry run, the mailbox behind it is not.
    let policy = enforced(Passwords::Upstream, |rules| {
        (rules.level, rules.dry_run) = (Level::Required, true);
        let strict = DomainRule { level: Level::Required, dry_run: Some(false) };
        rules.domains = HashMap::from([("strict.example".into(), strict)]);
    });
    let mut world = World::sample();
    world.returned.insert(BOB.into(), "bob@strict.example".into());
    assert_eq!(login(&mut world, &policy, BOB, BOBS), "other_mailbox_protected");
}

#[test]
fn from_an_exempt_network_the_whole_string_is_the_password() {
    let policy = enforced(Passwords::Upstream, |rules| {
        rules.level = Level::Required;
        rules.exempt_networks = vec![Network::parse("192.0.2.0/24").unwrap()];
        rules.webmail_networks = vec![Network::parse("203.0.113.9").unwrap()];
    });
    let good = format!("T9D3K!px{}", code(ALICE, 0));
    let digits = "hunter123456123456";
    for (user, credential, from, via, expected) in [
        (ALICE, "T9D3K!px", "192.0.2.1", "192.0.2.1", "password+exempt_network"),
        (BOB, BOBS, "192.0.2.1", "192.0.2.1", "password+exempt_network"),
        // No code is cut off; nor taken for one.
        (ALICE, good.as_str(), "192.0.2.1", "192.0.2.1", "wrong_password"),
        ("dora@example.org", digits, "192.0.2.1", "192.0.2.1", "password+exempt_network"),
        ("dora@example.org", digits, "198.51.100.1", "198.51.100.1", "wrong_password"),
        ("erin@example.org", "123456", "192.0.2.1", "192.0.2.1", "password+exempt_network"),
        (ALICE, "wrong", "192.0.2.1", "192.0.2.1", "wrong_password"),
        (ALICE, "T9D3K!px", "198.51.100.1", "198.51.100.1", "missing_code"),
        (ALICE, "T9D3K!px", "unknown", "unknown", "missing_code"),
        (BOB, BOBS, "198.51.100.1", "198.51.100.1", "factor_required"),
        (ALICE, good.as_str(), "198.51.100.1", "198.51.100.1", "password+code"),
        // Webmail says where its user sits.
        (ALICE, "T9D3K!px", "192.0.2.1", "203.0.113.9", "missing_code"),
        (ALICE, good.as_str(), "192.0.2.1", "203.0.113.9", "password+code"),
    ] {
        let mut world = World::sample();
        for (name, password) in [("dora@example.org", digits), ("erin@example.org", "123456")] {
            world.enrol(name);
            world.passwords.insert(name.into(), password.into());
        }
        let request = Request {
            remote: NetAddress::parse(from),
            via: NetAddress::parse(via),
            ..request(user, credential)
        };
        let outcome = run(&mut world, &policy, request, |_, _| {});
        assert_eq!(said(&outcome), expected, "{user} {credential} {from} {via}");
    }
}

#[test]
fn what_has_a_shape_of_its_own_is_recognised_in_an_exempt_network_too() {
    let lax = enforced(Passwords::Upstream, |_| {});
    let policy = enforced(Passwords::Upstream, |rules| {
        rules.exempt_networks = vec![Network::parse("192.0.2.0/24").unwrap()];
    });
    let mut world = World::sample();
    let typed = app_password(&mut world, ALICE);
    let recovery = RecoveryCode::generate(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    let mut record = world.records[ALICE].value.clone();
    record.recovery.push(recovery.digest(&Mailbox::new(ALICE).unwrap(), &key()));
    world.write(ALICE, record);
    let with_recovery = format!("T9D3K!px{}", recovery.shown().expose());
    let good = format!("T9D3K!px{}", code(ALICE, 0));
    // A sign-in from before the network was exempt.
    assert_eq!(login(&mut world, &lax, ALICE, &good), "password+code");
    for (credential, expected) in [
        (good.as_str(), "password+session"),
        (typed.as_str(), "app_password"),
        (with_recovery.as_str(), "password+recovery_code"),
        ("T9D3K!px", "password+exempt_network"),
    ] {
        assert_eq!(login(&mut world, &policy, ALICE, credential), expected, "{credential}");
    }
}

#[test]
fn an_exempt_network_is_for_a_mailboxs_own_password() {
    let policy = enforced(Passwords::Upstream, |rules| {
        rules.exempt_networks = vec![Network::parse("192.0.2.0/24").unwrap()];
    });
    let mut world = World::sample();
    // A master user with a factor shows it, one without opens no protected mailbox.
    world.returned.insert("chief@example.org".into(), BOB.into());
    world.returned.insert("admin@example.org".into(), ALICE.into());
    let chief = format!("boss{}", code("chief@example.org", 0));
    for (user, credential, expected) in [
        ("bob@example.org*chief@example.org", "boss", "missing_code"),
        ("bob@example.org*chief@example.org", chief.as_str(), "password+code"),
        ("alice@example.org*admin@example.org", "root", "master_without_factor"),
    ] {
        assert_eq!(login(&mut world, &policy, user, credential), expected, "{user}");
    }
    let mut world = World::sample();
    world.returned.insert(BOB.into(), ALICE.into());
    assert_eq!(login(&mut world, &policy, BOB, BOBS), "other_mailbox_protected");
    let mut world = World::sample();
    world.masters.insert(BOB.into(), ALICE.into());
    assert_eq!(login(&mut world, &policy, BOB, BOBS), "other_mailbox_protected");
}

/// Otherwise the upstream's penalty for wrong passwords would tell which one is right.
#[test]
fn guesses_at_a_password_that_opens_nothing_are_counted_here() {
    let later = Level::RequiredFrom(UnixMillis::from_seconds(NOW + 1));
    for (level, rules, dry_run, counted) in [
        (Level::Optional, vec![], false, false),
        (later, vec![], false, false),
        (Level::Required, vec![], false, true),
        (Level::Required, vec![], true, false),
        (Level::Optional, vec![(Service::Imap, ServiceRule::Off)], false, true),
        (Level::Optional, vec![(Service::Imap, ServiceRule::AppPasswords)], false, false),
    ] {
        let mut policy = Policy::clone(&enforced(Passwords::Upstream, |rules| {
            (rules.level, rules.dry_run) = (level, dry_run);
        }));
        policy.enforcement.services = ServiceRules::new(rules);
        policy.throttle = Some(ThrottlePolicy::default());
        let policy = Arc::new(policy);
        let mut world = World::sample();
        let mut next =
            Flow::start(request(BOB, "wrong"), Arc::clone(&policy), UnixMillis::from_seconds(NOW));
        let mut asked = None;
        while let Next::Perform(flow, effect) = next {
            if let Effect::CheckPassword(question) = &effect {
                asked = Some(question.counted);
            }
            next = flow.step(world.perform(effect));
        }
        assert_eq!(asked, Some(counted), "{level:?} {dry_run}");
        assert_eq!(!world.counters.is_empty(), counted);
        // Names that nobody has leave no counters of their own.
        assert!(world.counters.keys().all(|key| key.mailbox().is_none()));
    }
}

#[test]
fn a_right_password_that_is_refused_is_not_counted_as_a_guess() {
    let mut policy = Policy::clone(&required());
    policy.throttle = Some(ThrottlePolicy::default());
    let policy = Arc::new(policy);
    let mut world = World::sample();
    own_level(&mut world, BOB, Level::Required);
    for _ in 0..100 {
        assert_eq!(login(&mut world, &policy, BOB, BOBS), "factor_required");
    }
    assert!(world.counters.is_empty());
}

proptest! {
    /// Whatever is configured, typed and changed meanwhile: a mailbox that is protected in the end is not
    /// opened by its password alone, but for exempt networks and what a dry run says.
    #[test]
    fn a_protected_mailbox_never_opens_by_its_password_alone(
        stored in any::<bool>(),
        server in 0..4_usize,
        own in prop::option::of(0..4_usize),
        change in (0..12_usize, 0..6_usize),
        dry_run in any::<bool>(),
        exempt in any::<bool>(),
        rule in 0..4_usize,
        service in 0..3_usize,
        enrolled in any::<bool>(),
        typed in 0..4_usize,
    ) {
        let levels = [
            Level::Off,
            Level::Optional,
            Level::Required,
            Level::RequiredFrom(UnixMillis::from_seconds(NOW)),
        ];
        let rules =
            [ServiceRule::Any, ServiceRule::AppPasswords, ServiceRule::Full, ServiceRule::Off];
        let passwords = if stored { Passwords::Stored } else { Passwords::Upstream };
        let policy = enforced(passwords, |policy| {
            (policy.level, policy.dry_run) = (levels[server], dry_run);
            policy.services = services(&[(Service::Imap, rules[rule])]);
            if exempt {
                policy.exempt_networks.push(Network::parse("192.0.2.1").unwrap());
            }
        });
        let service = [Service::Imap, Service::Smtp, Service::Other("x".into())][service].clone();
        let mut world = World::sample();
        let now = UnixMillis::from_seconds(NOW);
        world.write(BOB, MailboxRecord::new(now));
        if enrolled {
            world.enrol(BOB);
        }
        if let Some(own) = own {
            own_level(&mut world, BOB, levels[own]);
        }
        let app = app_password(&mut world, BOB);
        let credential = match typed {
            0 => BOBS.to_owned(),
            1 => format!("{BOBS}{}", code(BOB, 0)),
            2 => app,
            _ => "wrong".to_owned(),
        };
        let request = Request { service: service.clone(), ..request(BOB, &credential) };
        let mut steps = 0;
        let outcome = run(&mut world, &policy, request, |world, _| {
            steps += 1;
            if steps == change.0 {
                match change.1 {
                    4 => world.enrol(BOB),
                    5 => {
                        let mut record = world.records[BOB].value.clone();
                        record.disenrol();
                        world.write(BOB, record);
                    }
                    level => own_level(world, BOB, levels[level]),
                }
            }
        });
        // The last look is the last effect before the end but for notes and counts: what changed
        // after it is another login's matter.
        let settled = change.0 == 0 || change.0 + 1 < steps;
        if let Outcome::Accepted(accepted) = &outcome
            && settled
        {
            let record = &world.records[BOB].value;
            let arrival = Use { at: now, from: NetAddress::parse("192.0.2.1"), service };
            let mailbox = Mailbox::new(BOB).unwrap();
            let ruling =
                policy.enforcement.ruling(&mailbox, Some(record), &arrival, arrival.from);
            match accepted.method() {
                Method::Password => {
                    prop_assert!(!record.is_enrolled());
                    let required = ruling.level().0.is_required(now);
                    prop_assert!(!required || accepted.would_refuse().is_some());
                }
                Method::ExemptNetwork => prop_assert!(exempt),
                Method::AppPassword => {
                    prop_assert_eq!(Ok(accepted.would_refuse()),
                        ruling.app_password().map(Permit::would_refuse));
                }
                Method::PasswordAndCode
                | Method::PasswordAndRecoveryCode
                | Method::PasswordAndSession
                | Method::PanelAndCode
                | Method::PanelAndRecoveryCode
                | Method::Mechanism
                | Method::MechanismAndFactorElsewhere
                | Method::WebmailToken => {}
            }
            prop_assert!(dry_run || accepted.would_refuse().is_none());
            prop_assert!(typed != 3, "a wrong password");
        }
    }
}
