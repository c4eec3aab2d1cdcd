//! What owners are told of, and what not.

use super::*;
use crate::service::admin::NewAppPassword;

fn told(what: What) -> Vec<(String, What)> {
    vec![(alice(), what)]
}

#[test]
fn an_owner_is_told_when_the_factor_goes_on_and_off() {
    for bench in [Bench::store_mode(), Bench::dovecot_mode()] {
        let _ = bench.add("alice");
        bench.enable("alice").unwrap();
        assert!(bench.confirm("alice", "000000").is_err());
        assert_eq!(bench.notified(), [], "nothing is on yet");
        bench.confirm("Alice", CODE).unwrap();
        assert_eq!(bench.notified(), told(What::SecondFactorOn));
        bench.ask(Request::RecoveryCodesNew { mailbox: alice() }).unwrap();
        assert_eq!(bench.notified(), told(What::RecoveryCodesReplaced));
        bench.ask(Request::MailboxLock { mailbox: alice() }).unwrap();
        assert_eq!(bench.notified(), []);
        bench.disable("alice").unwrap();
        assert_eq!(bench.notified(), told(What::SecondFactorOff));
        // A started enrolment that is dropped changes nothing for the owner.
        bench.enable("alice").unwrap();
        bench.disable("alice").unwrap();
        assert!(bench.disable("alice").is_err());
        assert_eq!(bench.notified(), []);
    }
}

#[test]
fn an_owner_is_told_when_the_factor_moves_to_a_new_phone() {
    let bench = Bench::dovecot_mode();
    bench.enable("alice").unwrap();
    bench.confirm("alice", CODE).unwrap();
    bench.notified();
    bench.move_clock(60);
    let begun = bench.ask(Request::TotpMove { mailbox: alice() }).unwrap();
    let Response::Enrolment(enrolment) = begun else { panic!("{begun:?}") };
    let confirm = |code: &str| {
        bench.ask(Request::TotpMoveConfirm { mailbox: alice(), code: disclosed(code) })
    };
    assert!(confirm("000000").is_err());
    assert_eq!(bench.notified(), [], "nothing was replaced");
    let alphabet = base32::Alphabet::Rfc4648 { padding: false };
    let new = base32::decode(alphabet, enrolment.secret.expose()).unwrap();
    let new = crate::decision::totp::code_at(&Secret::from_slice(&new), (NOW + 60) / 30);
    confirm(&new).unwrap();
    assert_eq!(bench.notified(), told(What::SecondFactorMoved));
}

/// What an owner was told of a day to come is not inherited by whoever gets the name next.
#[test]
fn what_was_told_goes_with_the_mailbox() {
    let reminder = |name: &str| Reminders::key(&Mailbox::new(name).unwrap());
    for leave in [
        Request::MailboxRemove { mailbox: alice() },
        Request::MailboxRename { mailbox: alice(), to: "carol@example.org".into() },
    ] {
        let bench = Bench::store_mode();
        bench.add("alice").unwrap();
        let expires = UnixMillis::from_seconds(NOW + 1_000);
        let entry = Some(Entry { value: Secret::from_slice(b"x"), expires });
        let change = Change::Entry { key: reminder(&alice()), expect: None, entry };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let _ = runtime.block_on(bench.store.commit(vec![change])).unwrap();
        bench.ask(leave).unwrap();
        let now = UnixMillis::from_seconds(NOW);
        let key = reminder(&alice());
        assert_eq!(runtime.block_on(bench.store.load_entry(&key, now)), Ok(None));
    }
}

#[test]
fn a_record_that_is_removed_at_a_dovecot_switches_the_factor_off() {
    let bench = Bench::dovecot_mode();
    bench.enable("alice").unwrap();
    bench.confirm("alice", CODE).unwrap();
    bench.notified();
    bench.ask(Request::MailboxRemove { mailbox: alice() }).unwrap();
    assert_eq!(bench.notified(), told(What::SecondFactorOff));
    // With passwords of our own nothing opens that mailbox any more.
    let bench = Bench::store_mode();
    bench.add("alice").unwrap();
    bench.enable("alice").unwrap();
    bench.confirm("alice", CODE).unwrap();
    bench.notified();
    bench.ask(Request::MailboxRemove { mailbox: alice() }).unwrap();
    assert_eq!(bench.notified(), []);
}

#[test]
fn a_record_that_is_renamed_at_a_dovecot_leaves_the_old_name_without_its_factor() {
    let rename = || Request::MailboxRename { mailbox: alice(), to: "carol@example.org".into() };
    for (bench, expected) in
        [(Bench::dovecot_mode(), told(What::SecondFactorOff)), (Bench::store_mode(), Vec::new())]
    {
        let _ = bench.add("alice");
        bench.enable("alice").unwrap();
        bench.confirm("alice", CODE).unwrap();
        bench.notified();
        bench.ask(rename()).unwrap();
        assert_eq!(bench.notified(), expected);
    }
}

#[test]
fn an_owner_is_told_of_a_new_app_password_by_its_name() {
    let bench = Bench::dovecot_mode();
    let wanted = NewAppPassword { name: " phone ".into(), ..NewAppPassword::default() };
    let made = bench.ask(Request::AppPasswordAdd { mailbox: alice(), wanted }).unwrap();
    assert_eq!(bench.notified(), told(What::AppPasswordAdded { name: "phone".into() }));
    let Response::AppPassword { id, .. } = made else { panic!("{made:?}") };
    bench.ask(Request::AppPasswordRevoke { mailbox: alice(), id }).unwrap();
    assert_eq!(bench.notified(), []);
}

#[test]
fn what_the_store_did_not_take_is_not_told() {
    let bench = Bench::store_mode();
    bench.add("alice").unwrap();
    bench.enable("alice").unwrap();
    bench.store.fail(StoreError::Full("disk".into()));
    assert!(bench.confirm("alice", CODE).is_err());
    assert_eq!(bench.notified(), []);
}

#[test]
fn a_test_says_what_came_of_it() {
    let bench = Bench::dovecot_mode();
    let sent = bench.ask(Request::NoticeTest { mailbox: "Alice".into() });
    assert_eq!(sent, Ok(Response::NoticeSent { mailbox: alice() }));
    assert_eq!(bench.notified(), told(What::Test));
    let failed = bench.ask(Request::NoticeTest { mailbox: "nobody@example.org".into() });
    assert_eq!(failed, Err(AdminError::NoticeNotSent { why: "550 no such user".into() }));
    assert!(bench.ask(Request::NoticeTest { mailbox: "a b".into() }).is_err());
}
