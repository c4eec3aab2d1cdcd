//! Webmail tokens through whole doors.

use mail2fa::{
    base::{NetAddress, Service},
    decision::{
        panel::Standing,
        place::{Network, Use},
        record::MailboxRecord,
        webmail::{
            Grant, MintedOn, SECRET_CHARACTERS, TypedWebmailToken, WebmailRule, WebmailRules,
        },
    },
    ports::store::Store,
};

use crate::{
    elsewhere, login,
    signins::change,
    support::{
        ALICE, BOB, NOW, VOUCH_SECRET,
        stand::{Kind, Options, Stand, mailbox, put},
        upstream::{believes, passwords},
    },
};

const KINDS: [Kind; 4] =
    [Kind::ClientUpstream, Kind::ClientStored, Kind::LoginUpstream, Kind::LoginStored];

fn rule() -> WebmailRule {
    WebmailRule {
        token: None,
        services: vec![Service::Imap, Service::Smtp],
        networks: vec![Network::parse("192.0.2.7").unwrap()],
        from_browser: false,
        idle_seconds: 3_600,
        absolute_seconds: 43_200,
    }
}

pub fn options() -> Options {
    Options {
        webmail: WebmailRules::from([("roundcube".to_owned(), rule())]),
        ..Options::default()
    }
}

/// Puts a token into a record, as the exchange does.
pub fn mint(stand: &Stand, name: &str, minted_on: MintedOn, record: &mut MailboxRecord) -> String {
    let key = stand.store.credential_key();
    let typed = TypedWebmailToken::generate(record.next_session(), &[9; SECRET_CHARACTERS]);
    let standing = Standing::of(&key, &mailbox(name), Some(record));
    let grant = Grant { webmail: "roundcube".into(), standing, minted_on };
    let from = NetAddress::parse("198.51.100.9");
    let opened = Use { at: NOW, from, service: Service::Webmail };
    let digest = typed.digest(&mailbox(name), &key);
    record.sessions.push(rule().open(digest, opened, typed.id, grant));
    typed.shown().expose().to_owned()
}

async fn alices(stand: &Stand) -> String {
    let mut token = String::new();
    change(stand, ALICE, |record| {
        token = mint(stand, ALICE, MintedOn::PasswordAndCode, record);
    })
    .await;
    token
}

#[tokio::test(start_paused = true)]
async fn a_day_of_clicks_with_dovecots_consent_and_no_password() {
    for kind in KINDS {
        let stand = Stand::with(kind, options()).await;
        let token = alices(&stand).await;
        stand.upstream.script(believes);
        let mut peer = stand.peer().await;
        for click in 0..48 {
            let answer = peer.ask(login(click + 1, ALICE, &token)).await;
            assert!(answer.starts_with("OK\t"), "{kind:?} {click}: {answer}");
            stand.clock.forward(900);
        }
        assert_eq!(peer.ask(login(99, ALICE, &token)).await, "FAIL\t99\tuser=alice@example.org");
        let results = stand.log.results();
        assert!(results[..48].iter().all(|result| result == "accepted webmail_token"));
        assert_eq!(results[48], "refused webmail_token_ended");
        let asked = stand.upstream.said("AUTH");
        if matches!(kind, Kind::LoginUpstream | Kind::LoginStored) {
            let said = format!(
                "AUTH\t1\tEXTERNAL\tservice=imap\tsession=s1\trip=192.0.2.7\
                 \tforward_fields=vouch={VOUCH_SECRET}\tvalid-client-cert\tcert_username={ALICE}\
                 \tresp="
            );
            assert_eq!(asked[0], said);
            assert_eq!(asked.len(), 48, "the refused one was not sent up");
        } else {
            assert!(asked.is_empty());
        }
        assert_eq!(stand.burned().await, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn from_its_webmail_only_and_for_its_services() {
    for kind in [Kind::LoginUpstream, Kind::ClientStored] {
        let stand = Stand::with(kind, options()).await;
        let token = alices(&stand).await;
        stand.upstream.script(believes);
        let mut peer = stand.peer().await;
        let here = login(1, ALICE, &token);
        let forwarded = |from: &str, via: &str| {
            here.replace("\trip=192.0.2.7", &format!("\trip={from}\treal_rip={via}"))
        };
        for (line, expected) in [
            (here.clone(), "accepted webmail_token"),
            (here.replace("service=imap", "service=submission"), "accepted webmail_token"),
            (here.replace("service=imap", "protocol=imap"), "accepted webmail_token"),
            (here.replace("service=imap", "service=pop3"), "refused webmail_token_out_of_scope"),
            (here.replace("service=imap", "service=webmail"), "refused webmail_token_out_of_scope"),
            (elsewhere(&here), "refused webmail_token_out_of_scope"),
            (here.replace("\trip=192.0.2.7", ""), "refused webmail_token_out_of_scope"),
            // Its browser is passed on; a proxy passes it on; somebody else passes somebody on.
            (forwarded("198.51.100.9", "192.0.2.7"), "accepted webmail_token"),
            (forwarded("192.0.2.7", "203.0.113.1"), "accepted webmail_token"),
            (forwarded("198.51.100.9", "203.0.113.1"), "refused webmail_token_out_of_scope"),
            (login(1, BOB, &token), "refused webmail_token_wrong"),
            (login(1, "alice@example.org*bob", &token), "refused webmail_token_wrong"),
        ] {
            let _ = peer.ask(line.clone()).await;
            assert_eq!(stand.log.last().result, expected, "{kind:?} {line}");
        }
        // One that is none is not even tried as a password.
        stand.upstream.script(passwords);
        let before = stand.upstream.said("AUTH").len();
        let wrong = format!("m2fw_1_{}_w", "a".repeat(SECRET_CHARACTERS));
        let _ = peer.ask(login(1, ALICE, &wrong)).await;
        let _ = peer.ask(login(1, "nobody@example.org", &token)).await;
        assert_eq!(stand.upstream.said("AUTH").len(), before);
    }
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_without_a_factor_and_a_restart() {
    let stand = Stand::with(Kind::LoginUpstream, options()).await;
    let mut record = MailboxRecord::new(NOW);
    let token = mint(&stand, BOB, MintedOn::Password, &mut record);
    put(&stand.store, BOB, record).await;
    stand.upstream.script(believes);
    let mut peer = stand.peer().await;
    let answer = peer.ask(login(1, BOB, &token)).await;
    assert_eq!(answer, "OK\t1\tuser=bob@example.org\tuserdb_quota=1G");
    // A daemon that starts anew, and where no webmail is configured any more.
    let without = stand.restarted(Kind::LoginUpstream);
    let mut peer = without.peer().await;
    let _ = peer.ask(login(1, BOB, &token)).await;
    assert_eq!(without.log.last().result, "refused wrong_password");
    let kept = stand.store.load(&mailbox(BOB)).await.unwrap().unwrap();
    assert_eq!(kept.value.sessions.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_the_vouch_secret_a_token_is_no_verdict() {
    let stand = Stand::with(Kind::LoginUpstream, Options { vouch: false, ..options() }).await;
    let token = alices(&stand).await;
    let mut peer = stand.peer().await;
    let answer = peer.ask(login(1, ALICE, &token)).await;
    assert_eq!(answer, "FAIL\t1\tuser=alice@example.org\ttemp\tcode=temp_fail");
    assert!(stand.log.last().why.contains("passwords.vouch_secret_file"));
    assert!(stand.upstream.said("AUTH").is_empty());
}
