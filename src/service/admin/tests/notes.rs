//! Each change is in the audit trail, with who made it, and nothing is that was not done.

use std::fs;

use super::*;
use crate::{
    ports::event::{EventKind, TrailEvent},
    service::admin::NewAppPassword,
};

/// A change in few words.
fn told(note: &TrailEvent) -> String {
    assert_eq!((note.kind, note.by.as_deref()), (EventKind::Change, Some("uid=0")));
    let mut text = format!(
        "{}: {}",
        note.mailbox.as_deref().unwrap_or_default(),
        note.action.as_deref().unwrap_or_default()
    );
    for more in [&note.target, &note.detail].into_iter().flatten() {
        text += " ";
        text += more;
    }
    text
}

impl Bench {
    fn told(&self) -> Vec<String> {
        self.store.notes().iter().map(told).collect()
    }
}

#[test]
fn each_change_is_noted_once() {
    let site = Bench::store_mode();
    let id = |response| match response {
        Response::AppPassword { id, .. } => id,
        other => panic!("{other:?}"),
    };
    site.add("alice").unwrap();
    site.enable("alice").unwrap();
    site.confirm("alice", "000000").unwrap_err();
    site.confirm("alice", CODE).unwrap();
    let wanted = NewAppPassword { name: "phone".into(), ..NewAppPassword::default() };
    let app = id(site.ask(Request::AppPasswordAdd { mailbox: alice(), wanted }).unwrap());
    site.ask(Request::AppPasswordRevoke { mailbox: alice(), id: app.clone() }).unwrap();
    site.ask(Request::RecoveryCodesNew { mailbox: alice() }).unwrap();
    site.ask(Request::SessionRevoke { mailbox: alice(), id: None }).unwrap();
    site.ask(Request::MailboxLock { mailbox: alice() }).unwrap();
    site.ask(Request::MailboxUnlock { mailbox: alice() }).unwrap();
    let password = NewPassword::Clear(disclosed("another"));
    site.ask(Request::MailboxPassword { mailbox: alice(), password }).unwrap();
    site.disable("alice").unwrap();
    site.ask(Request::MailboxRename { mailbox: alice(), to: "bob".into() }).unwrap();
    site.ask(Request::MailboxRemove { mailbox: "bob".into() }).unwrap();
    let mut told = site.told();
    let wrong = told.remove(2);
    assert!(
        wrong.starts_with("alice@example.org: totp confirm ") && wrong.contains('4'),
        "{wrong}"
    );
    assert_eq!(
        told,
        [
            "alice@example.org: mailbox add".to_owned(),
            "alice@example.org: totp enable started".to_owned(),
            "alice@example.org: totp confirm".to_owned(),
            format!("alice@example.org: app-password add {app} \"phone\""),
            format!("alice@example.org: app-password revoke {app}"),
            "alice@example.org: recovery-codes new".to_owned(),
            "alice@example.org: session revoke all 0".to_owned(),
            "alice@example.org: mailbox lock".to_owned(),
            "alice@example.org: mailbox unlock".to_owned(),
            "alice@example.org: mailbox password".to_owned(),
            "alice@example.org: totp disable".to_owned(),
            "alice@example.org: mailbox rename bob@example.org".to_owned(),
            "bob@example.org: mailbox remove".to_owned(),
        ]
    );
    let all = format!("{:?}", site.store.notes());
    for secret in ["secret", "another", RFC_BASE32, CODE] {
        assert!(!all.contains(secret), "{secret}");
    }
}

#[test]
fn what_was_not_done_is_not_told() {
    let site = Bench::store_mode();
    site.add("alice").unwrap();
    site.add("alice").unwrap_err();
    site.disable("alice").unwrap_err();
    site.store.conflict(100);
    site.ask(Request::MailboxLock { mailbox: alice() }).unwrap_err();
    site.store.conflict(0);
    site.ask(Request::MailboxShow { mailbox: alice() }).unwrap();
    assert_eq!(site.told(), ["alice@example.org: mailbox add"]);
}

/// Whoever commits past `acting.rs` leaves no note.
#[test]
fn nobody_else_commits() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/service/admin");
    let mut seen = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_file = path.extension().is_some_and(|ending| ending == "rs");
        if !is_file || path.ends_with("acting.rs") || path.ends_with("tests.rs") {
            continue;
        }
        seen += 1;
        // That a token of the API was used is no change.
        let allowed = usize::from(path.ends_with("token.rs"));
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches("store.commit(").count(), allowed, "{path:?}");
    }
    assert!(seen > 8);
}

/// A clock that shows nothing keeps nobody from a change, and does not put it into 1970.
#[test]
fn a_change_without_a_time_is_noted_as_one() {
    let site = Bench::store_mode();
    site.add("alice").unwrap();
    site.enable("alice").unwrap();
    site.confirm("alice", CODE).unwrap();
    site.clock.0.store(0, Ordering::SeqCst);
    site.ask(Request::RecoveryCodesNew { mailbox: alice() }).unwrap();
    let notes = site.store.notes();
    let [.., before, last] = &notes[..] else { panic!("{notes:?}") };
    assert_eq!((last.at, last.time_unknown), (before.at, true));
    assert!(before.at > 0 && !before.time_unknown);
}
