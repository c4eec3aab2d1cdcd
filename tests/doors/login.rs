//! The `login` door: what is relayed unchanged, what is cut off, what is withdrawn.

use crate::{
    auth, elsewhere, login,
    support::{
        ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, code,
        peer::HELLO,
        plain, plain_as,
        stand::{DELAY, Kind, Stand},
        upstream::{Act, GREETING_24, Line, passwords},
        with_code, wrong_code,
    },
};

const COOKIE: &str = "COOKIE\t00112233445566778899aabbccddeeff";

#[tokio::test(start_paused = true)]
async fn the_handshake_is_dovecots_own_with_plain_and_login_only() {
    let stand = Stand::new(Kind::LoginUpstream).await;
    let mut peer = stand.connect().await;
    peer.send(HELLO).await;
    let expected = [
        "VERSION\t1\t2",
        "MECH\tPLAIN\tplaintext",
        "MECH\tLOGIN\tplaintext",
        "SPID\t4242",
        "CUID\t77",
        COOKIE,
        "DONE",
    ];
    assert_eq!(peer.greeting().await, expected);
    let above: Vec<String> = stand.upstream.lines().iter().map(Line::text).collect();
    assert_eq!(above, ["VERSION\t1\t2", "CPID\t4711"]);
    assert_eq!(stand.upstream.connections(), 1);
}

#[tokio::test(start_paused = true)]
async fn dovecot_2_4_is_relayed_the_same_way() {
    let stand = Stand::new(Kind::LoginUpstream).await;
    stand.upstream.greet(GREETING_24);
    let mut peer = stand.connect().await;
    peer.send("VERSION\t1\t4\nCPID\t815\n").await;
    let greeting = peer.greeting().await;
    assert_eq!(
        greeting[..4],
        ["VERSION\t1\t4", "MECH\tPLAIN\tplaintext", "MECH\tLOGIN\tplaintext", "SPID\t4242"]
    );
    let above: Vec<String> = stand.upstream.lines().iter().map(Line::text).collect();
    assert_eq!(above, ["VERSION\t1\t4", "CPID\t815"]);
    // 2.4 says protocol= where 2.3 says service=.
    let parameters = "protocol=imap\tfinal-resp-ok\tsecured=tls\tsession=s9\trip=192.0.2.7";
    let response = plain(ALICE, &with_code(ALICE_PASSWORD, &code(0)));
    let answer = peer.ask(format!("AUTH\t31\tPLAIN\t{parameters}\tresp={response}\n")).await;
    assert_eq!(answer, "OK\t31\tuser=alice@example.org");
    let response = plain(ALICE, ALICE_PASSWORD);
    let asked = stand.upstream.said("AUTH");
    assert_eq!(asked, [format!("AUTH\t31\tPLAIN\t{parameters}\tresp={response}")]);
    assert_eq!((&*stand.log.last().service, &*stand.log.last().remote), ("imap", "192.0.2.7"));
}

#[tokio::test(start_paused = true)]
async fn each_login_process_has_an_upstream_connection_of_its_own() {
    let stand = Stand::new(Kind::LoginUpstream).await;
    let mut peers = Vec::new();
    for _ in 0..3 {
        peers.push(stand.peer().await);
    }
    assert_eq!(stand.upstream.connections(), 3);
    for (id, peer) in (10..).zip(&mut peers) {
        let answer = peer.ask(login(id, BOB, BOB_PASSWORD)).await;
        assert_eq!(answer, format!("OK\t{id}\tuser=bob@example.org"));
    }
    let asked = stand.upstream.lines();
    let auths: Vec<_> = asked.iter().filter(|line| line.verb() == "AUTH").collect();
    for (number, line) in auths.iter().enumerate() {
        assert_eq!((line.connection, line.id()), (number, &*(number + 10).to_string()));
    }
    drop(peers);
    stand.upstream.wait_open(0).await;
}

#[tokio::test(start_paused = true)]
async fn all_parameters_go_up_in_their_order_and_all_fields_come_down_in_theirs() {
    let stand = Stand::new(Kind::LoginUpstream).await;
    let parameters = "service=imap\tsecured=tls\tsession=a+b/c\tlip=192.0.2.1\trip=2001:db8::9\
        \tlport=993\trport=40000\tclient_id=name=x\u{1}tversion=1\tlocal_name=mail.example.org\
        \tfuture-flag\tfuture=1=2=3\tfuture=again\tforward_fields=one=1\u{1}ttwo=2";
    let fields = "user=bob@example.org\tnologin\thost=192.0.2.5\tproxy\tuserdb_mail=maildir:~/\u{1}1x\
        \tuserdb_quota=1G\tpass=\tunheard-of=yes\tunheard-of=twice";
    let owned = fields.to_owned();
    stand.upstream.script(move |line| match line.verb() {
        "AUTH" => vec![Act::Say(format!("OK\t{}\t{owned}\n", line.id()))],
        _ => vec![],
    });
    let mut peer = stand.peer().await;
    let line = format!("AUTH\t3\tPLAIN\t{parameters}\tresp={}", plain(BOB, BOB_PASSWORD));
    assert_eq!(peer.ask(format!("{line}\n")).await, format!("OK\t3\t{fields}"));
    assert_eq!(stand.upstream.said("AUTH"), [line]);
    assert!(stand.upstream.said("CANCEL").is_empty());
}

#[tokio::test(start_paused = true)]
async fn login_goes_up_as_plain() {
    let stand = Stand::new(Kind::LoginUpstream).await;
    let mut peer = stand.peer().await;
    let password = with_code(ALICE_PASSWORD, &code(0));
    assert_eq!(peer.ask(auth(6, "LOGIN", None)).await, "CONT\t6\tVXNlcm5hbWU6");
    let name = crate::support::b64(ALICE);
    assert_eq!(peer.ask(format!("CONT\t6\t{name}\n")).await, "CONT\t6\tUGFzc3dvcmQ6");
    let answer = peer.ask(format!("CONT\t6\t{}\n", crate::support::b64(&password))).await;
    assert_eq!(answer, "OK\t6\tuser=alice@example.org");
    assert_eq!(
        stand.upstream.said("AUTH"),
        [auth(6, "PLAIN", Some(&plain(ALICE, ALICE_PASSWORD))).trim_end()]
    );
    assert_eq!(stand.log.last().mechanism, "LOGIN");
}

#[tokio::test(start_paused = true)]
async fn the_name_to_act_as_goes_up_with_the_rest() {
    let stand = Stand::new(Kind::LoginUpstream).await;
    stand.upstream.answer("OK\t#\tuser=bob@example.org\tmaster_user=alice@example.org\n");
    let mut peer = stand.peer().await;
    let response = plain_as(BOB, ALICE, &with_code(ALICE_PASSWORD, &code(0)));
    let answer = peer.ask(auth(2, "PLAIN", Some(&response))).await;
    assert_eq!(answer, "OK\t2\tuser=bob@example.org\tmaster_user=alice@example.org");
    let response = plain_as(BOB, ALICE, ALICE_PASSWORD);
    assert_eq!(stand.upstream.said("AUTH"), [auth(2, "PLAIN", Some(&response)).trim_end()]);
}

#[tokio::test(start_paused = true)]
async fn a_right_password_with_a_wrong_code_is_withdrawn_before_the_refusal() {
    let stand = Stand::new(Kind::LoginUpstream).await;
    let mut peer = stand.peer().await;
    let start = tokio::time::Instant::now();
    peer.send(login(5, ALICE, &with_code(ALICE_PASSWORD, &wrong_code()))).await;
    assert_eq!(stand.upstream.wait("CANCEL", 1).await, ["CANCEL\t5"]);
    assert_eq!(start.elapsed().as_secs(), 0, "the CANCEL goes up before the FAIL comes down");
    assert_eq!(peer.line().await.unwrap(), "FAIL\t5\tuser=alice@example.org");
    assert_eq!(start.elapsed().as_secs(), DELAY.as_secs());
    assert_eq!(stand.log.results(), ["refused wrong_code"]);
}

#[tokio::test(start_paused = true)]
async fn a_used_code_is_withdrawn_too() {
    let stand = Stand::new(Kind::LoginUpstream).await;
    let mut peer = stand.peer().await;
    let password = with_code(ALICE_PASSWORD, &code(0));
    assert_eq!(peer.ask(login(1, ALICE, &password)).await, "OK\t1\tuser=alice@example.org");
    let other_place = |id| elsewhere(&login(id, ALICE, &password));
    assert_eq!(peer.ask(other_place(2)).await, "FAIL\t2\tuser=alice@example.org");
    assert_eq!(stand.upstream.said("CANCEL"), ["CANCEL\t2"]);
    // On another connection the code is as used as here.
    let mut other = stand.peer().await;
    assert_eq!(other.ask(other_place(1)).await, "FAIL\t1\tuser=alice@example.org");
    // From the same place it is the same sign-in.
    let mut same = stand.peer().await;
    assert_eq!(same.ask(login(1, ALICE, &password)).await, "OK\t1\tuser=alice@example.org");
    assert_eq!(stand.upstream.said("CANCEL").len(), 2);
    assert_eq!(stand.log.last().result, "accepted password+session");
}

#[tokio::test(start_paused = true)]
async fn another_name_that_comes_back_is_judged_as_well() {
    let stand = Stand::new(Kind::LoginUpstream).await;
    let mut peer = stand.peer().await;
    // Bob's password is good, and Dovecot says that Bob is Alice.
    stand.upstream.answer("OK\t#\tuser=ALICE@example.org\n");
    assert_eq!(peer.ask(login(1, BOB, BOB_PASSWORD)).await, "FAIL\t1\tuser=bob@example.org");
    assert_eq!(stand.log.last().result, "refused other_mailbox_protected");
    assert_eq!(stand.upstream.said("CANCEL"), ["CANCEL\t1"]);
    // A name that is no mailbox is nobody's.
    stand.upstream.answer("OK\t#\tuser=a b\n");
    assert_eq!(peer.ask(login(2, BOB, BOB_PASSWORD)).await, "FAIL\t2\tuser=bob@example.org");
    assert_eq!(stand.log.last().result, "refused bad_name");
    assert_eq!(stand.upstream.said("CANCEL").len(), 2);
    // An alias of somebody without a second factor is let in under the name that Dovecot gave.
    stand.upstream.answer("OK\t#\tuser=carol@example.org\n");
    assert_eq!(peer.ask(login(3, BOB, BOB_PASSWORD)).await, "OK\t3\tuser=carol@example.org");
    // Without a name nobody knows what would open.
    stand.upstream.answer("OK\t#\n");
    let answer = peer.ask(login(4, BOB, BOB_PASSWORD)).await;
    assert_eq!(answer, "FAIL\t4\tuser=bob@example.org\ttemp\tcode=temp_fail");
    stand.upstream.wait("CANCEL", 3).await;
}

#[tokio::test(start_paused = true)]
async fn a_master_user_whom_only_dovecot_knows_is_judged() {
    for kind in [Kind::LoginUpstream, Kind::ClientUpstream] {
        let stand = Stand::new(kind).await;
        let mut peer = stand.peer().await;
        // Dovecot has a separator that is not configured here. Alice has a second factor.
        stand.upstream.answer("OK\t#\tuser=bob@example.org\tauth_user=Alice@example.org\n");
        let typed = "bob@example.org*alice@example.org";
        let answer = peer.ask(login(1, typed, ALICE_PASSWORD)).await;
        assert_eq!(answer, format!("FAIL\t1\tuser={typed}"));
        assert_eq!(stand.log.last().result, "refused other_mailbox_protected");
        stand.upstream.answer("OK\t#\tuser=bob@example.org\tauth_user=root@example.org\n");
        let answer = peer.ask(login(2, typed, "root's")).await;
        assert_eq!(answer, "OK\t2\tuser=bob@example.org\tauth_user=root@example.org");
    }
}

#[tokio::test(start_paused = true)]
async fn what_comes_from_below_cannot_vouch() {
    let stand = Stand::new(Kind::LoginUpstream).await;
    let mut peer = stand.peer().await;
    let response = plain(BOB, BOB_PASSWORD);
    let head = "AUTH\t1\tPLAIN\tservice=imap";
    let line = format!(
        "{head}\tforward_fields=vouch=guess\u{1}tx=1\tforward_fields=vouch\tresp={response}\n"
    );
    assert_eq!(peer.ask(line).await, "OK\t1\tuser=bob@example.org");
    let asked = stand.upstream.said("AUTH");
    assert!(!asked[0].contains("vouch"), "{asked:?}");
    assert!(asked[0].contains("\tforward_fields=x=1\t"), "{asked:?}");
    // EXTERNAL is not spoken here, whatever it comes with.
    let line = "AUTH\t2\tEXTERNAL\tservice=imap\tvalid-client-cert\
        \tcert_username=alice@example.org\tforward_fields=vouch=guess\tresp=\n";
    assert_eq!(peer.ask(line).await, "FAIL\t2\tuser=");
    assert_eq!(stand.upstream.said("AUTH").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_login_process_that_goes_away_is_withdrawn_upstream() {
    let stand = Stand::new(Kind::LoginUpstream).await;
    stand.upstream.silent();
    let mut peer = stand.peer().await;
    peer.send(login(8, BOB, BOB_PASSWORD)).await;
    stand.upstream.wait("AUTH", 1).await;
    drop(peer);
    assert_eq!(stand.upstream.wait("CANCEL", 1).await, ["CANCEL\t8"]);
    stand.upstream.wait_open(0).await;
    assert!(stand.log.results().is_empty(), "nothing was decided");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_login_is_withdrawn_upstream_and_a_late_ok_reaches_nobody() {
    let stand = Stand::new(Kind::LoginUpstream).await;
    stand.upstream.script(|line| match line.verb() {
        "CANCEL" => vec![Act::Say(format!("OK\t{}\tuser=bob@example.org\n", line.id()))],
        _ => vec![],
    });
    let mut peer = stand.peer().await;
    peer.send(login(1, BOB, BOB_PASSWORD)).await;
    stand.upstream.wait("AUTH", 1).await;
    peer.send("CANCEL\t1\n").await;
    stand.upstream.wait("CANCEL", 1).await;
    peer.expect_quiet().await;
    stand.upstream.script(passwords);
    assert_eq!(peer.ask(login(2, BOB, BOB_PASSWORD)).await, "OK\t2\tuser=bob@example.org");
    // Its number is free again, since the late answer came.
    assert_eq!(peer.ask(login(1, BOB, BOB_PASSWORD)).await, "OK\t1\tuser=bob@example.org");
    peer.expect_quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_number_that_dovecot_may_still_answer_is_no_verdict() {
    let stand = Stand::new(Kind::LoginUpstream).await;
    stand.upstream.silent();
    let mut peer = stand.peer().await;
    peer.send(login(1, BOB, "wrong")).await;
    stand.upstream.wait("AUTH", 1).await;
    peer.send("CANCEL\t1\n").await;
    stand.upstream.wait("CANCEL", 1).await;
    let answer = peer.ask(login(1, BOB, BOB_PASSWORD)).await;
    assert_eq!(answer, "FAIL\t1\tuser=bob@example.org\ttemp\tcode=temp_fail");
    assert_eq!(stand.upstream.said("AUTH").len(), 1);
}
