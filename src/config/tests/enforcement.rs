//! The section `[enforcement]`: what is read, and every mistake in it.

use super::*;
use crate::{
    base::{Mailbox, UnixMillis},
    decision::enforcement::{
        DomainRule, EnforcementPolicy, Level, LevelSource, ServiceRule, Unenrolled,
    },
};

fn with(text: &str) -> String {
    format!("{text}\n{CLIENT}")
}

fn read(text: &str) -> EnforcementPolicy {
    parse(&with(text)).unwrap().enforcement
}

const MARCH: UnixMillis = UnixMillis::from_seconds(1_803_859_200);

#[test]
fn nothing_is_enforced_unless_it_is_said() {
    assert_eq!(read(""), EnforcementPolicy::default());
    assert_eq!(read("[enforcement]\n[enforcement.services]\nimap = \"any\""), read(""));
    assert_eq!(read("").level, Level::Optional);
}

#[test]
fn every_key_is_read() {
    let policy = read(
        "[enforcement]\nlevel = \"required\"\nunenrolled = \"app_passwords\"\ndry_run = true\n\
         exempt_networks = [\"192.0.2.10\", \"2001:db8::/48\"]\nwebmail_networks = [\"198.51.100.0/24\"]\n\
         [[enforcement.domain]]\nname = \"Example.ORG\"\nlevel = \"off\"\ndry_run = false\n\
         [[enforcement.domain]]\nname = \"b.example\"\nrequired_from = 2027-03-01\n\
         [enforcement.services]\nsubmission = \"app_passwords\"\nsieve = \"full\"\npop3 = \"off\"\n\
         \"x.y\" = \"any\"",
    );
    assert_eq!((policy.level, policy.unenrolled), (Level::Required, Unenrolled::AppPasswords));
    assert!(policy.dry_run);
    let shown = |all: &[crate::decision::place::Network]| {
        all.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(shown(&policy.exempt_networks), ["192.0.2.10/32", "2001:db8::/48"]);
    assert_eq!(shown(&policy.webmail_networks), ["198.51.100.0/24"]);
    assert_eq!(
        policy.domains["example.org"],
        DomainRule { level: Level::Off, dry_run: Some(false) }
    );
    assert_eq!(
        policy.domains["b.example"],
        DomainRule { level: Level::RequiredFrom(MARCH), dry_run: None }
    );
    for (service, rule) in [
        ("smtp", Some(ServiceRule::AppPasswords)),
        ("sieve", Some(ServiceRule::Full)),
        ("pop3", Some(ServiceRule::Off)),
        ("imap", Some(ServiceRule::Any)),
        ("x.y", Some(ServiceRule::Any)),
        ("xy", None),
    ] {
        assert_eq!(policy.services.rule(&Service::parse(service)), rule, "{service}");
    }
}

#[test]
fn what_is_shown_is_what_was_read() {
    for text in [
        "",
        "[enforcement]\nrequired_from = \"2027-03-01\"",
        "[enforcement]\nlevel = \"required\"\nrequired_from = 2027-03-01\ndry_run = true",
        "[enforcement]\nexempt_networks = [\"192.0.2.0/24\"]\nwebmail_networks = []\n\
         [[enforcement.domain]]\nname = \"b.example\"\nlevel = \"off\"\ndry_run = true\n\
         [[enforcement.domain]]\nname = \"a.example\"\nrequired_from = 1970-01-01\n\
         [enforcement.services]\npop3 = \"off\"\n\"x.y\" = \"full\"\nxmpp = \"any\"",
    ] {
        let config = parse(&with(text)).unwrap();
        assert_eq!(parse(&config.to_toml()).unwrap(), config, "{}", config.to_toml());
    }
}

#[test]
fn a_domain_is_found_under_the_names_that_logins_have() {
    let rule = "[[enforcement.domain]]\nname = \"EXAMPLE.org\"\nlevel = \"required\"";
    for names in ["", "[names]\nformat = \"%u\"", "[names]\ntranslate = \"%@\""] {
        let config = parse(&with(&format!("{rule}\n{names}"))).unwrap();
        for typed in ["alice@example.org", "alice@Example.ORG"] {
            let mailbox = config.names.canonical(typed.as_bytes()).unwrap();
            let found = config.enforcement.level_of(&mailbox, None);
            assert_eq!(found, (Level::Required, LevelSource::Domain), "{names} {typed}");
        }
    }
    let other = Mailbox::new("alice@other.example").unwrap();
    assert_eq!(read(rule).level_of(&other, None).1, LevelSource::Server);
}

/// A rule for a domain that no name can have would be another domain's, or nobody's.
#[test]
fn a_domain_that_no_name_can_have_is_a_mistake() {
    let rule = |names: &str, domain: &str| {
        with(&format!(
            "[names]\n{names}\n[[enforcement.domain]]\nname = \"{domain}\"\nlevel = \"off\""
        ))
    };
    for (names, domain, words) in [
        ("format = \"%n@fixed.example\"", "example.org", "make \"fixed.example\" of it"),
        ("format = \"%n\"", "example.org", "leave no domain; use enforcement.level"),
        ("translate = \"_-\"", "my_host.example", "make \"my-host.example\" of it"),
        ("unicode = \"refuse\"", "exämple.org", "must be a domain"),
    ] {
        let mistakes = mistakes(&rule(names, domain));
        let [only] = &mistakes[..] else { panic!("{names}: {mistakes:?}") };
        assert!(only.contains("enforcement.domain[1].name"), "{only}");
        assert!(only.contains(words), "{names}: {only}");
    }
    for (names, domain, found) in [
        ("format = \"%n@fixed.example\"", "Fixed.example", "fixed.example"),
        ("translate = \"_-\"", "my-host.example", "my-host.example"),
        ("format = \"%Lu\"", "EXAMPLE.org.", "example.org"),
        ("unicode = \"nfc\"\nidna = \"ascii\"", "exämple.org", "xn--exmple-cua.org"),
        ("unicode = \"nfc\"\nidna = \"unicode\"", "xn--exmple-cua.org", "exämple.org"),
    ] {
        let policy = parse(&rule(names, domain)).unwrap().enforcement;
        assert!(policy.domains.contains_key(found), "{names} {domain}: {:?}", policy.domains);
    }
}

#[test]
fn mistakes_are_named_with_what_is_allowed() {
    let many = (0..300).map(|n| format!("\"10.0.{}.{}\",", n / 256, n % 256));
    let many = many.collect::<Vec<_>>().concat();
    let services = (0..33).map(|n| format!("s{n:02} = \"full\"\n"));
    let services = services.collect::<Vec<_>>().concat();
    for (text, key, words) in [
        ("level = \"mandatory\"", "enforcement.level", "\"off\" or \"optional\" or \"required\""),
        ("levle = \"off\"", "enforcement.levle", "did you mean level?"),
        ("required_from = \"soon\"", "enforcement.required_from", "2027-03-01"),
        ("required_from = \"2027-02-30\"", "enforcement.required_from", "2027-03-01"),
        ("required_from = 2027-03-01T12:00:00Z", "enforcement.required_from", "2027-03-01"),
        ("required_from = 1969-12-31", "enforcement.required_from", "since 1970"),
        ("required_from = 5", "enforcement.required_from", "not a number"),
        (
            "level = \"off\"\nrequired_from = 2027-03-01",
            "enforcement.required_from",
            "before the date it is optional",
        ),
        ("unenrolled = \"nothing\"", "enforcement.unenrolled", "\"panel\" or \"app_passwords\""),
        ("dry_run = \"yes\"", "enforcement.dry_run", "true or false"),
        ("exempt_networks = [\"192.0.2.1\"]", "enforcement.exempt_networks", "webmail_networks"),
        (
            "webmail_networks = []\nexempt_networks = [\"192.0.2.1/24\"]",
            "enforcement.exempt_networks",
            "zeros behind its bits",
        ),
        (
            "webmail_networks = []\nexempt_networks = [\"0.0.0.0/0\"]",
            "enforcement.exempt_networks",
            "much of the world",
        ),
        (
            "webmail_networks = []\nexempt_networks = [\"2000::/16\"]",
            "enforcement.exempt_networks",
            "much of the world",
        ),
        (
            "webmail_networks = [\"192.0.2.7\"]\nexempt_networks = [\"192.0.2.0/24\"]",
            "enforcement.exempt_networks",
            "webmail is never exempt",
        ),
        (
            "webmail_networks = [\"192.0.0.0/16\"]\nexempt_networks = [\"192.0.2.0/24\"]",
            "enforcement.exempt_networks",
            "webmail is never exempt",
        ),
        (
            &format!("webmail_networks = [{many}]"),
            "enforcement.webmail_networks",
            "more than 256 networks",
        ),
        ("domain = \"a\"", "enforcement.domain", "double brackets"),
        ("[[enforcement.domain]]\nlevel = \"off\"", "enforcement.domain[1].name", "is missing"),
        ("[[enforcement.domain]]\nname = \"a\"", "enforcement.domain[1].level", "is missing"),
        (
            "[[enforcement.domain]]\nname = \"a@b\"\nlevel = \"off\"",
            "enforcement.domain[1].name",
            "without @",
        ),
        (
            "[[enforcement.domain]]\nname = \"a b\"\nlevel = \"off\"",
            "enforcement.domain[1].name",
            "and spaces",
        ),
        (
            "[[enforcement.domain]]\nname = \"a\"\nlevel = \"off\"\nservices = 1",
            "enforcement.domain[1].services",
            "unknown key",
        ),
        (
            "[[enforcement.domain]]\nname = \"a\"\nlevel = \"off\"\n\
             [[enforcement.domain]]\nname = \"A\"\nlevel = \"required\"",
            "enforcement.domain[2].name",
            "is the same domain as enforcement.domain[1].name",
        ),
        ("[enforcement.services]\nimap = \"on\"", "enforcement.services.imap", "\"any\" or"),
        ("[enforcement.services]\nIMAP = \"off\"", "enforcement.services.IMAP", "small letters"),
        (
            "[enforcement.services]\nsmtps = \"off\"",
            "enforcement.services.smtps",
            "call smtp, with",
        ),
        (
            "[enforcement.services]\nsmtp = \"off\"\nsubmission = \"any\"",
            "enforcement.services.submission",
            "again",
        ),
        (
            &format!("[enforcement.services]\n{services}"),
            "enforcement.services.s32",
            "one too many",
        ),
    ] {
        let mistakes = mistakes(&with(&format!("[enforcement]\n{text}")));
        let [only] = &mistakes[..] else { panic!("{text}: {mistakes:?}") };
        assert!(only.contains(key) && only.contains(words), "{text}: {only}");
    }
}
