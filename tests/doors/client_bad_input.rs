//! The `client` door in bad company: what ends one request, and what ends the connection.

use mail2fa::base::limits::{AUTH_PARAMETERS, CREDENTIAL_BYTES, LINE_BYTES};

use crate::{
    auth, login,
    support::{
        ALICE, BOB, BOB_PASSWORD, b64,
        peer::{HELLO, Peer},
        plain,
        stand::{Kind, Stand},
    },
};

const BOB_OK: &str = "OK\t1\tuser=bob@example.org";

/// What the program at the other end of the socket may not say: the connection ends, nothing is answered.
#[tokio::test(start_paused = true)]
async fn what_ends_a_connection() {
    let duplicate = format!("{}{}", auth(1, "PLAIN", None), login(1, BOB, BOB_PASSWORD));
    let crowded = format!("AUTH\t1\tPLAIN\tservice=imap{}\n", "\tx=y".repeat(AUTH_PARAMETERS));
    let table: [(&str, Vec<String>); 22] = [
        ("an unknown command", vec!["HELP\n".into()]),
        ("an empty line", vec!["\n".into()]),
        ("lower case", vec!["auth\t1\tPLAIN\tservice=imap\n".into()]),
        ("VERSION twice", vec!["VERSION\t1\t2\n".into()]),
        ("CPID twice", vec!["CPID\t2\n".into()]),
        ("an id in use", vec![duplicate]),
        ("AUTH without anything", vec!["AUTH\n".into()]),
        ("AUTH with an id only", vec!["AUTH\t1\n".into()]),
        ("AUTH without a service", vec!["AUTH\t1\tPLAIN\trip=192.0.2.1\n".into()]),
        ("AUTH with id 0", vec!["AUTH\t0\tPLAIN\tservice=imap\n".into()]),
        ("AUTH with a negative id", vec!["AUTH\t-1\tPLAIN\tservice=imap\n".into()]),
        ("AUTH with an id that is too large", vec!["AUTH\t4294967296\tPLAIN\tservice=x\n".into()]),
        ("AUTH with an id that is no number", vec!["AUTH\tone\tPLAIN\tservice=imap\n".into()]),
        ("too many parameters", vec![crowded]),
        ("a NUL byte", vec!["AUTH\t1\tPLAIN\tservice=im\0ap\n".into()]),
        ("CONT without an id", vec!["CONT\n".into()]),
        ("CONT without data", vec!["CONT\t1\n".into()]),
        ("CONT with an id that is no number", vec!["CONT\tx\tAA==\n".into()]),
        ("CANCEL without an id", vec!["CANCEL\n".into()]),
        ("CANCEL with more than an id", vec!["CANCEL\t1\t2\n".into()]),
        ("a line without an end", vec!["A".repeat(LINE_BYTES), "A".into()]),
        ("a reply", vec!["OK\t1\tuser=bob@example.org\n".into()]),
    ];
    let stand = Stand::new(Kind::ClientUpstream).await;
    for (what, parts) in table {
        let mut peer = stand.peer().await;
        for part in parts {
            peer.try_send(part).await;
        }
        // What was good before the bad line may be answered; nothing is accepted.
        for line in peer.rest().await {
            assert!(line.starts_with("CONT\t"), "{what}: {line}");
        }
    }
    assert!(stand.upstream.said("AUTH").is_empty());
    assert!(stand.log.events().is_empty());
    assert_eq!(stand.peer().await.ask(login(1, BOB, BOB_PASSWORD)).await, BOB_OK);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_handshake_ends_the_connection() {
    let good = login(1, BOB, BOB_PASSWORD);
    let table = [
        "VERSION\t2\t0\nCPID\t1\n",
        "VERSION\t0\t9\nCPID\t1\n",
        "VERSION\t1\nCPID\t1\n",
        "VERSION\t1\t2\t3\nCPID\t1\n",
        "VERSION\tone\ttwo\nCPID\t1\n",
        "CPID\t1\nVERSION\t1\t2\n",
        "VERSION\t1\t2\n",
        "VERSION\t1\t2\nCPID\t0\n",
        "VERSION\t1\t2\nCPID\n",
        "VERSION\t1\t2\nCPID\t-4\n",
        "VERSION\t1\t2\nVERSION\t1\t2\n",
        "GET / HTTP/1.1\r\n",
        "",
    ];
    let stand = Stand::new(Kind::ClientUpstream).await;
    for hello in table {
        let mut peer = stand.connect().await;
        peer.greeting().await;
        peer.try_send(format!("{hello}{good}")).await;
        peer.expect_closed().await;
    }
    assert!(stand.log.events().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_higher_minor_version_is_compatible() {
    let stand = Stand::new(Kind::ClientUpstream).await;
    for minor in [0, 1, 2, 3, 4, 99] {
        let mut peer = stand.connect().await;
        peer.send(format!("VERSION\t1\t{minor}\nCPID\t1\n")).await;
        peer.greeting().await;
        assert_eq!(peer.ask(login(1, BOB, BOB_PASSWORD)).await, BOB_OK, "{minor}");
    }
}

/// What a mail client can bring about: its own request fails, the connection goes on.
#[tokio::test(start_paused = true)]
async fn what_ends_a_request() {
    let long = "x".repeat(CREDENTIAL_BYTES + 1);
    let table = [
        ("not base64", "PLAIN", "!!!!".to_owned()),
        ("base64 without its padding", "PLAIN", plain(BOB, "passw").trim_end_matches('=').into()),
        ("a TAB in the response", "PLAIN", format!("{}\tuser=x", plain(BOB, BOB_PASSWORD))),
        ("no NUL", "PLAIN", b64("bob")),
        ("one NUL", "PLAIN", b64("bob\0pass")),
        ("four parts", "PLAIN", b64("\0bob\0pass\0more")),
        ("no name", "PLAIN", b64("\0\0pass")),
        ("LF in the name", "PLAIN", plain("bob@example.org\nOK\t1", BOB_PASSWORD)),
        ("CR in the name", "PLAIN", plain("bob\r@example.org", BOB_PASSWORD)),
        ("TAB in the name", "PLAIN", plain("bob@example.org\tuserdb_uid=0", BOB_PASSWORD)),
        ("TAB in the name to act as", "PLAIN", b64(format!("a\tb\0{BOB}\0{BOB_PASSWORD}"))),
        ("NUL in the name of LOGIN", "LOGIN", b64("bob\0")),
        ("a name without end", "PLAIN", plain(&long, "x")),
        ("a password without end", "PLAIN", plain(BOB, &long)),
        ("CRAM-MD5", "CRAM-MD5", String::new()),
        ("DIGEST-MD5", "DIGEST-MD5", String::new()),
        ("SCRAM", "SCRAM-SHA-256", b64("n,,n=bob,r=abc")),
        ("EXTERNAL", "EXTERNAL", b64(ALICE)),
        ("OAUTHBEARER", "OAUTHBEARER", b64("n,a=bob,\u{1}auth=Bearer x\u{1}\u{1}")),
        ("XOAUTH2", "XOAUTH2", b64("user=bob\u{1}auth=Bearer x\u{1}\u{1}")),
        ("ANONYMOUS", "ANONYMOUS", b64("trace")),
        ("DOVECOT-TOKEN", "DOVECOT-TOKEN", b64("imap\u{0}1\u{0}bob\u{0}sid\u{0}token")),
        ("no mechanism", "", plain(BOB, BOB_PASSWORD)),
    ];
    let stand = Stand::new(Kind::ClientUpstream).await;
    let mut peer = stand.peer().await;
    for (count, (what, mechanism, response)) in table.into_iter().enumerate() {
        let answer = peer.ask(auth(1, mechanism, Some(&response))).await;
        assert_eq!(answer, "FAIL\t1\tuser=", "{what}");
        assert_eq!(stand.log.events().len(), count + 1, "{what}");
        let event = stand.log.last();
        assert_eq!(event.result, "refused malformed", "{what}");
        assert_eq!((&*event.mailbox, &*event.service, &*event.remote), ("", "imap", "192.0.2.7"));
        assert_eq!(event.mechanism, mechanism, "{what}");
    }
    assert!(stand.upstream.said("AUTH").is_empty());
    assert_eq!(peer.ask(login(1, BOB, BOB_PASSWORD)).await, BOB_OK);
}

#[tokio::test(start_paused = true)]
async fn names_that_are_no_mailbox_are_refused_before_anybody_is_asked() {
    let stand = Stand::new(Kind::ClientUpstream).await;
    let mut peer = stand.peer().await;
    for name in ["bob @example.org", "bob\u{b}@example.org", &"b".repeat(321)] {
        let answer = peer.ask(login(1, name, BOB_PASSWORD)).await;
        assert_eq!(answer, format!("FAIL\t1\tuser={name}"));
        assert_eq!(stand.log.last().result, "refused bad_name");
    }
    assert!(stand.upstream.said("AUTH").is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_longest_credential_is_looked_at() {
    let stand = Stand::new(Kind::ClientUpstream).await;
    let mut peer = stand.peer().await;
    let answer = peer.ask(login(1, BOB, &"x".repeat(CREDENTIAL_BYTES))).await;
    assert_eq!(answer, "FAIL\t1\tuser=bob@example.org");
    assert_eq!(stand.log.last().result, "refused wrong_password");
}

#[tokio::test(start_paused = true)]
async fn the_longest_line_works_and_one_byte_more_does_not() {
    let line = |length: usize| {
        let head = "AUTH\t1\tPLAIN\tservice=imap\tclient_id=";
        let tail = format!("\tresp={}", plain(BOB, BOB_PASSWORD));
        format!("{head}{}{tail}\n", "x".repeat(length - head.len() - tail.len()))
    };
    let stand = Stand::new(Kind::ClientStored).await;
    let mut peer = stand.peer().await;
    assert_eq!(peer.ask(line(LINE_BYTES)).await, BOB_OK);
    peer.try_send(line(LINE_BYTES + 1)).await;
    peer.expect_closed().await;
    // Dovecot's limit counts the line's end, so the longest line that goes up is one byte shorter,
    // and shorter still when our id has more digits than the peer's. What does not fit is no verdict
    // on the password.
    let stand = Stand::new(Kind::ClientUpstream).await;
    let mut peer = stand.peer().await;
    let temp_fail = "FAIL\t1\tuser=bob@example.org\ttemp\tcode=temp_fail";
    assert_eq!(peer.ask(line(LINE_BYTES)).await, temp_fail);
    for _ in 2..=9 {
        assert_eq!(peer.ask(line(LINE_BYTES - 1)).await, BOB_OK);
    }
    assert_eq!(peer.ask(line(LINE_BYTES - 1)).await, temp_fail);
    let long = stand.upstream.said("AUTH").iter().map(String::len).max();
    assert_eq!(long, Some(LINE_BYTES - 1));
}

#[tokio::test(start_paused = true)]
async fn a_continuation_of_nothing_fails_and_harms_nobody() {
    let stand = Stand::new(Kind::ClientUpstream).await;
    stand.upstream.silent();
    let mut peer = stand.peer().await;
    assert_eq!(peer.ask("CONT\t5\tAA==\n").await, "FAIL\t5\tcode=temp_fail");
    // One that nobody asked for ends the request it is for: one answer, and Dovecot is told.
    peer.send(login(1, BOB, BOB_PASSWORD)).await;
    peer.send(login(2, BOB, BOB_PASSWORD)).await;
    stand.upstream.wait("AUTH", 2).await;
    assert_eq!(peer.ask("CONT\t1\tAA==\n").await, "FAIL\t1\tcode=temp_fail");
    assert_eq!(stand.upstream.wait("CANCEL", 1).await.len(), 1);
    peer.expect_quiet().await;
}

#[tokio::test(start_paused = true)]
async fn bytes_one_by_one() {
    let stand = Stand::new(Kind::ClientUpstream).await;
    let mut peer = Peer::connect(&stand.socket).await;
    for byte in format!("{HELLO}{}", login(1, BOB, BOB_PASSWORD)).into_bytes() {
        peer.send([byte]).await;
        tokio::task::yield_now().await;
    }
    peer.greeting().await;
    peer.expect(&[BOB_OK]).await;
}

#[tokio::test(start_paused = true)]
async fn half_a_line_and_then_nothing_is_no_login() {
    let stand = Stand::new(Kind::ClientUpstream).await;
    let mut peer = stand.peer().await;
    peer.send(login(1, BOB, BOB_PASSWORD).trim_end()).await;
    tokio::io::AsyncWriteExt::shutdown(&mut peer.stream).await.unwrap();
    peer.expect_closed().await;
    assert!(stand.log.events().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_stays_silent_is_let_go_and_one_that_said_hello_is_not() {
    let stand = Stand::new(Kind::ClientUpstream).await;
    let mut greeted = stand.peer().await;
    let start = tokio::time::Instant::now();
    let mut half = stand.connect().await;
    half.send("VERSION\t1\t2\nCPI").await;
    half.greeting().await;
    half.expect_closed().await;
    assert_eq!(start.elapsed().as_secs(), mail2fa::base::limits::HANDSHAKE_SECONDS);
    tokio::time::sleep(std::time::Duration::from_secs(86_400)).await;
    assert_eq!(greeted.ask(login(1, BOB, BOB_PASSWORD)).await, BOB_OK);
}
