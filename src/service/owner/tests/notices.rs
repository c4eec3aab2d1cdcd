//! No recovery code is used up without its owner being told.

use std::time::Duration;

use super::*;
use crate::{
    decision::recovery::{CHARACTERS, RecoveryCode},
    ports::notice::{Origin, What},
    service::admin::tests::memory::Fate,
};

fn used() -> What {
    What::RecoveryCodeUsed(Origin { service: Service::Panel, address: here() })
}

fn told(what: What) -> Vec<(String, What)> {
    vec![(ALICE.to_owned(), what)]
}

/// Gives Alice a recovery code.
fn recovery(desk: &Desk, seed: u8) -> Secret {
    let code = RecoveryCode::generate(&[seed; CHARACTERS]);
    let key = CredentialKey::new(Secret::from_slice(&[7; 32]));
    let digest = code.digest(&mailbox(ALICE), &key);
    desk.store.change(&mailbox(ALICE), |record| record.recovery.push(digest));
    secret(code.shown().expose())
}

fn left(desk: &Desk) -> usize {
    desk.store.record(&mailbox(ALICE)).map_or(0, |record| record.recovery.len())
}

#[tokio::test]
async fn a_recovery_code_at_the_panel_is_told_of() {
    let desk = Desk::enrolled().await;
    let SignIn::CodeRequired(id) =
        desk.owner.sign_in(ALICE.as_bytes(), secret("right"), here()).await
    else {
        panic!("a code is asked")
    };
    assert_eq!(desk.told.take(), []);
    let SignIn::In(ticket) = desk.owner.sign_in_with_code(id, recovery(&desk, 1), here()).await
    else {
        panic!("it is good")
    };
    assert_eq!(desk.told.take(), told(used()), "by signing in");
    let visit = desk.visit(&ticket).await.unwrap();
    // A fresh code is no recovery code.
    desk.owner.new_recovery_codes(&visit, code(SECRET, 0)).await.unwrap();
    assert_eq!(desk.told.take(), told(What::RecoveryCodesReplaced));
    let before = left(&desk);
    let spent = recovery(&desk, 2);
    desk.owner.disable(&visit, spent).await.unwrap();
    assert!(before > 0 && left(&desk) == 0);
    let both = [told(used()), told(What::SecondFactorOff)].concat();
    assert_eq!(desk.told.take(), both, "for a change");
}

#[tokio::test]
async fn one_that_may_be_used_up_is_told_of_although_nothing_came_of_it() {
    for (fate, gone) in [(Fate::Unanswered, true), (Fate::Refused, false)] {
        let desk = Desk::enrolled().await;
        let visit = desk.alice(0).await;
        let spent = recovery(&desk, 3);
        let _ = desk.told.take();
        desk.store.commits(fate);
        assert!(desk.owner.disable(&visit, spent).await.is_err(), "{fate:?}");
        assert_eq!(desk.told.take(), if gone { told(used()) } else { vec![] }, "{fate:?}");
        assert_eq!(left(&desk) == 0, gone, "{fate:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_used_up_while_its_login_is_given_up_is_told_of() {
    let desk = Desk::enrolled().await;
    let SignIn::CodeRequired(id) =
        desk.owner.sign_in(ALICE.as_bytes(), secret("right"), here()).await
    else {
        panic!("a code is asked")
    };
    let spent = recovery(&desk, 4);
    desk.store.commits(Fate::Hangs);
    let login = desk.owner.sign_in_with_code(id, spent, here());
    assert!(tokio::time::timeout(Duration::from_secs(1), login).await.is_err());
    assert_eq!((left(&desk), desk.told.take()), (0, told(used())));
    // A code of the app leaves no trace of this kind.
    let login = desk.owner.sign_in_with_code(id, code(SECRET, 0), here());
    assert!(tokio::time::timeout(Duration::from_secs(1), login).await.is_err());
    assert_eq!(desk.told.take(), []);
}
