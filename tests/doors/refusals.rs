//! All refusals are alike, in bytes and in time; what is no verdict comes at once and looks different.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    auth, elsewhere, login,
    support::{
        ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, code, plain,
        stand::{DELAY, Kind, Options, Stand},
        with_code, wrong_code,
    },
};

const REFUSED: &str = "FAIL\t1\tuser=alice@example.org";

/// Everything that can be wrong with Alice's login, and what the log says about it.
fn wrong_logins() -> Vec<(String, &'static str)> {
    let (good, bad) = (code(0), wrong_code());
    vec![
        (with_code("wrong", &good), "refused wrong_password"),
        (with_code("wrong", &bad), "refused wrong_password"),
        (with_code(ALICE_PASSWORD, &bad), "refused wrong_code"),
        (with_code(ALICE_PASSWORD, &code(5)), "refused wrong_code"),
        (ALICE_PASSWORD.into(), "refused missing_code"),
        (format!("{ALICE_PASSWORD}{}", &good[..5]), "refused missing_code"),
        (format!("{good}{ALICE_PASSWORD}"), "refused missing_code"),
        (String::new(), "refused empty_password"),
        (good.clone(), "refused empty_password"),
        (format!("   {good}"), "refused empty_password"),
        (good[..5].into(), "refused missing_code"),
        ("      ".into(), "refused missing_code"),
    ]
}

#[tokio::test(start_paused = true)]
async fn refusals_are_alike_in_bytes_and_in_time() {
    for kind in [Kind::ClientUpstream, Kind::ClientStored, Kind::LoginUpstream, Kind::LoginStored] {
        let stand = Stand::new(kind).await;
        let mut peer = stand.peer().await;
        for (password, reason) in wrong_logins() {
            let start = Instant::now();
            assert_eq!(peer.ask(login(1, ALICE, &password)).await, REFUSED, "{reason}");
            let waited = start.elapsed();
            assert!(waited >= DELAY && waited < DELAY + Duration::from_millis(5), "{waited:?}");
            assert_eq!(stand.log.last().result, reason, "{password:?}");
        }
        assert_eq!(stand.burned().await, 0, "no wrong login costs a code");
        // A used code, and a mailbox that does not exist, after the code was good once.
        let password = with_code(ALICE_PASSWORD, &code(0));
        let answer = peer.ask(login(1, ALICE, &password)).await;
        assert!(answer.starts_with("OK\t1\tuser=alice@example.org"), "{answer}");
        let start = Instant::now();
        assert_eq!(peer.ask(elsewhere(&login(1, ALICE, &password))).await, REFUSED);
        assert_eq!(stand.log.last().result, "refused used_code");
        let nobody = peer.ask(login(1, "nobody@example.org", &password)).await;
        assert_eq!(nobody, "FAIL\t1\tuser=nobody@example.org");
        assert_eq!(stand.log.last().result, "refused wrong_password");
        assert_eq!(start.elapsed().as_secs(), 2 * DELAY.as_secs());
    }
}

#[tokio::test(start_paused = true)]
async fn what_needs_no_password_check_asks_nobody() {
    let stand = Stand::new(Kind::ClientUpstream).await;
    let mut peer = stand.peer().await;
    for (password, reason) in wrong_logins() {
        if matches!(reason, "refused missing_code" | "refused empty_password") {
            assert_eq!(peer.ask(login(1, ALICE, &password)).await, REFUSED);
        }
    }
    for password in ["", "123456"] {
        let _ = peer.ask(login(1, BOB, password)).await;
    }
    assert_eq!(stand.upstream.said("AUTH").len(), 1, "Bob's 123456 may be his password");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_waits_and_an_acceptance_overtakes_it() {
    let stand = Stand::new(Kind::ClientUpstream).await;
    let mut peer = stand.peer().await;
    let start = Instant::now();
    for id in 1..=3 {
        peer.send(login(id, ALICE, ALICE_PASSWORD)).await;
    }
    assert_eq!(peer.ask(login(4, BOB, BOB_PASSWORD)).await, "OK\t4\tuser=bob@example.org");
    assert_eq!(start.elapsed().as_secs(), 0);
    let refused = (1..=3).map(|id| format!("FAIL\t{id}\tuser=alice@example.org"));
    assert_eq!(peer.lines(3).await, refused.collect::<Vec<_>>());
    assert_eq!(start.elapsed().as_secs(), DELAY.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_slow_password_check_does_not_show_in_the_moment_of_the_refusal() {
    let stand = Stand::new(Kind::ClientUpstream).await;
    stand.upstream.silent();
    let mut peer = stand.peer().await;
    let start = Instant::now();
    peer.send(login(1, BOB, "wrong")).await;
    stand.upstream.wait("AUTH", 1).await;
    // Dovecot takes three seconds: the answer leaves at the second whole delay.
    tokio::time::sleep(Duration::from_secs(3)).await;
    stand.upstream.answer("FAIL\t1\tuser=bob@example.org\n");
    peer.send(login(2, BOB, "wrong")).await;
    assert_eq!(peer.line().await.unwrap(), "FAIL\t1\tuser=bob@example.org");
    assert_eq!(start.elapsed().as_secs(), 4);
}

#[tokio::test(start_paused = true)]
async fn malformed_requests_wait_as_long() {
    let stand = Stand::new(Kind::ClientUpstream).await;
    let mut peer = stand.peer().await;
    for line in [auth(1, "CRAM-MD5", None), auth(1, "PLAIN", Some("!"))] {
        let start = Instant::now();
        assert_eq!(peer.ask(line).await, "FAIL\t1\tuser=");
        assert_eq!(start.elapsed().as_secs(), DELAY.as_secs());
    }
}

#[tokio::test(start_paused = true)]
async fn no_verdict_comes_at_once_and_says_so() {
    let stand = Stand::new(Kind::ClientUpstream).await;
    stand.upstream.answer("FAIL\t#\tuser=bob@example.org\tcode=temp_fail\n");
    let mut peer = stand.peer().await;
    let start = Instant::now();
    let answer = peer.ask(login(1, BOB, BOB_PASSWORD)).await;
    assert_eq!(answer, "FAIL\t1\tuser=bob@example.org\ttemp\tcode=temp_fail");
    assert_eq!(start.elapsed().as_secs(), 0);
    assert_eq!(stand.log.results(), ["unavailable"]);
    // So does a clock that cannot tell which code is due.
    stand.clock.break_down();
    let answer = peer.ask(login(1, BOB, BOB_PASSWORD)).await;
    assert_eq!(answer, "FAIL\t1\tuser=bob@example.org\ttemp\tcode=temp_fail");
}

#[tokio::test(start_paused = true)]
async fn the_codes_of_dovecots_refusals_are_not_passed_on() {
    let stand = Stand::new(Kind::ClientUpstream).await;
    let mut peer = stand.peer().await;
    let fails = [
        "FAIL\t#\tuser=bob@example.org\tcode=user_disabled\treason=gone\n",
        "FAIL\t#\tuser=bob@example.org\tcode=pass_expired\n",
        "FAIL\t#\tuser=bob@example.org\tauthz\tcode=authz_fail\n",
        "FAIL\t#\n",
    ];
    for fail in fails {
        stand.upstream.answer(fail);
        let answer = peer.ask(login(1, BOB, BOB_PASSWORD)).await;
        assert_eq!(answer, "FAIL\t1\tuser=bob@example.org", "{fail}");
        assert_eq!(stand.log.last().result, "refused wrong_password");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_delay_refusals_go_out_at_once() {
    let options = Options { delay: Duration::ZERO, ..Options::default() };
    let stand = Stand::with(Kind::ClientUpstream, options).await;
    let mut peer = stand.peer().await;
    let start = Instant::now();
    let response = plain(ALICE, ALICE_PASSWORD);
    assert_eq!(peer.ask(auth(1, "PLAIN", Some(&response))).await, REFUSED);
    assert!(start.elapsed() < Duration::from_millis(5));
}
