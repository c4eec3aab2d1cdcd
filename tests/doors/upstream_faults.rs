//! An upstream that is missing, hangs, dies or talks nonsense: never OK, never a plain refusal.

use std::time::Duration;

use mail2fa::base::limits::{LINE_BYTES, UPSTREAM_ANSWER_SECONDS, UPSTREAM_CONNECT_SECONDS};
use tokio::time::Instant;

use crate::{
    login,
    support::{
        ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, code,
        peer::{HELLO, Peer},
        stand::{Kind, Stand},
        upstream::{Act, GREETING_23, passwords},
        with_code,
    },
};

const BOB_OK: &str = "OK\t1\tuser=bob@example.org";
const TEMP_FAIL: &str = "FAIL\t1\tuser=bob@example.org\ttemp\tcode=temp_fail";

/// Greetings that are none.
fn bad_greetings() -> Vec<(&'static str, String)> {
    vec![
        ("garbage", "HTTP/1.1 400 Bad Request\r\n\r\n".into()),
        ("another major version", GREETING_23.replace("VERSION\t1", "VERSION\t2")),
        ("no version", GREETING_23.replace("VERSION\t1\t2\n", "")),
        ("version twice", GREETING_23.replace("MECH\tPLAIN", "VERSION\t1\t2\nMECH\tPLAIN")),
        ("no mechanism", "VERSION\t1\t2\nSPID\t1\nCUID\t1\nDONE\n".into()),
        ("a mechanism without a name", "VERSION\t1\t2\nMECH\n".into()),
        ("SPID twice", GREETING_23.replace("SPID\t4242\n", "SPID\t1\nSPID\t2\n")),
        ("an answer", GREETING_23.replace("DONE\n", "OK\t1\tuser=bob@example.org\nDONE\n")),
        ("no end", format!("VERSION\t1\t2\n{}", "MECH\tPLAIN\n".repeat(5_000))),
        ("a line without end", format!("VERSION\t1\t2\nMECH\t{}", "x".repeat(LINE_BYTES + 1))),
        ("a NUL byte", GREETING_23.replace("4242", "42\0")),
    ]
}

/// Answers to an AUTH that are none, `#` for its id.
const NONSENSE: [(&str, &str); 10] = [
    ("a challenge", "CONT\t#\tAA==\n"),
    ("a challenge that is not base64", "CONT\t#\t!\n"),
    ("an unknown reply", "MAYBE\t#\n"),
    ("an empty line", "\n"),
    ("OK without an id", "OK\n"),
    ("OK with an id that is no number", "OK\tone\tuser=bob@example.org\n"),
    ("a handshake line", "SPID\t1\n"),
    ("a client's command", "AUTH\t#\tPLAIN\n"),
    ("a NUL byte", "OK\t#\tuser=bob\0\n"),
    ("a CANCELLED that nobody asked for", "CANCELLED\t#\n"),
];

#[tokio::test(start_paused = true)]
async fn a_login_door_closes_on_a_greeting_that_is_none() {
    for (what, greeting) in bad_greetings() {
        let stand = Stand::new(Kind::LoginUpstream).await;
        stand.upstream.greet(greeting);
        let mut peer = stand.connect().await;
        peer.send(HELLO).await;
        assert_eq!(peer.rest().await, Vec::<String>::new(), "{what}");
        assert!(stand.log.events().is_empty());
        // The door itself is as good as before.
        stand.upstream.greet(GREETING_23);
        assert_eq!(stand.peer().await.ask(login(1, BOB, BOB_PASSWORD)).await, BOB_OK, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_door_answers_temp_fail_on_a_greeting_that_is_none() {
    for (what, greeting) in bad_greetings() {
        let stand = Stand::new(Kind::ClientUpstream).await;
        stand.upstream.greet(greeting);
        let mut peer = stand.peer().await;
        assert_eq!(peer.ask(login(1, BOB, BOB_PASSWORD)).await, TEMP_FAIL, "{what}");
        assert_eq!(stand.log.results(), ["unavailable"], "{what}");
        stand.upstream.greet(GREETING_23);
        assert_eq!(peer.ask(login(1, BOB, BOB_PASSWORD)).await, BOB_OK, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_hangs_at_the_greeting_is_given_up() {
    for hanging in ["", "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\n", "VERSION\t1\t2\nMECH\tPLAIN"] {
        let start = Instant::now();
        let stand = Stand::new(Kind::LoginUpstream).await;
        stand.upstream.greet(hanging);
        let mut peer = stand.connect().await;
        peer.send(HELLO).await;
        peer.expect_closed().await;
        assert_eq!(start.elapsed().as_secs(), UPSTREAM_CONNECT_SECONDS);

        let start = Instant::now();
        let stand = Stand::new(Kind::ClientUpstream).await;
        stand.upstream.greet(hanging);
        let mut peer = stand.peer().await;
        assert_eq!(peer.ask(login(1, BOB, BOB_PASSWORD)).await, TEMP_FAIL);
        assert_eq!(start.elapsed().as_secs(), UPSTREAM_CONNECT_SECONDS);
    }
}

#[tokio::test(start_paused = true)]
async fn many_logins_do_not_wait_one_after_the_other_for_an_upstream_that_hangs() {
    let stand = Stand::new(Kind::ClientUpstream).await;
    stand.upstream.greet("");
    let mut peer = stand.peer().await;
    let start = Instant::now();
    for id in 1..=40 {
        peer.send(login(id, BOB, BOB_PASSWORD)).await;
    }
    for line in peer.lines(40).await {
        assert!(line.ends_with("\tuser=bob@example.org\ttemp\tcode=temp_fail"), "{line}");
    }
    assert!(start.elapsed().as_secs() <= 2 * UPSTREAM_CONNECT_SECONDS, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_hangs_at_a_request_is_given_up_and_told() {
    for kind in [Kind::LoginUpstream, Kind::ClientUpstream] {
        let stand = Stand::new(kind).await;
        stand.upstream.silent();
        let mut peer = stand.peer().await;
        let start = Instant::now();
        assert_eq!(peer.ask(login(1, BOB, BOB_PASSWORD)).await, TEMP_FAIL);
        assert_eq!(start.elapsed().as_secs(), UPSTREAM_ANSWER_SECONDS);
        assert_eq!(stand.upstream.wait("CANCEL", 1).await, ["CANCEL\t1"]);
        assert_eq!(stand.log.results(), ["unavailable"]);
        assert_eq!(peer.ask(login(2, BOB, BOB_PASSWORD)).await.split('\t').next(), Some("FAIL"));
    }
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_is_not_there() {
    let mut stand = Stand::new(Kind::LoginUpstream).await;
    stand.upstream.stop().await;
    let mut peer = stand.connect().await;
    peer.send(HELLO).await;
    peer.expect_closed().await;
    stand.upstream.start_again();
    assert_eq!(stand.peer().await.ask(login(1, BOB, BOB_PASSWORD)).await, BOB_OK);

    let mut stand = Stand::new(Kind::ClientUpstream).await;
    stand.upstream.stop().await;
    let mut peer = stand.peer().await;
    assert_eq!(peer.ask(login(1, BOB, BOB_PASSWORD)).await, TEMP_FAIL);
    stand.upstream.start_again();
    assert_eq!(peer.ask(login(1, BOB, BOB_PASSWORD)).await, BOB_OK);
}

/// What a `login` door may say when its upstream breaks: nothing, or that it is no verdict.
async fn closed_or_temp_fail(peer: &mut Peer, what: &str) {
    for line in peer.rest().await {
        assert_eq!(line, TEMP_FAIL, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn nonsense_for_an_answer() {
    for (what, answer) in NONSENSE {
        let stand = Stand::new(Kind::LoginUpstream).await;
        stand.upstream.answer(answer);
        let mut peer = stand.peer().await;
        peer.send(login(1, BOB, BOB_PASSWORD)).await;
        if answer.starts_with("CANCELLED") {
            // Nothing is wrong with the connection.
            assert_eq!(peer.line().await.unwrap(), TEMP_FAIL);
        } else {
            closed_or_temp_fail(&mut peer, what).await;
            stand.upstream.wait_open(0).await;
        }

        let stand = Stand::new(Kind::ClientUpstream).await;
        stand.upstream.answer(answer);
        let mut peer = stand.peer().await;
        assert_eq!(peer.ask(login(1, BOB, BOB_PASSWORD)).await, TEMP_FAIL, "{what}");
        stand.upstream.script(passwords);
        assert_eq!(peer.ask(login(1, BOB, BOB_PASSWORD)).await, BOB_OK, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_overlong_answer() {
    for kind in [Kind::LoginUpstream, Kind::ClientUpstream] {
        let stand = Stand::new(kind).await;
        stand.upstream.script(|line| match line.verb() {
            "AUTH" => vec![Act::Say(format!(
                "OK\t{}\tuser=bob@example.org\tx={}\n",
                line.id(),
                "x".repeat(LINE_BYTES)
            ))],
            _ => vec![],
        });
        let mut peer = stand.peer().await;
        peer.send(login(1, BOB, BOB_PASSWORD)).await;
        if kind == Kind::LoginUpstream {
            closed_or_temp_fail(&mut peer, "overlong").await;
        } else {
            assert_eq!(peer.line().await.unwrap(), TEMP_FAIL);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_fits_a_line_above_and_none_below_is_still_answered() {
    for kind in [Kind::ClientUpstream, Kind::LoginUpstream] {
        let stand = Stand::new(kind).await;
        // Without its end as long as a line may be; with it Dovecot's clients would not take it.
        stand.upstream.script(|line| match line.verb() {
            "AUTH" => {
                let head = format!("OK\t{}\tuser=bob@example.org\tx=", line.id());
                let fill = "y".repeat(LINE_BYTES - head.len());
                vec![Act::Say(format!("{head}{fill}\n"))]
            }
            _ => vec![],
        });
        let mut peer = stand.peer().await;
        let answer = peer.ask(login(1, BOB, BOB_PASSWORD)).await;
        assert_eq!(answer, "FAIL\t1\ttemp\tcode=temp_fail", "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_closes_in_the_middle_of_a_request() {
    for kind in [Kind::LoginUpstream, Kind::LoginStored] {
        let stand = Stand::new(kind).await;
        stand.upstream.script(|line| match line.verb() {
            "AUTH" => vec![Act::Close],
            _ => vec![],
        });
        let mut peer = stand.peer().await;
        peer.send(login(1, BOB, BOB_PASSWORD)).await;
        closed_or_temp_fail(&mut peer, "closed").await;
    }
    // A pool asks once more on a new connection, and no more than once.
    let stand = Stand::new(Kind::ClientUpstream).await;
    stand.upstream.script(|line| match line.verb() {
        "AUTH" => vec![Act::Close],
        _ => vec![],
    });
    let mut peer = stand.peer().await;
    assert_eq!(peer.ask(login(1, BOB, BOB_PASSWORD)).await, TEMP_FAIL);
    assert_eq!(stand.upstream.said("AUTH").len(), 2);
    stand.upstream.script(|line| match (line.verb(), line.connection) {
        ("AUTH", 2) => vec![Act::Close],
        _ => passwords(line),
    });
    assert_eq!(peer.ask(login(1, BOB, BOB_PASSWORD)).await, BOB_OK);
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_closes_between_logins_ends_the_connection_of_its_login_process() {
    let mut stand = Stand::new(Kind::LoginUpstream).await;
    let mut peer = stand.peer().await;
    assert_eq!(peer.ask(login(1, BOB, BOB_PASSWORD)).await, BOB_OK);
    stand.upstream.stop().await;
    peer.expect_closed().await;
}

#[tokio::test(start_paused = true)]
async fn the_first_login_after_a_restart_of_the_upstream_works() {
    let mut stand = Stand::new(Kind::ClientUpstream).await;
    let mut peer = stand.peer().await;
    for _ in 0..3 {
        assert_eq!(peer.ask(login(1, BOB, BOB_PASSWORD)).await, BOB_OK);
        stand.upstream.stop().await;
        stand.upstream.start_again();
    }
    let password = with_code(ALICE_PASSWORD, &code(0));
    let answer = peer.ask(login(1, ALICE, &password)).await;
    assert_eq!(answer, "OK\t1\tuser=alice@example.org");
}

#[tokio::test(start_paused = true)]
async fn answers_that_nobody_asked_for_reach_nobody() {
    for kind in [Kind::LoginUpstream, Kind::ClientUpstream] {
        let stand = Stand::new(kind).await;
        // An OK for somebody else's number in front, a second verdict behind.
        stand.upstream.script(|line| match line.verb() {
            "AUTH" => {
                let id = line.id();
                vec![Act::Say(format!(
                    "OK\t999\tuser=alice@example.org\nFAIL\t{id}\tuser=bob@example.org\n\
                     OK\t{id}\tuser=alice@example.org\nFAIL\t{id}\tuser=x\n"
                ))]
            }
            _ => vec![],
        });
        let mut peer = stand.peer().await;
        let answer = peer.ask(login(1, BOB, BOB_PASSWORD)).await;
        assert_eq!(answer, "FAIL\t1\tuser=bob@example.org");
        peer.expect_quiet().await;
        stand.upstream.script(passwords);
        assert_eq!(peer.ask(login(1, BOB, BOB_PASSWORD)).await, BOB_OK);
        peer.expect_quiet().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_ok_that_dovecot_takes_back_stands_if_it_was_passed_on_and_not_otherwise() {
    let stand = Stand::new(Kind::LoginUpstream).await;
    stand.upstream.script(|line| match line.verb() {
        "AUTH" => {
            let (ok, id) = (passwords(line), line.id());
            [vec![Act::Say(format!("CANCELLED\t{id}\n"))], ok].concat()
        }
        _ => vec![],
    });
    let mut peer = stand.peer().await;
    assert_eq!(peer.ask(login(1, BOB, BOB_PASSWORD)).await, TEMP_FAIL);
    peer.expect_quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_vouch_is_no_refusal_even_when_the_upstream_is_gone() {
    let mut stand = Stand::new(Kind::LoginStored).await;
    let mut peer = stand.peer().await;
    stand.upstream.stop().await;
    peer.expect_closed().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(stand.burned().await, 0);
}
