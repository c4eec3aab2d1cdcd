//! Rules of enforcement through whole doors: who must have a second factor, what services may be opened
//! with, exempt networks, the dry run.

use mail2fa::{
    base::{Service, UnixMillis},
    decision::{
        enforcement::{EnforcementPolicy, Level, OwnLevel, ServiceRule, ServiceRules, Unenrolled},
        place::Network,
        record::MailboxRecord,
    },
    ports::store::{Change, Commit, Expect, Store},
};

use crate::{
    login, signins,
    support::{
        ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, NOW, code,
        stand::{Kind, Options, Stand, mailbox},
        upstream::{believes, passwords},
        with_code,
    },
};

const KINDS: [Kind; 4] =
    [Kind::ClientUpstream, Kind::ClientStored, Kind::LoginUpstream, Kind::LoginStored];
const DOVECOTS: [Kind; 2] = [Kind::LoginUpstream, Kind::LoginStored];

async fn stand(kind: Kind, change: impl FnOnce(&mut EnforcementPolicy)) -> Stand {
    let mut options = Options::default();
    change(&mut options.enforcement);
    Stand::with(kind, options).await
}

/// Edits a record, or makes one.
async fn change(stand: &Stand, name: &str, edit: impl FnOnce(&mut MailboxRecord)) {
    let found = stand.store.load(&mailbox(name)).await.unwrap();
    let (mut record, expect) = match found {
        Some(found) => (found.value, Expect::Version(found.version)),
        None => (MailboxRecord::new(NOW), Expect::Absent),
    };
    edit(&mut record);
    let change = Change::Mailbox { mailbox: mailbox(name), expect, record: Some(Box::new(record)) };
    assert!(matches!(stand.store.commit(vec![change]).await, Ok(Commit::Done(_))));
}

async fn app_password(stand: &Stand, name: &str) -> String {
    let (stored, typed) = signins::app_password(stand, name, &[]);
    change(stand, name, |record| record.app_passwords.push(stored)).await;
    typed
}

fn at(service: &str, line: &str) -> String {
    line.replace("service=imap", &format!("service={service}"))
}

#[tokio::test(start_paused = true)]
async fn the_bare_password_of_a_mailbox_that_must_have_a_factor_is_refused_like_any_other() {
    for kind in KINDS {
        let stand = stand(kind, |rules| rules.level = Level::Required).await;
        let mut peer = stand.peer().await;
        let answer = peer.ask(login(1, BOB, BOB_PASSWORD)).await;
        assert_eq!(answer, "FAIL\t1\tuser=bob@example.org", "{kind:?}");
        assert_eq!(stand.log.last().result, "refused factor_required");
        if DOVECOTS.contains(&kind) {
            // What Dovecot holds ready for the mail process is taken back.
            assert_eq!(stand.upstream.wait("CANCEL", 1).await, ["CANCEL\t1"]);
        }
        let answer = peer.ask(login(2, BOB, "wrong")).await;
        assert_eq!(answer, "FAIL\t2\tuser=bob@example.org");
        assert_eq!(stand.log.last().result, "refused wrong_password");
        let typed = with_code(ALICE_PASSWORD, &code(0));
        assert!(peer.ask(login(3, ALICE, &typed)).await.starts_with("OK\t3\t"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_date_comes() {
    for kind in KINDS {
        let from = NOW.plus_seconds(100);
        let stand = stand(kind, |rules| rules.level = Level::RequiredFrom(from)).await;
        let mut peer = stand.peer().await;
        for (id, after, expected) in [
            (1, 0, "accepted password"),
            (2, 99, "accepted password"),
            (3, 1, "refused factor_required"),
        ] {
            stand.clock.forward(after);
            let _ = peer.ask(login(id, BOB, BOB_PASSWORD)).await;
            assert_eq!(stand.log.last().result, expected, "{kind:?} {id}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_mailboxs_own_level_holds_for_the_next_login() {
    for kind in KINDS {
        let stand = stand(kind, |_| {}).await;
        let mut peer = stand.peer().await;
        for (id, level, expected) in [
            (1, None, "accepted password"),
            (2, Some(Level::Required), "refused factor_required"),
            (
                3,
                Some(Level::RequiredFrom(UnixMillis::from_millis(NOW.millis() + 1))),
                "accepted password",
            ),
            (4, Some(Level::RequiredFrom(NOW)), "refused factor_required"),
            (5, Some(Level::Off), "accepted password"),
        ] {
            if let Some(level) = level {
                let own = Some(OwnLevel { level, set: NOW });
                change(&stand, BOB, |record| record.enforcement = own).await;
            }
            let _ = peer.ask(login(id, BOB, BOB_PASSWORD)).await;
            assert_eq!(stand.log.last().result, expected, "{kind:?} {level:?}");
        }
        // Off switches no factor off that is there.
        let own = Some(OwnLevel { level: Level::Off, set: NOW });
        change(&stand, ALICE, |record| record.enforcement = own).await;
        let _ = peer.ask(login(6, ALICE, ALICE_PASSWORD)).await;
        assert_eq!(stand.log.last().result, "refused missing_code");
    }
}

#[tokio::test(start_paused = true)]
async fn app_passwords_of_who_has_not_enrolled_yet() {
    for kind in KINDS {
        for (unenrolled, expected) in [
            (Unenrolled::Panel, "refused factor_required"),
            (Unenrolled::AppPasswords, "accepted app_password"),
        ] {
            let stand = stand(kind, |rules| {
                (rules.level, rules.unenrolled) = (Level::Required, unenrolled);
            })
            .await;
            let typed = app_password(&stand, BOB).await;
            stand.upstream.script(believes);
            let mut peer = stand.peer().await;
            let answer = peer.ask(login(1, BOB, &typed)).await;
            assert_eq!(stand.log.last().result, expected, "{kind:?}");
            assert_eq!(answer.starts_with("OK\t"), expected.starts_with("accepted"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_services_may_be_opened_with() {
    let rules = || {
        ServiceRules::new(vec![
            (Service::Smtp, ServiceRule::AppPasswords),
            (Service::Sieve, ServiceRule::Full),
            (Service::Pop3, ServiceRule::Off),
        ])
    };
    for kind in KINDS {
        for (service, bare, app, full) in [
            ("imap", "accepted password", "accepted app_password", "accepted password+code"),
            ("smtp", "accepted password", "accepted app_password", "refused app_passwords_only"),
            (
                "submission",
                "accepted password",
                "accepted app_password",
                "refused app_passwords_only",
            ),
            ("sieve", "accepted password", "refused full_sign_in_only", "accepted password+code"),
            (
                "managesieve",
                "accepted password",
                "refused full_sign_in_only",
                "accepted password+code",
            ),
            ("pop3", "refused service_off", "refused service_off", "refused service_off"),
            // Nobody has heard of these: they pass no rule.
            (
                "imap4",
                "refused service_off",
                "refused app_password_out_of_scope",
                "refused service_off",
            ),
            (
                "POP3",
                "refused service_off",
                "refused app_password_out_of_scope",
                "refused service_off",
            ),
        ] {
            let stand = stand(kind, |policy| policy.services = rules()).await;
            let typed = app_password(&stand, ALICE).await;
            let good = with_code(ALICE_PASSWORD, &code(0));
            let mut peer = stand.peer().await;
            let _ = peer.ask(at(service, &login(1, BOB, BOB_PASSWORD))).await;
            assert_eq!(stand.log.last().result, bare, "{kind:?} {service}");
            let _ = peer.ask(at(service, &login(2, ALICE, &good))).await;
            assert_eq!(stand.log.last().result, full, "{kind:?} {service}");
            let burned = stand.burned().await != 0;
            assert_eq!(burned, full.starts_with("accepted"), "a refusal costs no code");
            stand.upstream.script(believes);
            let _ = peer.ask(at(service, &login(3, ALICE, &typed))).await;
            assert_eq!(stand.log.last().result, app, "{kind:?} {service}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_lets_in_and_tells_the_log() {
    for kind in KINDS {
        let stand = stand(kind, |rules| {
            (rules.level, rules.dry_run) = (Level::Required, true);
            rules.services = ServiceRules::new(vec![(Service::Smtp, ServiceRule::AppPasswords)]);
        })
        .await;
        let mut peer = stand.peer().await;
        let good = with_code(ALICE_PASSWORD, &code(0));
        for (line, result, would) in [
            (login(1, BOB, BOB_PASSWORD), "accepted password", Some("factor_required")),
            (login(2, BOB, "wrong"), "refused wrong_password", None),
            (login(3, ALICE, ALICE_PASSWORD), "refused missing_code", None),
            (login(4, ALICE, &good), "accepted password+code", None),
            (
                at("smtp", &login(5, ALICE, &good)),
                "accepted password+session",
                Some("app_passwords_only"),
            ),
        ] {
            let answer = peer.ask(line).await;
            let event = stand.log.last();
            assert_eq!((event.result.as_str(), event.would_refuse), (result, would), "{kind:?}");
            assert_eq!(answer.starts_with("OK\t"), result.starts_with("accepted"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn machines_in_an_exempt_network_need_no_code_and_webmail_does() {
    for kind in KINDS {
        let stand = stand(kind, |rules| {
            rules.level = Level::Required;
            rules.exempt_networks = vec![Network::parse("192.0.2.0/24").unwrap()];
            rules.webmail_networks = vec![Network::parse("203.0.113.9").unwrap()];
        })
        .await;
        let mut peer = stand.peer().await;
        let bare = |id| login(id, ALICE, ALICE_PASSWORD);
        let from = |line: String, rest: &str| line.replace("\trip=192.0.2.7", rest);
        for (line, expected) in [
            (bare(1), "accepted password+exempt_network"),
            (login(2, BOB, BOB_PASSWORD), "accepted password+exempt_network"),
            (from(bare(3), "\trip=192.0.3.7"), "refused missing_code"),
            (from(bare(4), ""), "refused missing_code"),
            (from(bare(5), "\trip=nonsense"), "refused missing_code"),
            (from(bare(6), "\trip=192.0.2.7\treal_rip=203.0.113.9"), "refused missing_code"),
            (from(bare(7), "\trip=192.0.2.7\treal_rip="), "refused missing_code"),
            (
                from(bare(8), "\trip=192.0.2.7\treal_rip=198.51.100.1"),
                "accepted password+exempt_network",
            ),
            (from(login(9, BOB, BOB_PASSWORD), "\trip=192.0.3.7"), "refused factor_required"),
            // No code is cut off there.
            (login(10, ALICE, &with_code(ALICE_PASSWORD, &code(0))), "refused wrong_password"),
        ] {
            let _ = peer.ask(line.clone()).await;
            assert_eq!(stand.log.last().result, expected, "{kind:?} {line}");
        }
        assert_eq!(stand.burned().await, 0);
    }
}

/// The whole string goes to Dovecot as it came.
#[tokio::test(start_paused = true)]
async fn dovecot_is_asked_for_the_whole_string_from_an_exempt_network() {
    let stand = stand(Kind::LoginUpstream, |rules| {
        rules.exempt_networks = vec![Network::parse("192.0.2.7").unwrap()];
    })
    .await;
    stand.upstream.script(passwords);
    let mut peer = stand.peer().await;
    let line = login(1, ALICE, &with_code(ALICE_PASSWORD, "189145"));
    let _ = peer.ask(line.clone()).await;
    assert_eq!(stand.upstream.said("AUTH"), [line.trim_end()]);
}
