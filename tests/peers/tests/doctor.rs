//! `mail2fa doctor` at real servers: it finds nothing wrong where the doors lead through mail2fa, and says
//! which do not.

use std::path::Path;

use peers::{Doors, Generation, PasswordMode, Stand};
use serde_json::Value;

/// What it found: the exit status, and its findings as `check about: state`.
fn examined(stand: &Stand, dovecot: &Path, postfix: &Path) -> (Option<i32>, Vec<String>) {
    let (dovecot, postfix) = (dovecot.to_str().unwrap(), postfix.to_str().unwrap());
    let arguments = ["doctor", "--json", "--dovecot-config", dovecot, "--postfix-config", postfix];
    let output = stand.mail2fa().cli(&arguments, "").unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let findings = report["findings"].as_array().unwrap();
    let found: Vec<String> = findings
        .iter()
        .map(|one| format!("{} {}: {}", text(one, "check"), text(one, "about"), text(one, "state")))
        .collect();
    assert_eq!(report["sound"], output.status.success(), "{report}");
    (output.status.code(), found)
}

#[track_caller]
fn has(found: &[String], wanted: &str) {
    assert!(found.iter().any(|one| one == wanted), "{wanted} in {found:#?}");
}

#[test]
fn doors_that_lead_past_mail2fa_are_found() {
    let mut stand = Stand::start(Generation::V23, PasswordMode::Dovecot, Doors::Mail2fa).unwrap();
    let dovecot = stand.dovecot.settings_file();
    let postfix = stand.postfix.settings_folder().clone();
    let (status, found) = examined(&stand, &dovecot, &postfix);
    assert_eq!(status, Some(0), "{found:#?}");
    let client = stand.dovecot.client_upstream();
    for wanted in [
        "dovecot imap-login: good",
        "dovecot pop3-login: good",
        "dovecot managesieve-login: good",
        "dovecot auth_cache_size: good",
        "daemon control: good",
        &format!("upstream {}: good", client.display()),
    ] {
        has(&found, wanted);
    }
    assert!(found.iter().any(|one| one.starts_with("postfix ") && one.ends_with("good")));
    assert!(found.iter().all(|one| !one.ends_with("bad")), "{found:#?}");

    // Copies, with mistakes in them.
    let copy = stand.folder.sub("copies").unwrap();
    let text = std::fs::read_to_string(&dovecot).unwrap();
    let with = format!("{text}\nservice imap-login {{\n  executable = imap-login\n}}\n");
    // It reads other files beside it.
    let direct = dovecot.with_file_name("direct.conf");
    std::fs::write(&direct, with).unwrap();
    for file in ["main.cf", "master.cf"] {
        let text = std::fs::read_to_string(postfix.join(file)).unwrap();
        std::fs::write(copy.join(file), text.replace("private/mail2fa", "private/auth")).unwrap();
    }
    assert!(stand.mail2fa_mut().stop().unwrap().success());
    let (status, found) = examined(&stand, &direct, &copy);
    assert_eq!(status, Some(69));
    has(&found, "dovecot imap-login: bad");
    has(&found, "dovecot pop3-login: good");
    has(&found, "daemon control: bad");
    assert!(found.iter().any(|one| one.starts_with("postfix ") && one.ends_with("bad")));
    assert!(found.iter().any(|one| one.starts_with("listener ") && one.ends_with("bad")));
}
