//! Names: Dovecot makes them in one way, mail2fa repeats it. Whatever spelling Dovecot takes for a
//! mailbox with a second factor, its bare password does not open it.
//!
//! For each spelling Dovecot itself is asked first, at its own socket and with the bare password, so
//! that what is said here of Dovecot is seen to be true.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use peers::clients::{Login, auth_test};
use peers::stand::{ALICE, ALICE_PASSWORD, Names};
use peers::{Door, Generation, Stand, Verdict};

/// What becomes of a spelling: by Dovecot alone with the password; by mail2fa with password and code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    /// Both take it.
    Both,
    /// Dovecot alone would not know it; mail2fa asks for the name that is meant.
    Mail2fa,
    /// Dovecot takes it; mail2fa lets nobody in by it, since it is another name there.
    Dovecot,
    /// Nobody.
    Nobody,
}

/// A mailbox with a second factor, the mailboxes that Dovecot has for it, and spellings of it.
struct Case<'a> {
    generation: Generation,
    names: Names<'a>,
    users: &'a [&'a str],
    enrolled: &'a str,
    spellings: &'a [(&'a str, Who)],
}

fn dovecots_own(stand: &Stand, login: Login<'_>) -> Verdict {
    let more = ["service=imap", "rip=127.0.0.1", "secured"];
    auth_test(&stand.dovecot, &stand.dovecot.client_upstream(), login, &more).unwrap().verdict
}

impl Case<'_> {
    fn hold(&self) -> Stand {
        let mut stand = Stand::with_names(self.generation, &self.names).unwrap();
        let users: Vec<_> = self.users.iter().map(|name| (*name, ALICE_PASSWORD)).collect();
        stand.set_passwords(&users).unwrap();
        let mut codes = stand.enrol(self.enrolled).unwrap();
        let typed = format!("{ALICE_PASSWORD}{}", codes.fresh().unwrap());
        for (name, who) in self.spellings {
            let (bare, whole) = (Login::new(name, ALICE_PASSWORD), Login::new(name, &typed));
            let known = matches!(who, Who::Both | Who::Dovecot);
            let alone = dovecots_own(&stand, bare);
            assert_eq!(alone == Verdict::In, known, "Dovecot itself, {name:?}: {alone:?}");
            for door in [Door::ImapPlain, Door::ImapLogin, Door::AuthClient] {
                let what = format!("{name:?}, {who:?}, {door:?}");
                stand.knock(door, bare).unwrap().must_be_refused(&format!("bare password, {what}"));
                let answer = stand.knock(door, whole).unwrap();
                match who {
                    Who::Both | Who::Mail2fa => answer.must_be_in(&what),
                    Who::Dovecot | Who::Nobody => answer.must_be_refused(&what),
                };
            }
        }
        stand
    }
}

/// IMAP with SASL PLAIN and an authorization identity of its own.
fn plain(stand: &Stand, opened: &str, user: &str, password: &str) -> bool {
    let stream = TcpStream::connect(("127.0.0.1", stand.dovecot.imap())).unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let message = STANDARD.encode(format!("{opened}\0{user}\0{password}"));
    (&stream).write_all(format!("a AUTHENTICATE PLAIN {message}\r\n").as_bytes()).unwrap();
    lines
        .find_map(|line| line.unwrap().strip_prefix("a ").map(|said| said.starts_with("OK")))
        .unwrap()
}

#[test]
fn the_settings_that_dovecot_comes_with_and_a_realm() {
    let spellings = [
        (ALICE, Who::Both),
        ("alice", Who::Both),
        ("ALICE", Who::Both),
        ("Alice@Example.ORG", Who::Both),
        ("alice@example.org.", Who::Mail2fa),
        ("alice@", Who::Nobody),
        ("alice+shop@example.org", Who::Nobody),
        ("alice%example.org", Who::Nobody),
        ("alic\u{e9}@example.org", Who::Nobody),
        ("\u{ff41}lice@example.org", Who::Nobody),
        ("alice@example.org@example.org", Who::Nobody),
    ];
    for generation in [Generation::V23, Generation::V24] {
        let names = Names::default();
        Case { generation, names, users: &[ALICE], enrolled: "Alice", spellings: &spellings }
            .hold();
    }
}

#[test]
fn translation_comes_after_the_realm() {
    let translation = "auth_username_translation = \"%@#@\"\n";
    let with_realm = Names {
        dovecot: translation,
        mail2fa: "default_realm = \"example.org\"\ntranslate = \"%@#@\"",
    };
    let twice = "alice@example.org@example.org";
    Case {
        generation: Generation::V23,
        names: with_realm,
        users: &[ALICE, twice],
        enrolled: twice,
        spellings: &[
            ("alice%example.org", Who::Both),
            ("ALICE#example.org", Who::Both),
            (twice, Who::Both),
        ],
    }
    .hold();
    let without = Names {
        dovecot: &format!("{translation}auth_default_realm =\n"),
        mail2fa: "translate = \"%@#@\"",
    };
    Case {
        generation: Generation::V23,
        names: without,
        users: &[ALICE],
        enrolled: ALICE,
        spellings: &[
            ("alice%example.org", Who::Both),
            ("Alice#Example.org", Who::Both),
            (ALICE, Who::Both),
            ("alice", Who::Nobody),
        ],
    }
    .hold();
}

#[test]
fn formats_that_drop_the_domain() {
    let spellings = [
        ("alice", Who::Both),
        ("Alice@example.org", Who::Both),
        ("ALICE@anything.example", Who::Both),
        ("alice@a@b", Who::Both),
        ("bob@alice", Who::Nobody),
    ];
    for (generation, setting, format) in [
        (Generation::V23, "auth_username_format = %Ln\n", "%Ln"),
        (
            Generation::V24,
            "auth_username_format = %{user | username | lower}\n",
            "%{user | username | lower}",
        ),
    ] {
        let mail2fa = &format!("default_realm = \"example.org\"\nformat = \"{format}\"");
        let names = Names { dovecot: setting, mail2fa };
        Case { generation, names, users: &["alice"], enrolled: "Alice", spellings: &spellings }
            .hold();
    }
}

#[test]
fn formats_of_both_parts() {
    Case {
        generation: Generation::V23,
        names: Names {
            dovecot: "auth_username_format = %n@%Ld\n",
            mail2fa: "default_realm = \"example.org\"\nformat = \"%n@%Ld\"",
        },
        users: &["Alice@example.org"],
        enrolled: "Alice@EXAMPLE.org",
        spellings: &[
            ("Alice@Example.ORG", Who::Both),
            ("Alice", Who::Both),
            ("alice@example.org", Who::Nobody),
        ],
    }
    .hold();
    Case {
        generation: Generation::V23,
        names: Names {
            dovecot: "auth_username_format = %Ln@example.org\n",
            mail2fa: "format = \"%Ln@example.org\"",
        },
        users: &[ALICE],
        enrolled: "alice",
        spellings: &[
            ("Alice@elsewhere.example", Who::Both),
            ("ALICE", Who::Both),
            (ALICE, Who::Both),
        ],
    }
    .hold();
}

/// Each name has its own home in Dovecot, but one line in the passwd-file, found by its local part.
#[test]
fn a_passdb_that_looks_at_the_local_part_only() {
    Case {
        generation: Generation::V23,
        names: Names {
            dovecot: "passdb {\n  driver = passwd-file\n  mechanisms = plain login\n  \
                      args = username_format=%Ln ROOT/users\n}\n",
            mail2fa: "default_realm = \"example.org\"\nformat = \"%Ln\"",
        },
        users: &["alice"],
        enrolled: "alice",
        spellings: &[
            (ALICE, Who::Both),
            ("Alice@elsewhere.example", Who::Both),
            ("alice", Who::Both),
        ],
    }
    .hold();
}

#[test]
fn tags_that_dovecot_cuts_off() {
    // The query of a database that cuts tags off, and does not say so: a line for each name.
    let tagged = "alice+shop@example.org";
    let dovecot = "auth_username_chars = \
                   abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01234567890.-_@+\n";
    let names =
        Names { dovecot, mail2fa: "default_realm = \"example.org\"\ntag_separators = \"+\"" };
    Case {
        generation: Generation::V23,
        names,
        users: &[ALICE, tagged],
        enrolled: ALICE,
        spellings: &[(ALICE, Who::Both), (tagged, Who::Both), ("Alice+SHOP", Who::Both)],
    }
    .hold();
    // The format of Dovecot 2.4. Without the setting here the name that comes back is judged.
    let cut = format!(
        "{dovecot}auth_username_format = \
         %{{user | username | index('+', 0) | lower}}@%{{user | domain | lower}}\n"
    );
    for (tags, who) in [("tag_separators = \"+\"", Who::Both), ("", Who::Dovecot)] {
        let mail2fa = &format!("default_realm = \"example.org\"\n{tags}");
        Case {
            generation: Generation::V24,
            names: Names { dovecot: &cut, mail2fa },
            users: &[ALICE],
            enrolled: ALICE,
            spellings: &[(ALICE, Who::Both), (tagged, who), ("Alice+a+b", who)],
        }
        .hold();
    }
}

#[test]
fn letters_that_are_not_ascii() {
    let (composed, decomposed) = ("j\u{fc}rgen@example.org", "ju\u{308}rgen@example.org");
    let dovecot = "auth_username_chars =\n";
    let realm = "default_realm = \"example.org\"\n";
    Case {
        generation: Generation::V23,
        names: Names { dovecot, mail2fa: &format!("{realm}unicode = \"nfc\"\nidna = \"ascii\"") },
        users: &[composed, "anna@xn--bcher-kva.example"],
        enrolled: composed,
        spellings: &[
            (composed, Who::Both),
            ("J\u{fc}RGEN", Who::Both),
            (decomposed, Who::Mail2fa),
            // Dovecot folds ASCII letters only, and so does mail2fa.
            ("J\u{dc}RGEN", Who::Nobody),
            ("j\u{fc}r\u{ad}gen", Who::Nobody),
        ],
    }
    .hold();
    Case {
        generation: Generation::V24,
        names: Names { dovecot, mail2fa: &format!("{realm}unicode = \"as_typed\"") },
        users: &[composed, decomposed],
        enrolled: composed,
        spellings: &[(composed, Who::Both), ("J\u{fc}RGEN", Who::Both)],
    }
    .hold();
    Case {
        generation: Generation::V23,
        names: Names { dovecot, mail2fa: &format!("{realm}idna = \"ascii\"") },
        users: &["mike@xn--bcher-kva.example", "mi\u{212a}e@xn--bcher-kva.example"],
        enrolled: "mike@b\u{fc}cher.example",
        spellings: &[
            ("mike@xn--bcher-kva.example", Who::Both),
            ("Mike@b\u{fc}cher.example", Who::Mail2fa),
            ("MIKE@B\u{dc}CHER.example.", Who::Mail2fa),
            // The Kelvin sign, which is another mailbox to Dovecot.
            ("mi\u{212a}e@xn--bcher-kva.example", Who::Dovecot),
        ],
    }
    .hold();
}

const MASTER: &str = "auth_master_user_separator = *+\n\
                      passdb {\n  driver = passwd-file\n  mechanisms = plain login\n  master = yes\n  \
                      args = ROOT/users\n}\n";

#[test]
fn master_users() {
    let admin = "admin@example.org";
    let bob = "bob@example.org";
    let names = Names {
        dovecot: MASTER,
        mail2fa: "default_realm = \"example.org\"\nmaster_separator = \"*\"",
    };
    let mut stand = Stand::with_names(Generation::V23, &names).unwrap();
    let users = [ALICE, admin, bob].map(|name| (name, ALICE_PASSWORD));
    stand.set_passwords(&users).unwrap();
    stand.enrol(ALICE).unwrap();
    // Without a second factor of the master user's own: what has none may be opened.
    for (name, opens) in [
        ("alice*admin", false),
        ("ALICE*Admin@example.org", false),
        ("alice@example.org.*admin", false),
        ("bob*admin", true),
        ("bob*admin@example.org.", true),
        ("alice+admin", false),
        ("*admin", false),
        ("bob*", false),
    ] {
        let login = Login::new(name, ALICE_PASSWORD);
        for door in [Door::ImapPlain, Door::AuthClient] {
            let answer = stand.knock(door, login).unwrap();
            if opens {
                answer.must_be_in(name)
            } else {
                answer.must_be_refused(name)
            };
        }
    }
    assert!(plain(&stand, bob, admin, ALICE_PASSWORD));
    for (opened, user) in [
        (ALICE, admin),
        ("ALICE", "admin"),
        (ALICE, "bob*admin"),
        (ALICE, "alice*alice"),
        ("", "alice*alice"),
    ] {
        assert!(!plain(&stand, opened, user, ALICE_PASSWORD), "{opened} {user}");
    }
    // An authzid goes before the mailbox in front of the separator: bob is opened.
    assert!(plain(&stand, bob, "alice*admin", ALICE_PASSWORD));
    let mut codes = stand.enrol(admin).unwrap();
    let typed = format!("{ALICE_PASSWORD}{}", codes.fresh().unwrap());
    for name in ["alice*admin", "bob*admin"] {
        stand
            .knock(Door::ImapPlain, Login::new(name, ALICE_PASSWORD))
            .unwrap()
            .must_be_refused(name);
    }
    stand
        .knock(Door::ImapPlain, Login::new("alice*admin", &typed))
        .unwrap()
        .must_be_in("with a code");
}
