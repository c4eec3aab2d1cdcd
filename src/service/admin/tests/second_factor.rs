//! Second factors: enabling, confirming, disabling, and what must not count.

use super::*;
use super::{super::enrolment, memory::Moment};
use crate::{
    base::limits::{ENROLMENT_SECONDS, ENROLMENT_WRONG_CODES},
    decision::enrolment::Pending,
    ports::store::{Change, Entry},
};

const WRONG: &str = "000000";

fn enrolled(bench: &Bench) -> bool {
    bench.record("alice@example.org").is_some_and(|record| record.is_enrolled())
}

fn status(bench: &Bench) -> super::super::TotpView {
    match bench.ask(Request::TotpStatus { mailbox: alice() }).unwrap() {
        Response::Totp(view) => view,
        other => panic!("{other:?}"),
    }
}

/// How far the clock of an app is off that has just been confirmed.
fn drift(answer: Result<Response, AdminError>) -> Result<i64, AdminError> {
    answer.map(|answer| match answer {
        Response::Confirmed { mailbox, drift_steps, recovery_codes } => {
            assert_eq!((mailbox, recovery_codes.len()), (alice(), 10));
            drift_steps
        }
        other => panic!("{other:?}"),
    })
}

#[test]
fn a_secret_counts_only_after_its_code() {
    let bench = Bench::store_mode();
    bench.add("alice").unwrap();
    let enrolment = bench.enable("Alice").unwrap();
    assert_eq!((enrolment.mailbox.as_str(), enrolment.secret.expose()), (&*alice(), RFC_BASE32));
    assert!(enrolment.otpauth_uri.expose().starts_with("otpauth://totp/Mail:alice%40example.org?"));
    assert_eq!(enrolment.expires, NOW + ENROLMENT_SECONDS);
    assert!(!enrolled(&bench));
    assert_eq!(drift(bench.confirm("alice", " 081 804 ")), Ok(0));
    let record = bench.record("alice@example.org").unwrap();
    let factor = record.totp.unwrap();
    assert_eq!(factor.secret.expose(), RFC_SECRET);
    assert_eq!(factor.last_step, STEP, "the confirming code is burned");
    assert!(record.password_hash.is_some(), "the password stays");
    assert_eq!(bench.store.kinds(), ["panel-era"]);
}

#[test]
fn codes_that_are_none_and_codes_that_are_wrong() {
    let bench = Bench::store_mode();
    bench.add("alice").unwrap();
    assert_eq!(
        bench.confirm("alice", CODE),
        Err(AdminError::NoEnrolment { mailbox: alice() }),
        "nothing started"
    );
    bench.enable("alice").unwrap();
    for text in ["", "12345", "1234567", "abcdef", "12 3456"] {
        assert_eq!(bench.confirm("alice", text), Err(AdminError::BadCode), "{text:?}");
    }
    for left in (1..ENROLMENT_WRONG_CODES).rev() {
        assert_eq!(bench.confirm("alice", WRONG), Err(AdminError::WrongCode { left }));
    }
    assert_eq!(
        bench.confirm("alice", WRONG),
        Err(AdminError::EnrolmentDropped { mailbox: alice() })
    );
    assert!(matches!(bench.confirm("alice", CODE), Err(AdminError::NoEnrolment { .. })));
    assert!(!enrolled(&bench));
}

#[test]
fn a_wrong_code_counts_also_when_the_store_was_busy() {
    let bench = Bench::dovecot_mode();
    bench.enable("alice").unwrap();
    bench.store.conflict(3);
    assert_eq!(bench.confirm("alice", WRONG), Err(AdminError::WrongCode { left: 4 }));
    bench.store.conflict(usize::MAX);
    assert_eq!(bench.confirm("alice", WRONG), Err(AdminError::Busy));
    assert_eq!(bench.confirm("alice", CODE), Err(AdminError::Busy));
    assert!(!enrolled(&bench));
}

#[test]
fn an_enrolment_ends_by_itself() {
    let bench = Bench::dovecot_mode();
    bench.enable("alice").unwrap();
    assert_eq!(status(&bench).pending_until, Some(NOW + ENROLMENT_SECONDS));
    bench.move_clock(ENROLMENT_SECONDS);
    assert_eq!(status(&bench).pending_until, None);
    assert!(matches!(bench.confirm("alice", CODE), Err(AdminError::NoEnrolment { .. })));
}

#[test]
fn each_enrolment_has_a_secret_of_its_own() {
    let bench = Bench::dovecot_mode();
    let first = bench.enable("alice").unwrap();
    let second = bench.enable("alice").unwrap();
    assert_ne!(first.secret, second.secret);
    assert!(
        matches!(bench.confirm("alice", CODE), Err(AdminError::WrongCode { .. })),
        "the first secret's code no longer confirms"
    );
}

#[test]
fn a_slow_phone_is_told() {
    let bench = Bench::dovecot_mode();
    bench.enable("alice").unwrap();
    bench.move_clock(30);
    assert_eq!(drift(bench.confirm("alice", CODE)), Ok(-1));
}

#[test]
fn on_and_off() {
    let bench = Bench::dovecot_mode();
    let off = status(&bench);
    assert_eq!((off.enabled, off.since, off.last_used), (false, None, None));
    assert_eq!(bench.disable("alice"), Err(AdminError::AlreadyOff { mailbox: alice() }));
    bench.enable("alice").unwrap();
    bench.confirm("alice", CODE).unwrap();
    let on = status(&bench);
    assert_eq!((on.enabled, on.since, on.last_used), (true, Some(NOW), Some(STEP * 30)));
    assert_eq!(bench.enable("alice"), Err(AdminError::AlreadyOn { mailbox: alice() }));
    assert_eq!(bench.confirm("alice", CODE), Err(AdminError::AlreadyOn { mailbox: alice() }));
    bench.store.conflict(1);
    assert_eq!(
        bench.disable("ALICE"),
        Ok(Response::Disabled { mailbox: alice(), required: false })
    );
    assert_eq!(bench.record("alice@example.org"), None, "nothing left to remember");
}

#[test]
fn switching_off_keeps_what_else_is_there() {
    let bench = Bench::store_mode();
    bench.add("alice").unwrap();
    bench.enable("alice").unwrap();
    bench.confirm("alice", CODE).unwrap();
    bench.disable("alice").unwrap();
    assert!(bench.record("alice@example.org").unwrap().password_hash.is_some());

    let bench = Bench::dovecot_mode();
    bench.enable("alice").unwrap();
    bench.confirm("alice", CODE).unwrap();
    let newer = Some(SecretText::new("{\"x\":1}".into()));
    bench.store.change(&Mailbox::new("alice@example.org").unwrap(), |record| {
        record.unknown_fields = newer.clone();
    });
    bench.disable("alice").unwrap();
    assert_eq!(bench.record("alice@example.org").unwrap().unknown_fields, newer);
}

#[test]
fn disable_drops_a_started_enrolment() {
    let bench = Bench::dovecot_mode();
    bench.enable("alice").unwrap();
    assert_eq!(
        bench.disable("alice"),
        Ok(Response::Disabled { mailbox: alice(), required: false })
    );
    assert!(bench.store.kinds().is_empty());
}

#[test]
fn an_unknown_mailbox_is_not_enrolled_where_mailboxes_are_ours() {
    let bench = Bench::store_mode();
    let unknown = Err(AdminError::NoMailbox { mailbox: alice() });
    assert_eq!(bench.enable("alice").map(|_| ()), unknown.clone());
    assert_eq!(bench.confirm("alice", CODE).map(|_| ()), unknown.clone());
    assert_eq!(bench.disable("alice").map(|_| ()), unknown.clone());
    let status = bench.ask(Request::TotpStatus { mailbox: alice() });
    assert_eq!(status.map(|_| ()), unknown);
}

#[test]
fn without_the_time_nothing_is_confirmed() {
    let bench = Bench::dovecot_mode();
    bench.enable("alice").unwrap();
    bench.clock.0.store(0, Ordering::SeqCst);
    assert!(matches!(bench.confirm("alice", CODE), Err(AdminError::Unavailable { .. })));
    assert!(matches!(bench.enable("bob"), Err(AdminError::Unavailable { .. })));
}

#[test]
fn nothing_that_is_printed_has_a_secret_in_it() {
    let bench = Bench::store_mode();
    bench.add("alice").unwrap();
    bench.enable("alice").unwrap();
    let _ = bench.confirm("alice", WRONG);
    let _ = bench.confirm("alice", CODE);
    let log = bench.log.lock().unwrap().join("\n");
    for secret in [RFC_BASE32, CODE, "{PLAIN}", "otpauth://"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

#[test]
fn a_code_confirms_the_secret_it_was_judged_by_and_no_other() {
    let bench = Bench::dovecot_mode();
    bench.enable("alice").unwrap();
    let entry = Entry {
        value: Pending::new(Secret::from_slice(&[9; 20])).encode(),
        expires: UnixMillis::from_seconds(NOW + ENROLMENT_SECONDS),
    };
    let key = enrolment::key(&Mailbox::new(&alice()).unwrap());
    let again = vec![Change::Entry { key, expect: None, entry: Some(entry) }];
    bench.store.meanwhile(Moment::EntryRead("enrolment"), again);
    let confirmed = bench.confirm("alice", CODE);
    assert!(matches!(confirmed, Err(AdminError::WrongCode { left: 4 })), "{confirmed:?}");
    assert!(!enrolled(&bench));
}

/// A secret that waits for one thing is not confirmed for another.
#[test]
fn what_waits_leaves_with_what_it_waits_for() {
    let waits = |bench: &Bench| bench.store.kinds().contains(&"enrolment");
    let moving = || {
        let bench = Bench::dovecot_mode();
        bench.enable("alice").unwrap();
        bench.confirm("alice", CODE).unwrap();
        bench.ask(Request::TotpMove { mailbox: alice() }).unwrap();
        assert!(waits(&bench));
        bench
    };
    let bench = moving();
    bench.ask(Request::TotpDisable { mailbox: alice() }).unwrap();
    assert!(!waits(&bench), "a new phone");
    let bench = moving();
    bench.enable("carol").unwrap();
    bench.ask(Request::MailboxRename { mailbox: alice(), to: "carol".into() }).unwrap();
    assert!(!waits(&bench), "of neither name");
}
