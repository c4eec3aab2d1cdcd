//! Every rule as a table, and each edge of it.

use proptest::prelude::*;

use super::*;
use crate::{
    base::{Secret, Service},
    decision::{names::MasterPolicy, record::TotpFactor, refusal::Refusal},
};

const NOW: UnixMillis = UnixMillis::from_seconds(1_800_000_000);

fn record(enrolled: bool, own: Option<Level>) -> MailboxRecord {
    let totp = TotpFactor {
        secret: Secret::from_slice(b"12345678901234567890"),
        last_step: 0,
        enabled: NOW,
    };
    MailboxRecord {
        totp: enrolled.then_some(totp),
        enforcement: own.map(|level| OwnLevel { level, set: NOW }),
        ..MailboxRecord::new(NOW)
    }
}

fn required() -> EnforcementPolicy {
    EnforcementPolicy { level: Level::Required, ..EnforcementPolicy::default() }
}

fn with_services(policy: &EnforcementPolicy, rules: &[(&str, ServiceRule)]) -> EnforcementPolicy {
    let rules = rules.iter().map(|(name, rule)| (Service::parse(name), *rule)).collect();
    EnforcementPolicy { services: ServiceRules::new(rules), ..policy.clone() }
}

/// A login at imap from 192.0.2.1 with nobody between.
fn at(service: &str, from: &str, now: UnixMillis) -> Use {
    Use { at: now, from: NetAddress::parse(from), service: Service::parse(service) }
}

fn ruling(policy: &EnforcementPolicy, record: Option<&MailboxRecord>, service: &str) -> Ruling {
    let arrival = at(service, "192.0.2.1", NOW);
    let mailbox = Mailbox::new("alice@example.org").unwrap();
    policy.ruling(&mailbox, record, &arrival, arrival.from)
}

/// `in`, `in, would REASON`, or the reason.
fn word(said: Result<Permit, Refusal>) -> String {
    match said {
        Ok(permit) => match permit.would_refuse() {
            None => "in".into(),
            Some(refusal) => format!("in, would {}", refusal.as_str()),
        },
        Err(refusal) => refusal.as_str().into(),
    }
}

fn alone(ruling: &Ruling) -> String {
    match ruling.password_alone() {
        Ok((Alone::NoFactorAsked, permit)) => word(Ok(permit)),
        Ok((Alone::NetworkExempt, permit)) => format!("{}, exempt", word(Ok(permit))),
        Err(refusal) => word(Err(refusal)),
    }
}

#[test]
fn the_most_specific_level_holds() {
    let levels = [None, Some(Level::Off), Some(Level::Optional), Some(Level::Required)];
    for server in [Level::Off, Level::Optional, Level::Required] {
        for domain in levels {
            for own in levels {
                let rule = domain.map(|level| DomainRule { level, dry_run: None });
                let domains = rule.map(|rule| ("example.org".to_owned(), rule)).into_iter();
                let policy = EnforcementPolicy {
                    level: server,
                    domains: domains.collect(),
                    ..EnforcementPolicy::default()
                };
                let record = record(false, own);
                let expected = match (own, domain) {
                    (Some(own), _) => (own, LevelSource::Mailbox),
                    (None, Some(domain)) => (domain, LevelSource::Domain),
                    (None, None) => (server, LevelSource::Server),
                };
                let got = ruling(&policy, Some(&record), "imap");
                assert_eq!(got.level(), expected, "{server:?} {domain:?} {own:?}");
                let missing = expected.0 == Level::Required;
                let protection = if missing { Protection::Missing } else { Protection::Free };
                assert_eq!(got.protection(), protection);
            }
        }
    }
}

#[test]
fn a_domain_is_what_follows_the_last_at_in_any_case() {
    let rule = DomainRule { level: Level::Required, dry_run: None };
    let policy = EnforcementPolicy {
        domains: HashMap::from([("example.org".into(), rule), ("ärger.example".into(), rule)]),
        ..EnforcementPolicy::default()
    };
    for (name, holds) in [
        ("alice@example.org", true),
        ("alice@EXAMPLE.org", true),
        ("a@b@example.org", true),
        ("x@ÄRGER.example", true),
        ("alice@sub.example.org", false),
        ("alice@notexample.org", false),
        ("example.org", false),
        ("example.org@other.example", false),
        ("@example.org", true),
    ] {
        let source = policy.level_of(&Mailbox::new(name).unwrap(), None).1;
        assert_eq!(source == LevelSource::Domain, holds, "{name}");
    }
}

#[test]
fn a_date_begins_with_its_first_moment() {
    let level = Level::RequiredFrom(NOW);
    let before = UnixMillis::from_millis(NOW.millis() - 1);
    for (now, required) in [(before, false), (NOW, true), (UnixMillis::from_millis(u64::MAX), true)]
    {
        assert_eq!(level.is_required(now), required, "{now:?}");
        let policy = EnforcementPolicy { level, ..EnforcementPolicy::default() };
        let arrival = at("imap", "192.0.2.1", now);
        let mailbox = Mailbox::new("alice@example.org").unwrap();
        let ruling = policy.ruling(&mailbox, None, &arrival, arrival.from);
        assert_eq!(alone(&ruling), if required { "factor_required" } else { "in" });
    }
    assert!(Level::RequiredFrom(UnixMillis::from_millis(0)).is_required(before));
}

/// The table in the file's head, service by service.
#[test]
fn what_opens_what() {
    use ServiceRule::{Any, AppPasswords, Full, Off};
    let free = EnforcementPolicy::default();
    let panel = required();
    let apps = EnforcementPolicy { unenrolled: Unenrolled::AppPasswords, ..required() };
    let none = record(false, None);
    let enrolled = record(true, None);
    // Rule, whose policy, record; password alone, app password, password and code.
    let table: [(ServiceRule, &EnforcementPolicy, &MailboxRecord, [&str; 3]); 16] = [
        (Any, &free, &none, ["in", "in", "in"]),
        (Any, &free, &enrolled, ["missing_code", "in", "in"]),
        (Any, &panel, &none, ["factor_required", "factor_required", "in"]),
        (Any, &apps, &none, ["factor_required", "in", "in"]),
        (AppPasswords, &free, &none, ["in", "in", "in"]),
        (AppPasswords, &free, &enrolled, ["missing_code", "in", "app_passwords_only"]),
        (AppPasswords, &panel, &none, ["factor_required", "factor_required", "app_passwords_only"]),
        (AppPasswords, &apps, &none, ["factor_required", "in", "app_passwords_only"]),
        (Full, &free, &none, ["in", "in", "in"]),
        (Full, &free, &enrolled, ["missing_code", "full_sign_in_only", "in"]),
        (Full, &panel, &none, ["factor_required", "full_sign_in_only", "in"]),
        (Full, &apps, &none, ["factor_required", "full_sign_in_only", "in"]),
        (Off, &free, &none, ["service_off"; 3]),
        (Off, &free, &enrolled, ["missing_code", "service_off", "service_off"]),
        (Off, &panel, &none, ["service_off"; 3]),
        (Off, &apps, &none, ["service_off"; 3]),
    ];
    for (rule, policy, record, expected) in table {
        let policy = with_services(policy, &[("smtp", rule)]);
        let said = ruling(&policy, Some(record), "submission");
        let got = [alone(&said), word(said.app_password()), word(said.full())];
        assert_eq!(got, expected, "{rule:?} {:?}", said.protection());
        // Another service that is known has no rule.
        let other = ruling(&policy, Some(record), "imap");
        assert_ne!(alone(&other), "service_off");
    }
}

#[test]
fn a_dry_run_refuses_nothing_but_a_missing_code() {
    let dry = EnforcementPolicy { dry_run: true, ..required() };
    let (none, enrolled) = (record(false, None), record(true, None));
    for (rule, record, expected) in [
        (ServiceRule::Any, &none, ["in, would factor_required", "in, would factor_required", "in"]),
        (ServiceRule::Off, &none, ["in, would service_off"; 3]),
        (
            ServiceRule::Off,
            &enrolled,
            ["missing_code", "in, would service_off", "in, would service_off"],
        ),
        (
            ServiceRule::AppPasswords,
            &enrolled,
            ["missing_code", "in", "in, would app_passwords_only"],
        ),
        (ServiceRule::Full, &enrolled, ["missing_code", "in, would full_sign_in_only", "in"]),
    ] {
        let policy = with_services(&dry, &[("imap", rule)]);
        let said = ruling(&policy, Some(record), "imap");
        let got = [alone(&said), word(said.app_password()), word(said.full())];
        assert_eq!(got, expected, "{rule:?} {:?}", said.protection());
    }
}

#[test]
fn a_domain_may_be_in_a_dry_run_alone_or_left_out_of_one() {
    for (server, domain, expected) in [
        (false, None, "factor_required"),
        (false, Some(true), "in, would factor_required"),
        (true, None, "in, would factor_required"),
        (true, Some(false), "factor_required"),
    ] {
        let rule = DomainRule { level: Level::Required, dry_run: domain };
        let policy = EnforcementPolicy {
            dry_run: server,
            domains: HashMap::from([("example.org".into(), rule)]),
            ..EnforcementPolicy::default()
        };
        assert_eq!(alone(&ruling(&policy, None, "imap")), expected, "{server} {domain:?}");
        // A mailbox's own level does not change whether its domain is in a dry run.
        let own = record(false, Some(Level::Required));
        assert_eq!(alone(&ruling(&policy, Some(&own), "imap")), expected);
    }
}

#[test]
fn a_service_that_nobody_named_passes_all_rules_or_none() {
    use ServiceRule::{Any, AppPasswords, Full, Off};
    let enrolled = record(true, None);
    let none: [(&str, ServiceRule); 0] = [];
    for (rules, expected) in [
        (&none[..], ["in", "in"]),
        (&[("imap", Any)], ["in", "in"]),
        (&[("smtp", AppPasswords)], ["in", "app_passwords_only"]),
        (&[("sieve", Full)], ["full_sign_in_only", "in"]),
        (&[("smtp", AppPasswords), ("sieve", Full)], ["full_sign_in_only", "app_passwords_only"]),
        (&[("pop3", Off), ("smtp", Any)], ["service_off", "service_off"]),
        // Named, it has its own rule; and is one of those that others must pass.
        (&[("pop3", Off), ("xmpp", Any)], ["in", "in"]),
        (&[("pop3", Off), ("xmpp", Full)], ["full_sign_in_only", "in"]),
    ] {
        let policy = with_services(&EnforcementPolicy::default(), rules);
        let said = ruling(&policy, Some(&enrolled), "xmpp");
        assert_eq!([word(said.app_password()), word(said.full())], expected, "{rules:?}");
        for spelling in ["", "XMPP", "Imap", "pop3 ", "smtps"] {
            if rules.iter().any(|(_, rule)| *rule == Off) {
                let said = ruling(&policy, None, spelling);
                assert_eq!(alone(&said), "service_off", "{spelling:?}");
            }
        }
    }
    // The other name of a known service is no way around its rule.
    let policy = with_services(&EnforcementPolicy::default(), &[("sieve", Off), ("smtp", Off)]);
    for name in ["managesieve", "sieve", "submission", "smtp"] {
        assert_eq!(alone(&ruling(&policy, None, name)), "service_off", "{name}");
    }
}

#[test]
fn the_password_is_enough_from_an_exempt_network_and_nowhere_else() {
    let network = |text| Network::parse(text).unwrap();
    let policy = EnforcementPolicy {
        exempt_networks: vec![network("192.0.2.0/24"), network("2001:db8::/48")],
        webmail_networks: vec![network("192.0.2.200"), network("198.51.100.0/24")],
        ..required()
    };
    let off = with_services(&policy, &[("imap", ServiceRule::Off)]);
    let (none, enrolled) = (record(false, None), record(true, None));
    for (policy, from, via, record, expected) in [
        (&policy, "192.0.2.0", "192.0.2.0", &enrolled, "in, exempt"),
        (&policy, "192.0.2.255", "192.0.2.255", &enrolled, "in, exempt"),
        (&policy, "::ffff:192.0.2.1", "192.0.2.1", &none, "in, exempt"),
        (&policy, "2001:db8::1", "2001:db8::1", &enrolled, "in, exempt"),
        // A proxy has passed the address on; webmail has.
        (&policy, "192.0.2.1", "203.0.113.1", &enrolled, "in, exempt"),
        (&policy, "192.0.2.1", "198.51.100.7", &enrolled, "missing_code"),
        (&policy, "192.0.2.1", "198.51.100.7", &none, "factor_required"),
        (&policy, "192.0.2.200", "192.0.2.200", &enrolled, "missing_code"),
        (&policy, "192.0.2.1", "unknown", &enrolled, "missing_code"),
        (&policy, "unknown", "192.0.2.1", &enrolled, "missing_code"),
        (&policy, "unknown", "unknown", &enrolled, "missing_code"),
        (&policy, "192.0.3.0", "192.0.3.0", &enrolled, "missing_code"),
        (&policy, "203.0.113.1", "192.0.2.1", &enrolled, "missing_code"),
        (&off, "192.0.2.1", "192.0.2.1", &enrolled, "service_off"),
    ] {
        let mailbox = Mailbox::new("alice@example.org").unwrap();
        let arrival = at("imap", from, NOW);
        let said = policy.ruling(&mailbox, Some(record), &arrival, NetAddress::parse(via));
        assert_eq!(alone(&said), expected, "{from} {via}");
        // The panel, the API and master users are never exempt.
        assert!(!alone(&said.without_exemption()).contains("exempt"));
        assert!(!alone(&said.at_panel()).contains("exempt"));
    }
    let free = EnforcementPolicy { level: Level::Optional, ..policy };
    assert_eq!(alone(&ruling(&free, None, "imap")), "in", "nothing to be exempt from");
}

#[test]
fn the_panel_is_where_people_enrol() {
    let policy = with_services(&required(), &[("smtp", ServiceRule::Off)]);
    let unknown = |record| ruling(&policy, record, "panel");
    assert_eq!(alone(&unknown(None)), "service_off");
    assert_eq!(alone(&unknown(None).at_panel()), "in");
    let enrolled = record(true, None);
    assert_eq!(alone(&unknown(Some(&enrolled)).at_panel()), "missing_code");
}

#[test]
fn other_ways_to_a_mailbox() {
    use MasterPolicy::{Allow, Refuse};
    let (none, enrolled) = (record(false, None), record(true, None));
    let free = EnforcementPolicy::default();
    let dry = EnforcementPolicy { dry_run: true, ..required() };
    for (policy, record, expected) in [
        // Master without factor, with factor, without and allowed; as another name.
        (&free, &none, ["in", "in", "in", "in"]),
        (&free, &enrolled, ["master_without_factor", "in", "in", "other_mailbox_protected"]),
        (&required(), &none, ["master_without_factor", "in", "in", "other_mailbox_protected"]),
        (
            &dry,
            &none,
            ["in, would master_without_factor", "in", "in", "in, would other_mailbox_protected"],
        ),
        (&dry, &enrolled, ["master_without_factor", "in", "in", "other_mailbox_protected"]),
        (&with_services(&free, &[("imap", ServiceRule::Off)]), &none, ["service_off"; 4]),
        (
            &with_services(&free, &[("imap", ServiceRule::AppPasswords)]),
            &enrolled,
            [
                "master_without_factor",
                "app_passwords_only",
                "app_passwords_only",
                "other_mailbox_protected",
            ],
        ),
        (
            &with_services(&dry, &[("imap", ServiceRule::Off)]),
            &enrolled,
            [
                "master_without_factor",
                "in, would service_off",
                "in, would service_off",
                "other_mailbox_protected",
            ],
        ),
    ] {
        let said = ruling(policy, Some(record), "imap");
        let got = [
            word(said.as_target(false, Refuse)),
            word(said.as_target(true, Refuse)),
            word(said.as_target(false, Allow)),
            word(said.as_another()),
        ];
        assert_eq!(got, expected);
    }
}

proptest! {
    /// Whatever is configured, a password alone opens a mailbox with a second factor from exempt networks
    /// only, and one that must have a factor in a dry run only.
    #[test]
    fn no_rule_opens_what_another_protects(
        level in 0..5_usize,
        own in prop::option::of(0..5_usize),
        domain in prop::option::of((0..5_usize, prop::option::of(any::<bool>()))),
        dry_run in any::<bool>(),
        apps in any::<bool>(),
        rules in prop::collection::vec((0..6_usize, 0..4_usize), 0..4),
        service in 0..6_usize,
        enrolled in any::<bool>(),
        exempt in any::<bool>(),
    ) {
        let levels = [
            Level::Off,
            Level::Optional,
            Level::Required,
            Level::RequiredFrom(NOW),
            Level::RequiredFrom(NOW.plus_seconds(1)),
        ];
        let services = ["imap", "pop3", "sieve", "smtp", "xmpp", ""];
        let kinds =
            [ServiceRule::Any, ServiceRule::AppPasswords, ServiceRule::Full, ServiceRule::Off];
        let rules: Vec<_> = rules.iter().map(|(s, r)| (services[*s], kinds[*r])).collect();
        let rule = domain.map(|(at, dry_run)| DomainRule { level: levels[at], dry_run });
        let policy = with_services(&EnforcementPolicy {
            level: levels[level],
            unenrolled: if apps { Unenrolled::AppPasswords } else { Unenrolled::Panel },
            dry_run,
            domains: rule.map(|rule| ("example.org".to_owned(), rule)).into_iter().collect(),
            exempt_networks: exempt.then(|| Network::parse("192.0.2.1").unwrap()).into_iter().collect(),
            ..EnforcementPolicy::default()
        }, &rules);
        let record = record(enrolled, own.map(|at| levels[at]));
        let said = ruling(&policy, Some(&record), services[service]);
        let missing = said.protection() == Protection::Missing;
        prop_assert_eq!(missing, !enrolled && said.level().0.is_required(NOW));
        if enrolled && !exempt {
            prop_assert_eq!(said.password_alone(), Err(Refusal::MissingCode));
        }
        if missing && !exempt && !said.is_dry_run() {
            prop_assert!(said.password_alone().is_err());
        }
        if let Ok((Alone::NoFactorAsked, permit)) = said.password_alone() {
            prop_assert!(!enrolled);
            prop_assert!(!missing || permit.would_refuse().is_some());
        }
        if enrolled {
            prop_assert_eq!(said.as_another(), Err(Refusal::OtherMailboxProtected));
            let target = said.as_target(false, MasterPolicy::Refuse);
            prop_assert_eq!(target, Err(Refusal::MasterWithoutFactor));
        }
        if !said.is_dry_run() {
            for permit in [said.full(), said.app_password(), said.as_another()].into_iter().flatten() {
                prop_assert_eq!(permit.would_refuse(), None);
            }
        }
    }
}
