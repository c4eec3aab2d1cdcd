//! However a transcript is cut into pieces on its way, it gets the same answers.

use proptest::prelude::*;

use crate::{
    auth, login,
    support::{
        ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, b64, code,
        peer::{HELLO, Peer},
        plain,
        stand::{Kind, Options, Stand},
        with_code,
    },
};

/// Things a peer may say, with ids of their own.
fn transcript() -> String {
    let long = format!("AUTH\t8\tPLAIN\tservice=imap\tclient_id={}", "x".repeat(9_000));
    [
        HELLO.to_owned(),
        login(1, BOB, BOB_PASSWORD),
        login(2, ALICE, ALICE_PASSWORD),
        auth(3, "LOGIN", None),
        format!("CONT\t3\t{}\n", b64(BOB)),
        login(4, ALICE, &with_code(ALICE_PASSWORD, &code(0))).replace('\n', "\r\n"),
        format!("CONT\t3\t{}\n", b64(BOB_PASSWORD)),
        auth(5, "CRAM-MD5", None),
        auth(6, "PLAIN", Some("=")),
        "CONT\t77\tAA==\n".to_owned(),
        auth(7, "PLAIN", None),
        "CANCEL\t7\n".to_owned(),
        format!("{long}\tresp={}\n", plain(BOB, "wrong")),
    ]
    .concat()
}

/// The answers but the greeting, in the order of their text: logins run side by side.
async fn answers(pieces: &[&[u8]]) -> Vec<String> {
    let options = Options { delay: std::time::Duration::from_millis(20), ..Options::default() };
    let stand = Stand::with(Kind::ClientUpstream, options).await;
    let mut peer = Peer::connect(&stand.socket).await;
    for piece in pieces {
        peer.send(piece).await;
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
    }
    peer.greeting().await;
    let mut answers = peer.lines(11).await;
    peer.expect_quiet().await;
    answers.sort();
    answers
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}

#[test]
fn any_pieces_get_the_same_answers() {
    let text = transcript();
    let whole = run(answers(&[text.as_bytes()]));
    let expected = [
        "CONT\t3\tUGFzc3dvcmQ6",
        "CONT\t3\tVXNlcm5hbWU6",
        "CONT\t7\t",
        "FAIL\t2\tuser=alice@example.org",
        "FAIL\t5\tuser=",
        "FAIL\t6\tuser=",
        "FAIL\t77\tcode=temp_fail",
        "FAIL\t8\tuser=bob@example.org",
        "OK\t1\tuser=bob@example.org",
        "OK\t3\tuser=bob@example.org",
        "OK\t4\tuser=alice@example.org",
    ];
    assert_eq!(whole, expected);
    let config = ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() };
    let cuts = prop::collection::btree_set(1..text.len(), 0..40);
    proptest!(config, |(cuts in cuts)| {
        let mut pieces = Vec::new();
        let mut rest = text.as_bytes();
        for cut in cuts.iter().rev() {
            let (head, tail) = rest.split_at(*cut);
            pieces.insert(0, tail);
            rest = head;
        }
        pieces.insert(0, rest);
        prop_assert_eq!(&run(answers(&pieces)), &whole);
    });
}

/// Bytes that mean nothing, behind a good handshake: the door closes or answers, and stands.
#[test]
fn no_bytes_open_anything() {
    let config = ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() };
    let words = prop::sample::select(vec![
        "AUTH",
        "CONT",
        "CANCEL",
        "\t",
        "\t",
        "\n",
        "1",
        "2",
        "PLAIN",
        "LOGIN",
        "service=imap",
        "resp=",
        "=",
        "*",
        "\u{1}t",
        "\0",
        "\r",
        "VERSION",
        "OK",
        "user=alice@example.org",
        "AA==",
    ]);
    let noise = prop::collection::vec(words, 0..60);
    proptest!(config, |(noise in noise)| {
        run(async {
            let stand = Stand::new(Kind::ClientUpstream).await;
            let mut peer = stand.peer().await;
            peer.try_send(noise.concat()).await;
            let _ = tokio::io::AsyncWriteExt::shutdown(&mut peer.stream).await;
            for line in peer.rest().await {
                assert!(line.starts_with("FAIL\t") || line.starts_with("CONT\t"), "{line}");
            }
            assert!(stand.log.results().iter().all(|result| !result.starts_with("accepted")));
            let answer = stand.peer().await.ask(login(1, BOB, BOB_PASSWORD)).await;
            assert_eq!(answer, "OK\t1\tuser=bob@example.org");
        });
    });
}
