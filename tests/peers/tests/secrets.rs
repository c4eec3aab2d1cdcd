//! Nothing that mail2fa writes holds a password, a code or a secret, with the log at its loudest.

use std::net::Ipv4Addr;
use std::process::Command;

use peers::clients::{Login, Mail};
use peers::leaks::Secrets;
use peers::stand::{ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, bob};
use peers::{Door, Doors, Generation, PasswordMode, Stand};

const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

const LOUD: &str = "[log]\ntarget = \"plain\"\nlevel = \"trace\"\n";

fn whole_run(mode: PasswordMode) {
    let mut stand =
        Stand::start_with(Generation::V23, mode, Doors::Mail2fa, "0s", Some(LOUD)).unwrap();
    let mut secrets = Secrets::default();
    secrets.add("alice's password", ALICE_PASSWORD);
    secrets.add("bob's password", BOB_PASSWORD);
    secrets.add("the vouching secret", peers::dovecot::VOUCH_SECRET);

    let mut codes = stand.enrol(ALICE).unwrap();
    secrets.add("alice's TOTP secret", codes.secret());
    secrets.add_plain("alice's TOTP secret in binary", &binary(codes.secret()));
    let key = std::fs::read(stand.mail2fa().root().join("master.key")).unwrap();
    let key_text = String::from_utf8_lossy(&key).trim().to_owned();
    secrets.add("the master key", &key_text);

    for door in Door::ALL {
        stand.knock(door, bob()).unwrap().must_be_in("bob");
        let alone = Login::new(ALICE, ALICE_PASSWORD);
        stand.knock(door, alone).unwrap().must_be_refused("alice");
        let typo = format!("{door:?}-tYp0-{}", codes.wrong().unwrap());
        stand.knock(door, Login::new(BOB, &typo)).unwrap().must_be_refused("bob, wrong password");
        secrets.add("a wrong password", &typo);
    }
    for door in [Door::ImapPlain, Door::PostfixLogin] {
        let code = codes.fresh().unwrap();
        let credential = format!("{ALICE_PASSWORD}{code}");
        let login = Login::new(ALICE, &credential);
        stand.knock(door, login).unwrap().must_be_in("alice with a code");
        stand.knock(door, login).unwrap().must_be_in("alice with the same code again");
        let elsewhere = stand.imap().from_address(ELSEWHERE).login(login, Mail::Nothing).unwrap();
        elsewhere.must_be_refused("alice with a used code");
        secrets.add_code("a code", &code);
    }
    let added = stand.mail2fa().cli_text(&["--json", "app-password", "add", ALICE, "phone"], "");
    let added: serde_json::Value = serde_json::from_str(&added.unwrap()).unwrap();
    let app_password = added["password"].as_str().unwrap();
    secrets.add("an app password", app_password);
    let codes = stand.mail2fa().cli_text(&["--json", "recovery-codes", "new", ALICE], "");
    let codes: serde_json::Value = serde_json::from_str(&codes.unwrap()).unwrap();
    let recovery_code = codes["recovery_codes"][0].as_str().unwrap();
    secrets.add("a recovery code", recovery_code);
    let recovery = format!("{ALICE_PASSWORD}{recovery_code}");
    for typed in [app_password, &recovery] {
        for door in [Door::ImapPlain, Door::PostfixLogin] {
            stand.knock(door, Login::new(ALICE, typed)).unwrap().must_be_in("without a phone");
        }
    }
    // Names that are mistyped as passwords, and a failure in the middle, are logged as well.
    stand.dovecot.stop();
    let _ = stand.knock(Door::AuthClient, bob()).unwrap();
    stand.dovecot.restart().unwrap();
    stand.mail2fa_mut().stop().unwrap();
    stand.mail2fa_mut().start_again().unwrap();
    stand.mail2fa().cli_text(&["totp", "disable", ALICE, "--yes"], "").unwrap();
    // The trail lies sealed in the store: what it says is searched with the rest.
    let trail = stand.mail2fa().cli_text(&["audit", "--json", "--limit", "0"], "").unwrap();
    for word in ["used_code", "wrong_password", "app-password add", "unavailable", ALICE, BOB] {
        assert!(trail.contains(word), "the trail tells of {word}:\n{trail}");
    }
    std::fs::write(stand.mail2fa().root().join("trail.json"), trail).unwrap();
    stand.mail2fa_mut().stop().unwrap();

    let log = stand.mail2fa().log();
    assert!(log.contains(ALICE) && log.contains(BOB), "the log tells of the logins:\n{log}");
    let mut leaks = secrets.find_below(stand.mail2fa().root());
    leaks.retain(|leak| !leak.file.ends_with("master.key"));
    assert!(leaks.is_empty(), "{leaks:?}");
    // What Dovecot and Postfix write is theirs, but nothing of mail2fa's own may get there.
    for file in [stand.dovecot.log_file(), stand.postfix.log_file().clone()] {
        let leaks = secrets.find_in(&file);
        assert!(leaks.is_empty(), "{leaks:?}");
    }
}

/// The bytes of a base32 secret.
fn binary(base32: &str) -> Vec<u8> {
    let output = Command::new("sh")
        .args(["-c", "printf %s \"$1\" | base32 --decode", "sh", base32])
        .output()
        .unwrap();
    assert!(output.status.success() && output.stdout.len() >= 20, "{output:?}");
    output.stdout
}

#[test]
fn with_dovecots_passwords() {
    whole_run(PasswordMode::Dovecot);
}

#[test]
fn with_the_stores_passwords() {
    whole_run(PasswordMode::Store);
}
