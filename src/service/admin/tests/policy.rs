//! Levels of enforcement: a mailbox's own, what is shown, and who may enrol.

use std::collections::HashMap;

use super::*;
use crate::{
    base::Service,
    decision::{
        digest::Digest,
        enforcement::{DomainRule, Level, ServiceRule, ServiceRules},
        place::Use,
        session::Session,
    },
    service::admin::{MailboxPolicyView, NewLevel},
};

const DAY: u64 = 86_400;

fn set(bench: &Bench, level: NewLevel) -> Result<MailboxPolicyView, AdminError> {
    match bench.ask(Request::PolicySet { mailbox: "Alice".into(), level })? {
        Response::PolicySet(view) => Ok(view),
        other => panic!("{other:?}"),
    }
}

fn show(bench: &Bench) -> MailboxPolicyView {
    match bench.ask(Request::PolicyShow { mailbox: Some("Alice".into()) }).unwrap() {
        Response::MailboxPolicy(view) => view,
        other => panic!("{other:?}"),
    }
}

fn opens<'a>(view: &'a MailboxPolicyView, service: &str) -> Vec<&'a str> {
    let found = view.services.iter().find(|view| view.service == service).unwrap();
    found.opens.iter().map(String::as_str).collect()
}

/// A domain with a level.
fn domain(bench: &mut Bench, level: Level) {
    let rule = DomainRule { level, dry_run: None };
    bench.admin.enforcement.domains = HashMap::from([("example.org".into(), rule)]);
}

#[test]
fn a_level_of_its_own_comes_and_goes_and_needs_no_factor() {
    let mut bench = Bench::dovecot_mode();
    domain(&mut bench, Level::Required);
    let view = show(&bench);
    assert_eq!((view.level.as_str(), view.source.as_str()), ("required", "domain"));
    assert!(view.required && view.since.is_none());
    assert_eq!(opens(&view, "imap"), [""; 0]);
    let view = set(&bench, NewLevel::Optional).unwrap();
    assert_eq!((view.level.as_str(), view.source.as_str()), ("optional", "mailbox"));
    assert_eq!(view.since, Some(NOW));
    assert_eq!(opens(&view, "imap"), ["password", "app_password"]);
    // The record is there for the level alone, and goes with it.
    assert!(bench.record(&alice()).unwrap().enforcement.is_some());
    assert_eq!(set(&bench, NewLevel::Inherit).unwrap().source, "domain");
    assert!(bench.record(&alice()).is_none());
    // Nothing to take back is no mistake, and makes no record.
    assert_eq!(set(&bench, NewLevel::Inherit).unwrap().source, "domain");
    assert!(bench.record(&alice()).is_none());
}

#[test]
fn where_passwords_are_our_own_a_level_is_for_mailboxes_that_exist() {
    let bench = Bench::store_mode();
    let unknown = Err(AdminError::NoMailbox { mailbox: alice() });
    assert_eq!(set(&bench, NewLevel::Required), unknown);
    assert_eq!(set(&bench, NewLevel::Inherit), unknown);
    bench.add("alice").unwrap();
    assert!(set(&bench, NewLevel::Required).unwrap().required);
    let view = set(&bench, NewLevel::Inherit).unwrap();
    assert!(!view.required && bench.record(&alice()).is_some());
}

#[test]
fn the_days_that_are_left() {
    let bench = Bench::dovecot_mode();
    for (from, required, left) in [
        (NOW - 1, true, None),
        (NOW, true, None),
        (NOW + 1, false, Some(1)),
        (NOW + DAY, false, Some(1)),
        (NOW + DAY + 1, false, Some(2)),
    ] {
        let view = set(&bench, NewLevel::RequiredFrom(from)).unwrap();
        assert_eq!((view.required, view.days_left), (required, left), "{from}");
        assert_eq!((view.level.as_str(), view.required_from), ("required_from", Some(from)));
    }
    bench.move_clock(2 * DAY);
    assert!(show(&bench).required);
}

#[test]
fn another_level_ends_sessions_and_the_same_one_does_not() {
    let bench = Bench::dovecot_mode();
    bench.enable("alice").unwrap();
    bench.confirm("alice", CODE).unwrap();
    let mailbox = Mailbox::new(&alice()).unwrap();
    let used = Use {
        at: UnixMillis::from_seconds(NOW),
        from: crate::base::NetAddress::UNKNOWN,
        service: Service::Imap,
    };
    let open = || {
        bench.store.change(&mailbox, |record| {
            record.sessions.push(Session {
                id: 1,
                digest: Digest::from_bytes([1; 32]),
                opened: used.clone(),
                last_use: used.clone(),
                ends: UnixMillis::from_seconds(NOW + DAY),
                idle_seconds: DAY,
                webmail: None,
            });
        });
    };
    let count = || bench.record(&alice()).unwrap().sessions.len();
    for (level, left) in [
        (NewLevel::Required, 0),
        (NewLevel::Required, 1),
        (NewLevel::RequiredFrom(NOW), 0),
        (NewLevel::RequiredFrom(NOW), 1),
        (NewLevel::RequiredFrom(NOW + 1), 0),
        (NewLevel::Inherit, 0),
        (NewLevel::Inherit, 1),
    ] {
        bench.store.change(&mailbox, |record| record.sessions.clear());
        open();
        set(&bench, level).unwrap();
        assert_eq!(count(), left, "{level:?}");
    }
    assert!(bench.record(&alice()).unwrap().is_enrolled());
}

#[test]
fn nobody_enrols_where_the_level_is_off() {
    let mut bench = Bench::dovecot_mode();
    bench.enable("alice").unwrap();
    let off =
        |level_of: &str| AdminError::EnrolmentOff { mailbox: alice(), level_of: level_of.into() };
    bench.admin.enforcement.level = Level::Off;
    assert_eq!(bench.confirm("alice", CODE), Err(off("server")), "also when it was begun before");
    domain(&mut bench, Level::Off);
    assert_eq!(bench.enable("alice").unwrap_err(), off("domain"));
    let error = bench.enable("alice").unwrap_err().to_string();
    assert!(error.contains("policy set alice@example.org optional"), "{error}");
    set(&bench, NewLevel::Required).unwrap();
    bench.enable("alice").unwrap();
    assert_eq!(set(&bench, NewLevel::Off).unwrap().level, "off");
    assert_eq!(bench.enable("alice").unwrap_err(), off("mailbox"));
}

#[test]
fn off_leaves_a_second_factor_that_is_there_on() {
    let bench = Bench::dovecot_mode();
    bench.enable("alice").unwrap();
    bench.confirm("alice", CODE).unwrap();
    let view = set(&bench, NewLevel::Off).unwrap();
    assert!(view.enrolled);
    assert_eq!(opens(&view, "imap"), ["password+code", "app_password"]);
    assert_eq!(bench.enable("alice").unwrap_err(), AdminError::AlreadyOn { mailbox: alice() });
}

#[test]
fn switching_off_says_when_the_password_opens_nothing() {
    let mut bench = Bench::dovecot_mode();
    domain(&mut bench, Level::Required);
    bench.enable("alice").unwrap();
    let disabled = Ok(Response::Disabled { mailbox: alice(), required: true });
    assert_eq!(bench.disable("alice"), disabled, "one that was only begun");
    bench.enable("alice").unwrap();
    let uri = bench.enable("alice").unwrap();
    assert!(uri.expires > NOW);
    set(&bench, NewLevel::Optional).unwrap();
    let disabled = Ok(Response::Disabled { mailbox: alice(), required: false });
    assert_eq!(bench.disable("alice"), disabled);
}

#[test]
fn what_opens_a_mailbox_is_shown_as_if_there_were_no_dry_run() {
    let mut bench = Bench::dovecot_mode();
    bench.enable("alice").unwrap();
    bench.confirm("alice", CODE).unwrap();
    bench.admin.enforcement.services = ServiceRules::new(vec![
        (Service::Smtp, ServiceRule::AppPasswords),
        (Service::Sieve, ServiceRule::Full),
        (Service::Pop3, ServiceRule::Off),
        (Service::parse("xmpp"), ServiceRule::Any),
    ]);
    for dry_run in [false, true] {
        bench.admin.enforcement.dry_run = dry_run;
        let view = show(&bench);
        assert_eq!(view.dry_run, dry_run);
        for (service, expected) in [
            ("imap", &["password+code", "app_password"][..]),
            ("smtp", &["app_password"]),
            ("sieve", &["password+code"]),
            ("pop3", &[]),
            ("xmpp", &["password+code"]),
            ("*", &[]),
        ] {
            assert_eq!(opens(&view, service), expected, "{service}");
        }
    }
    let Response::Policy(all) = bench.ask(Request::PolicyShow { mailbox: None }).unwrap() else {
        panic!("what is configured");
    };
    let rules: Vec<_> =
        all.services.iter().map(|s| (s.service.as_str(), s.rule.as_str())).collect();
    let expected = [
        ("imap", "any"),
        ("pop3", "off"),
        ("sieve", "full"),
        ("smtp", "app_passwords"),
        ("xmpp", "any"),
    ];
    assert_eq!(rules, expected);
}
