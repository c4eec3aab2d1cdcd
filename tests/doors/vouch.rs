//! The `login` door over our own passwords: Dovecot takes our word for a mailbox, and nobody else's.

use crate::{
    auth, elsewhere, login,
    support::{
        ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, VOUCH_SECRET, code, plain,
        stand::{Kind, Stand},
        upstream::{Act, believes},
        with_code, wrong_code,
    },
};

#[tokio::test(start_paused = true)]
async fn the_line_that_vouches_is_exactly_this_one() {
    let stand = Stand::new(Kind::LoginStored).await;
    let mut peer = stand.peer().await;
    let parameters = "service=imap\tsecured=tls\tsession=s1\trip=192.0.2.7\tx-unknown=1";
    let response = plain(ALICE, &with_code(ALICE_PASSWORD, &code(0)));
    let answer = peer.ask(format!("AUTH\t12\tPLAIN\t{parameters}\tresp={response}\n")).await;
    assert_eq!(answer, "OK\t12\tuser=alice@example.org\tuserdb_quota=1G");
    let expected = format!(
        "AUTH\t12\tEXTERNAL\t{parameters}\tforward_fields=vouch={VOUCH_SECRET}\
         \tvalid-client-cert\tcert_username=alice@example.org\tresp="
    );
    assert_eq!(stand.upstream.said("AUTH"), [expected]);
    assert_eq!(stand.log.results(), ["accepted password+code"]);
}

#[tokio::test(start_paused = true)]
async fn before_1_2_the_empty_response_is_written_out() {
    let stand = Stand::new(Kind::LoginStored).await;
    let mut peer = stand.connect().await;
    peer.send("VERSION\t1\t1\nCPID\t3\n").await;
    peer.greeting().await;
    let answer = peer.ask(login(1, BOB, BOB_PASSWORD)).await;
    assert_eq!(answer, "OK\t1\tuser=bob@example.org\tuserdb_quota=1G");
    let asked = stand.upstream.said("AUTH");
    assert!(asked[0].ends_with("\tcert_username=bob@example.org\tresp=="), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn no_login_is_vouched_for_before_everything_is_proved() {
    let stand = Stand::new(Kind::LoginStored).await;
    let mut peer = stand.peer().await;
    for (name, password) in [
        (ALICE, with_code("wrong", &code(0))),
        (ALICE, with_code(ALICE_PASSWORD, &wrong_code())),
        (ALICE, ALICE_PASSWORD.to_owned()),
        (BOB, "wrong".to_owned()),
        ("nobody@example.org", BOB_PASSWORD.to_owned()),
    ] {
        let answer = peer.ask(login(1, name, &password)).await;
        assert_eq!(answer, format!("FAIL\t1\tuser={name}"));
    }
    assert!(stand.upstream.said("AUTH").is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_comes_from_below_is_replaced_by_what_we_say() {
    let stand = Stand::new(Kind::LoginStored).await;
    let mut peer = stand.peer().await;
    let line = format!(
        "AUTH\t1\tPLAIN\tservice=imap\tvalid-client-cert\tcert_username=alice@example.org\
         \tforward_fields=vouch=guess\u{1}tx=1\tresp={}\n",
        plain(BOB, BOB_PASSWORD)
    );
    let answer = peer.ask(line).await;
    assert_eq!(answer, "OK\t1\tuser=bob@example.org\tuserdb_quota=1G");
    let expected = format!(
        "AUTH\t1\tEXTERNAL\tservice=imap\tforward_fields=x=1\u{1}tvouch={VOUCH_SECRET}\
         \tvalid-client-cert\tcert_username=bob@example.org\tresp="
    );
    assert_eq!(stand.upstream.said("AUTH"), [expected]);
    // EXTERNAL itself is refused without a word upwards.
    assert_eq!(peer.ask(auth(2, "EXTERNAL", Some(""))).await, "FAIL\t2\tuser=");
    assert_eq!(stand.upstream.said("AUTH").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dovecot_that_does_not_believe_us_is_no_verdict_and_costs_no_code() {
    let stand = Stand::new(Kind::LoginStored).await;
    let mut peer = stand.peer().await;
    let password = with_code(ALICE_PASSWORD, &code(0));
    let temp_fail = "FAIL\t1\tuser=alice@example.org\ttemp\tcode=temp_fail";
    stand.upstream.answer("FAIL\t#\tuser=alice@example.org\n");
    assert_eq!(peer.ask(login(1, ALICE, &password)).await, temp_fail);
    assert_eq!(stand.log.last().result, "unavailable");
    // So is one that understood another mailbox, and that OK is withdrawn.
    stand.upstream.answer("OK\t#\tuser=bob@example.org\n");
    assert_eq!(peer.ask(login(1, ALICE, &password)).await, temp_fail);
    assert_eq!(stand.upstream.wait("CANCEL", 1).await, ["CANCEL\t1"]);
    assert_eq!(stand.burned().await, 0);
    stand.upstream.script(believes);
    let answer = peer.ask(login(1, ALICE, &password)).await;
    assert_eq!(answer, "OK\t1\tuser=alice@example.org\tuserdb_quota=1G");
}

#[tokio::test(start_paused = true)]
async fn a_vouched_login_whose_code_another_login_burned_meanwhile_is_withdrawn() {
    let stand = Stand::new(Kind::LoginStored).await;
    // Dovecot believes both logins only when both have asked.
    let waiting = std::sync::Mutex::new(Vec::new());
    stand.upstream.script(move |line| {
        let mut waiting = waiting.lock().unwrap();
        waiting.extend((line.verb() == "AUTH").then(|| line.clone()));
        if waiting.len() < 2 {
            return vec![];
        }
        waiting.drain(..).flat_map(|line| believes(&line)).collect::<Vec<Act>>()
    });
    let mut peer = stand.peer().await;
    let password = with_code(ALICE_PASSWORD, &code(0));
    peer.send(login(1, ALICE, &password) + &elsewhere(&login(2, ALICE, &password))).await;
    let answers = peer.lines(2).await;
    assert_eq!(answers.iter().filter(|line| line.starts_with("OK\t")).count(), 1, "{answers:?}");
    assert_eq!(stand.upstream.said("CANCEL").len(), 1);
    let mut results = stand.log.results();
    results.sort();
    assert_eq!(results, ["accepted password+code", "refused used_code"]);
}
