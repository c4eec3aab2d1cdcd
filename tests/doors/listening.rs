//! The accept loop: its limit of connections, its end, and what it survives.

use std::time::Duration;

use tokio::{io::AsyncWriteExt, time::timeout};

use crate::{
    auth, login,
    support::{
        ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD,
        peer::{HELLO, Peer},
        process::run_alone,
        stand::{DELAY, Kind, Options, Stand},
        upstream::{Act, passwords},
        watched::{secrets, traced},
    },
};

const BOB_OK: &str = "OK\t1\tuser=bob@example.org";

#[tokio::test(start_paused = true)]
async fn one_connection_more_than_the_limit_waits_until_another_ends() {
    let options = Options { connections: 3, ..Options::default() };
    let stand = Stand::with(Kind::ClientUpstream, options).await;
    let mut served = Vec::new();
    for _ in 0..3 {
        served.push(stand.peer().await);
    }
    // It can connect and speak, and is not heard.
    let mut fourth = stand.connect().await;
    fourth.send(format!("{HELLO}{}", login(1, BOB, BOB_PASSWORD))).await;
    assert!(timeout(Duration::from_secs(30), fourth.line()).await.is_err());
    assert!(stand.log.events().is_empty());
    for peer in &mut served {
        assert_eq!(peer.ask(login(1, BOB, BOB_PASSWORD)).await, BOB_OK);
    }
    drop(served.pop());
    fourth.greeting().await;
    fourth.expect(&[BOB_OK]).await;
}

#[tokio::test(start_paused = true)]
async fn at_a_stop_running_logins_are_finished_and_new_ones_not_taken() {
    let stand = Stand::new(Kind::LoginUpstream).await;
    stand.upstream.silent();
    let (mut idle, mut busy, mut refused) =
        (stand.peer().await, stand.peer().await, stand.peer().await);
    let mut silent = stand.connect().await;
    busy.send(login(1, BOB, BOB_PASSWORD)).await;
    refused.send(login(1, ALICE, ALICE_PASSWORD)).await;
    stand.upstream.wait("AUTH", 1).await;
    stand.log.count(1).await;

    stand.stopping.cancel();
    stand.tasks.close();
    idle.expect_closed().await;
    silent.expect_closed().await;
    busy.send(login(2, BOB, BOB_PASSWORD)).await;
    // A refusal is not let go early because of the stop.
    let start = tokio::time::Instant::now();
    refused.expect(&["FAIL\t1\tuser=alice@example.org"]).await;
    assert!(start.elapsed() > DELAY / 2);
    refused.expect_closed().await;
    assert!(!stand.tasks.is_empty(), "the login that runs is waited for");

    // Now Dovecot answers.
    stand.upstream.script(|line| match line.verb() {
        "NUDGE" => vec![Act::Say("OK\t1\tuser=bob@example.org\n".into())],
        _ => vec![],
    });
    stand.upstream.nudge();
    assert_eq!(busy.rest().await, [BOB_OK]);
    timeout(Duration::from_secs(60), stand.tasks.wait()).await.expect("all connections end");
    assert_eq!(stand.upstream.said("AUTH").len(), 1, "the second login was not taken");
    assert_eq!(stand.log.events().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn after_a_stop_nobody_is_accepted() {
    let mut stand = Stand::new(Kind::ClientUpstream).await;
    drop(stand.peer().await);
    stand.stopping.cancel();
    (&mut stand.accepting).await.unwrap();
    assert!(tokio::net::UnixStream::connect(&stand.socket).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn connections_that_end_at_once_are_no_harm() {
    let stand = Stand::new(Kind::ClientUpstream).await;
    for round in 0..200 {
        let mut peer = Peer::connect(&stand.socket).await;
        if round % 2 == 0 {
            let _ = peer.stream.write_all(b"VERSION\t1\t2\nCPI").await;
        }
    }
    assert_eq!(stand.peer().await.ask(login(1, BOB, BOB_PASSWORD)).await, BOB_OK);
}

#[test]
fn the_accept_loop_survives_being_out_of_descriptors() {
    run_alone("listening::alone_out_of_descriptors");
}

/// In a process of its own, because it lowers its limit.
#[tokio::test]
#[ignore = "started by the test above"]
async fn alone_out_of_descriptors() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let stand = Stand::new(Kind::ClientStored).await;
    let mut first = stand.peer().await;
    // Peers wait in the kernel's queue: they have their end already, ours is not accepted yet.
    let mut waiting = Vec::new();
    for _ in 0..8 {
        waiting.push(std::os::unix::net::UnixStream::connect(&stand.socket).unwrap());
    }
    let used = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, used.saturating_sub(4), hard).unwrap();
    // The accept loop runs into the limit, and the connections that are there are served.
    let warned = async {
        while !traced().contains("cannot accept connections for now") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(60), warned).await.expect("the limit was not reached");
    assert_eq!(first.ask(login(1, BOB, BOB_PASSWORD)).await, BOB_OK);
    assert!(!stand.accepting.is_finished());
    setrlimit(Resource::RLIMIT_NOFILE, soft, hard).unwrap();
    for stream in waiting {
        stream.set_nonblocking(true).unwrap();
        let stream = tokio::net::UnixStream::from_std(stream).unwrap();
        let mut peer = Peer::from(stream);
        peer.send(HELLO).await;
        peer.greeting().await;
        assert_eq!(peer.ask(login(1, BOB, BOB_PASSWORD)).await, BOB_OK);
    }
}

#[tokio::test(start_paused = true)]
async fn the_traces_are_looked_through_and_hold_no_secret() {
    let stand = Stand::new(Kind::LoginStored).await;
    let mut peer = stand.peer().await;
    peer.send(auth(1, "PLAIN", Some("!"))).await;
    peer.try_send(format!("AUTH\t2\tPLAIN\tpassword={ALICE_PASSWORD}\n")).await;
    peer.expect_closed().await;
    stand.upstream.script(passwords);
    let text = traced();
    for expected in ["connected", "a login was rejected", "the peer broke the protocol", "TRACE"] {
        assert!(expected == "TRACE" || text.contains(expected), "{expected} was not traced");
    }
    // The search finds what it looks for: as a word of its own, and in base 64 inside a message.
    let message = crate::support::plain(ALICE, ALICE_PASSWORD);
    assert!(secrets().iter().any(|secret| message.contains(secret)));
    assert!(crate::support::watched::leak_in(&format!("x {message} y")).is_some());
    assert!(
        crate::support::watched::leak_in(&format!("code={}", crate::support::code(0))).is_some()
    );
    assert!(crate::support::watched::leak_in("2026-01-01T00:00:00.123456Z fine").is_none());
}
