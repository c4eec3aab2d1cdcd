//! Rules of enforcement on real servers: who must have a second factor, what services may be opened
//! with, exempt networks, the dry run; and that a reload brings them in.

use std::net::Ipv4Addr;

use nix::sys::signal::Signal;
use peers::clients::{Login, Mail};
use peers::stand::{ALICE, ALICE_PASSWORD, BOB, alice, bob};
use peers::{Door, Doors, Generation, PasswordMode, Stand, wait};

const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const SOME: [Door; 4] = [Door::ImapPlain, Door::Pop3, Door::Sieve, Door::PostfixPlain];

fn command(stand: &Stand, arguments: &[&str]) -> String {
    stand.mail2fa().cli_text(arguments, "").unwrap()
}

/// How many lines of the log have these words.
fn told(stand: &Stand, words: &str) -> usize {
    stand.mail2fa().log().lines().filter(|line| line.contains(words)).count()
}

/// Waits for one more line with these words.
fn wait_told(stand: &Stand, words: &str, before: usize) {
    wait::until("the log", || (told(stand, words) > before).then_some(())).unwrap();
}

/// Puts rules into the configuration and has it read again.
fn enforce(stand: &Stand, plain: &str, rules: &str) {
    let words = "the configuration was read again";
    let before = told(stand, words);
    std::fs::write(stand.mail2fa().config_file(), format!("{plain}\n{rules}\n")).unwrap();
    stand.mail2fa().signal(Signal::SIGHUP).unwrap();
    wait_told(stand, words, before);
}

fn rules(generation: Generation, mode: PasswordMode) {
    let stand = Stand::start(generation, mode, Doors::Mail2fa).unwrap();
    let plain = std::fs::read_to_string(stand.mail2fa().config_file()).unwrap();
    let typed = levels(&stand);
    services(&stand, &plain, Login::new(ALICE, &typed));
    dry_run(&stand, &plain);
    exempt(&stand, &plain);
}

/// alice must have a factor; what she typed in the end.
fn levels(stand: &Stand) -> String {
    for door in SOME {
        stand.knock(door, alice()).unwrap().must_be_in(&format!("nothing is required, {door:?}"));
    }
    command(stand, &["policy", "set", ALICE, "required"]);
    for door in Door::ALL {
        stand.knock(door, alice()).unwrap().must_be_refused(&format!("required, {door:?}"));
    }
    wait_told(stand, "reason=factor_required", Door::ALL.len() - 1);
    stand.knock(Door::ImapPlain, bob()).unwrap().must_be_in("nothing is required of bob");
    let mut codes = stand.enrol(ALICE).unwrap();
    let typed = format!("{ALICE_PASSWORD}{}", codes.fresh().unwrap());
    for door in SOME {
        let answer = stand.knock(door, Login::new(ALICE, &typed)).unwrap();
        answer.must_be_in(&format!("enrolled, {door:?}"));
        stand
            .knock(door, alice())
            .unwrap()
            .must_be_refused(&format!("the password alone, {door:?}"));
    }
    typed
}

fn services(stand: &Stand, plain: &str, full: Login<'_>) {
    let words = "App password ";
    let shown = command(stand, &["app-password", "add", ALICE, "phone", "--json"]);
    assert!(!shown.contains(words));
    let added: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let app = Login::new(ALICE, added["password"].as_str().unwrap());
    let services =
        "[enforcement.services]\nsmtp = \"app_passwords\"\nsieve = \"full\"\npop3 = \"off\"";
    enforce(stand, plain, services);
    for door in [Door::PostfixPlain, Door::PostfixLogin, Door::SubmissionPlain, Door::AuthClient] {
        stand.knock(door, full).unwrap().must_be_refused(&format!("smtp with a code, {door:?}"));
        stand.knock(door, app).unwrap().must_be_in(&format!("smtp by app password, {door:?}"));
        stand.knock(door, bob()).unwrap().must_be_in(&format!("smtp of bob, {door:?}"));
    }
    stand.knock(Door::Sieve, full).unwrap().must_be_in("sieve with a code");
    stand.knock(Door::Sieve, app).unwrap().must_be_refused("sieve by app password");
    stand.knock(Door::Sieve, bob()).unwrap().must_be_in("sieve of bob");
    for (who, login) in [("code", full), ("app password", app), ("bob", bob())] {
        stand.knock(Door::Pop3, login).unwrap().must_be_refused(&format!("pop3, {who}"));
        stand.knock(Door::ImapPlain, login).unwrap().must_be_in(&format!("imap, {who}"));
    }
}

fn dry_run(stand: &Stand, plain: &str) {
    let domain = "[[enforcement.domain]]\nname = \"Example.org\"\nlevel = \"required\"";
    enforce(stand, plain, domain);
    for door in SOME {
        stand.knock(door, bob()).unwrap().must_be_refused(&format!("the domain's, {door:?}"));
    }
    enforce(stand, plain, &format!("{domain}\ndry_run = true"));
    let told = format!("reason=password mailbox=\"{BOB}\"");
    for door in SOME {
        stand.knock(door, bob()).unwrap().must_be_in(&format!("dry run, {door:?}"));
        stand.knock(door, alice()).unwrap().must_be_refused(&format!("dry run of alice, {door:?}"));
    }
    wait::until("the log", || {
        let would =
            |line: &&str| line.contains(&told) && line.ends_with("would_refuse=factor_required");
        (stand.mail2fa().log().lines().filter(would).count() == SOME.len()).then_some(())
    })
    .unwrap();
}

fn exempt(stand: &Stand, plain: &str) {
    let networks = "[enforcement]\nlevel = \"required\"\nexempt_networks = [\"127.0.0.2\"]\n\
                    webmail_networks = [\"127.0.0.1\"]";
    enforce(stand, plain, networks);
    for (login, who) in [(alice(), "alice"), (bob(), "bob")] {
        let answer = stand.imap().from_address(ELSEWHERE).login(login, Mail::Nothing).unwrap();
        answer.must_be_in(&format!("{who} from the exempt network"));
        stand
            .knock(Door::ImapPlain, login)
            .unwrap()
            .must_be_refused(&format!("{who} from another"));
    }
    enforce(stand, plain, "");
    let answer = stand.imap().from_address(ELSEWHERE).login(alice(), Mail::Nothing).unwrap();
    answer.must_be_refused("alice, when nothing is exempt any more");
}

#[test]
fn dovecot_2_3_with_its_own_passwords() {
    rules(Generation::V23, PasswordMode::Dovecot);
}

#[test]
fn dovecot_2_3_with_the_stores_passwords() {
    rules(Generation::V23, PasswordMode::Store);
}

#[test]
fn dovecot_2_4_with_its_own_passwords() {
    rules(Generation::V24, PasswordMode::Dovecot);
}
