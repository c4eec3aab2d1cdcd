//! Mailboxes: adding, listing, passwords, renaming, removing.

use super::*;
use crate::{
    base::NetAddress,
    decision::{
        flow::Count,
        throttle::{Event, Fingerprint, Key, Owner, ThrottlePolicy, View},
    },
    service::counters::Counters,
};

fn page(bench: &Bench, after: Option<&str>, limit: usize) -> (Vec<String>, Option<String>) {
    let after = after.map(ToOwned::to_owned);
    match bench.ask(Request::MailboxList { after, limit }).unwrap() {
        Response::Mailboxes { mailboxes, next } => {
            (mailboxes.into_iter().map(|view| view.mailbox).collect(), next)
        }
        other => panic!("{other:?}"),
    }
}

fn set_password(bench: &Bench, password: NewPassword) -> Result<Response, AdminError> {
    bench.ask(Request::MailboxPassword { mailbox: "Alice".into(), password })
}

fn hash(bench: &Bench) -> Option<SecretText> {
    bench.record("alice@example.org")?.password_hash
}

#[test]
fn names_are_canonical_and_exist_once() {
    let bench = Bench::store_mode();
    assert_eq!(bench.add("Alice"), Ok(Response::Added { mailbox: alice() }));
    for spelling in ["alice", "ALICE@EXAMPLE.ORG"] {
        assert_eq!(bench.add(spelling), Err(AdminError::Exists { mailbox: alice() }));
    }
    assert!(matches!(bench.add("a b"), Err(AdminError::BadName { .. })));
}

#[test]
fn a_race_for_one_name_has_one_winner() {
    let bench = Bench::store_mode();
    bench.store.conflict(1);
    assert_eq!(bench.add("alice"), Err(AdminError::Exists { mailbox: alice() }));
}

#[test]
fn passwords_are_set_and_judged() {
    let bench = Bench::store_mode();
    bench.add("alice").unwrap();
    bench.store.conflict(2);
    set_password(&bench, NewPassword::Clear(disclosed("new one"))).unwrap();
    assert_eq!(hash(&bench), Some(SecretText::new("{PLAIN}new one".into())));
    set_password(&bench, NewPassword::Hash(disclosed("{PLAIN}ready"))).unwrap();
    assert_eq!(hash(&bench), Some(SecretText::new("{PLAIN}ready".into())));
    let long = "x".repeat(1_018);
    let bad = [
        NewPassword::Clear(disclosed("")),
        NewPassword::Clear(disclosed("  ")),
        NewPassword::Clear(disclosed("a\nb")),
        NewPassword::Clear(disclosed("a\0b")),
        NewPassword::Clear(disclosed(&long)),
        NewPassword::Hash(disclosed("ready")),
        NewPassword::Hash(disclosed("{NONE}x")),
    ];
    for password in bad {
        let result = set_password(&bench, password.clone());
        assert!(matches!(result, Err(AdminError::BadPassword { .. })), "{password:?} {result:?}");
    }
    assert_eq!(hash(&bench), Some(SecretText::new("{PLAIN}ready".into())));
    let password = NewPassword::Clear(disclosed("x"));
    assert_eq!(
        bench.ask(Request::MailboxPassword { mailbox: "bob".into(), password }),
        Err(AdminError::NoMailbox { mailbox: "bob@example.org".into() })
    );
}

#[test]
fn a_mailbox_that_keeps_changing_is_given_up() {
    let bench = Bench::store_mode();
    bench.add("alice").unwrap();
    bench.store.conflict(usize::MAX);
    let password = NewPassword::Clear(disclosed("x"));
    assert_eq!(set_password(&bench, password), Err(AdminError::Busy));
    let to = "bob".to_owned();
    let rename = Request::MailboxRename { mailbox: alice(), to };
    assert_eq!(bench.ask(rename), Err(AdminError::Busy));
    assert_eq!(bench.ask(Request::MailboxRemove { mailbox: alice() }), Err(AdminError::Busy));
}

#[test]
fn rename_takes_everything_along_and_never_overwrites() {
    let bench = Bench::store_mode();
    bench.add("alice").unwrap();
    bench.add("bob").unwrap();
    bench.enable("alice").unwrap();
    bench.confirm("alice", CODE).unwrap();
    let mut before = bench.record("alice@example.org").unwrap();
    // Bound to the name.
    before.recovery.clear();
    let rename = |from: &str, to: &str| {
        bench.ask(Request::MailboxRename { mailbox: from.into(), to: to.into() })
    };
    assert_eq!(
        rename("alice", "BOB"),
        Err(AdminError::Exists { mailbox: "bob@example.org".into() })
    );
    assert_eq!(rename("alice", "ALICE"), Err(AdminError::SameName { mailbox: alice() }));
    assert!(matches!(rename("nobody", "carol"), Err(AdminError::NoMailbox { .. })));
    bench.store.conflict(1);
    let carol = "carol@example.org".to_owned();
    let renamed = Response::Renamed {
        from: alice(),
        mailbox: carol.clone(),
        app_passwords: 0,
        recovery_codes: 10,
    };
    assert_eq!(rename("alice", "Carol"), Ok(renamed));
    assert_eq!(bench.record("alice@example.org"), None);
    assert_eq!(bench.record(&carol), Some(before));
}

#[test]
fn remove_drops_everything() {
    let bench = Bench::store_mode();
    bench.add("alice").unwrap();
    bench.enable("alice").unwrap();
    assert_eq!(bench.store.kinds(), ["enrolment"]);
    bench.ask(Request::MailboxRemove { mailbox: alice() }).unwrap();
    assert_eq!(bench.record("alice@example.org"), None);
    assert_eq!(bench.store.kinds(), ["panel-era"], "that the panel was ended");
    bench.add("alice").unwrap();
    assert!(matches!(bench.confirm("alice", CODE), Err(AdminError::NoEnrolment { .. })));
    assert!(!bench.record("alice@example.org").unwrap().is_enrolled(), "starts clean");
}

/// Counts a wrong code, and gives the state of the mailbox-wide counter.
fn count_wrong_code(bench: &Bench, name: &str) -> View {
    let owner = owner(bench, name);
    let policy = ThrottlePolicy::default();
    let keys = policy.keys_for(Some(&owner), NetAddress::parse("192.0.2.1"));
    // New ones each time: nothing may be left in memory only.
    let counters = Counters::new(bench.admin.store.clone());
    let now = UnixMillis::from_seconds(NOW);
    let event = Event::WrongCode(Fingerprint([7; 16]));
    futures_util::FutureExt::now_or_never(counters.count(&policy, &Count { keys, event }, now))
        .unwrap()
        .unwrap();
    counted(bench, &owner)
}

fn owner(bench: &Bench, name: &str) -> Owner {
    let since = bench.record(name).unwrap().created;
    Owner { mailbox: Mailbox::new(name).unwrap(), since }
}

fn counted(bench: &Bench, owner: &Owner) -> View {
    let policy = ThrottlePolicy::default();
    let counters = Counters::new(bench.admin.store.clone());
    let now = UnixMillis::from_seconds(NOW);
    let keys = [Key::Mailbox(owner.clone())];
    futures_util::FutureExt::now_or_never(counters.view(&policy, &keys, now)).unwrap().unwrap()
}

#[test]
fn the_count_of_failures_goes_with_the_mailbox_and_ends_with_it() {
    let bench = Bench::store_mode();
    bench.add("alice").unwrap();
    let clean = counted(&bench, &owner(&bench, "alice@example.org"));
    let before = count_wrong_code(&bench, "alice@example.org");
    assert_ne!(format!("{before:?}"), format!("{clean:?}"));
    let request = Request::MailboxRename { mailbox: alice(), to: "carol".into() };
    bench.ask(request).unwrap();
    let counter = |view: &View| format!("{view:?}").replace("alice", "carol");
    let renamed = owner(&bench, "carol@example.org");
    assert_eq!(counter(&counted(&bench, &renamed)), counter(&before));

    bench.add("alice").unwrap();
    let alice = counted(&bench, &owner(&bench, "alice@example.org"));
    assert_eq!(format!("{alice:?}"), format!("{clean:?}"), "who comes after starts clean");

    bench.ask(Request::MailboxRemove { mailbox: "carol".into() }).unwrap();
    assert_eq!(counter(&counted(&bench, &renamed)), counter(&clean));
    bench.move_clock(60);
    bench.add("carol").unwrap();
    let again = owner(&bench, "carol@example.org");
    assert_ne!(again, renamed, "counters of its old places are not its own");
    let places = ThrottlePolicy::default();
    let from = NetAddress::parse("192.0.2.1");
    let pair = |owner| places.keys_for(Some(owner), from).into_iter().nth(1).unwrap();
    assert_ne!(pair(&again), pair(&renamed));
}

#[test]
fn lists_come_in_pages() {
    let bench = Bench::store_mode();
    for name in ["d", "b", "a", "c"] {
        bench.add(name).unwrap();
    }
    let (first, next) = page(&bench, None, 3);
    assert_eq!(first, ["a@example.org", "b@example.org", "c@example.org"]);
    let (second, end) = page(&bench, next.as_deref(), 3);
    assert_eq!((second, end), (vec!["d@example.org".to_owned()], None));
    // Never an endless walk, and never another page than was asked for.
    let none = bench.ask(Request::MailboxList { after: None, limit: 0 });
    let wrong = AdminError::BadNumber { field: "limit".into(), least: 1, most: 512 };
    assert_eq!(none, Err(wrong));
    let bad = Request::MailboxList { after: Some("\n".into()), limit: 1 };
    assert!(matches!(bench.ask(bad), Err(AdminError::BadName { .. })));
}

#[test]
fn a_damaged_record_does_not_hide_the_others() {
    let bench = Bench::store_mode();
    bench.add("a").unwrap();
    bench.add("b").unwrap();
    bench.store.damage(&Mailbox::new("a@example.org").unwrap());
    let Ok(Response::Mailboxes { mailboxes, .. }) =
        bench.ask(Request::MailboxList { after: None, limit: 10 })
    else {
        panic!("a listing");
    };
    let [a, b] = &mailboxes[..] else { panic!("both") };
    assert_eq!((a.totp, b.totp), (None, Some(false)), "unreadable is not off");
    assert!(a.problem.as_ref().unwrap().contains("damaged"));
}

#[test]
fn a_view_has_neither_hash_nor_secret() {
    let bench = Bench::store_mode();
    bench.add("alice").unwrap();
    bench.enable("alice").unwrap();
    bench.confirm("alice", CODE).unwrap();
    let Ok(Response::Mailbox(view)) = bench.ask(Request::MailboxShow { mailbox: alice() }) else {
        panic!("a view");
    };
    assert_eq!((view.password, view.scheme.as_deref()), (true, Some("PLAIN")));
    assert_eq!((view.totp, view.totp_since, view.created), (Some(true), Some(NOW), Some(NOW)));
    let text = serde_json::to_string(&view).unwrap();
    assert!(!text.contains("secret") && !text.contains(RFC_BASE32), "{text}");
}

#[test]
fn where_passwords_are_dovecots_none_is_set() {
    let bench = Bench::dovecot_mode();
    assert_eq!(bench.add("alice"), Err(AdminError::NotOurPasswords));
    let password = NewPassword::Clear(disclosed("x"));
    assert_eq!(set_password(&bench, password), Err(AdminError::NotOurPasswords));
    assert!(matches!(
        bench.ask(Request::MailboxShow { mailbox: alice() }),
        Err(AdminError::NoRecord { .. })
    ));
}

#[test]
fn a_store_without_an_answer_is_not_an_answer() {
    let faults = [
        StoreError::Unavailable("x".into()),
        StoreError::Ambiguous("x".into()),
        StoreError::Damaged("x".into()),
        StoreError::Full("x".into()),
    ];
    for fault in faults {
        let bench = Bench::store_mode();
        bench.add("alice").unwrap();
        bench.store.fail(fault.clone());
        let requests = [
            Request::MailboxShow { mailbox: alice() },
            Request::MailboxRemove { mailbox: alice() },
            Request::TotpStatus { mailbox: alice() },
            Request::TotpEnable { mailbox: alice() },
            Request::MailboxList { after: None, limit: 1 },
        ];
        for request in requests {
            assert_eq!(bench.ask(request), Err(AdminError::from(fault.clone())));
        }
    }
}
