//! What happened, on the command line: with a daemon and without.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use serde_json::Value;

use super::{ALICE, Daemon, Site, code};

/// The events that a command prints as JSON lines.
fn events(site: &Site, arguments: &[&str]) -> Vec<Value> {
    let text = site.run(&[&["audit", "--json"], arguments].concat()).ok();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn actions(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["action"].as_str().unwrap()).collect()
}

#[test]
fn changes_are_told_with_and_without_a_daemon() {
    let site = Site::new("store");
    site.add(ALICE);
    site.add("bob");
    let daemon = Daemon::start(&site);
    let secret = site.enable(ALICE);
    site.run(&["totp", "confirm", ALICE, &code(&secret)]).ok();
    let expected = ["mailbox add", "totp enable", "totp confirm"];
    let found = events(&site, &["Alice"]);
    assert_eq!(actions(&found), expected);
    let by = |event: &Value| event["by"].as_str().unwrap().to_owned();
    assert!(by(&found[0]).ends_with("(no daemon)") && by(&found[1]).contains("uid="));
    assert!(found[0]["time"].as_str().unwrap().ends_with('Z') && found[0]["id"].is_string());
    assert_eq!(daemon.stop(), Some(0));
    assert_eq!(events(&site, &["Alice"]), found);
    let two = ["mailbox add", "totp enable", "totp confirm"];
    assert_eq!(actions(&events(&site, &["--limit", "2"])), two[1..]);
    assert_eq!(events(&site, &[]).len(), 4);
    assert_eq!(events(&site, &["--kind", "login"]).len(), 0);
    assert_eq!(events(&site, &["--since", "1h", "--kind", "change", "--limit", "0"]).len(), 4);
    assert_eq!(events(&site, &["--until", "1h"]).len(), 0);
    let text = site.run(&["audit", "bob"]).ok();
    assert!(text.contains("Z  bob@example.org  mailbox add; by "), "{text}");
    site.run(&["audit", "--since", "soon"]).fails(64, "a while ago");
    site.run(&["audit", "--kind", "x"]).fails(65, "no events of this kind");
    site.run(&["audit", "--follow"]).fails(69, "no daemon runs");
    let check = site.run(&["store", "check"]).ok();
    assert!(check.contains("audit trail: 4 events, 0 parts unreadable"), "{check}");
}

#[test]
fn who_follows_sees_what_happens_next_once() {
    let site = Site::new("dovecot");
    let daemon = Daemon::start(&site);
    site.run(&["lock", ALICE]).ok();
    let mut follower =
        site.command(&["audit", "--follow", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    assert_eq!(next()["action"], "mailbox lock");
    site.run(&["unlock", ALICE]).ok();
    assert_eq!(next()["action"], "mailbox unlock");
    // Through a restart of the daemon.
    assert_eq!(daemon.stop(), Some(0));
    site.run(&["lock", ALICE]).ok();
    let daemon = Daemon::start(&site);
    assert_eq!(next()["action"], "mailbox lock");
    site.run(&["unlock", ALICE]).ok();
    assert_eq!(next()["action"], "mailbox unlock");
    follower.kill().unwrap();
    follower.wait().unwrap();
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn programs_of_a_mailbox_without_a_record() {
    let site = Site::new("dovecot");
    let text = site.run(&["mailbox", "programs", ALICE]).ok();
    assert!(text.contains("no program is known"), "{text}");
    let json = site.run(&["mailbox", "programs", ALICE, "--json"]).json();
    assert_eq!(json, serde_json::json!({"mailbox": ALICE, "totp": false, "programs": []}));
}
