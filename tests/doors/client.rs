//! The `client` door in good company: handshake, PLAIN and LOGIN in all their forms, several requests at once.

use mail2fa::decision::names::NameRules;

use crate::{
    auth, elsewhere, login,
    support::{
        ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, b64, code,
        peer::{HELLO, Peer},
        plain, plain_as,
        stand::{Kind, Options, Stand},
        upstream::{Act, passwords},
        watched::Event,
        with_code,
    },
};

const ALICE_OK: &str = "OK\t1\tuser=alice@example.org";
const BOB_OK: &str = "OK\t1\tuser=bob@example.org";

#[tokio::test(start_paused = true)]
async fn the_greeting_comes_unasked_and_in_an_order_that_postfix_and_exim_take() {
    let stand = Stand::new(Kind::ClientUpstream).await;
    let mut peer = stand.connect().await;
    let greeting = peer.greeting().await;
    let mut words: Vec<&str> = greeting.iter().map(|l| l.split('\t').next().unwrap()).collect();
    assert_eq!(
        greeting[..3],
        ["VERSION\t1\t2", "MECH\tPLAIN\tplaintext", "MECH\tLOGIN\tplaintext"]
    );
    assert_eq!(words.split_off(3), ["SPID", "CUID", "COOKIE", "DONE"]);
    peer.send(HELLO).await;
    peer.expect_quiet().await;
    // Each connection has a CUID of its own.
    assert_ne!(stand.connect().await.greeting().await[4], greeting[4]);
}

#[tokio::test(start_paused = true)]
async fn password_and_code_open_once_and_the_log_says_who_and_from_where() {
    let stand = Stand::new(Kind::ClientUpstream).await;
    let mut peer = stand.peer().await;
    let password = with_code(ALICE_PASSWORD, &code(0));
    assert_eq!(peer.ask(login(1, ALICE, &password)).await, ALICE_OK);
    let event = Event {
        mailbox: ALICE.into(),
        target: None,
        listener: "test".into(),
        service: "imap".into(),
        remote: "192.0.2.7".into(),
        mechanism: "PLAIN".into(),
        session: Some("s1".into()),
        result: "accepted password+code".into(),
        why: String::new(),
        would_refuse: None,
    };
    assert_eq!(stand.log.events(), [event]);
    assert_eq!(peer.ask(login(2, ALICE, &password)).await, "OK\t2\tuser=alice@example.org");
    assert_eq!(stand.log.last().result, "accepted password+session");
    // Dovecot never saw the code.
    let expected = format!(
        "\tPLAIN\tservice=imap\tsession=s1\trip=192.0.2.7\tresp={}",
        plain(ALICE, ALICE_PASSWORD)
    );
    let asked = stand.upstream.said("AUTH");
    assert!(asked.iter().all(|line| line.ends_with(&expected)), "{asked:?}");
    let other = elsewhere(&login(3, ALICE, &password));
    assert_eq!(peer.ask(other).await, "FAIL\t3\tuser=alice@example.org");
    assert_eq!(stand.log.last().result, "refused used_code");
}

#[tokio::test(start_paused = true)]
async fn codes_of_the_neighbouring_steps_count_and_others_do_not() {
    for (steps, good) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
        let stand = Stand::new(Kind::ClientUpstream).await;
        let mut peer = stand.peer().await;
        let answer = peer.ask(login(1, ALICE, &with_code(ALICE_PASSWORD, &code(steps)))).await;
        assert_eq!(answer == ALICE_OK, good, "{steps}: {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_second_factor_nothing_is_cut_off() {
    for kind in [Kind::ClientUpstream, Kind::ClientStored] {
        let stand = Stand::new(kind).await;
        let mut peer = stand.peer().await;
        assert_eq!(peer.ask(login(1, BOB, BOB_PASSWORD)).await, BOB_OK);
        assert_eq!(stand.log.last().result, "accepted password");
        let without = BOB_PASSWORD.strip_suffix("189145").unwrap();
        assert_eq!(peer.ask(login(2, BOB, without)).await, "FAIL\t2\tuser=bob@example.org");
    }
}

#[tokio::test(start_paused = true)]
async fn our_own_passwords_ask_no_upstream() {
    let stand = Stand::new(Kind::ClientStored).await;
    let mut peer = stand.peer().await;
    let password = with_code(ALICE_PASSWORD, &code(0));
    assert_eq!(peer.ask(login(1, ALICE, &password)).await, ALICE_OK);
    assert_eq!(stand.upstream.connections(), 0);
}

/// Every way to bring Bob's name and password, and the dialogue it leads to.
#[tokio::test(start_paused = true)]
async fn plain_and_login_in_all_their_forms() {
    let message = plain(BOB, BOB_PASSWORD);
    let (name, password) = (b64(BOB), b64(BOB_PASSWORD));
    let challenge = "CONT\t1\t";
    let (ask_name, ask_password) = ("CONT\t1\tVXNlcm5hbWU6", "CONT\t1\tUGFzc3dvcmQ6");
    let table: [(String, &[(&str, &str)]); 7] = [
        (auth(1, "PLAIN", Some(&message)), &[(BOB_OK, "")]),
        (auth(1, "plain", Some(&message)), &[(BOB_OK, "")]),
        (auth(1, "PLAIN", None), &[(challenge, &message), (BOB_OK, "")]),
        (auth(1, "LOGIN", None), &[(ask_name, &name), (ask_password, &password), (BOB_OK, "")]),
        (auth(1, "LOGIN", Some("")), &[(ask_name, &name), (ask_password, &password), (BOB_OK, "")]),
        (
            auth(1, "LOGIN", Some("=")),
            &[(ask_name, &name), (ask_password, &password), (BOB_OK, "")],
        ),
        (auth(1, "LOGIN", Some(&name)), &[(ask_password, &password), (BOB_OK, "")]),
    ];
    for (start, dialogue) in table {
        let stand = Stand::new(Kind::ClientUpstream).await;
        let mut peer = stand.peer().await;
        peer.send(&start).await;
        for (expected, response) in dialogue {
            assert_eq!(peer.line().await.unwrap(), *expected, "{start}");
            if !response.is_empty() {
                peer.send(format!("CONT\t1\t{response}\n")).await;
            }
        }
        peer.expect_quiet().await;
        assert_eq!(stand.log.results(), ["accepted password"], "{start}");
    }
}

#[tokio::test(start_paused = true)]
async fn before_1_2_an_empty_initial_response_is_none() {
    let stand = Stand::new(Kind::ClientUpstream).await;
    let mut peer = stand.connect().await;
    peer.send("VERSION\t1\t1\nCPID\t9\n").await;
    peer.greeting().await;
    assert_eq!(peer.ask(auth(1, "PLAIN", Some(""))).await, "CONT\t1\t");
    assert_eq!(peer.ask(format!("CONT\t1\t{}\n", plain(BOB, BOB_PASSWORD))).await, BOB_OK);
    // Since 1.2 it is an empty message, which PLAIN cannot be.
    let mut peer = stand.peer().await;
    assert_eq!(peer.ask(auth(1, "PLAIN", Some(""))).await, "FAIL\t1\tuser=");
    assert_eq!(stand.log.last().result, "refused malformed");
}

#[tokio::test(start_paused = true)]
async fn a_star_ends_a_request_and_nothing_else() {
    let stand = Stand::new(Kind::ClientUpstream).await;
    let mut peer = stand.peer().await;
    assert_eq!(peer.ask(auth(1, "PLAIN", None)).await, "CONT\t1\t");
    assert_eq!(peer.ask("CONT\t1\t*\n").await, "FAIL\t1\tuser=");
    assert_eq!(peer.ask(auth(2, "PLAIN", Some("*"))).await, "FAIL\t2\tuser=");
    assert_eq!(stand.log.results(), ["refused malformed"; 2]);
    assert_eq!(peer.ask(login(1, BOB, BOB_PASSWORD)).await, BOB_OK, "the id is free again");
}

#[tokio::test(start_paused = true)]
async fn answers_come_in_their_own_order_each_under_its_id() {
    let stand = Stand::new(Kind::ClientUpstream).await;
    // Says nothing until three have asked, then answers the last one first.
    let asked = std::sync::Mutex::new(Vec::new());
    stand.upstream.script(move |line| {
        let mut asked = asked.lock().unwrap();
        asked.extend((line.verb() == "AUTH").then(|| line.clone()));
        if asked.len() < 3 {
            return vec![];
        }
        asked.drain(..).rev().flat_map(|line| passwords(&line)).collect()
    });
    let mut peer = stand.peer().await;
    for id in [7, 5, 9] {
        peer.send(login(id, BOB, BOB_PASSWORD)).await;
    }
    let ok = |id| format!("OK\t{id}\tuser=bob@example.org");
    assert_eq!(peer.lines(3).await, [ok(9), ok(5), ok(7)]);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_request_is_not_answered_and_dovecot_is_told() {
    let stand = Stand::new(Kind::ClientUpstream).await;
    stand.upstream.silent();
    let mut peer = stand.peer().await;
    peer.send(login(1, BOB, BOB_PASSWORD)).await;
    let asked = stand.upstream.wait("AUTH", 1).await;
    peer.send("CANCEL\t1\n").await;
    let cancelled = stand.upstream.wait("CANCEL", 1).await;
    assert_eq!(asked[0].split('\t').nth(1), cancelled[0].split('\t').nth(1));
    peer.expect_quiet().await;
    // The number may be used again, and a late answer to its first use reaches nobody.
    stand.upstream.script(|line| match line.verb() {
        "AUTH" => {
            vec![Act::Say("OK\t1\tuser=late@example.org\n".into()), passwords(line)[0].clone()]
        }
        _ => vec![],
    });
    assert_eq!(peer.ask(login(1, BOB, BOB_PASSWORD)).await, BOB_OK);
    peer.expect_quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_refusal_is_not_answered_either() {
    let stand = Stand::new(Kind::ClientUpstream).await;
    let mut peer = stand.peer().await;
    peer.send(login(1, ALICE, ALICE_PASSWORD)).await;
    stand.log.count(1).await;
    peer.send("CANCEL\t1\n").await;
    assert_eq!(peer.ask(login(1, BOB, BOB_PASSWORD)).await, BOB_OK);
    tokio::time::sleep(crate::support::stand::DELAY * 3).await;
    peer.expect_quiet().await;
}

#[tokio::test(start_paused = true)]
async fn since_1_4_a_cancel_is_confirmed() {
    let stand = Stand::new(Kind::ClientUpstream).await;
    let mut peer = stand.connect().await;
    peer.send("VERSION\t1\t4\nCPID\t9\n").await;
    peer.greeting().await;
    peer.send(login(1, ALICE, ALICE_PASSWORD)).await;
    assert_eq!(peer.ask("CANCEL\t1\n").await, "CANCELLED\t1");
    assert_eq!(peer.ask("CANCEL\t8\n").await, "CANCELLED\t8", "also one that never was");
}

#[tokio::test(start_paused = true)]
async fn an_answered_id_is_free() {
    let stand = Stand::new(Kind::ClientUpstream).await;
    let mut peer = stand.peer().await;
    for _ in 0..3 {
        assert_eq!(peer.ask(login(1, BOB, BOB_PASSWORD)).await, BOB_OK);
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_may_say_everything_in_one_breath() {
    let stand = Stand::new(Kind::ClientUpstream).await;
    let mut peer = Peer::connect(&stand.socket).await;
    peer.send(format!("{HELLO}{}", login(1, BOB, BOB_PASSWORD))).await;
    peer.greeting().await;
    peer.expect(&[BOB_OK]).await;
}

#[tokio::test(start_paused = true)]
async fn services_and_addresses_in_the_log() {
    let table = [
        ("service=smtp\trip=2001:db8::7", "smtp", "2001:db8::7"),
        ("service=submission\trip=::ffff:192.0.2.9", "smtp", "192.0.2.9"),
        ("protocol=sieve\trip=nowhere", "sieve", "unknown"),
        ("service=what\u{7}ever", "what?ever", "unknown"),
        ("service=", "", "unknown"),
    ];
    let stand = Stand::new(Kind::ClientUpstream).await;
    let mut peer = stand.peer().await;
    for (parameters, service, remote) in table {
        let response = plain(BOB, BOB_PASSWORD);
        let answer = peer.ask(format!("AUTH\t1\tPLAIN\t{parameters}\tresp={response}\n")).await;
        assert_eq!(answer, BOB_OK, "{parameters}");
        let event = stand.log.last();
        assert_eq!((&*event.service, &*event.remote), (service, remote), "{parameters}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_spelling_of_a_name_is_the_same_mailbox() {
    let names = NameRules { default_realm: Some("example.org".into()), ..NameRules::default() };
    let options = Options { names, ..Options::default() };
    let stand = Stand::with(Kind::ClientUpstream, options).await;
    stand.upstream.answer("OK\t#\tuser=alice@example.org\n");
    let mut peer = stand.peer().await;
    for spelling in ["alice", "ALICE@example.org", "Alice@Example.Org"] {
        let answer = peer.ask(login(1, spelling, ALICE_PASSWORD)).await;
        assert_eq!(answer, format!("FAIL\t1\tuser={spelling}"));
        assert_eq!(stand.log.last().result, "refused missing_code");
        assert_eq!(stand.log.last().mailbox, ALICE);
    }
    assert!(stand.upstream.said("AUTH").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_master_user_is_judged_by_its_own_factor_and_the_targets() {
    let stand = Stand::new(Kind::ClientUpstream).await;
    stand.upstream.answer("OK\t#\tuser=alice@example.org\n");
    let mut peer = stand.peer().await;
    let response = plain_as(ALICE, BOB, BOB_PASSWORD);
    assert_eq!(peer.ask(auth(1, "PLAIN", Some(&response))).await, "FAIL\t1\tuser=bob@example.org");
    let event = stand.log.last();
    assert_eq!(event.result, "refused master_without_factor");
    assert_eq!((&*event.mailbox, event.target.as_deref()), (BOB, Some(ALICE)));
    // Alice as a master user gives her code.
    stand.upstream.answer("OK\t#\tuser=bob@example.org\n");
    let response = plain_as(BOB, ALICE, &with_code(ALICE_PASSWORD, &code(0)));
    assert_eq!(peer.ask(auth(1, "PLAIN", Some(&response))).await, BOB_OK);
    assert_eq!(stand.log.last().result, "accepted password+code");
}
