//! What was open at the panel does not come back, whichever way the record goes back to what it said.

use super::{
    link::{followed, link},
    *,
};
use crate::{
    decision::panel::PanelSession,
    ports::store::{Entry, EntryKey},
    service::{
        admin::{
            NewAppPassword, Request,
            tests::memory::{Fate, Moment},
        },
        behalf::Behalf,
    },
};

/// What becomes of Bob's mailbox while a session of his is open and a link waits.
#[derive(Clone, Copy, Debug)]
enum Step {
    Enrolled,
    Asked(fn() -> Request),
}

impl Step {
    async fn done(self, desk: &Desk) {
        match self {
            Self::Enrolled => desk.enrol(BOB).await,
            Self::Asked(request) => {
                let done = desk.owner.admin().handle(request(), "uid=0").await;
                assert!(done.is_ok(), "{done:?}");
            }
        }
    }
}

const DISABLE: Step = Step::Asked(|| Request::TotpDisable { mailbox: BOB.into() });
const LOCK: Step = Step::Asked(|| Request::MailboxLock { mailbox: BOB.into() });
const UNLOCK: Step = Step::Asked(|| Request::MailboxUnlock { mailbox: BOB.into() });
const REMOVE: Step = Step::Asked(|| Request::MailboxRemove { mailbox: BOB.into() });
const END_ALL: Step = Step::Asked(|| Request::SignInsEnd { mailbox: BOB.into() });
const AWAY: Step =
    Step::Asked(|| Request::MailboxRename { mailbox: BOB.into(), to: "rob@example.org".into() });
const BACK: Step =
    Step::Asked(|| Request::MailboxRename { mailbox: "rob@example.org".into(), to: BOB.into() });

#[tokio::test]
async fn what_was_open_does_not_come_back_when_the_record_does() {
    let ways: [&[Step]; 9] = [
        &[Step::Enrolled, DISABLE],
        &[Step::Enrolled, REMOVE],
        &[Step::Enrolled, AWAY],
        &[Step::Enrolled, AWAY, BACK, DISABLE],
        &[LOCK, UNLOCK],
        &[LOCK, REMOVE],
        &[END_ALL],
        &[END_ALL, Step::Enrolled, REMOVE],
        &[END_ALL, END_ALL],
    ];
    for way in ways {
        let desk = Desk::new();
        let link = link(&desk, BOB).await;
        let ticket = desk.bob().await;
        assert!(desk.visit(&ticket).await.is_some());
        for step in way {
            step.done(&desk).await;
            assert!(desk.visit(&ticket).await.is_none(), "{way:?}: {step:?}");
        }
        assert!(followed(&desk, &link).await.is_none(), "{way:?}");
        assert_eq!(desk.store.record(&mailbox(BOB)), None, "{way:?}: it stands as it did");
        // What is opened from then on lives.
        let ticket = desk.bob().await;
        assert!(desk.visit(&ticket).await.is_some(), "{way:?}");
    }
}

/// An app password.
pub(super) fn phone() -> NewAppPassword {
    NewAppPassword {
        name: "phone".into(),
        services: Vec::new(),
        networks: Vec::new(),
        expires: None,
    }
}

/// A record may go that said no more of who may in than none does.
#[tokio::test]
async fn a_removal_and_a_renaming_end_what_is_open_whatever_the_record_says() {
    for gone in [REMOVE, AWAY] {
        let desk = Desk::new();
        let add = || Request::AppPasswordAdd { mailbox: BOB.into(), wanted: phone() };
        Step::Asked(add).done(&desk).await;
        let (ticket, link) = (desk.bob().await, link(&desk, BOB).await);
        gone.done(&desk).await;
        assert!(desk.visit(&ticket).await.is_none(), "{gone:?}");
        assert!(followed(&desk, &link).await.is_none(), "{gone:?}");
    }
}

#[tokio::test]
async fn what_says_nothing_of_who_may_in_ends_nothing() {
    let desk = Desk::new();
    let (one, two) = (desk.bob().await, desk.bob().await);
    let admin = desk.owner.admin();
    let add = Request::AppPasswordAdd { mailbox: BOB.into(), wanted: phone() };
    assert!(admin.handle(add, "uid=0").await.is_ok());
    let id = desk.store.record(&mailbox(BOB)).unwrap().app_passwords[0].id;
    let revoke = Request::AppPasswordRevoke { mailbox: BOB.into(), id: id.as_str().into() };
    assert!(admin.handle(revoke, "uid=0").await.is_ok());
    assert_eq!(desk.store.record(&mailbox(BOB)), None);
    for ticket in [one, two] {
        assert!(desk.visit(&ticket).await.is_some());
    }
}

#[tokio::test]
async fn a_change_that_is_not_done_begins_nothing() {
    let desk = Desk::new();
    desk.enrol(BOB).await;
    desk.store.commits(Fate::Refused);
    let request = Request::TotpDisable { mailbox: BOB.into() };
    assert!(desk.owner.admin().handle(request, "uid=0").await.is_err());
    assert!(desk.store.kinds().is_empty());
}

/// What an administrator writes who does this to Bob's mailbox.
fn written(locked: bool, enrolled: bool) -> Vec<Change> {
    let now = UnixMillis::from_seconds(NOW);
    let factor = TotpFactor { secret: Secret::from_slice(SECRET), last_step: 0, enabled: now };
    let record = MailboxRecord {
        locked: locked.then_some(now),
        totp: enrolled.then_some(factor),
        ..MailboxRecord::new(now)
    };
    let (mailbox, record) = (mailbox(BOB), Some(Box::new(record)));
    vec![Change::Mailbox { mailbox, expect: Expect::Absent, record }]
}

#[tokio::test]
async fn a_session_that_is_renewed_does_not_outlive_what_was_changed_meanwhile() {
    let desk = Desk::new();
    let ticket = desk.bob().await;
    let visit = desk.visit(&ticket).await.unwrap();
    // Locked between the end of all sign-ins and the new session in place of this one.
    desk.store.meanwhile(Moment::Committed, written(true, false));
    let renewed = desk.owner.end_all(&visit).await.unwrap();
    assert!(!desk.store.is_waiting());
    assert!(desk.visit(&renewed).await.is_none(), "the mailbox was locked since");
    // Two that end each other: what the first one gets has ended by the second one.
    let desk = Desk::new();
    let thief = desk.bob().await;
    let thief = desk.visit(&thief).await.unwrap();
    desk.store.meanwhile(Moment::Committed, new_era(&desk));
    let renewed = desk.owner.end_all(&thief).await.unwrap();
    assert!(desk.visit(&renewed).await.is_none(), "its owner has ended all since");
}

/// A request may be cut off, or the power, right after the write.
#[tokio::test(start_paused = true)]
async fn the_session_that_takes_the_place_of_one_is_in_the_write_that_ends_it() {
    let desk = Desk::new();
    let visit = desk.visit(&desk.bob().await).await.unwrap();
    desk.owner.begin_enrolment(&visit).await.unwrap();
    let code = text(&enrolling(&desk, &visit));
    desk.store.commits(Fate::Hangs);
    let confirmed = desk.owner.confirm_enrolment(&visit, code);
    assert!(tokio::time::timeout(Duration::from_secs(1), confirmed).await.is_err(), "it hangs");
    let admin = desk.owner.admin();
    let sessions = sessions_of_bob(&desk).await;
    let [(_, session)] = &sessions[..] else { panic!("{sessions:?}") };
    let session = PanelSession::decode(&session.value).unwrap();
    assert_eq!(session.standing, admin.standing(&mailbox(BOB)).await.unwrap());
    assert!(desk.visit(&visit.ticket).await.is_none());
}

#[tokio::test]
async fn a_change_that_is_not_done_replaces_no_session() {
    let desk = Desk::new();
    let ticket = desk.bob().await;
    let visit = desk.visit(&ticket).await.unwrap();
    desk.owner.begin_enrolment(&visit).await.unwrap();
    // A code that is wrong is counted, in a write.
    let wrong = desk.owner.confirm_enrolment(&visit, text(&secret("000000"))).await;
    let counted = AdminError::WrongCode { left: 4 };
    assert_eq!(wrong, Err(OwnerError::Change(counted)));
    assert!(desk.owner.shown(&visit, ShownKind::Enrolment).is_some(), "still to be scanned");
    desk.store.commits(Fate::Refused);
    let code = text(&enrolling(&desk, &visit));
    let refused = desk.owner.confirm_enrolment(&visit, code).await;
    assert!(
        matches!(refused, Err(OwnerError::Change(AdminError::Unavailable { .. }))),
        "{refused:?}"
    );
    assert_eq!(sessions_of_bob(&desk).await.len(), 1);
    assert!(desk.visit(&ticket).await.is_some(), "it lives");
}

#[tokio::test]
async fn nothing_is_changed_by_a_session_that_ends_while_it_is_looked_at() {
    let desk = Desk::new();
    let ticket = desk.bob().await;
    let visit = desk.visit(&ticket).await.unwrap();
    // Its owner switches the second factor on, right after the thief's session was looked at.
    desk.store.meanwhile(Moment::EntryRead("panel-era"), written(false, true));
    let added = desk.owner.add_app_password(&visit, phone(), secret("")).await;
    assert!(!desk.store.is_waiting());
    assert_eq!(added, Err(OwnerError::Ended));
    assert_eq!(desk.store.record(&mailbox(BOB)).unwrap().app_passwords, []);
    // The same where nothing but the era is new.
    let desk = Desk::new();
    let ticket = desk.bob().await;
    let visit = desk.visit(&ticket).await.unwrap();
    desk.store.meanwhile(Moment::EntryRead("panel-era"), new_era(&desk));
    assert_eq!(desk.owner.begin_enrolment(&visit).await, Err(OwnerError::Ended));
    assert_eq!(desk.store.kinds(), ["panel", "panel-era"], "no enrolment");
    // What would have put a new session in its place, and an enrolment that its owner would have confirmed.
    let visit = desk.visit(&desk.bob().await).await.unwrap();
    desk.store.meanwhile(Moment::EntryRead("panel-era"), new_era(&desk));
    assert_eq!(desk.owner.end_all(&visit).await, Err(OwnerError::Ended));
    let visit = desk.visit(&desk.bob().await).await.unwrap();
    desk.owner.begin_enrolment(&visit).await.unwrap();
    desk.store.meanwhile(Moment::EntryRead("panel-era"), new_era(&desk));
    let confirmed = desk.owner.confirm_enrolment(&visit, text(&enrolling(&desk, &visit))).await;
    assert_eq!(confirmed, Err(OwnerError::Ended));
    assert_eq!(desk.store.record(&mailbox(BOB)), None);
    // With nobody in between it is confirmed.
    let visit = desk.visit(&desk.bob().await).await.unwrap();
    desk.owner.begin_enrolment(&visit).await.unwrap();
    let confirmed = desk.owner.confirm_enrolment(&visit, text(&enrolling(&desk, &visit))).await;
    assert!(desk.visit(&confirmed.unwrap()).await.is_some());
}

/// The last look is before the write, so the write has the condition in it.
#[tokio::test]
async fn nothing_is_written_for_a_session_that_ends_after_the_last_look() {
    for request in [
        Request::TotpEnable { mailbox: BOB.into() },
        Request::SignInsEnd { mailbox: BOB.into() },
        Request::AppPasswordAdd { mailbox: BOB.into(), wanted: phone() },
    ] {
        for logs_out in [false, true] {
            let desk = Desk::new();
            let visit = desk.visit(&desk.bob().await).await.unwrap();
            let session = Behalf::new(desk.owner.key(&visit.ticket), visit.session.standing);
            let (ends, left) = if logs_out {
                (vec![desk.owner.stored(&visit.ticket, None, None)], &[][..])
            } else {
                (new_era(&desk), &["panel", "panel-era"][..])
            };
            desk.store.meanwhile(Moment::EntryRead("panel-era"), ends);
            let admin = desk.owner.admin();
            let done = admin.handle_on_behalf(request.clone(), "owner", &session).await;
            assert_eq!(done, Err(AdminError::Busy), "{request:?}");
            assert!(!desk.store.is_waiting() && desk.store.notes().is_empty(), "{request:?}");
            assert_eq!(desk.store.kinds(), left, "{request:?}");
            assert_eq!(desk.store.record(&mailbox(BOB)), None, "{request:?}");
        }
    }
    // Who logs out in another window gets no session in place of the one that ended.
    let desk = Desk::new();
    let visit = desk.visit(&desk.bob().await).await.unwrap();
    let out = desk.owner.stored(&visit.ticket, None, None);
    desk.store.meanwhile(Moment::EntryRead("panel-era"), vec![out]);
    assert_eq!(desk.owner.end_all(&visit).await, Err(OwnerError::Ended));
    assert!(!desk.store.is_waiting());
    assert_eq!(desk.store.kinds(), [""; 0]);
    // Nor where its name has come to mean another mailbox.
    let desk = Desk::new();
    let visit = desk.visit(&desk.bob().await).await.unwrap();
    let session = Behalf::new(
        EntryKey { mailbox: mailbox("bob"), ..desk.owner.key(&visit.ticket) },
        visit.session.standing,
    );
    let realm = Some("example.org".to_owned());
    desk.replace_names(NameRules { default_realm: realm, ..NameRules::default() });
    let shown = Request::TotpStatus { mailbox: "bob".into() };
    let done = desk.owner.admin().handle_on_behalf(shown, "owner", &session).await;
    assert_eq!(done, Err(AdminError::Busy));
}

#[tokio::test]
async fn a_browser_is_ended_by_a_session_that_lives() {
    for logs_out in [false, true] {
        let desk = Desk::new();
        let other = desk.bob().await;
        let visit = desk.visit(&desk.bob().await).await.unwrap();
        let id = desk.owner.key(&other).id;
        let out = desk.owner.stored(&visit.ticket, None, None);
        let ends = if logs_out { vec![out] } else { new_era(&desk) };
        desk.store.meanwhile(Moment::EntryRead("panel-era"), ends);
        assert_eq!(desk.owner.end_browser(&visit, &id).await, Err(OwnerError::Ended));
        assert!(!desk.store.is_waiting() && desk.store.notes().is_empty());
        assert!(sessions_of_bob(&desk).await.iter().any(|(name, _)| *name == id));
    }
}

async fn sessions_of_bob(desk: &Desk) -> Vec<(String, Entry)> {
    desk.store.entries_of("panel", &mailbox(BOB), UnixMillis::default(), 9).await.unwrap()
}

/// What the owner of Bob's mailbox writes who ends all that is open.
fn new_era(desk: &Desk) -> Vec<Change> {
    vec![desk.owner.admin().begin_era(&mailbox(BOB)).unwrap()]
}

/// The code for the secret that is on the screen.
fn enrolling(desk: &Desk, visit: &Visit) -> Secret {
    let Some(Shown::Enrolment(enrolment)) = desk.owner.shown(visit, ShownKind::Enrolment) else {
        panic!("a secret is shown")
    };
    let alphabet = base32::Alphabet::Rfc4648 { padding: false };
    code(&base32::decode(alphabet, enrolment.secret.expose()).unwrap(), 0)
}
