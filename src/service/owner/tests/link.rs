//! One-time links: who gets in by one, once, and what such a session may do.

use super::*;
use crate::service::admin::{NewAppPassword, Request, Response};

/// A link for a mailbox, as a hosting panel gets it.
pub(super) async fn link(desk: &Desk, name: &str) -> String {
    let request = Request::PanelLink { mailbox: name.into() };
    match desk.owner.admin().handle(request, "API token \"hosting\"").await {
        Ok(Response::PanelLink { link, expires, .. }) => {
            let now = desk.clock.0.load(Ordering::SeqCst);
            assert_eq!(expires, now + 60);
            link.expose().to_owned()
        }
        other => panic!("{other:?}"),
    }
}

pub(super) async fn followed(desk: &Desk, link: &str) -> Option<Ticket> {
    desk.owner.follow_link(link, here()).await.unwrap()
}

async fn looked_at(desk: &Desk, link: &str) -> Option<String> {
    desk.owner.look_at_link(link).await.unwrap().map(|mailbox| mailbox.to_string())
}

#[tokio::test]
async fn looking_does_nothing_and_following_is_once() {
    let desk = Desk::enrolled().await;
    for name in [ALICE, BOB] {
        let link = link(&desk, name).await;
        for _ in 0..3 {
            assert_eq!(looked_at(&desk, &link).await.as_deref(), Some(name));
        }
        let ticket = followed(&desk, &link).await.unwrap();
        let visit = desk.visit(&ticket).await.unwrap();
        assert_eq!(visit.mailbox.as_str(), name);
        assert_eq!(visit.by_link(), Some("API token \"hosting\""));
        assert_eq!(looked_at(&desk, &link).await, None);
        assert!(followed(&desk, &link).await.is_none());
    }
    for none in ["", "x", &"a".repeat(600)] {
        assert_eq!(looked_at(&desk, none).await, None);
        assert!(followed(&desk, none).await.is_none());
    }
}

#[tokio::test]
async fn two_links_are_two_and_none_is_for_another_mailbox() {
    let desk = Desk::enrolled().await;
    let (one, two) = (link(&desk, ALICE).await, link(&desk, ALICE).await);
    assert_ne!(one, two);
    assert!(followed(&desk, &one).await.is_some());
    assert!(followed(&desk, &two).await.is_some(), "two tabs do not spoil each other");
    // The token of one with the name of another.
    let (alice, bob) = (link(&desk, ALICE).await, link(&desk, BOB).await);
    let forged = format!("{}{}", &alice[..43], &bob[43..]);
    assert_eq!(looked_at(&desk, &forged).await, None);
    assert!(followed(&desk, &forged).await.is_none());
}

#[tokio::test]
async fn it_ends_with_its_minute_and_with_what_changes_the_mailbox() {
    let desk = Desk::enrolled().await;
    let late = link(&desk, ALICE).await;
    desk.forward(59);
    assert!(looked_at(&desk, &late).await.is_some());
    desk.forward(1);
    assert!(followed(&desk, &late).await.is_none());
    let early = link(&desk, ALICE).await;
    desk.clock.0.fetch_sub(LOGIN_SECONDS + 1, Ordering::SeqCst);
    assert!(followed(&desk, &early).await.is_none(), "the clock went back");
    let changes: [fn(&mut MailboxRecord); 3] = [
        |record| record.locked = Some(UnixMillis::from_seconds(NOW)),
        |record| record.disenrol(),
        |record| record.password_hash = Some(SecretText::new("{PLAIN}x".into())),
    ];
    for change in changes {
        let desk = Desk::enrolled().await;
        let link = link(&desk, ALICE).await;
        desk.store.change(&mailbox(ALICE), change);
        assert_eq!(looked_at(&desk, &link).await, None);
        assert!(followed(&desk, &link).await.is_none());
    }
    let locked = Desk::enrolled().await;
    locked.store.change(&mailbox(ALICE), |record| record.locked = Some(UnixMillis::default()));
    let request = Request::PanelLink { mailbox: ALICE.into() };
    assert!(locked.owner.admin().handle(request, "x").await.is_err());
}

#[tokio::test]
async fn a_lock_that_was_ended_brings_back_no_link_and_no_session() {
    let desk = Desk::enrolled().await;
    let (one, two) = (link(&desk, ALICE).await, link(&desk, ALICE).await);
    let ticket = followed(&desk, &one).await.unwrap();
    assert!(desk.visit(&ticket).await.is_some());
    for request in [
        Request::MailboxLock { mailbox: ALICE.into() },
        Request::MailboxUnlock { mailbox: ALICE.into() },
    ] {
        assert!(desk.owner.admin().handle(request, "x").await.is_ok());
    }
    assert!(desk.visit(&ticket).await.is_none());
    assert!(followed(&desk, &two).await.is_none());
}

#[tokio::test]
async fn who_loses_the_race_is_out_and_a_faulty_store_lets_nobody_in() {
    let desk = Desk::enrolled().await;
    let one = link(&desk, ALICE).await;
    desk.store.conflict(1);
    assert!(followed(&desk, &one).await.is_none());
    desk.store.fail(StoreError::Ambiguous("who knows".into()));
    assert!(desk.owner.follow_link(&one, here()).await.is_err());
    assert!(desk.owner.look_at_link(&one).await.is_err());
}

/// Somebody else follows the link after it was looked at, when the ticket is made.
struct Stealing(Arc<MemoryStore>);

impl crate::base::Rng for Stealing {
    fn fill(&self, _: &mut [u8]) -> Result<(), crate::base::clock::RngError> {
        self.0.forget_entries();
        Ok(())
    }
}

#[tokio::test]
async fn who_comes_between_looking_and_following_gets_in_alone() {
    let desk = Desk::enrolled().await;
    let link = link(&desk, ALICE).await;
    let parts = desk.owner.parts();
    let Admin { store, clock, key, names, notifier, trail, .. } = &*parts.admin;
    let admin = Admin {
        panel: None,
        store: store.clone(),
        hasher: None,
        clock: clock.clone(),
        key: key.clone(),
        rng: Arc::new(Stealing(desk.store.clone())),
        names: names.clone(),
        issuer: "Mail".into(),
        notifier: notifier.clone(),
        trail: trail.clone(),
        enforcement: EnforcementPolicy::default(),
    };
    let (passwords, policy) = (Arc::clone(&parts.passwords), parts.policy);
    let refusal_delay = parts.refusal_delay;
    desk.owner.replace(Parts { admin: Arc::new(admin), passwords, policy, refusal_delay });
    assert!(followed(&desk, &link).await.is_none());
    assert!(desk.store.kinds().is_empty(), "no session was opened");
}

#[tokio::test]
async fn a_session_by_link_makes_nothing_that_opens_mail() {
    let wanted = || NewAppPassword { name: "phone".into(), ..NewAppPassword::default() };
    // With a factor and its code, without one, and with one that it has switched on by itself.
    let desk = Desk::enrolled().await;
    let ticket = followed(&desk, &link(&desk, ALICE).await).await.unwrap();
    let visit = desk.visit(&ticket).await.unwrap();
    let refused = desk.owner.add_app_password(&visit, wanted(), code(SECRET, 0)).await;
    assert_eq!(refused, Err(OwnerError::NeedsPassword));
    assert_eq!(desk.totp().last_step, 0, "no code was used up");
    let ticket = followed(&desk, &link(&desk, BOB).await).await.unwrap();
    let visit = desk.visit(&ticket).await.unwrap();
    let refused = desk.owner.add_app_password(&visit, wanted(), secret("")).await;
    assert_eq!(refused, Err(OwnerError::NeedsPassword));
    desk.owner.begin_enrolment(&visit).await.unwrap();
    let Some(Shown::Enrolment(enrolment)) = desk.owner.shown(&visit, ShownKind::Enrolment) else {
        panic!("a secret is shown")
    };
    let alphabet = base32::Alphabet::Rfc4648 { padding: false };
    let of = base32::decode(alphabet, enrolment.secret.expose()).unwrap();
    let ticket = desk.owner.confirm_enrolment(&visit, text(&code(&of, 0))).await.unwrap();
    let visit = desk.visit(&ticket).await.unwrap();
    assert!(visit.by_link().is_some(), "it does not become another one");
    let refused = desk.owner.add_app_password(&visit, wanted(), code(&of, 1)).await;
    assert_eq!(refused, Err(OwnerError::NeedsPassword));
    let ticket = desk.owner.end_all(&visit).await.unwrap();
    assert!(desk.visit(&ticket).await.unwrap().by_link().is_some());
}

#[tokio::test]
async fn what_it_changes_asks_for_codes_and_is_told_with_whose_link_it_was() {
    let desk = Desk::enrolled().await;
    let ticket = followed(&desk, &link(&desk, ALICE).await).await.unwrap();
    let visit = desk.visit(&ticket).await.unwrap();
    assert!(desk.owner.shown(&visit, ShownKind::Enrolment).is_none());
    assert!(matches!(desk.owner.disable(&visit, secret("000000")).await, Err(OwnerError::Code(_))));
    let refused = desk.owner.new_recovery_codes(&visit, secret("")).await;
    assert!(matches!(refused, Err(OwnerError::Code(_))));
    desk.owner.new_recovery_codes(&visit, code(SECRET, 0)).await.unwrap();
    desk.owner.disable(&visit, code(SECRET, 1)).await.unwrap();
    let told: Vec<_> = desk
        .store
        .notes()
        .into_iter()
        .map(|note| (note.action.unwrap(), note.by.unwrap(), note.detail))
        .collect();
    let token = "API token \"hosting\"";
    let by = format!("owner by link of {token}, from 192.0.2.1");
    assert_eq!(
        told,
        [
            ("panel link".into(), token.into(), None),
            (
                "panel link".into(),
                format!("link of {token}"),
                Some("followed from 192.0.2.1".into())
            ),
            ("recovery-codes new".into(), by.clone(), None),
            ("totp disable".into(), by, None),
        ]
    );
}
