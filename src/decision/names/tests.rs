//! What becomes of names, under rules that were chosen and under any rules.

use proptest::prelude::*;

use super::*;

fn rules() -> NameRules {
    NameRules {
        default_realm: Some("example.org".into()),
        translate: vec![('%', '@')],
        master_separator: Some('*'),
        ..NameRules::default()
    }
}

fn with_unicode(unicode: Unicode, idna: Idna) -> NameRules {
    NameRules { unicode, idna, ..NameRules::default() }
}

fn mailbox(name: &str) -> Mailbox {
    Mailbox::new(name).unwrap()
}

#[track_caller]
fn becomes(rules: &NameRules, typed: &str, canonical: &str) {
    assert_eq!(rules.canonical(typed.as_bytes()), Ok(mailbox(canonical)), "{typed:?}");
}

#[track_caller]
fn is_no_name(rules: &NameRules, typed: &str, why: NameError) {
    assert_eq!(rules.canonical(typed.as_bytes()), Err(why), "{typed:?}");
}

#[test]
fn one_form_for_every_spelling() {
    for spelling in [
        "Alice",
        "alice@example.org",
        "ALICE@Example.ORG",
        "alice@EXAMPLE.org",
        "alice@example.org.",
    ] {
        becomes(&rules(), spelling, "alice@example.org");
    }
    let without_realm = NameRules { default_realm: None, ..rules() };
    becomes(&without_realm, "ALICE%Example.ORG", "alice@example.org");
}

#[test]
fn the_realm_comes_before_the_translation_as_in_dovecot() {
    // Dovecot sees no @ in it, and appends the realm.
    becomes(&rules(), "alice%b", "alice@b@example.org");
    let with_translated_realm = NameRules {
        default_realm: Some("example#org".into()),
        translate: vec![('#', '.')],
        ..NameRules::default()
    };
    becomes(&with_translated_realm, "alice", "alice@example.org");
}

#[test]
fn only_ascii_letters_are_folded_as_in_dovecot() {
    let rules = with_unicode(Unicode::AsTyped, Idna::Off);
    for (typed, canonical) in [
        ("ÄRGER@X", "Ärger@x"),
        ("STRAẞE@x", "straẞe@x"),
        ("\u{130}ris@x", "\u{130}ris@x"),
        // The Kelvin sign: somebody else's name must not become alike to mike@x.
        ("mi\u{212a}e@x", "mi\u{212a}e@x"),
    ] {
        becomes(&rules, typed, canonical);
    }
}

#[test]
fn other_letters_than_ascii_are_refused_unless_configured() {
    for name in ["jürgen@x", "alice@exämple.org", "al\u{131}ce", "mi\u{212a}e", "ａlice"] {
        is_no_name(&NameRules::default(), name, NameError::NotAscii);
        let nfc = with_unicode(Unicode::Nfc, Idna::Off);
        assert!(nfc.canonical(name.as_bytes()).is_ok(), "{name:?}");
    }
    for unseen in
        ["al\u{ad}ice", "al\u{200b}ice", "al\u{200d}ice", "\u{feff}alice", "al\u{e0061}ice"]
    {
        for unicode in [Unicode::AsTyped, Unicode::Nfc] {
            is_no_name(&with_unicode(unicode, Idna::Off), unseen, NameError::Unseen);
        }
    }
}

#[test]
fn composed_and_decomposed_are_one_name_with_nfc() {
    let nfc = with_unicode(Unicode::Nfc, Idna::Off);
    becomes(&nfc, "ju\u{308}rgen@x", "j\u{fc}rgen@x");
    becomes(&nfc, "j\u{fc}rgen@x", "j\u{fc}rgen@x");
    // It composes to the letter K, and K is what Dovecot is asked for.
    becomes(&nfc, "mi\u{212a}e@x", "mike@x");
    assert_eq!(nfc.asked(b"", "mi\u{212a}e@x".as_bytes()).unwrap().authcid, "miKe@x");
    let as_typed = with_unicode(Unicode::AsTyped, Idna::Off);
    becomes(&as_typed, "ju\u{308}rgen@x", "ju\u{308}rgen@x");
}

#[test]
fn one_form_of_a_domain() {
    let ascii = with_unicode(Unicode::Refuse, Idna::Ascii);
    let unicode = with_unicode(Unicode::Nfc, Idna::Unicode);
    for typed in [
        "a@bücher.example",
        "a@BÜCHER.example.",
        "a@xn--bcher-kva.example",
        "a@bu\u{308}cher。example",
    ] {
        becomes(&ascii, typed, "a@xn--bcher-kva.example");
        becomes(&unicode, typed, "a@bücher.example");
    }
    becomes(&NameRules::default(), "a@XN--bcher-kva.example", "a@xn--bcher-kva.example");
    for rules in [&ascii, &unicode] {
        is_no_name(rules, "a@xn--a.example", NameError::Domain);
        is_no_name(rules, "a@b＊ü.example", NameError::Domain);
        becomes(rules, "a@under_score.example", "a@under_score.example");
    }
    is_no_name(&ascii, "ü@bücher.example", NameError::NotAscii);
}

#[test]
fn a_dot_behind_the_domain_is_not_part_of_it() {
    let rules = rules();
    for (typed, asked) in [
        ("alice@example.org.", "alice@example.org"),
        ("alice@example.org..", "alice@example.org"),
        ("alice@example.org.*admin@example.org.", "alice@example.org*admin@example.org"),
        ("Alice@Example.org", "Alice@Example.org"),
        ("alice.", "alice."),
        ("alice@.", "alice@."),
        ("ALICE%x", "ALICE%x"),
    ] {
        assert_eq!(rules.asked(b"", typed.as_bytes()).unwrap().authcid, asked);
    }
}

#[test]
fn tags() {
    let rules = NameRules { tag_separators: vec!['+', '='], ..rules() };
    for (typed, canonical) in [
        ("alice+shop@example.org", "alice@example.org"),
        ("Alice+a=b", "alice@example.org"),
        ("alice=x+y@example.org", "alice@example.org"),
        ("+alice@example.org", "+alice@example.org"),
        ("++alice@example.org", "+@example.org"),
        ("alice@example.org+x", "alice@example.org+x"),
    ] {
        becomes(&rules, typed, canonical);
        let asked = rules.asked(b"", typed.as_bytes()).unwrap();
        assert_eq!(asked.authcid, typed, "whoever cuts it off is behind us");
    }
    becomes(&NameRules::default(), "alice+shop@example.org", "alice+shop@example.org");
}

#[test]
fn names_that_no_login_leads_to() {
    for (name, reached) in [
        ("alice@example.org", true),
        ("alice", false),
        ("Alice@example.org", false),
        ("alice%example.org@example.org", false),
        ("alice@example.org.", false),
        ("jürgen@example.org", false),
        ("alice*admin@example.org", false),
    ] {
        assert_eq!(rules().reaches(&mailbox(name)), reached, "{name}");
    }
    let chain = NameRules { translate: vec![('a', 'b'), ('b', 'c')], ..NameRules::default() };
    is_no_name(&chain, "a", NameError::Unstable);
    becomes(&chain, "c", "c");
    let as_typed = NameRules { format: Format::as_typed(), ..NameRules::default() };
    assert!(as_typed.reaches(&mailbox("Alice")));
    let local = NameRules { format: "%Ln".parse().unwrap(), ..rules() };
    becomes(&local, "Alice@elsewhere.example", "alice");
    assert!(local.reaches(&mailbox("alice")) && !local.reaches(&mailbox("alice@example.org")));
}

#[test]
fn who_authenticates() {
    let own = Identity::Own(mailbox("alice@example.org"));
    let master = Identity::Master {
        user: mailbox("admin@example.org"),
        target: mailbox("alice@example.org"),
    };
    let table: [(&str, &str, &Identity); 10] = [
        ("", "alice", &own),
        ("alice", "alice", &own),
        ("Alice@example.org", "alice", &own),
        ("alice", "admin", &master),
        ("alice@example.org.", "admin", &master),
        ("", "alice*admin", &master),
        ("alice*admin", "alice*admin", &master),
        // An authzid goes before the separator's mailbox, unless it is the master user.
        ("alice", "bob*admin", &master),
        ("admin@example.org", "alice*admin", &master),
        ("", "Alice*alice", &own),
    ];
    for (authzid, authcid, identity) in table {
        let got = rules().identify(authzid.as_bytes(), authcid.as_bytes()).unwrap();
        assert_eq!(&got, identity, "{authzid:?} {authcid:?}");
    }
    for (authzid, authcid) in
        [("", "*admin"), ("", "alice*"), ("", "*"), ("", "a*b*c"), ("a*b", "c")]
    {
        assert!(rules().identify(authzid.as_bytes(), authcid.as_bytes()).is_err(), "{authcid:?}");
    }
}

#[test]
fn without_a_separator_a_star_is_a_letter() {
    let plain = NameRules::default();
    let identity = plain.identify(b"", b"alice*admin").unwrap();
    assert_eq!(identity, Identity::Own(mailbox("alice*admin")));
}

#[test]
fn hopeless_names_are_refused() {
    for name in [&b""[..], b"a\tb", b"a b", b"\xc3\x28", &[b'a'; 321]] {
        assert!(rules().identify(b"", name).is_err(), "{name:?}");
    }
    assert!(rules().identify(b"a\nb", b"admin").is_err());
}

/// Characters that one rule or another does something with.
const SPECIAL: &str = "[aAbBzK0.@%#+=*äÄİßK\u{308}ﬁ。\u{200b}ü中-]";

fn any_rules() -> impl Strategy<Value = NameRules> {
    let formats = ["%u", "%Lu", "%n", "%Ln", "%n@%d", "%Ln@%Ld", "%n@%Ld", "%Ln@b.example", ""];
    let letter = || prop::sample::select("aA.@%#+=*bz".chars().collect::<Vec<_>>());
    (
        prop::sample::select(formats.to_vec()),
        prop::option::of(prop::sample::select(vec![
            "example.org",
            "A.b.",
            "a#b",
            "ä.org",
            "x@y",
            "a+b",
        ])),
        prop::collection::vec((letter(), letter()), 0..3),
        prop::collection::vec(letter(), 0..3),
        prop::option::of(letter()),
        prop::sample::select(vec![Unicode::Refuse, Unicode::AsTyped, Unicode::Nfc]),
        prop::sample::select(vec![Idna::Off, Idna::Ascii, Idna::Unicode]),
    )
        .prop_map(
            |(format, realm, translate, tag_separators, master_separator, unicode, idna)| {
                NameRules {
                    format: format.parse().unwrap(),
                    default_realm: realm.map(str::to_owned),
                    translate,
                    tag_separators,
                    master_separator,
                    unicode,
                    idna,
                    ..NameRules::default()
                }
            },
        )
}

fn any_name() -> impl Strategy<Value = String> {
    let special = prop::string::string_regex(&format!("{SPECIAL}{{1,6}}")).unwrap();
    let address = prop::string::string_regex(&format!(
        "{SPECIAL}{{1,4}}@({SPECIAL}{{0,3}}\\.)?(xn--[a-z]{{1,3}}-?[a-z0-9]{{1,3}}|{SPECIAL}{{0,4}})\\.?"
    ));
    prop_oneof![special, address.unwrap(), "\\PC{1,12}"]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn canonical_is_idempotent(rules in any_rules(), name in any_name()) {
        if let Ok(once) = rules.canonical(name.as_bytes()) {
            prop_assert_eq!(rules.canonical(once.as_str().as_bytes()), Ok(once.clone()));
            // So a factor that is enrolled under the name that a login has is asked for.
            prop_assert!(rules.reaches(&once));
        }
    }

    #[test]
    fn what_dovecot_is_asked_for_is_what_is_judged(rules in any_rules(), name in any_name()) {
        if let Ok(asked) = rules.asked(b"", name.as_bytes()) {
            // Judged by the typed name or by the asked one: the same.
            prop_assert_eq!(
                rules.identify(b"", name.as_bytes()).ok(),
                rules.identity(&asked).ok()
            );
            if let Ok(Identity::Own(canonical)) = rules.identity(&asked) {
                let split = rules.split(&asked.authcid).is_some();
                let dovecots = rules.repeated(asked.authcid.clone());
                prop_assert!(split || dovecots == canonical.as_str(), "{} {:?}", dovecots, canonical);
            }
        }
    }

    #[test]
    fn plain_names_are_asked_for_as_typed(name in "[A-Za-z0-9.+%=_-]{1,8}(@[A-Za-z0-9-]{1,6}\\.org)?") {
        let asked = rules().asked(b"", name.as_bytes()).unwrap();
        prop_assert_eq!(asked.authcid, name);
    }

    #[test]
    fn any_letter_case_is_one_name(name in "[a-z0-9.]{1,8}@[a-z]{1,6}\\.org", upper in any::<u32>()) {
        let typed: String = name
            .chars()
            .enumerate()
            .map(|(n, c)| if upper >> (n % 32) & 1 == 1 { c.to_ascii_uppercase() } else { c })
            .collect();
        prop_assert_eq!(rules().canonical(typed.as_bytes()), Ok(mailbox(&name)));
    }
}
