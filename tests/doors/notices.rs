//! What owners are told of logins, whichever door these come through.

use mail2fa::{
    base::{NetAddress, Service},
    decision::recovery::{CHARACTERS, RecoveryCode},
    ports::notice::{Origin, What},
};

use crate::{
    login,
    signins::change,
    support::{
        ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, code,
        stand::{Kind, Stand, mailbox},
        upstream::passwords,
        with_code, wrong_code,
    },
};

#[tokio::test(start_paused = true)]
async fn an_owner_is_told_of_wrong_codes_and_of_recovery_codes_only() {
    for kind in [Kind::ClientUpstream, Kind::ClientStored, Kind::LoginUpstream, Kind::LoginStored] {
        let stand = Stand::new(kind).await;
        if matches!(kind, Kind::ClientUpstream | Kind::LoginUpstream) {
            stand.upstream.script(passwords);
        }
        let recovery = RecoveryCode::generate(&[5; CHARACTERS]);
        let digest = recovery.digest(&mailbox(ALICE), &stand.store.credential_key());
        change(&stand, ALICE, |record| record.recovery.push(digest)).await;
        let recovery = format!("{ALICE_PASSWORD}{}", recovery.shown().expose());
        let origin = || Origin { service: Service::Imap, address: NetAddress::parse("192.0.2.7") };
        let alice = |what| vec![(ALICE.to_owned(), what)];
        for (name, typed, told) in [
            (BOB, BOB_PASSWORD.to_owned(), vec![]),
            (BOB, "wrong".to_owned(), vec![]),
            (ALICE, ALICE_PASSWORD.to_owned(), vec![]),
            (ALICE, with_code("wrong", &code(0)), vec![]),
            (ALICE, with_code(ALICE_PASSWORD, &code(0)), vec![]),
            (ALICE, with_code(ALICE_PASSWORD, &wrong_code()), alice(What::WrongCode(origin()))),
            (ALICE, recovery, alice(What::RecoveryCodeUsed(origin()))),
        ] {
            let mut peer = stand.peer().await;
            peer.ask(login(1, name, &typed)).await;
            assert_eq!(stand.told.take(), told, "{kind:?} {name} {:?}", stand.log.results());
        }
    }
}
