//! Webmail tokens at real servers: password and code are exchanged once, and then the token logs in again
//! and again at IMAP, ManageSieve and SMTP, until it ends.
//!
//! The exchange runs here, over the very store and Dovecot, while the daemon is stopped; all logins are the
//! daemon's.

use std::net::Ipv4Addr;

use mail2fa::base::{NetAddress, Secret};
use mail2fa::config::Config;
use mail2fa::runtime::compose;
use mail2fa::service::webmail::{Exchange, Exchanged, Webmail};
use peers::clients::{Login, Mail, Sasl, lmtp_deliver};
use peers::stand::{ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD};
use peers::{Door, Doors, Generation, PasswordMode, Stand, wait};
use serde_json::Value;

const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const MINE: [Door; 6] = [
    Door::ImapPlain,
    Door::ImapLogin,
    Door::Sieve,
    Door::SubmissionPlain,
    Door::PostfixPlain,
    Door::PostfixLogin,
];

/// Exchanges these one after the other, while the daemon is stopped.
fn exchanged(stand: &mut Stand, all: &[(&str, &str, Option<&str>)]) -> Vec<Exchanged> {
    stand.mail2fa_mut().stop().unwrap();
    let file = stand.mail2fa().config_file();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let outcomes = runtime.block_on(async {
        let config = Config::load(&file).unwrap();
        let store = compose::open_store(&config).await.unwrap();
        let trail = compose::trail(&config, &store);
        let owners = compose::owners(&config, store.clone()).unwrap();
        let source = compose::source(&config.passwords).unwrap();
        let authenticator =
            compose::authenticator(&config, store.clone(), false, &trail, owners.clone());
        let hasher = match &source {
            compose::Source::Upstream { .. } => None,
            compose::Source::Stored { hasher, .. } => Some(hasher.clone()),
        };
        let admin = compose::admin(&config, store, hasher, trail, owners);
        let parts = compose::webmail_parts(admin.into(), &source).unwrap();
        let webmail = Webmail::new(authenticator.into(), parts);
        let mut outcomes = Vec::new();
        for (name, password, factor) in all {
            let secret = |text: &str| Secret::from_slice(text.as_bytes());
            let wanted = Exchange {
                webmail: "test".into(),
                name: name.as_bytes().to_vec(),
                password: secret(password),
                factor: factor.map(secret),
                browser: NetAddress::parse("192.0.2.77"),
            };
            outcomes.push(webmail.exchange(wanted, |_| true).await);
        }
        outcomes
    });
    // The store is given back before the daemon wants it.
    runtime.shutdown_timeout(std::time::Duration::from_secs(10));
    stand.mail2fa_mut().start_again().unwrap();
    outcomes
}

fn token(exchanged: &Exchanged) -> String {
    match exchanged {
        Exchanged::Token(minted) => minted.token.expose().to_owned(),
        other => panic!("{other:?}"),
    }
}

fn command(stand: &Stand, arguments: &[&str]) -> Value {
    let arguments = [&["--json"], arguments].concat();
    serde_json::from_str(&stand.mail2fa().cli_text(&arguments, "").unwrap()).unwrap()
}

/// Logins of alice that the log tells of with this reason.
fn told(stand: &Stand, reason: &str) -> usize {
    let wanted = format!(" reason={reason} mailbox=\"{ALICE}\" ");
    stand.mail2fa().log().lines().filter(|line| line.contains(&wanted)).count()
}

fn a_day(generation: Generation, mode: PasswordMode) {
    let mut stand = Stand::start_with_clock(generation, mode).unwrap();
    lmtp_deliver(stand.dovecot.lmtp(), ALICE, "Lunch", "Lunch at noon").unwrap();
    let mut codes = stand.enrol(ALICE).unwrap();
    let (wrong, good) = (codes.wrong().unwrap(), codes.fresh().unwrap());
    let outcomes = exchanged(
        &mut stand,
        &[
            (ALICE, ALICE_PASSWORD, None),
            (ALICE, ALICE_PASSWORD, Some(&wrong)),
            (ALICE, "guess", Some(&good)),
            (ALICE, ALICE_PASSWORD, Some(&good)),
            (BOB, BOB_PASSWORD, None),
        ],
    );
    assert!(matches!(outcomes[0], Exchanged::CodeRequired), "{:?}", outcomes[0]);
    assert!(matches!(outcomes[1], Exchanged::Refused(_)), "{:?}", outcomes[1]);
    assert!(matches!(outcomes[2], Exchanged::Refused(_)), "{:?}", outcomes[2]);
    assert_eq!(told(&stand, "wrong_password"), 0, "no wrong code is a login at the mail server");
    let (alices, bobs) = (token(&outcomes[3]), token(&outcomes[4]));
    let (alice, bob) = (Login::new(ALICE, &alices), Login::new(BOB, &bobs));
    for door in MINE {
        stand.knock(door, alice).unwrap().must_be_in(&format!("alice's token, {door:?}"));
        stand.knock(door, bob).unwrap().must_be_in(&format!("bob's token, {door:?}"));
    }
    stand.knock(Door::Pop3, alice).unwrap().must_be_refused("not one of its services");
    stand.knock(Door::ImapPlain, Login::new(BOB, &alices)).unwrap().must_be_refused("hers");
    let answer = stand.imap().from_address(ELSEWHERE).login(alice, Mail::Nothing).unwrap();
    answer.must_be_refused("from elsewhere, IMAP");
    let answer = stand.smtp(Sasl::Plain).from_address(ELSEWHERE).login(alice).unwrap();
    answer.must_be_refused("from elsewhere, SMTP");
    clicks(&mut stand, alice);
    ends(&stand, alice, bob);
}

/// One new login for each click, for eleven hours, over a restart and a crash.
fn clicks(stand: &mut Stand, alice: Login<'_>) {
    for click in 0..22 {
        let read = stand.imap().login(alice, Mail::Read(1)).unwrap();
        let read = read.must_be_in(&format!("click {click}"));
        assert!(read.output.contains("Lunch at noon"), "{read}");
        match click {
            7 => {
                stand.mail2fa_mut().stop().unwrap();
                stand.mail2fa_mut().start_again().unwrap();
            }
            14 => {
                stand.mail2fa_mut().kill();
                stand.mail2fa_mut().start_again().unwrap();
            }
            _ => {}
        }
        stand.forward(1_800).unwrap();
    }
    let sent = stand.smtp(Sasl::Plain).send(alice, BOB, "by token").unwrap();
    sent.must_be_in("sending");
}

/// Bob's was idle; Alice's is ended by hand, at once, and the others go on.
fn ends(stand: &Stand, alice: Login<'_>, bob: Login<'_>) {
    stand.knock(Door::ImapPlain, bob).unwrap().must_be_refused("bob's was idle for hours");
    stand.knock(Door::ImapPlain, Login::new(BOB, BOB_PASSWORD)).unwrap().must_be_in("bob himself");
    let list = command(stand, &["session", "list", ALICE]);
    let sessions = list["sessions"].as_array().unwrap();
    let [session] = &sessions[..] else { panic!("{list}") };
    assert_eq!(session["webmail"], "test");
    assert_eq!(session["opened"]["from"], "192.0.2.77");
    let revoked = command(stand, &["session", "revoke", ALICE, &session["id"].to_string()]);
    assert_eq!(revoked["revoked"], 1);
    for door in MINE {
        stand.knock(door, alice).unwrap().must_be_refused(&format!("revoked, {door:?}"));
    }
    wait::until("the log", || (told(stand, "webmail_token_wrong") >= MINE.len()).then_some(()))
        .unwrap();
    let log = stand.mail2fa().log();
    assert!(!log.contains(alice.password) && !log.contains(bob.password), "a token was logged");
    let dovecots = stand.folder.logs();
    assert!(!dovecots.contains(alice.password), "Dovecot or Postfix has logged a token");
}

#[test]
fn dovecot_2_3_with_its_own_passwords() {
    a_day(Generation::V23, PasswordMode::Dovecot);
}

#[test]
fn dovecot_2_3_with_the_stores_passwords() {
    a_day(Generation::V23, PasswordMode::Store);
}

#[test]
fn dovecot_2_4_with_its_own_passwords() {
    a_day(Generation::V24, PasswordMode::Dovecot);
}

#[test]
fn a_change_of_the_mailbox_ends_it_at_dovecots_doors() {
    let mut stand = Stand::start(Generation::V23, PasswordMode::Store, Doors::Mail2fa).unwrap();
    let mut codes = stand.enrol(ALICE).unwrap();
    let good = codes.fresh().unwrap();
    let outcomes = exchanged(&mut stand, &[(ALICE, ALICE_PASSWORD, Some(&good))]);
    let token = token(&outcomes[0]);
    let alice = Login::new(ALICE, &token);
    stand.knock(Door::ImapPlain, alice).unwrap().must_be_in("before");
    stand.set_passwords(&[(ALICE, "another")]).unwrap();
    for door in [Door::ImapPlain, Door::PostfixPlain] {
        stand.knock(door, alice).unwrap().must_be_refused("after the password was changed");
    }
}
