//! App passwords, recovery codes, sessions and locks.

use super::*;
use crate::{
    base::{
        NetAddress, Service,
        limits::{APP_PASSWORD_NETWORKS, APP_PASSWORDS},
    },
    decision::{
        app_password::{AppPasswordMismatch, TypedAppPassword},
        names::Identity,
        place::Use,
        recovery::{RecoveryCode, SET},
        session::SessionPolicy,
    },
    service::admin::{AppPasswordView, NewAppPassword, SessionView},
};

fn mailbox() -> Mailbox {
    Mailbox::new(&alice()).unwrap()
}

fn wanted(name: &str) -> NewAppPassword {
    NewAppPassword { name: name.into(), ..NewAppPassword::default() }
}

fn add(bench: &Bench, wanted: NewAppPassword) -> Result<(String, Disclosed), AdminError> {
    match bench.ask(Request::AppPasswordAdd { mailbox: "Alice".into(), wanted })? {
        Response::AppPassword { mailbox, id, password } => {
            assert_eq!(mailbox, alice());
            Ok((id, password))
        }
        other => panic!("{other:?}"),
    }
}

fn list(bench: &Bench) -> Vec<AppPasswordView> {
    match bench.ask(Request::AppPasswordList { mailbox: alice() }).unwrap() {
        Response::AppPasswords { app_passwords, .. } => app_passwords,
        other => panic!("{other:?}"),
    }
}

fn revoke(bench: &Bench, id: &str) -> Result<Response, AdminError> {
    bench.ask(Request::AppPasswordRevoke { mailbox: alice(), id: id.into() })
}

fn at(seconds: u64) -> Use {
    let from = NetAddress::parse("192.0.2.1");
    Use { at: UnixMillis::from_seconds(seconds), from, service: Service::Imap }
}

/// Alice with 2-factor authentication on; her recovery codes.
fn enrol(bench: &Bench) -> Vec<Disclosed> {
    bench.enable("alice").unwrap();
    match bench.confirm("alice", CODE).unwrap() {
        Response::Confirmed { recovery_codes, .. } => recovery_codes,
        other => panic!("{other:?}"),
    }
}

/// Gives Alice sessions, opened this many seconds ago.
fn open_sessions(bench: &Bench, ages: &[u64]) {
    let policy = SessionPolicy::default();
    bench.store.change(&mailbox(), |record| {
        for age in ages {
            let opened = at(NOW - age);
            let credential = Secret::from_slice(&age.to_be_bytes());
            let from = opened.from;
            let digest = policy.digest(
                &bench.admin.key,
                &Identity::Own(mailbox()),
                &credential,
                &Service::Imap,
                from,
            );
            let session = policy.open(digest, opened, record.next_session());
            record.sessions.push(session);
        }
    });
}

fn sessions(bench: &Bench) -> Vec<SessionView> {
    match bench.ask(Request::SessionList { mailbox: alice() }).unwrap() {
        Response::Sessions { sessions, .. } => sessions,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_app_password_is_what_was_asked_for() {
    for bench in [Bench::store_mode(), Bench::dovecot_mode()] {
        if bench.admin.hasher.is_some() {
            bench.add("alice").unwrap();
        }
        let (id, password) = add(
            &bench,
            NewAppPassword {
                name: " phone ".into(),
                services: ["imap", "submission", "smtp"].map(Into::into).to_vec(),
                networks: vec!["192.0.2.0/24".into()],
                expires: Some(NOW + 60),
            },
        )
        .unwrap();
        let [seen] = &list(&bench)[..] else { panic!("one") };
        assert_eq!((&seen.id, &*seen.name), (&id, "phone"));
        assert_eq!(
            (&*seen.services.join(","), &*seen.networks.join(",")),
            ("imap,smtp", "192.0.2.0/24")
        );
        assert_eq!((seen.created, seen.expires, &seen.last_use), (NOW, Some(NOW + 60), &None));
        // What was shown opens the door that was asked for and no other.
        let stored = &bench.record(&alice()).unwrap().app_passwords[0];
        let typed = Secret::from_slice(password.expose().as_bytes());
        let typed = TypedAppPassword::parse(&typed).unwrap();
        let check = |at: &Use| stored.check(&typed, &mailbox(), &bench.admin.key, at);
        assert_eq!(check(&at(NOW)), Ok(()));
        assert_eq!(check(&at(NOW + 60)), Err(AppPasswordMismatch::Expired));
        let pop3 = Use { service: Service::Pop3, ..at(NOW) };
        assert_eq!(check(&pop3), Err(AppPasswordMismatch::OutOfScope));
        let log = bench.log.lock().unwrap().join("\n");
        assert!(!log.contains(password.expose()), "{log}");
    }
}

#[test]
fn a_record_made_for_an_app_password_goes_with_it_where_passwords_are_dovecots() {
    let bench = Bench::dovecot_mode();
    let (first, _) = add(&bench, wanted("a")).unwrap();
    let (second, _) = add(&bench, wanted("b")).unwrap();
    assert_ne!(first, second);
    assert!(!bench.record(&alice()).unwrap().is_enrolled());
    let gone = Response::AppPasswordRevoked { mailbox: alice(), id: first.clone() };
    assert_eq!(revoke(&bench, &first.to_uppercase()), Ok(gone));
    let (mailbox, id) = (alice(), first.clone());
    assert_eq!(revoke(&bench, &first), Err(AdminError::NoAppPassword { mailbox, id }));
    for id in ["", "abc", "abcde", "ab0d"] {
        assert_eq!(revoke(&bench, id), Err(AdminError::BadAppPasswordId), "{id:?}");
    }
    revoke(&bench, &second).unwrap();
    assert_eq!(bench.record(&alice()), None);
    assert!(matches!(revoke(&bench, &second), Err(AdminError::NoRecord { .. })));
    assert!(list(&bench).is_empty());
}

#[test]
fn app_passwords_that_cannot_be_made() {
    let bench = Bench::dovecot_mode();
    let ok = wanted("phone");
    let many = vec!["192.0.2.1".to_owned(); APP_PASSWORD_NETWORKS + 1];
    for bad in [
        wanted(" "),
        wanted(&"x".repeat(65)),
        wanted("a\nb"),
        wanted("a\"b"),
        NewAppPassword { services: vec!["imapp".into()], ..ok.clone() },
        NewAppPassword { networks: vec!["192.0.2.1/24".into()], ..ok.clone() },
        NewAppPassword { networks: many, ..ok.clone() },
        NewAppPassword { expires: Some(NOW), ..ok.clone() },
    ] {
        let result = add(&bench, bad.clone());
        assert!(matches!(result, Err(AdminError::BadAppPassword { .. })), "{bad:?} {result:?}");
    }
    assert_eq!(bench.record(&alice()), None);
    let bench = Bench::store_mode();
    assert_eq!(add(&bench, ok).map(|_| ()), Err(AdminError::NoMailbox { mailbox: alice() }));
}

#[test]
fn there_are_so_many_app_passwords_and_those_that_ended_make_room() {
    let bench = Bench::dovecot_mode();
    let short = NewAppPassword { expires: Some(NOW + 10), ..wanted("short") };
    add(&bench, short).unwrap();
    for _ in 1..APP_PASSWORDS {
        add(&bench, wanted("x")).unwrap();
    }
    let most = APP_PASSWORDS;
    assert_eq!(
        add(&bench, wanted("one more")).map(|_| ()),
        Err(AdminError::TooManyAppPasswords { most })
    );
    bench.move_clock(10);
    add(&bench, wanted("one more")).unwrap();
    assert_eq!(list(&bench).len(), APP_PASSWORDS);
}

#[test]
fn recovery_codes_come_with_the_second_factor_and_are_replaced_as_a_set() {
    let bench = Bench::store_mode();
    bench.add("alice").unwrap();
    let off = Err(AdminError::AlreadyOff { mailbox: alice() });
    let new = || bench.ask(Request::RecoveryCodesNew { mailbox: "Alice".into() });
    let left = || bench.ask(Request::RecoveryCodesLeft { mailbox: alice() });
    assert_eq!((new(), left()), (off.clone(), off.clone()));
    let first = enrol(&bench);
    let digest = |code: &Disclosed| {
        let code = RecoveryCode::parse(code.expose().as_bytes()).unwrap();
        code.digest(&mailbox(), &bench.admin.key)
    };
    let stored = || bench.record(&alice()).unwrap().recovery;
    assert_eq!(stored(), first.iter().map(digest).collect::<Vec<_>>());
    let Ok(Response::RecoveryCodes { recovery_codes: second, .. }) = new() else { panic!("a set") };
    assert_eq!(stored(), second.iter().map(digest).collect::<Vec<_>>());
    assert!(second.iter().all(|code| !first.contains(code)) && second.len() == SET);
    bench.store.change(&mailbox(), |record| record.recovery.truncate(3));
    assert_eq!(left(), Ok(Response::RecoveryLeft { mailbox: alice(), left: 3, of: SET }));
    let log = bench.log.lock().unwrap().join("\n");
    assert!(first.iter().chain(&second).all(|code| !log.contains(code.expose())), "{log}");
    bench.disable("alice").unwrap();
    assert!(stored().is_empty());
    assert_eq!((new(), left()), (off.clone(), off));
}

#[test]
fn sessions_are_listed_and_ended_one_by_one_or_all() {
    let bench = Bench::dovecot_mode();
    enrol(&bench);
    open_sessions(&bench, &[5, 10, 99_999]);
    let seen = sessions(&bench);
    assert_eq!(
        seen.iter().map(|session| session.id).collect::<Vec<_>>(),
        [1, 2],
        "the dead are out"
    );
    assert_eq!((seen[0].opened.at, seen[0].ends), (NOW - 5, NOW - 5 + 3_600));
    assert_eq!(seen[0].opened.from.as_deref(), Some("192.0.2.1"));
    let revoke = |id| bench.ask(Request::SessionRevoke { mailbox: alice(), id });
    let ended = |count| Ok(Response::SessionsRevoked { mailbox: alice(), count });
    assert_eq!(revoke(Some(2)), ended(1));
    assert_eq!(revoke(Some(2)), Err(AdminError::NoSession { mailbox: alice(), id: 2 }));
    assert_eq!(revoke(None), ended(1));
    assert_eq!(revoke(None), ended(0));
    assert!(bench.record(&alice()).unwrap().sessions.is_empty());
    assert!(bench.record(&alice()).unwrap().is_enrolled());
}

#[test]
fn changes_that_end_all_sessions() {
    let change_password = Request::MailboxPassword {
        mailbox: alice(),
        password: NewPassword::Clear(disclosed("new one")),
    };
    for request in [
        change_password,
        Request::TotpDisable { mailbox: alice() },
        Request::MailboxLock { mailbox: alice() },
    ] {
        let bench = Bench::store_mode();
        bench.add("alice").unwrap();
        enrol(&bench);
        open_sessions(&bench, &[5]);
        bench.ask(request.clone()).unwrap();
        assert!(bench.record(&alice()).unwrap().sessions.is_empty(), "{request:?}");
    }
}

#[test]
fn what_is_bound_to_the_name_ends_with_it() {
    for bench in [Bench::store_mode(), Bench::dovecot_mode()] {
        if bench.admin.hasher.is_some() {
            bench.add("alice").unwrap();
        }
        enrol(&bench);
        add(&bench, wanted("phone")).unwrap();
        open_sessions(&bench, &[5]);
        let rename = Request::MailboxRename { mailbox: alice(), to: "carol".into() };
        let carol = "carol@example.org".to_owned();
        let renamed = Response::Renamed {
            from: alice(),
            mailbox: carol.clone(),
            app_passwords: 1,
            recovery_codes: SET,
        };
        assert_eq!(bench.ask(rename), Ok(renamed));
        let record = bench.record(&carol).unwrap();
        assert!(record.is_enrolled() && record.app_passwords.is_empty());
        assert!(record.recovery.is_empty() && record.sessions.is_empty());
    }
    // Where nothing else is left, there is no record.
    let bench = Bench::dovecot_mode();
    add(&bench, wanted("phone")).unwrap();
    bench.ask(Request::MailboxRename { mailbox: alice(), to: "carol".into() }).unwrap();
    assert_eq!((bench.record(&alice()), bench.record("carol@example.org")), (None, None));
}

#[test]
fn switching_off_keeps_app_passwords() {
    let bench = Bench::dovecot_mode();
    enrol(&bench);
    add(&bench, wanted("phone")).unwrap();
    bench.disable("alice").unwrap();
    assert_eq!(list(&bench).len(), 1);
}

#[test]
fn locks() {
    let lock = || Request::MailboxLock { mailbox: "Alice".into() };
    let unlock = || Request::MailboxUnlock { mailbox: alice() };
    let bench = Bench::dovecot_mode();
    assert_eq!(bench.ask(unlock()), Err(AdminError::NotLocked { mailbox: alice() }));
    bench.store.conflict(1);
    assert_eq!(bench.ask(lock()), Ok(Response::Locked { mailbox: alice() }));
    let since = UnixMillis::from_seconds(NOW);
    assert_eq!(bench.record(&alice()).unwrap().locked, Some(since));
    bench.move_clock(5);
    assert_eq!(bench.ask(lock()), Err(AdminError::AlreadyLocked { mailbox: alice() }));
    assert_eq!(bench.record(&alice()).unwrap().locked, Some(since));
    assert_eq!(bench.ask(unlock()), Ok(Response::Unlocked { mailbox: alice() }));
    assert_eq!(bench.record(&alice()), None);
    let bench = Bench::store_mode();
    assert_eq!(bench.ask(lock()), Err(AdminError::NoMailbox { mailbox: alice() }));
}
