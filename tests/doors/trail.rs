//! Each decision is in the audit trail once, with the reason that the log has.

use crate::{
    auth, elsewhere, login,
    support::{
        ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, code,
        stand::{Kind, Options, Stand},
        upstream::passwords,
        with_code, wrong_code,
    },
};

#[tokio::test(start_paused = true)]
async fn each_decision_is_in_the_trail_once() {
    for kind in [Kind::ClientUpstream, Kind::ClientStored, Kind::LoginUpstream, Kind::LoginStored] {
        let stand = Stand::with(kind, Options { trail: true, ..Options::default() }).await;
        if matches!(kind, Kind::ClientUpstream | Kind::LoginUpstream) {
            stand.upstream.script(passwords);
        }
        let coded = login(1, ALICE, &with_code(ALICE_PASSWORD, &code(0)));
        let identified = login(1, BOB, BOB_PASSWORD)
            .replace("\tresp=", "\tclient_id=\"name\" \"mutt\x1b[2J\"\tresp=");
        let attempts = [
            (coded.clone(), "accepted password+code"),
            (coded.clone(), "accepted password+session"),
            (elsewhere(&coded), "refused used_code"),
            (login(1, ALICE, &with_code(ALICE_PASSWORD, &wrong_code())), "refused wrong_code"),
            (login(1, ALICE, ALICE_PASSWORD), "refused missing_code"),
            (login(1, ALICE, ""), "refused empty_password"),
            (login(1, ALICE, &with_code("no", &code(0))), "refused wrong_password"),
            (identified, "accepted password"),
            (login(1, "a b", BOB_PASSWORD), "refused bad_name"),
            (auth(1, "CRAM-MD5", None), "refused malformed"),
        ];
        for (line, _) in &attempts {
            let mut peer = stand.peer().await;
            peer.ask(line.clone()).await;
        }
        let mut expected: Vec<_> = attempts.iter().map(|(_, result)| *result).collect();
        assert_eq!(stand.log.results(), expected, "{kind:?}");
        let mut found = stand.trail().await;
        found.sort();
        expected.sort_unstable();
        assert_eq!(found, expected, "{kind:?}");
        let bob = crate::support::stand::mailbox(BOB);
        let programs = stand.trail.programs(&bob).await.unwrap();
        let [mutt] = &programs[..] else { panic!("{programs:?}") };
        assert_eq!((mutt.program.as_deref(), mutt.count), (Some("mutt\u{fffd}[2J"), 1));
        let alice = crate::support::stand::mailbox(ALICE);
        assert_eq!(stand.trail.wrong_codes(&alice).await.unwrap().unwrap().count, 1);
        assert_eq!(stand.trail.programs(&alice).await.unwrap(), []);
    }
}
