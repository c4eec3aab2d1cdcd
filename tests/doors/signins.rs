//! Sign-ins that live, app passwords and recovery codes through whole doors.

use std::sync::Arc;

use mail2fa::{
    base::{Service, UnixMillis},
    decision::{
        app_password::{AppPassword, ID_CHARACTERS, SECRET_CHARACTERS, TypedAppPassword},
        record::MailboxRecord,
        recovery::RecoveryCode,
        session::SessionPolicy,
    },
    ports::store::{Change, Commit, Expect, Store},
};

use crate::{
    elsewhere, login,
    support::{
        ALICE, ALICE_PASSWORD, BOB, NOW, VOUCH_SECRET, code,
        stand::{Kind, Options, Stand, mailbox, put},
        upstream::{believes, passwords},
        with_code,
    },
};

const KINDS: [Kind; 4] =
    [Kind::ClientUpstream, Kind::ClientStored, Kind::LoginUpstream, Kind::LoginStored];

pub async fn change(stand: &Stand, name: &str, edit: impl FnOnce(&mut MailboxRecord)) {
    let found = stand.store.load(&mailbox(name)).await.unwrap().unwrap();
    let mut record = found.value;
    edit(&mut record);
    let change = Change::Mailbox {
        mailbox: mailbox(name),
        expect: Expect::Version(found.version),
        record: Some(Box::new(record)),
    };
    assert!(matches!(stand.store.commit(vec![change]).await, Ok(Commit::Done(_))));
}

/// An app password of this mailbox for these services, as stored and as typed.
pub fn app_password(stand: &Stand, name: &str, services: &[Service]) -> (AppPassword, String) {
    let typed = TypedAppPassword::generate(&[9; ID_CHARACTERS + SECRET_CHARACTERS]);
    let stored = AppPassword {
        id: typed.id,
        digest: typed.digest(&mailbox(name), &stand.store.credential_key()),
        name: "phone".into(),
        services: services.to_vec(),
        networks: Vec::new(),
        created: NOW,
        expires: None,
        last_use: None,
    };
    (stored, typed.shown().expose().to_owned())
}

/// A login as webmail and mail programs make them: again and again with one string.
#[tokio::test(start_paused = true)]
async fn a_webmail_logs_in_anew_for_each_click_for_hours() {
    for kind in KINDS {
        let stand = Stand::new(kind).await;
        let typed = with_code(ALICE_PASSWORD, &code(0));
        let mut results = Vec::new();
        for click in 0..240 {
            let mut peer = stand.peer().await;
            let mut line = login(1, ALICE, &typed);
            if click % 10 == 9 {
                line = line.replace("service=imap", "service=smtp");
            }
            let answer = peer.ask(line).await;
            results.push(answer.starts_with("OK\t1\tuser=alice@example.org"));
            stand.clock.forward(180);
        }
        assert!(results.iter().all(|ok| *ok), "{kind:?}");
        let mut words = stand.log.results();
        assert_eq!(words.remove(0), "accepted password+code");
        assert!(words.iter().all(|word| word == "accepted password+session"), "{words:?}");
        // Twelve hours are over.
        let mut peer = stand.peer().await;
        assert_eq!(peer.ask(login(1, ALICE, &typed)).await, "FAIL\t1\tuser=alice@example.org");
        assert_eq!(stand.log.last().result, "refused wrong_code");
    }
}

#[tokio::test(start_paused = true)]
async fn without_sessions_one_string_is_one_sign_in_for_ten_seconds() {
    for kind in KINDS {
        let sessions = SessionPolicy { absolute_seconds: 0, ..SessionPolicy::default() };
        let stand = Stand::with(kind, Options { sessions, ..Options::default() }).await;
        let mut peer = stand.peer().await;
        let typed = with_code(ALICE_PASSWORD, &code(0));
        for (id, after, expected) in [
            (1, 0, "accepted password+code"),
            (2, 0, "accepted password+session"),
            (3, 9, "accepted password+session"),
            (4, 1, "refused used_code"),
        ] {
            stand.clock.forward(after);
            let _ = peer.ask(login(id, ALICE, &typed)).await;
            assert_eq!(stand.log.last().result, expected, "{kind:?} {id}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_ends_with_the_lock_and_with_the_password() {
    for kind in KINDS {
        let stand = Stand::new(kind).await;
        let mut peer = stand.peer().await;
        let typed = with_code(ALICE_PASSWORD, &code(0));
        assert!(peer.ask(login(1, ALICE, &typed)).await.starts_with("OK\t"));
        let other = with_code("another", &code(0));
        let _ = peer.ask(login(2, ALICE, &other)).await;
        assert_eq!(stand.log.last().result, "refused wrong_password");
        change(&stand, ALICE, |record| record.locked = Some(NOW)).await;
        assert_eq!(peer.ask(login(3, ALICE, &typed)).await, "FAIL\t3\tuser=alice@example.org");
        assert_eq!(stand.log.last().result, "refused locked");
    }
}

#[tokio::test(start_paused = true)]
async fn an_app_password_opens_what_it_is_for_with_dovecots_consent() {
    for kind in KINDS {
        let stand = Stand::new(kind).await;
        let (stored, typed) = app_password(&stand, ALICE, &[Service::Imap]);
        change(&stand, ALICE, |record| record.app_passwords.push(stored)).await;
        stand.upstream.script(believes);
        let mut peer = stand.peer().await;
        let answer = peer.ask(login(1, ALICE, &typed)).await;
        assert_eq!(stand.log.last().result, "accepted app_password", "{kind:?}");
        if matches!(kind, Kind::LoginUpstream | Kind::LoginStored) {
            assert_eq!(answer, "OK\t1\tuser=alice@example.org\tuserdb_quota=1G");
            let asked = stand.upstream.said("AUTH");
            let said = format!(
                "AUTH\t1\tEXTERNAL\tservice=imap\tsession=s1\trip=192.0.2.7\
                 \tforward_fields=vouch={VOUCH_SECRET}\tvalid-client-cert\tcert_username={ALICE}\
                 \tresp="
            );
            assert_eq!(asked, [said]);
        } else {
            assert_eq!(answer, "OK\t1\tuser=alice@example.org");
            assert!(stand.upstream.said("AUTH").is_empty());
        }
        // From anywhere, and as often as wanted; but for its service only.
        assert!(peer.ask(elsewhere(&login(2, ALICE, &typed))).await.starts_with("OK\t2\t"));
        let smtp = login(3, ALICE, &typed).replace("service=imap", "service=smtp");
        assert_eq!(peer.ask(smtp).await, "FAIL\t3\tuser=alice@example.org");
        assert_eq!(stand.log.last().result, "refused app_password_out_of_scope");
        let last = stand.store.load(&mailbox(ALICE)).await.unwrap().unwrap();
        assert!(last.value.app_passwords[0].last_use.is_some());
        assert_eq!(stand.burned().await, 0);
        // Revoked, it is a password like any other, and wrong.
        change(&stand, ALICE, |record| record.app_passwords.clear()).await;
        stand.upstream.script(passwords);
        assert_eq!(peer.ask(login(4, ALICE, &typed)).await, "FAIL\t4\tuser=alice@example.org");
        assert_eq!(stand.log.last().result, "refused wrong_password");
    }
}

#[tokio::test(start_paused = true)]
async fn an_app_password_of_a_mailbox_without_a_second_factor() {
    let stand = Stand::new(Kind::LoginUpstream).await;
    let (stored, typed) = app_password(&stand, BOB, &[]);
    let record = MailboxRecord { app_passwords: vec![stored], ..MailboxRecord::new(NOW) };
    put(&stand.store, BOB, record).await;
    stand.upstream.script(believes);
    let mut peer = stand.peer().await;
    let answer = peer.ask(login(1, BOB, &typed)).await;
    assert_eq!(answer, "OK\t1\tuser=bob@example.org\tuserdb_quota=1G");
    assert_eq!(stand.log.results(), ["accepted app_password"]);
}

#[tokio::test(start_paused = true)]
async fn without_the_vouch_secret_an_app_password_is_no_verdict() {
    let options = Options { vouch: false, ..Options::default() };
    let stand = Stand::with(Kind::LoginUpstream, options).await;
    let (stored, typed) = app_password(&stand, ALICE, &[]);
    change(&stand, ALICE, |record| record.app_passwords.push(stored)).await;
    let mut peer = stand.peer().await;
    let answer = peer.ask(login(1, ALICE, &typed)).await;
    assert_eq!(answer, "FAIL\t1\tuser=alice@example.org\ttemp\tcode=temp_fail");
    assert!(stand.log.last().why.contains("passwords.vouch_secret_file"));
    assert!(stand.upstream.said("AUTH").is_empty());
    // Whoever has no right app password is told nothing of it.
    let wrong = format!("{}a", &typed[..typed.len() - 1]);
    assert_eq!(peer.ask(login(2, ALICE, &wrong)).await, "FAIL\t2\tuser=alice@example.org");
    assert_eq!(stand.log.last().result, "refused app_password_wrong");
}

#[tokio::test(start_paused = true)]
async fn a_dovecot_that_does_not_take_our_word_for_an_app_password_is_no_verdict() {
    for kind in [Kind::LoginUpstream, Kind::LoginStored] {
        let stand = Stand::new(kind).await;
        let (stored, typed) = app_password(&stand, ALICE, &[]);
        change(&stand, ALICE, |record| record.app_passwords.push(stored)).await;
        let mut peer = stand.peer().await;
        let temp_fail = "FAIL\t1\tuser=alice@example.org\ttemp\tcode=temp_fail";
        stand.upstream.answer("FAIL\t#\tuser=alice@example.org\n");
        assert_eq!(peer.ask(login(1, ALICE, &typed)).await, temp_fail);
        // One that understood another mailbox is not believed, and its OK is withdrawn.
        stand.upstream.answer("OK\t#\tuser=bob@example.org\n");
        assert_eq!(peer.ask(login(1, ALICE, &typed)).await, temp_fail);
        assert_eq!(stand.upstream.wait("CANCEL", 1).await, ["CANCEL\t1"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_recovery_code_opens_once_and_its_sign_in_lives() {
    for kind in KINDS {
        let stand = Stand::new(kind).await;
        let recovery = RecoveryCode::generate(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        let digest = recovery.digest(&mailbox(ALICE), &stand.store.credential_key());
        change(&stand, ALICE, |record| record.recovery.push(digest)).await;
        let typed = format!("{ALICE_PASSWORD}{}", recovery.shown().expose());
        let mut peer = stand.peer().await;
        for (line, expected) in [
            (login(1, ALICE, &typed), "accepted password+recovery_code"),
            (login(2, ALICE, &typed), "accepted password+session"),
            (elsewhere(&login(3, ALICE, &typed)), "refused wrong_code"),
        ] {
            let _ = peer.ask(line).await;
            assert_eq!(stand.log.last().result, expected, "{kind:?}");
        }
    }
}

/// Five connections, each with its login sent before any answer: one sign-in.
#[tokio::test(start_paused = true)]
async fn connections_opened_together_are_all_in() {
    for kind in KINDS {
        let stand = Arc::new(Stand::new(kind).await);
        let typed = with_code(ALICE_PASSWORD, &code(0));
        let mut peers = Vec::new();
        for _ in 0..5 {
            peers.push(stand.peer().await);
        }
        for peer in &mut peers {
            peer.send(login(1, ALICE, &typed)).await;
        }
        for peer in &mut peers {
            assert!(peer.line().await.unwrap().starts_with("OK\t1\t"), "{kind:?}");
        }
        let mut results = stand.log.results();
        results.sort();
        let mut expected = vec!["accepted password+code"];
        expected.extend(["accepted password+session"; 4]);
        assert_eq!(results, expected);
        let sessions = stand.store.load(&mailbox(ALICE)).await.unwrap().unwrap().value.sessions;
        assert_eq!(sessions.len(), 1);
        assert!(sessions[0].ends > UnixMillis::from_seconds(NOW.seconds() + 3_600));
    }
}
