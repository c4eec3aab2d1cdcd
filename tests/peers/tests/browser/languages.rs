//! Every page in every language: all words that are seen are words of the language's file, or a name.
//!
//! So nothing is left in English where another language is wanted, and no words are anywhere but in the files.

use peers::Look;
use peers::stand::ALICE_PASSWORD;
use serde_json::json;

use crate::person::{Person, stand};

/// Tag, name on the switch, and file of each language.
const LANGUAGES: [(&str, &str, &str); 5] = [
    ("de", "Deutsch", include_str!("../../../../src/web/texts/de.ftl")),
    ("es", "Espa\u{f1}ol", include_str!("../../../../src/web/texts/es.ftl")),
    ("fr", "Fran\u{e7}ais", include_str!("../../../../src/web/texts/fr.ftl")),
    ("nl", "Nederlands", include_str!("../../../../src/web/texts/nl.ftl")),
    ("en", "English", include_str!("../../../../src/web/texts/en.ftl")),
];

/// Words that are the same everywhere: of the host, the mailbox, the app password, mail programs, and UTC.
const NAMES: [&str; 10] = [
    "Example Mail",
    "alice@example.org",
    "Laptop 7",
    "Apple Mail (iPhone, iPad, Mac)",
    "K-9 Mail, Thunderbird for Android, FairEmail",
    "Thunderbird",
    "Outlook",
    "Gmail",
    "UTC",
    "imap",
];

/// Every piece of text on the page, seen or read out, but secrets, moments and the names of languages.
const WORDS: &str = "const found = [document.title]; \
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT); \
    for (let node = walker.nextNode(); node; node = walker.nextNode()) { \
        if (!node.parentElement.closest('script, style, svg, time, code, button[lang]')) found.push(node.data); \
    } \
    for (const name of ['aria-label', 'alt', 'placeholder', 'data-done', 'data-live', 'title']) { \
        for (const e of document.querySelectorAll('body [' + name + ']')) { \
            if (e.localName !== 'time') found.push(e.getAttribute(name)); \
        } \
    } \
    return found.map((text) => text.replace(/\\s+/g, ' ').trim()).filter((text) => text);";

/// The pieces of a language's texts between the places that are filled in, the longest first.
fn pieces(file: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    for line in file.lines().filter(|line| !line.starts_with('#') && *line != "}") {
        let text = match line.trim_start().split_once("] ") {
            Some((_, text)) if line.starts_with(' ') => text,
            _ => line.split_once(" = ").map_or(line, |(_, text)| text),
        };
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            pieces.push(before.to_owned());
            rest = after.split_once('}').map_or("", |(_, after)| after);
        }
        pieces.push(rest.to_owned());
    }
    let mut pieces: Vec<String> = pieces
        .into_iter()
        .map(|piece| piece.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|piece| piece.chars().any(char::is_alphabetic))
        .collect();
    pieces.sort_by_key(|piece| std::cmp::Reverse(piece.len()));
    pieces.dedup();
    pieces
}

/// What is left of a text when the words that are known are taken out of it.
fn unknown(text: &str, pieces: &[String]) -> String {
    let mut left = text.to_owned();
    for known in pieces.iter().map(String::as_str).chain(NAMES) {
        // Short words may be a part of others: only whole texts, or what stands between other pieces.
        if known.chars().count() > 3 {
            left = left.replace(known, "\n");
        }
    }
    let whole = |part: &&str| !pieces.iter().any(|piece| piece == part);
    let parts: Vec<&str> = left.split(['\n', '%', '·', ',', ':']).map(str::trim).collect();
    let parts = parts.into_iter().map(|part| {
        part.trim_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '/' || c == ' ')
    });
    let parts = parts.filter(|part| part.chars().any(char::is_alphabetic)).filter(whole);
    parts.collect::<Vec<_>>().join(" | ")
}

/// What is on the page that is open and in no file.
fn strangers(person: &Person<'_>, tag: &str, pieces: &[String]) -> Vec<String> {
    let window = &person.window;
    assert_eq!(window.attribute("html", "lang").unwrap().as_deref(), Some(tag));
    let found = window.execute(WORDS, vec![]).unwrap();
    let found = found.as_array().unwrap().iter().filter_map(|text| text.as_str());
    found
        .map(|text| (text, unknown(text, pieces)))
        .filter(|(_, unknown)| !unknown.is_empty())
        .map(|(text, unknown)| format!("{tag} {:?}: {unknown:?} in {text:?}", window.path()))
        .collect()
}

#[test]
fn words_of_another_language_are_found() {
    let german = pieces(LANGUAGES[0].2);
    for text in ["Save", "Log out", "Error: Log in", "One day is left.", "12 days are left"] {
        assert!(!unknown(text, &german).is_empty(), "{text}");
    }
    assert_eq!(unknown("Abmelden", &german), "");
    let english = pieces(LANGUAGES[4].2);
    assert_eq!(unknown("Error: Log in \u{2013} Example Mail", &english), "");
    assert_eq!(unknown("The code changes in % s", &english), "");
    assert!(!unknown("Abmelden", &english).is_empty());
}

/// Sends a form of the page by its address, whatever its buttons are called.
fn send(person: &Person<'_>, action: &str, fields: &[(&str, &str)]) {
    const SEND: &str = "const [action, fields] = arguments; \
        const form = [...document.forms].find((form) => form.action.split('?')[0].endsWith(action)); \
        for (const [name, value] of fields) { form.elements[name].value = value; } \
        form.noValidate = true; form.requestSubmit();";
    let window = &person.window;
    let arguments = vec![json!(action), json!(fields)];
    window.leave(|| window.execute(SEND, arguments).map(drop)).unwrap();
}

/// Addresses of a mailbox whose factor is on.
const PAGES: [&str; 15] = [
    "",
    "factor/disable",
    "factor/disable?recovery",
    "phone",
    "recovery-codes",
    "recovery-codes/new",
    "app-passwords",
    "app-passwords/new",
    "sign-ins",
    "activity",
    "nothing-here",
    "?done=unchanged",
    "?done=moved-slow",
    "app-passwords?done=revoked",
    "sign-ins?done=all-ended",
];

#[test]
fn every_page_is_in_the_language_that_was_chosen() {
    let (stand, panel) = stand("");
    let mut alice = Person::inside(&stand, &panel, Look::DESKTOP);
    let mut wrong = Vec::new();
    // Before it is on: what is shown once stays while the language changes.
    alice.imap(ALICE_PASSWORD).must_be_in("a program for the inventory");
    alice.scan();
    for (tag, name, file) in LANGUAGES {
        let pieces = pieces(file);
        alice.open("");
        alice.press(name);
        for path in
            ["", "factor/before", "factor/scan", "recovery-codes", "app-passwords", "sign-ins"]
        {
            alice.open(path);
            wrong.extend(strangers(&alice, tag, &pieces));
        }
    }
    alice.switch_on();
    for (tag, name, file) in LANGUAGES {
        let pieces = pieces(file);
        alice.open("");
        alice.press(name);
        for path in PAGES {
            alice.open(path);
            wrong.extend(strangers(&alice, tag, &pieces));
        }
        shown_once(&mut alice, |alice| wrong.extend(strangers(alice, tag, &pieces)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Recovery codes, an app password, a secret for a new phone, and forms with something wrong in them.
fn shown_once(alice: &mut Person<'_>, mut look: impl FnMut(&Person<'_>)) {
    let bad = alice.wrong_code();
    alice.open("factor/disable");
    send(alice, "factor/disable", &[("code", &bad)]);
    look(alice);
    let code = alice.code();
    alice.open("recovery-codes/new");
    send(alice, "recovery-codes/new", &[("code", &code)]);
    look(alice);
    send(alice, "recovery-codes/shown", &[]);
    look(alice);
    let code = alice.code();
    alice.open("app-passwords/new");
    send(alice, "app-passwords/new", &[("name", "\""), ("code", &code)]);
    look(alice);
    send(alice, "app-passwords/new", &[("name", "Laptop 7"), ("code", &code)]);
    look(alice);
    send(alice, "app-passwords/shown", &[]);
    look(alice);
    alice.open("phone");
    send(alice, "phone/begin", &[]);
    look(alice);
    send(alice, "phone/scan", &[("challenge", "12"), ("code", &bad)]);
    look(alice);
}

/// The browser's own language, without pressing anything: the pages that strangers see, and logging in.
#[test]
fn the_browsers_language_is_understood() {
    let (stand, panel) = stand("");
    stand.enrol(peers::stand::ALICE).unwrap();
    let mut wrong = Vec::new();
    for (tag, _, file) in LANGUAGES {
        let pieces = pieces(file);
        let alice = Person::new(&stand, &panel, Look::PHONE.in_language(tag));
        alice.open("login");
        wrong.extend(strangers(&alice, tag, &pieces));
        send(&alice, "login", &[("name", alice.name), ("password", "wrong")]);
        wrong.extend(strangers(&alice, tag, &pieces));
        send(&alice, "login", &[("name", alice.name), ("password", ALICE_PASSWORD)]);
        wrong.extend(strangers(&alice, tag, &pieces));
        send(&alice, "login/code", &[("code", "00000")]);
        wrong.extend(strangers(&alice, tag, &pieces));
        for path in ["login?done=ended", "login?done=logged-out", "link?t=x", "activity"] {
            alice.open(path);
            wrong.extend(strangers(&alice, tag, &pieces));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // One that there is not: English. One of a region: its language.
    for (asked, lang) in [("sv", "en"), ("fr-CA", "fr")] {
        let somebody = Person::new(&stand, &panel, Look::DESKTOP.in_language(asked));
        somebody.open("login");
        let given = somebody.window.attribute("html", "lang").unwrap();
        assert_eq!(given.as_deref(), Some(lang), "{asked}");
    }
}
