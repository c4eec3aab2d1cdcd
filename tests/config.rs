//! The configuration file that is installed: complete, and true about the defaults.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]

use mail2fa::config::{Accounts, Config};

const SHIPPED: &str = include_str!("../config/mail2fa.toml");

struct Anybody;

impl Accounts for Anybody {
    fn uid(&self, _: &str) -> Result<Option<u32>, String> {
        Ok(Some(1))
    }

    fn gid(&self, _: &str) -> Result<Option<u32>, String> {
        Ok(Some(1))
    }
}

fn parse(text: &str) -> Config {
    Config::parse(text, &Anybody).unwrap()
}

/// The file with only those keys that have no default.
fn bare() -> String {
    let wanted = ["[passwords]", "[[listener]]", "name", "kind", "upstream", "socket"];
    let text: Vec<_> = SHIPPED
        .lines()
        .filter(|line| {
            let word = line.split(" =").next().unwrap_or_default();
            wanted.contains(&word) && *line != "socket = \"/run/mail2fa/control\""
        })
        .collect();
    text.join("\n")
}

#[test]
fn it_parses_to_the_defaults() {
    assert_eq!(parse(SHIPPED), parse(&bare()));
}

/// Keys of a TOML text as `section.key`, set or commented out (`#key = `, `# key is not set`).
fn keys(text: &str) -> std::collections::BTreeSet<String> {
    let mut section = String::new();
    let mut keys = std::collections::BTreeSet::new();
    for line in text.lines() {
        if line.starts_with('[') {
            section = String::from(line.trim_matches(['[', ']']));
        }
        let set = line.trim_start_matches('#').split_once(" = ").map(|(key, _)| key);
        let unset = line.strip_prefix("# ").and_then(|line| line.strip_suffix(" is not set"));
        if let Some(key) = set.or(unset).filter(|key| {
            !key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        }) {
            keys.insert(format!("{section}.{key}"));
        }
    }
    keys
}

#[test]
fn it_mentions_every_key() {
    let shown = parse(SHIPPED).to_toml();
    assert_eq!(keys(SHIPPED), keys(&shown));
    assert!(keys(SHIPPED).len() >= 30, "{:?}", keys(SHIPPED));
}

#[test]
fn the_commented_keys_can_be_switched_on() {
    let on: Vec<_> = SHIPPED
        .lines()
        .filter(|line| !line.starts_with("key_file"))
        .map(|line| {
            if line.starts_with("#listen = \"/") {
                // The panel's. TLS of its own is for an address.
                return "listen = \"[::]:8425\"";
            }
            let commented =
                line.starts_with('#') && !line.starts_with("# ") && line.contains(" = ");
            if commented { &line[1..] } else { line }
        })
        .collect();
    let config = parse(&on.join("\n"));
    assert_eq!(config.names.default_realm.as_deref(), Some("example.org"));
    assert!(config.panel.is_some_and(|panel| panel.place.tls.is_some()));
    assert!(config.api.is_some_and(|api| api.tls.is_some()));
    assert_eq!(config.names.master_separator, Some('*'));
    assert!(config.listeners.iter().all(|listener| listener.owner.is_some()));
}

#[test]
fn what_is_shown_parses_to_itself() {
    let config = parse(SHIPPED);
    assert_eq!(parse(&config.to_toml()), config);
}

#[test]
fn a_file_that_cannot_be_read_is_one_mistake() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mail2fa.toml");
    let message = |path: &std::path::Path| Config::load(path).unwrap_err().to_string();
    assert!(message(&path).contains("there is no such file"));
    assert!(message(directory.path()).contains("cannot be read"));
    std::fs::write(&path, [0xff, 0xfe]).unwrap();
    assert!(message(&path).contains("not UTF-8"));
    std::fs::write(&path, vec![b'#'; 1_048_577]).unwrap();
    assert!(message(&path).contains("larger than 1048576 bytes"));
    assert!(message(&path).contains("mail2fa.toml"));
}

const DOVECOT: [(&str, &str); 2] = [
    (include_str!("../config/dovecot-2.3.conf"), include_str!("../config/dovecot-2.3-store.conf")),
    (include_str!("../config/dovecot-2.4.conf"), include_str!("../config/dovecot-2.4-store.conf")),
];

/// The settings of a snippet, without its comments.
fn settings(snippet: &str) -> Vec<&str> {
    snippet.lines().filter(|line| !line.starts_with('#')).collect()
}

/// The name under which a snippet is to be installed, which decides when Dovecot reads it.
fn installed_as(snippet: &str) -> &str {
    let (_, rest) = snippet.split_once("/etc/dovecot/conf.d/").unwrap();
    rest.split_inclusive(".conf").next().unwrap()
}

#[test]
fn dovecot_adds_no_delay_of_its_own_and_keeps_no_answers() {
    for (doors, _) in DOVECOT {
        for setting in ["auth_failure_delay = 0", "auth_cache_size = 0"] {
            assert!(settings(doors).contains(&setting), "{setting}");
        }
    }
}

#[test]
fn mechanisms_are_set_and_not_added_and_external_is_set_last() {
    for (doors, store) in DOVECOT {
        assert!(settings(doors).contains(&"auth_mechanisms = plain login"));
        assert!(settings(store).contains(&"auth_mechanisms = plain login external"));
        // Dovecot reads the files in the order of their names, ending included.
        assert!(installed_as(doors) < installed_as(store));
    }
}
