//! Mechanisms that the upstream decides, through both doors: what goes up and down, what is withdrawn, and
//! what becomes of an exchange that is left.

use std::time::Duration;

use mail2fa::{
    base::{
        RelayedMechanism,
        limits::{LINE_BYTES, RELAYED_EXCHANGES, RELAYED_RESPONSE_SECONDS, RELAYED_ROUNDS},
    },
    decision::{mechanisms::Mechanisms, record::MailboxRecord, throttle::ThrottlePolicy},
};

use crate::{
    auth, login,
    support::{
        ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, NOW, b64,
        peer::{HELLO, Peer},
        stand::{DELAY, Kind, Options, Stand, put},
        upstream::{Act, Line, passwords},
        watched::traced,
    },
};

const KINDS: [Kind; 2] = [Kind::LoginUpstream, Kind::ClientUpstream];

/// A Dovecot that knows more than the administrator lists.
const GREETING: &str = "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tXOAUTH2\tactive\tfuture\n\
    MECH\tLOGIN\tplaintext\nMECH\tOAUTHBEARER\nMECH\tCRAM-MD5\tdictionary\tactive\n\
    MECH\tSCRAM-SHA-256\tmutual-auth\nMECH\tDIGEST-MD5\tdictionary\nMECH\tAPOP\tprivate\n\
    MECH\tANONYMOUS\tanonymous\nMECH\tEXTERNAL\nMECH\tDOVECOT-TOKEN\tprivate\n\
    SPID\t4242\nCUID\t77\nCOOKIE\t00112233445566778899aabbccddeeff\nDONE\n";

const TOKEN: &str = "n,a=bob@example.org,\u{1}auth=Bearer s3cr3t-t0k3n\u{1}\u{1}";

/// What Dovecot says to a token that it does not take.
const ERROR: &str = r#"{"status":"invalid_token"}"#;

fn options(elsewhere: &[RelayedMechanism]) -> Options {
    let listed = vec![RelayedMechanism::OAuthBearer, RelayedMechanism::GssApi];
    let mechanisms = Mechanisms::new(listed, elsewhere.into()).unwrap();
    Options { mechanisms, ..Options::default() }
}

/// A stand whose upstream offers all that Dovecot has, and takes any token as this user's.
async fn stand(kind: Kind, elsewhere: &[RelayedMechanism], fields: &'static str) -> Stand {
    let stand = Stand::with(kind, options(elsewhere)).await;
    stand.upstream.greet(GREETING.replace("MECH\tAPOP\tprivate", "MECH\tGSSAPI\tmutual-auth"));
    stand.upstream.script(move |line| match (line.verb(), line.words.get(2).map(String::as_str)) {
        ("AUTH", Some("PLAIN")) => passwords(line),
        ("AUTH", _) => vec![Act::Say(format!("OK\t{}\t{fields}\n", line.id()))],
        _ => vec![],
    });
    stand
}

/// Asks for a first response, then twice more, then says OK: a Kerberos exchange.
fn kerberos(line: &Line) -> Vec<Act> {
    let id = line.id();
    let say = |challenge: &str| vec![Act::Say(format!("CONT\t{id}\t{challenge}\n"))];
    let decoded = |word: &str| {
        use base64::{Engine, engine::general_purpose::STANDARD};
        STANDARD.decode(word).unwrap()
    };
    match line.verb() {
        "AUTH" if line.words[2] == "PLAIN" => passwords(line),
        "AUTH" => say(""),
        "CONT" => match &*decoded(&line.words[2]) {
            b"ticket" => say(&b64("server token")),
            b"" => say(&b64([0, 0xff, b'\n', b'\t'])),
            b"layers" => vec![Act::Say(format!("OK\t{id}\tuser=bob@example.org\tresp=bGFzdA==\n"))],
            other => panic!("{other:?}"),
        },
        _ => vec![],
    }
}

fn mechs(greeting: &[String]) -> Vec<&str> {
    greeting.iter().filter_map(|line| line.strip_prefix("MECH\t")).collect()
}

#[tokio::test(start_paused = true)]
async fn only_what_is_listed_and_really_there_is_offered() {
    for (kind, expected) in [
        // In the upstream's order, with its parameters.
        (Kind::LoginUpstream, ["PLAIN\tplaintext", "LOGIN\tplaintext", "OAUTHBEARER"]),
        (Kind::ClientUpstream, ["PLAIN\tplaintext", "LOGIN\tplaintext", "OAUTHBEARER"]),
    ] {
        let stand = Stand::with(kind, options(&[])).await;
        stand.upstream.greet(GREETING);
        for _ in 0..2 {
            let mut peer = stand.connect().await;
            peer.send(HELLO).await;
            assert_eq!(mechs(&peer.greeting().await), expected, "{kind:?}");
            for (id, name) in (1..).zip([
                "XOAUTH2",
                "GSSAPI",
                "CRAM-MD5",
                "SCRAM-SHA-256",
                "APOP",
                "DIGEST-MD5",
                "ANONYMOUS",
                "EXTERNAL",
                "DOVECOT-TOKEN",
            ]) {
                let answer = peer.ask(auth(id, name, Some(""))).await;
                assert_eq!(answer, format!("FAIL\t{id}\tuser="), "{kind:?} {name}");
            }
        }
        assert!(stand.upstream.said("AUTH").is_empty());
        // The mechanism's own words are kept.
        stand.upstream.greet(GREETING.replace("OAUTHBEARER", "OAUTHBEARER\tactive\tfuture"));
        if kind == Kind::LoginUpstream {
            let mut peer = stand.connect().await;
            peer.send(HELLO).await;
            assert!(mechs(&peer.greeting().await).contains(&"OAUTHBEARER\tactive\tfuture"));
        }
    }
    // Nothing listed, nothing offered.
    for kind in KINDS {
        let stand = Stand::new(kind).await;
        stand.upstream.greet(GREETING);
        let mut peer = stand.connect().await;
        peer.send(HELLO).await;
        let offered = peer.greeting().await;
        assert_eq!(mechs(&offered), ["PLAIN\tplaintext", "LOGIN\tplaintext"], "{kind:?}");
        assert_eq!(peer.ask(auth(1, "OAUTHBEARER", Some("AA=="))).await, "FAIL\t1\tuser=");
        assert!(stand.upstream.said("AUTH").is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_door_without_its_upstream_offers_what_needs_no_asking() {
    let mut stand = Stand::with(Kind::ClientUpstream, options(&[])).await;
    stand.upstream.greet(GREETING);
    stand.upstream.stop().await;
    let mut peer = stand.connect().await;
    peer.send(HELLO).await;
    assert_eq!(mechs(&peer.greeting().await), ["PLAIN\tplaintext", "LOGIN\tplaintext"]);
    stand.upstream.start_again();
    let mut peer = stand.connect().await;
    peer.send(HELLO).await;
    assert!(mechs(&peer.greeting().await).contains(&"OAUTHBEARER"));
    // Remembered: it is not asked before each greeting.
    stand.upstream.stop().await;
    let mut peer = stand.connect().await;
    peer.send(HELLO).await;
    assert!(mechs(&peer.greeting().await).contains(&"OAUTHBEARER"));
    let answer = peer.ask(auth(1, "OAUTHBEARER", Some(&b64(TOKEN)))).await;
    assert_eq!(answer, "FAIL\t1\tuser=\ttemp\tcode=temp_fail");
}

#[tokio::test(start_paused = true)]
async fn a_token_goes_up_as_it_came_and_its_owner_is_in() {
    for kind in KINDS {
        let stand = stand(kind, &[], "user=bob@example.org\tuserdb_quota=1G\tx=1").await;
        let mut peer = stand.peer().await;
        let parameters = "service=imap\tsecured=tls\tsession=s1\trip=192.0.2.7\tfinal-resp-ok\
            \tforward_fields=one=1\u{1}tvouch=guess\tunknown=1=2";
        let token = b64(TOKEN);
        let line = format!("AUTH\t5\toauthbearer\t{parameters}\tresp={token}\n");
        let answer = peer.ask(line).await;
        assert_eq!(answer, "OK\t5\tuser=bob@example.org\tuserdb_quota=1G\tx=1", "{kind:?}");
        let asked = stand.upstream.said("AUTH").pop().unwrap();
        let id = if kind == Kind::LoginUpstream { 5 } else { 1 };
        let parameters = parameters.replace("\u{1}tvouch=guess", "");
        let expected = format!("AUTH\t{id}\tOAUTHBEARER\t{parameters}\tresp={token}");
        assert_eq!(asked, expected, "{kind:?}");
        peer.expect_quiet().await;
        assert!(stand.upstream.said("CANCEL").is_empty());
        let event = stand.log.last();
        assert_eq!((&*event.result, &*event.mailbox), ("accepted mechanism", BOB));
        assert_eq!(event.mechanism, "OAUTHBEARER");
        let log = traced();
        assert!(!log.contains("s3cr3t-t0k3n") && !log.contains(&token[20..40]), "{log}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_exchange_of_several_rounds() {
    for kind in KINDS {
        let stand = stand(kind, &[], "").await;
        stand.upstream.script(kerberos);
        let mut peer = stand.peer().await;
        // Without an initial response, which is not the same as with an empty one.
        assert_eq!(peer.ask(auth(9, "GSSAPI", None)).await, "CONT\t9\t");
        assert!(!stand.upstream.said("AUTH")[0].contains("resp="));
        let answer = peer.ask(format!("CONT\t9\t{}\n", b64("ticket"))).await;
        assert_eq!(answer, format!("CONT\t9\t{}", b64("server token")));
        // Another login in between has its own answer.
        assert_eq!(peer.ask(login(10, BOB, BOB_PASSWORD)).await, "OK\t10\tuser=bob@example.org");
        assert_eq!(
            peer.ask("CONT\t9\t\n").await,
            format!("CONT\t9\t{}", b64([0, 0xff, b'\n', b'\t']))
        );
        let answer = peer.ask(format!("CONT\t9\t{}\n", b64("layers"))).await;
        assert_eq!(answer, "OK\t9\tuser=bob@example.org\tresp=bGFzdA==", "{kind:?}");
        assert!(stand.upstream.said("CANCEL").is_empty());
        assert_eq!(stand.log.results(), ["accepted password", "accepted mechanism"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_protected_mailbox_is_withdrawn_upstream_and_refused_like_any_other() {
    for kind in KINDS {
        let stand = stand(kind, &[], "user=alice@example.org\tproxy\thost=192.0.2.9").await;
        let mut peer = stand.peer().await;
        let start = tokio::time::Instant::now();
        let answer = peer.ask(auth(3, "OAUTHBEARER", Some(&b64(TOKEN)))).await;
        assert_eq!(answer, "FAIL\t3\tuser=", "{kind:?}");
        assert_eq!(start.elapsed(), DELAY, "at the moment of all refusals");
        // It was there before the refusal left, and so it was withdrawn before.
        let id = if kind == Kind::LoginUpstream { 3 } else { 1 };
        assert_eq!(stand.upstream.said("CANCEL"), [format!("CANCEL\t{id}")]);
        let event = stand.log.last();
        assert_eq!(event.result, "refused mechanism_without_factor");
        assert_eq!((&*event.mailbox, &*event.mechanism), (ALICE, "OAUTHBEARER"));
        // The same bytes and the same moment as for a token that is worth nothing.
        stand.upstream.answer("FAIL\t#\tuser=bob@example.org\treason=expired\n");
        let start = tokio::time::Instant::now();
        assert_eq!(peer.ask(auth(4, "OAUTHBEARER", Some(&b64(TOKEN)))).await, "FAIL\t4\tuser=");
        assert_eq!(start.elapsed(), DELAY);
        assert_eq!(stand.log.last().result, "refused wrong_password");
    }
}

#[tokio::test(start_paused = true)]
async fn names_in_the_ok_are_judged_and_none_is_no_verdict() {
    for (fields, result, target) in [
        ("user=Alice@Example.ORG", "refused mechanism_without_factor", None),
        (
            "user=bob@example.org\tauth_user=alice@example.org",
            "refused mechanism_without_factor",
            Some(BOB),
        ),
        (
            "user=alice@example.org\tauth_user=bob@example.org",
            "refused master_without_factor",
            Some(ALICE),
        ),
        ("user=carol@example.org", "refused locked", None),
        ("user=bo b", "refused bad_name", None),
        ("proxy", "unavailable", None),
    ] {
        for kind in KINDS {
            let stand = stand(kind, &[], fields).await;
            let locked = MailboxRecord { locked: Some(NOW), ..MailboxRecord::new(NOW) };
            put(&stand.store, "carol@example.org", locked).await;
            let mut peer = stand.peer().await;
            let answer = peer.ask(auth(1, "OAUTHBEARER", Some(&b64(TOKEN)))).await;
            let unavailable = "FAIL\t1\tuser=\ttemp\tcode=temp_fail";
            let expected = if result == "unavailable" { unavailable } else { "FAIL\t1\tuser=" };
            assert_eq!(answer, expected, "{kind:?} {fields}");
            assert_eq!(stand.upstream.wait("CANCEL", 1).await.len(), 1);
            assert_eq!(stand.log.last().result, result, "{fields}");
            assert_eq!(stand.log.last().target.as_deref(), target, "{fields}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_factor_that_is_asked_elsewhere_lets_a_protected_mailbox_in() {
    for kind in KINDS {
        let stand = stand(kind, &[RelayedMechanism::GssApi], "user=alice@example.org").await;
        let mut peer = stand.peer().await;
        let answer = peer.ask(auth(1, "GSSAPI", Some("AA=="))).await;
        assert_eq!(answer, "OK\t1\tuser=alice@example.org");
        // Said of one mechanism, it holds for no other, and a password still needs its code.
        assert_eq!(peer.ask(auth(2, "OAUTHBEARER", Some("AA=="))).await, "FAIL\t2\tuser=");
        let answer = peer.ask(login(3, ALICE, ALICE_PASSWORD)).await;
        assert_eq!(answer, "FAIL\t3\tuser=alice@example.org");
        assert_eq!(
            stand.log.results(),
            [
                "accepted mechanism+factor_elsewhere",
                "refused mechanism_without_factor",
                "refused missing_code",
            ]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_has_its_error_and_then_its_refusal() {
    for kind in KINDS {
        let stand = stand(kind, &[], "").await;
        stand.upstream.script(|line| match line.verb() {
            "AUTH" => vec![Act::Say(format!("CONT\t{}\t{}\n", line.id(), b64(ERROR)))],
            "CONT" => vec![Act::Say(format!("FAIL\t{}\tuser=bob@example.org\n", line.id()))],
            _ => vec![],
        });
        let mut peer = stand.peer().await;
        for (id, response) in [(1, "AQ=="), (2, "")] {
            let asked = peer.ask(auth(id, "OAUTHBEARER", Some(&b64(TOKEN)))).await;
            assert_eq!(asked, format!("CONT\t{id}\t{}", b64(ERROR)));
            let answer = peer.ask(format!("CONT\t{id}\t{response}\n")).await;
            assert_eq!(answer, format!("FAIL\t{id}\tuser="), "{kind:?}");
        }
        assert!(stand.upstream.said("CANCEL").is_empty());
        assert_eq!(stand.log.results(), ["refused wrong_password", "refused wrong_password"]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_mail_client_breaks_ends_its_exchange_only() {
    for kind in KINDS {
        let stand = stand(kind, &[], "").await;
        stand.upstream.script(|line| match line.verb() {
            "AUTH" if line.words[2] == "PLAIN" => passwords(line),
            "AUTH" | "CONT" => vec![Act::Say(format!("CONT\t{}\t\n", line.id()))],
            _ => vec![],
        });
        let mut peer = stand.peer().await;
        for (id, response) in [(1, "*"), (2, "#"), (3, "AA")] {
            assert_eq!(peer.ask(auth(id, "GSSAPI", None)).await, format!("CONT\t{id}\t"));
            let answer = peer.ask(format!("CONT\t{id}\t{response}\n")).await;
            assert_eq!(answer, format!("FAIL\t{id}\tuser="), "{kind:?} {response}");
        }
        // An exchange that does not end is ended.
        assert_eq!(peer.ask(auth(4, "GSSAPI", None)).await, "CONT\t4\t");
        for _ in 0..RELAYED_ROUNDS {
            assert_eq!(peer.ask("CONT\t4\tAA==\n").await, "CONT\t4\t");
        }
        assert_eq!(peer.ask("CONT\t4\tAA==\n").await, "FAIL\t4\tuser=");
        assert_eq!(stand.upstream.wait("CANCEL", 4).await.len(), 4);
        assert_eq!(stand.log.results(), ["refused malformed"; 4]);
        assert_eq!(stand.log.last().mechanism, "GSSAPI");
        assert_eq!(peer.ask(login(5, BOB, BOB_PASSWORD)).await, "OK\t5\tuser=bob@example.org");
    }
}

#[tokio::test(start_paused = true)]
async fn cont_of_an_unknown_or_a_finished_exchange() {
    for kind in KINDS {
        let stand = stand(kind, &[], "user=bob@example.org").await;
        let mut peer = stand.peer().await;
        peer.expect_quiet().await;
        assert_eq!(peer.ask(auth(1, "GSSAPI", Some(""))).await, "OK\t1\tuser=bob@example.org");
        assert_eq!(peer.ask("CONT\t1\tAA==\n").await, "FAIL\t1\tcode=temp_fail");
        assert!(stand.upstream.said("CONT").is_empty());
        // One that nobody asked for, while the upstream decides, takes the login with it.
        stand.upstream.silent();
        peer.send(auth(2, "GSSAPI", Some(""))).await;
        stand.upstream.wait("AUTH", 2).await;
        assert_eq!(peer.ask("CONT\t2\tAA==\n").await, "FAIL\t2\tcode=temp_fail");
        assert_eq!(stand.upstream.wait("CANCEL", 1).await.len(), 1);
        assert!(stand.upstream.said("CONT").is_empty());
        peer.expect_quiet().await;
    }
}

#[tokio::test(start_paused = true)]
async fn cancelled_or_left_in_the_middle_it_is_withdrawn() {
    for kind in KINDS {
        let stand = stand(kind, &[], "").await;
        stand.upstream.script(kerberos);
        let mut peer = stand.peer().await;
        assert_eq!(peer.ask(auth(1, "GSSAPI", None)).await, "CONT\t1\t");
        peer.send("CANCEL\t1\n").await;
        stand.upstream.wait("CANCEL", 1).await;
        // The number is free, and the old exchange has no part in the new one.
        let id = if kind == Kind::LoginUpstream { 7 } else { 1 };
        assert_eq!(peer.ask(auth(id, "GSSAPI", None)).await, format!("CONT\t{id}\t"));
        let answer = peer.ask(format!("CONT\t{id}\t{}\n", b64("layers"))).await;
        assert_eq!(answer, format!("OK\t{id}\tuser=bob@example.org\tresp=bGFzdA=="));
        // Hung up.
        let mut other = stand.peer().await;
        assert_eq!(other.ask(auth(1, "GSSAPI", None)).await, "CONT\t1\t");
        drop(other);
        if kind == Kind::ClientUpstream {
            // The pool's connection goes on.
            stand.upstream.wait("CANCEL", 2).await;
        } else {
            stand.upstream.wait_open(1).await;
        }
        peer.expect_quiet().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_upstream_goes_away_in_the_middle() {
    let mut stand = stand(Kind::ClientUpstream, &[], "").await;
    stand.upstream.script(kerberos);
    let mut peer = stand.peer().await;
    assert_eq!(peer.ask(auth(1, "GSSAPI", None)).await, "CONT\t1\t");
    stand.upstream.stop().await;
    assert_eq!(peer.line().await.unwrap(), "FAIL\t1\tuser=\ttemp\tcode=temp_fail");
    assert_eq!(stand.log.last().result, "unavailable");
    // What the mail client then says comes too late.
    assert_eq!(peer.ask("CONT\t1\tAA==\n").await, "FAIL\t1\tcode=temp_fail");
    stand.upstream.start_again();
    assert_eq!(peer.ask(auth(2, "GSSAPI", None)).await, "CONT\t2\t");
    // A login process connects anew.
    let mut stand = self::stand(Kind::LoginUpstream, &[], "").await;
    stand.upstream.script(kerberos);
    let mut peer = stand.peer().await;
    assert_eq!(peer.ask(auth(1, "GSSAPI", None)).await, "CONT\t1\t");
    stand.upstream.stop().await;
    peer.rest().await;
}

#[tokio::test(start_paused = true)]
async fn an_upstream_out_of_turn_is_no_verdict() {
    for kind in KINDS {
        for said in ["CONT\t#\t\nOK\t#\tuser=bob@example.org\n", "CONT\t#\t\nCONT\t#\t\n"] {
            let stand = stand(kind, &[], "").await;
            stand.upstream.answer(said);
            let mut peer = stand.peer().await;
            assert_eq!(peer.ask(auth(1, "GSSAPI", None)).await, "CONT\t1\t");
            let answer = peer.line().await.unwrap();
            assert_eq!(answer, "FAIL\t1\tuser=\ttemp\tcode=temp_fail", "{kind:?} {said}");
            assert_eq!(stand.upstream.wait("CANCEL", 1).await.len(), 1);
        }
        // It may lose its patience.
        let stand = stand(kind, &[], "").await;
        stand.upstream.answer("CONT\t#\t\nFAIL\t#\n");
        let mut peer = stand.peer().await;
        assert_eq!(peer.ask(auth(1, "GSSAPI", None)).await, "CONT\t1\t");
        assert_eq!(peer.line().await.unwrap(), "FAIL\t1\tuser=");
        assert!(stand.upstream.said("CANCEL").is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn silence_has_an_end() {
    let patience = Duration::from_secs(RELAYED_RESPONSE_SECONDS);
    for kind in KINDS {
        let stand = stand(kind, &[], "").await;
        // Of the upstream.
        stand.upstream.silent();
        let mut peer = stand.peer().await;
        let answer = peer.ask(auth(1, "GSSAPI", None)).await;
        assert_eq!(answer, "FAIL\t1\tuser=\ttemp\tcode=temp_fail", "{kind:?}");
        // Of the mail client.
        stand.upstream.answer("CONT\t#\t\n");
        assert_eq!(peer.ask(auth(2, "GSSAPI", None)).await, "CONT\t2\t");
        let start = tokio::time::Instant::now();
        assert_eq!(peer.line().await.unwrap(), "FAIL\t2\tuser=\ttemp\tcode=temp_fail");
        assert_eq!(start.elapsed().as_secs(), patience.as_secs());
        assert_eq!(stand.upstream.wait("CANCEL", 2).await.len(), 2);
        assert_eq!(stand.log.results(), ["unavailable", "unavailable"]);
    }
}

#[tokio::test(start_paused = true)]
async fn silent_exchanges_leave_room_for_passwords() {
    for kind in KINDS {
        let stand = stand(kind, &[], "").await;
        stand.upstream.script(kerberos);
        let mut peer = stand.peer().await;
        let most = u32::try_from(RELAYED_EXCHANGES).unwrap();
        for id in 1..=most {
            assert_eq!(peer.ask(auth(id, "GSSAPI", None)).await, format!("CONT\t{id}\t"));
        }
        let answer = peer.ask(auth(1_000, "GSSAPI", None)).await;
        assert_eq!(answer, "FAIL\t1000\tuser=\ttemp\tcode=temp_fail", "{kind:?}");
        let answer = peer.ask(login(1_001, BOB, BOB_PASSWORD)).await;
        assert_eq!(answer, "OK\t1001\tuser=bob@example.org");
        peer.send("CANCEL\t1\n").await;
        stand.upstream.wait("CANCEL", 1).await;
        assert_eq!(peer.ask(auth(1_002, "GSSAPI", None)).await, "CONT\t1002\t");
    }
}

#[tokio::test(start_paused = true)]
async fn where_passwords_are_our_own_failures_are_ours_and_a_mailbox_must_exist() {
    let throttle = Some(ThrottlePolicy::default());
    let stand = Stand::with(Kind::LoginStored, Options { throttle, ..options(&[]) }).await;
    stand.upstream.greet(GREETING);
    stand.upstream.answer("OK\t#\tuser=bob@example.org\n");
    let mut peer = stand.peer().await;
    let answer = peer.ask(auth(1, "OAUTHBEARER", Some("AA=="))).await;
    assert_eq!(answer, "OK\t1\tuser=bob@example.org");
    // It is the token that Dovecot judges: nobody vouches.
    let asked = &stand.upstream.said("AUTH")[0];
    assert!(asked.contains("\tOAUTHBEARER\t") && asked.contains("\tno-penalty\t"), "{asked}");
    stand.upstream.answer("OK\t#\tuser=nobody@example.org\n");
    assert_eq!(peer.ask(auth(2, "OAUTHBEARER", Some("AA=="))).await, "FAIL\t2\tuser=");
    stand.upstream.wait("CANCEL", 1).await;
    stand.upstream.answer("FAIL\t#\n");
    for id in 3..200 {
        assert_eq!(
            peer.ask(auth(id, "OAUTHBEARER", Some("AA=="))).await,
            format!("FAIL\t{id}\tuser=")
        );
    }
    assert_eq!(stand.log.last().result, "refused throttled");
    assert!(stand.upstream.said("AUTH").len() < 199);
    // A client door has nobody to ask.
    let stand = Stand::with(Kind::ClientStored, options(&[])).await;
    stand.upstream.greet(GREETING);
    let mut peer = stand.connect().await;
    peer.send(HELLO).await;
    assert_eq!(mechs(&peer.greeting().await), ["PLAIN\tplaintext", "LOGIN\tplaintext"]);
    assert_eq!(peer.ask(auth(1, "OAUTHBEARER", Some("AA=="))).await, "FAIL\t1\tuser=");
}

#[tokio::test(start_paused = true)]
async fn a_daemon_that_stops_does_not_wait_for_a_mail_client() {
    for kind in KINDS {
        let stand = stand(kind, &[], "").await;
        stand.upstream.script(kerberos);
        let mut peer = stand.peer().await;
        assert_eq!(peer.ask(auth(1, "GSSAPI", None)).await, "CONT\t1\t");
        stand.stopping.cancel();
        assert_eq!(peer.line().await.unwrap(), "FAIL\t1\tuser=\ttemp\tcode=temp_fail");
        // At once, and not because its patience ended.
        assert_eq!(stand.log.last().why, "the exchange was left unfinished");
        peer.expect_closed().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_ticket_may_fill_a_line_and_no_more() {
    for kind in KINDS {
        let stand = stand(kind, &[], "user=bob@example.org").await;
        let mut peer = stand.peer().await;
        let room = LINE_BYTES - auth(1, "GSSAPI", Some("")).len();
        let ticket = b64(vec![b'x'; room / 4 * 3]);
        let answer = peer.ask(auth(1, "GSSAPI", Some(&ticket))).await;
        assert_eq!(answer, "OK\t1\tuser=bob@example.org");
        assert!(stand.upstream.said("AUTH")[0].ends_with(&ticket));
        peer.try_send(auth(2, "GSSAPI", Some(&b64(vec![b'x'; LINE_BYTES])))).await;
        peer.expect_closed().await;
    }
}

#[tokio::test(start_paused = true)]
async fn many_exchanges_at_once_are_kept_apart() {
    for kind in KINDS {
        let stand = stand(kind, &[], "").await;
        stand.upstream.script(|line| match line.verb() {
            "AUTH" => vec![Act::Say(format!("CONT\t{}\t\n", line.id()))],
            "CONT" => {
                let user = line.words[2].trim_end_matches('=').to_owned();
                vec![Act::Say(format!("OK\t{}\tuser={user}\n", line.id()))]
            }
            _ => vec![],
        });
        let mut peer: Peer = stand.peer().await;
        for id in 1..=50 {
            assert_eq!(peer.ask(auth(id, "GSSAPI", None)).await, format!("CONT\t{id}\t"));
        }
        for id in (1..=50).rev() {
            let response = b64(format!("user-{id:05}"));
            let answer = peer.ask(format!("CONT\t{id}\t{response}\n")).await;
            let user = response.trim_end_matches('=');
            assert_eq!(answer, format!("OK\t{id}\tuser={user}"), "{kind:?}");
        }
    }
}
