//! A door with `temp_fail = "close"`, for Exim: without a verdict the connection ends, and nobody is told
//! that a password was wrong.

use mail2fa::config::TempFail;

use crate::{
    auth, login,
    support::{
        ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, code,
        stand::{Kind, Options, Stand},
        upstream::{Act, passwords},
        with_code,
    },
};

const BOB_OK: &str = "OK\t1\tuser=bob@example.org";

async fn stand() -> Stand {
    Stand::with(Kind::ClientUpstream, Options { temp_fail: TempFail::Close, ..Options::default() })
        .await
}

/// The upstream has no verdict on Bob and does as ever with the others.
fn no_verdict_on_bob(stand: &Stand) {
    stand.upstream.script(|line| {
        if line.verb() == "AUTH" && line.credentials().0 == BOB {
            return vec![Act::Say(format!("FAIL\t{}\tcode=temp_fail\n", line.id()))];
        }
        passwords(line)
    });
}

#[tokio::test(start_paused = true)]
async fn without_a_verdict_the_connection_ends_and_the_log_says_why() {
    let stand = stand().await;
    no_verdict_on_bob(&stand);
    let mut peer = stand.peer().await;
    peer.send(login(1, BOB, BOB_PASSWORD)).await;
    assert_eq!(peer.rest().await, Vec::<String>::new());
    let event = stand.log.last();
    assert_eq!((&*event.result, &*event.mailbox), ("unavailable", BOB));
    assert!(event.why.contains("temp_fail"), "{}", event.why);
    // The next connection is as good as any.
    stand.upstream.script(passwords);
    assert_eq!(stand.peer().await.ask(login(1, BOB, BOB_PASSWORD)).await, BOB_OK);
}

#[tokio::test(start_paused = true)]
async fn what_is_decided_is_answered_as_ever() {
    let stand = stand().await;
    let mut peer = stand.peer().await;
    assert_eq!(peer.ask(login(1, BOB, BOB_PASSWORD)).await, BOB_OK);
    assert_eq!(peer.ask(login(2, BOB, "wrong")).await, "FAIL\t2\tuser=bob@example.org");
    assert_eq!(peer.ask(login(3, BOB, BOB_PASSWORD)).await, "OK\t3\tuser=bob@example.org");
}

#[tokio::test(start_paused = true)]
async fn other_logins_of_the_connection_are_answered_before_it_ends() {
    let stand = stand().await;
    no_verdict_on_bob(&stand);
    let mut peer = stand.peer().await;
    // Waits for its mail client, which has no time left.
    assert_eq!(peer.ask(auth(1, "PLAIN", None)).await, "CONT\t1\t");
    let good = with_code(ALICE_PASSWORD, &code(0));
    let lines = [login(2, BOB, BOB_PASSWORD), login(3, ALICE, "wrong"), login(4, ALICE, &good)];
    peer.send(lines.concat()).await;
    // The refusal keeps its moment, so it comes last.
    let answers = peer.rest().await;
    assert_eq!(answers, ["OK\t4\tuser=alice@example.org", "FAIL\t3\tuser=alice@example.org"]);
    let results = stand.log.results();
    assert_eq!(results.iter().filter(|result| **result == "unavailable").count(), 1, "{results:?}");
    assert_eq!(results.len(), 3, "{results:?}");
}
