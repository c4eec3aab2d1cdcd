//! Peers that ask for more than anybody needs: what they get is bounded, and they are let go.

use std::io::Write;

use mail2fa::base::limits::{OUTPUT_BYTES, PENDING_REQUESTS};
use tokio::io::AsyncWriteExt;

use crate::{
    auth, login,
    support::{
        ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, code,
        peer::Peer,
        process::{peak_bytes, reset_peak, run_alone},
        stand::{Kind, Options, PANIC, Stand},
        upstream::passwords,
        with_code,
    },
};

const BOB_OK: &str = "OK\t1\tuser=bob@example.org";
const MIB: usize = 1_048_576;

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_reads_is_let_go() {
    for kind in [Kind::ClientUpstream, Kind::LoginUpstream] {
        let stand = Stand::new(kind).await;
        let mut peer = stand.peer().await;
        let questions = "CONT\t5\tAA==\n".repeat(1_000);
        let mut sent = 0;
        while peer.stream.write_all(questions.as_bytes()).await.is_ok() {
            sent += 1_000;
            assert!(sent < 8 * OUTPUT_BYTES / "FAIL\t5\tcode=temp_fail\n".len(), "nobody stops it");
        }
        assert_eq!(stand.peer().await.ask(login(1, BOB, BOB_PASSWORD)).await, BOB_OK);
    }
}

#[tokio::test(start_paused = true)]
async fn more_requests_at_once_than_the_limit_are_no_verdict() {
    let stand = Stand::new(Kind::ClientStored).await;
    let mut peer = stand.peer().await;
    let limit = u32::try_from(PENDING_REQUESTS).unwrap();
    // Each waits for its answer: the limit is reached.
    for id in 1..=limit {
        peer.send(auth(id, "PLAIN", None)).await;
    }
    assert_eq!(peer.lines(PENDING_REQUESTS).await.len(), PENDING_REQUESTS);
    for id in limit + 1..=limit + 700 {
        let answer = peer.ask(login(id, BOB, BOB_PASSWORD)).await;
        assert_eq!(answer, format!("FAIL\t{id}\tuser=\ttemp\tcode=temp_fail"));
    }
    let event = stand.log.last();
    assert_eq!((&*event.result, &*event.why), ("unavailable", "too many unanswered requests"));
    // Those that were there first are served, and then there is room again.
    let response = crate::support::plain(BOB, BOB_PASSWORD);
    assert_eq!(peer.ask(format!("CONT\t9\t{response}\n")).await, "OK\t9\tuser=bob@example.org");
    assert_eq!(peer.ask(login(9, BOB, BOB_PASSWORD)).await, "OK\t9\tuser=bob@example.org");
}

#[tokio::test(start_paused = true)]
async fn refused_requests_that_are_pipelined_are_bounded_too() {
    let stand = Stand::new(Kind::ClientUpstream).await;
    let mut peer = stand.peer().await;
    let limit = u32::try_from(PENDING_REQUESTS).unwrap();
    let all: String = (1..=2 * limit).map(|id| auth(id, "CRAM-MD5", None)).collect();
    peer.send(all).await;
    // The ones beyond the limit at once, the ones below it when refusals leave.
    for id in (limit + 1..=2 * limit).chain(1..=limit) {
        let tail = if id > limit { "\ttemp\tcode=temp_fail" } else { "" };
        assert_eq!(peer.line().await.unwrap(), format!("FAIL\t{id}\tuser={tail}"));
    }
    peer.expect_quiet().await;
}

/// Dovecot never answers a request that is cancelled while it waits out a penalty, so its number
/// cannot be used again. A login process that serves many clients must not be stuck with that.
#[tokio::test(start_paused = true)]
async fn logins_that_are_given_up_do_not_wear_a_login_process_out() {
    let stand = Stand::new(Kind::LoginUpstream).await;
    stand.upstream.silent();
    let mut peer = stand.peer().await;
    let mut ids = 1..10_000;
    let worn_out = loop {
        let some: Vec<u32> = ids.by_ref().take(250).collect();
        if some.is_empty() {
            break false;
        }
        let asked = stand.upstream.said("AUTH").len();
        peer.send(some.iter().map(|id| login(*id, BOB, BOB_PASSWORD)).collect::<String>()).await;
        let all = stand.upstream.wait("AUTH", asked + some.len());
        tokio::select! {
            _ = all => {}
            answer = peer.line() => {
                let answer = answer.unwrap_or_default();
                assert!(answer.ends_with("code=temp_fail"), "{answer}");
                break true;
            }
        }
        let cancel = |id: &u32| format!("CANCEL\t{id}\n");
        peer.send(some.iter().map(cancel).collect::<String>()).await;
        stand.upstream.wait("CANCEL", asked + some.len()).await;
    };
    assert!(worn_out, "there is no bound");
    peer.rest().await;
    stand.upstream.script(passwords);
    assert_eq!(stand.peer().await.ask(login(1, BOB, BOB_PASSWORD)).await, BOB_OK);
}

#[tokio::test(start_paused = true)]
async fn many_logins_at_once_all_get_an_answer() {
    let stand = Stand::new(Kind::ClientUpstream).await;
    let mut peer = stand.peer().await;
    let all: String = (1..=200).map(|id| login(id, BOB, BOB_PASSWORD)).collect();
    peer.send(all).await;
    let mut answers = peer.lines(200).await;
    answers.sort();
    let mut expected: Vec<_> = (1..=200).map(|id| format!("OK\t{id}\tuser={BOB}")).collect();
    expected.sort();
    assert_eq!(answers, expected);
}

#[tokio::test(start_paused = true)]
async fn a_panic_ends_one_connection_and_gives_its_place_back() {
    let options = Options { connections: 2, ..Options::default() };
    let stand = Stand::with(Kind::ClientStored, options).await;
    let mut other = stand.peer().await;
    for _ in 0..3 {
        let mut peer = stand.peer().await;
        peer.send(login(1, BOB, PANIC)).await;
        peer.expect_closed().await;
    }
    assert_eq!(other.ask(login(1, BOB, BOB_PASSWORD)).await, BOB_OK);
    assert!(!stand.accepting.is_finished());
}

/// One code, many connections from as many places, all at once: it opens one of them.
#[tokio::test(start_paused = true)]
async fn one_code_opens_once_however_many_ask() {
    for kind in [Kind::ClientUpstream, Kind::ClientStored, Kind::LoginUpstream, Kind::LoginStored] {
        let stand = Stand::new(kind).await;
        let mut peers = Vec::new();
        for _ in 0..20 {
            peers.push(stand.peer().await);
        }
        let password = with_code(ALICE_PASSWORD, &code(0));
        let from = |id, last: usize| {
            let line = login(id, ALICE, &password);
            line.replace("rip=192.0.2.7", &format!("rip=198.51.100.{last}"))
        };
        for (n, peer) in peers.iter_mut().enumerate() {
            peer.send(from(1, 2 * n) + &from(2, 2 * n + 1)).await;
        }
        let mut answers = Vec::new();
        for peer in &mut peers {
            answers.extend(peer.lines(2).await);
        }
        let opened = answers.iter().filter(|line| line.starts_with("OK\t")).count();
        let refused =
            answers.iter().filter(|line| line.ends_with("\tuser=alice@example.org")).count();
        assert!(opened == 1 && refused >= 39, "{kind:?}: {answers:?}");
        let mut results = stand.log.results();
        results.sort();
        results.dedup();
        assert_eq!(results, ["accepted password+code", "refused used_code"]);
    }
}

#[test]
fn requests_that_are_started_and_cancelled_without_end_cost_no_memory() {
    run_alone("abuse::alone_cancelled_requests");
}

/// One peer sends a request and its cancellation, again and again, faster than anything is due. In a process
/// of its own, because it looks at the memory.
#[tokio::test(start_paused = true)]
#[ignore = "started by the test above"]
async fn alone_cancelled_requests() {
    for (kind, line) in [
        // Refused at once; the refusal would be held back.
        (Kind::ClientUpstream, auth(1, "CRAM-MD5", None)),
        (Kind::ClientUpstream, login(1, "not a name", "x")),
        // Under way at an upstream that does not answer.
        (Kind::LoginUpstream, login(1, BOB, BOB_PASSWORD)),
        (Kind::ClientStored, login(1, BOB, "wrong")),
    ] {
        let stand = Stand::new(kind).await;
        stand.upstream.forgetful();
        let mut peer = stand.peer().await;
        let many = format!("{line}CANCEL\t1\n").repeat(1_000);
        // What the log keeps of each decided login is the test's own.
        stand.log.forget();
        peer.send(&many).await;
        reset_peak();
        let before = peak_bytes();
        // From a thread, so that there is always more to read.
        let mut stream = peer.stream.into_std().unwrap();
        stream.set_nonblocking(false).unwrap();
        let sending = tokio::task::spawn_blocking(move || {
            (0..40).for_each(|_| stream.write_all(many.as_bytes()).unwrap());
            stream.set_nonblocking(true).unwrap();
            tokio::net::UnixStream::from_std(stream).unwrap()
        });
        let mut peer = Peer::from(sending.await.unwrap());
        // The kernel's figure may go back a little.
        let grown = peak_bytes().saturating_sub(before);
        println!("{kind:?}: {} KiB more at most", grown / 1_024);
        assert!(grown < 4 * MIB, "{kind:?}: {} KiB more", grown / 1_024);
        stand.upstream.script(passwords);
        // The connection still works; a number whose cancellation came late may have had its answer.
        let mut answer = peer.ask(login(2, BOB, BOB_PASSWORD)).await;
        while answer.starts_with("FAIL\t1\t") {
            answer = peer.line().await.unwrap();
        }
        assert_eq!(answer, "OK\t2\tuser=bob@example.org");
    }
}
