//! SMTP AUTH at a real Exim, which asks mail2fa in Dovecot's protocol.

use std::net::Ipv4Addr;

use peers::clients::{Login, Mail, Sasl, Swaks};
use peers::stand::{ALICE, ALICE_PASSWORD, BOB, alice, bob};
use peers::{Codes, Door, Exim, Generation, PasswordMode, Stand, wait};

const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

fn start(generation: Generation, mode: PasswordMode) -> (Stand, Exim) {
    let stand = Stand::start_with_clock(generation, mode).unwrap();
    let socket = stand.mail2fa().client_socket().to_path_buf();
    let exim = Exim::start(&stand.folder, &socket, stand.dovecot.lmtp()).unwrap();
    (stand, exim)
}

/// The next code, without waiting for it.
fn with_code(stand: &Stand, codes: &mut Codes) -> String {
    stand.forward(60).unwrap();
    format!("{ALICE_PASSWORD}{}", codes.fresh().unwrap())
}

fn exim(generation: Generation, mode: PasswordMode) {
    let (mut stand, exim) = start(generation, mode);
    let swaks = |sasl| Swaks::new(exim.submission(), sasl);
    let login = |sasl, login: Login<'_>| swaks(sasl).login(login).unwrap();
    for sasl in [Sasl::Plain, Sasl::Login] {
        login(sasl, alice()).must_be_in("no second factor");
        login(sasl, bob()).must_be_in("a password that ends in digits");
        login(sasl, Login::new(ALICE, "T9D3K!pX")).must_be_refused("wrong password");
    }

    let mut codes = stand.enrol(ALICE).unwrap();
    let wrong = format!("{ALICE_PASSWORD}{}", codes.wrong().unwrap());
    for sasl in [Sasl::Plain, Sasl::Login] {
        let missing = login(sasl, alice()).must_be_refused("no code");
        let wrong = login(sasl, Login::new(ALICE, &wrong)).must_be_refused("wrong code");
        assert_eq!(missing.words, wrong.words);
        let typed = with_code(&stand, &mut codes);
        let good = Login::new(ALICE, &typed);
        login(sasl, good).must_be_in("password and code");
        login(sasl, good).must_be_in("the same sign-in");
        stand.knock(Door::ImapPlain, good).unwrap().must_be_in("the same sign-in, IMAP");
        let elsewhere = swaks(sasl).from_address(ELSEWHERE).login(good).unwrap();
        elsewhere.must_be_refused("the used code from another address");
    }
    sends(&stand, swaks(Sasl::Plain), &mut codes);

    let typed = with_code(&stand, &mut codes);
    let good = Login::new(ALICE, &typed);
    login(Sasl::Plain, good).must_be_in("before mail2fa is stopped");
    stand.mail2fa_mut().stop().unwrap();
    login(Sasl::Plain, bob()).must_be_unavailable("no mail2fa");
    stand.mail2fa_mut().start_again().unwrap();
    login(Sasl::Plain, good).must_be_in("the same sign-in after a restart");
    login(Sasl::Plain, alice()).must_be_refused("no code after a restart");

    stand.dovecot.stop();
    let answer = login(Sasl::Login, good);
    match mode {
        PasswordMode::Dovecot => {
            wait::until_file_has(&stand.mail2fa().log_file(), "reason=temp_fail").unwrap();
            // "Not now" is no answer that Exim takes from this protocol: every FAIL is a 535.
            answer.must_be_refused("no Dovecot to ask")
        }
        PasswordMode::Store => answer.must_be_in("no need for Dovecot"),
    };
    stand.dovecot.restart().unwrap();
    login(Sasl::Login, good).must_be_in("after Dovecot's restart");
}

/// Nothing is sent with the password alone, and a message with a code arrives.
fn sends(stand: &Stand, swaks: Swaks, codes: &mut Codes) {
    let refused = swaks.send(alice(), BOB, "never").unwrap();
    refused.must_be_refused("sending with the password alone");
    let typed = with_code(stand, codes);
    let sent = swaks.send(Login::new(ALICE, &typed), BOB, "by exim").unwrap();
    sent.must_be_in("sending through Exim");
    wait::until("the message to arrive", || {
        let read = stand.imap().login(bob(), Mail::Read(1)).unwrap();
        read.output.contains("by exim").then_some(())
    })
    .unwrap();
    let added = ["app-password", "add", ALICE, "printer", "--service", "smtp", "--json"];
    let added: serde_json::Value =
        serde_json::from_str(&stand.mail2fa().cli_text(&added, "").unwrap()).unwrap();
    let printer = Login::new(ALICE, added["password"].as_str().unwrap());
    let sent = swaks.from_address(ELSEWHERE).send(printer, BOB, "by the printer").unwrap();
    sent.must_be_in("sending with an app password");
}

#[test]
fn exim_with_dovecots_passwords() {
    exim(Generation::V23, PasswordMode::Dovecot);
}

#[test]
fn exim_with_the_stores_passwords() {
    exim(Generation::V24, PasswordMode::Store);
}
