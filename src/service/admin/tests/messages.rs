//! Questions and answers keep what they say on their way through JSON.

use super::*;
use crate::service::admin::{AuditWanted, NewAppPassword, NewLevel};

fn travels<T>(message: &T)
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let text = serde_json::to_string(message).unwrap();
    assert!(!text.contains('\n'), "one line each");
    assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), message, "{text}");
}

#[test]
fn requests_travel() {
    let mailbox = alice;
    for request in [
        Request::MailboxAdd {
            mailbox: mailbox(),
            password: NewPassword::Clear(disclosed("a\n\"b\"")),
        },
        Request::MailboxPassword {
            mailbox: mailbox(),
            password: NewPassword::Hash(disclosed("{X}y")),
        },
        Request::MailboxList { after: None, limit: 7 },
        Request::MailboxShow { mailbox: mailbox() },
        Request::MailboxRename { mailbox: mailbox(), to: "b".into() },
        Request::MailboxRemove { mailbox: mailbox() },
        Request::TotpEnable { mailbox: mailbox() },
        Request::TotpConfirm { mailbox: mailbox(), code: disclosed("1") },
        Request::TotpDisable { mailbox: mailbox() },
        Request::TotpStatus { mailbox: mailbox() },
        Request::AppPasswordAdd {
            mailbox: mailbox(),
            wanted: NewAppPassword {
                name: "p".into(),
                services: vec!["imap".into()],
                networks: vec!["::1".into()],
                expires: Some(1),
            },
        },
        Request::AppPasswordList { mailbox: mailbox() },
        Request::AppPasswordRevoke { mailbox: mailbox(), id: "abcd".into() },
        Request::RecoveryCodesNew { mailbox: mailbox() },
        Request::RecoveryCodesLeft { mailbox: mailbox() },
        Request::SessionList { mailbox: mailbox() },
        Request::SessionRevoke { mailbox: mailbox(), id: None },
        Request::SessionRevoke { mailbox: mailbox(), id: Some(1) },
        Request::MailboxLock { mailbox: mailbox() },
        Request::MailboxUnlock { mailbox: mailbox() },
        Request::MailboxPrograms { mailbox: mailbox() },
        Request::Audit(AuditWanted {
            mailbox: Some(mailbox()),
            limit: 7,
            ..AuditWanted::default()
        }),
        Request::PolicyShow { mailbox: None },
        Request::PolicyShow { mailbox: Some(mailbox()) },
        Request::PolicySet { mailbox: mailbox(), level: NewLevel::RequiredFrom(7) },
        Request::PolicySet { mailbox: mailbox(), level: NewLevel::Inherit },
    ] {
        travels(&request);
        let words = if matches!(request, Request::Audit(_)) { 1 } else { 2 };
        assert_eq!(request.action().split(' ').count(), words);
    }
}

#[test]
fn answers_and_errors_travel() {
    let bench = Bench::store_mode();
    travels(&bench.add("alice").unwrap());
    travels(&Response::Enrolment(bench.enable("alice").unwrap()));
    travels(&bench.confirm("alice", "000000").unwrap_err());
    travels(&bench.confirm("alice", CODE).unwrap());
    let wanted = NewAppPassword { name: "p".into(), ..NewAppPassword::default() };
    for request in [
        Request::AppPasswordAdd { mailbox: alice(), wanted },
        Request::AppPasswordList { mailbox: alice() },
        Request::RecoveryCodesNew { mailbox: alice() },
        Request::RecoveryCodesLeft { mailbox: alice() },
        Request::SessionList { mailbox: alice() },
        Request::SessionRevoke { mailbox: alice(), id: None },
        Request::MailboxLock { mailbox: alice() },
        Request::MailboxUnlock { mailbox: alice() },
    ] {
        travels(&bench.ask(request).unwrap());
    }
    travels(&bench.ask(Request::MailboxShow { mailbox: alice() }).unwrap());
    travels(&bench.ask(Request::MailboxList { after: None, limit: 1 }).unwrap());
    travels(&bench.ask(Request::TotpStatus { mailbox: alice() }).unwrap());
    travels(&bench.ask(Request::MailboxShow { mailbox: "x".into() }).unwrap_err());
    travels(&AdminError::Busy);
}

#[test]
fn what_is_not_a_request_is_refused() {
    for text in
        ["{}", "[]", r#"{"do":"format_disk"}"#, r#"{"do":"totp_status","mailbox":"a","x":1}"#]
    {
        assert!(serde_json::from_str::<Request>(text).is_err(), "{text}");
    }
}
