//! A password that was typed as a name is in no log and not in the trail. The stand itself looks through all
//! that was traced, at every level.

use mail2fa::{
    base::{Secret, UnixMillis},
    ports::store::{Change, Commit, Entry, Store as _},
    service::trail::{EventQuery, Recorder},
};

use crate::{
    login,
    support::{
        ALICE, ALICE_PASSWORD, BOB_PASSWORD,
        stand::{Kind, Options, Stand, mailbox},
        upstream::passwords,
        with_code, wrong_code,
    },
};

const KINDS: [Kind; 4] =
    [Kind::ClientUpstream, Kind::ClientStored, Kind::LoginUpstream, Kind::LoginStored];

async fn stand(kind: Kind) -> Stand {
    let stand = Stand::with(kind, Options { trail: true, ..Options::default() }).await;
    if matches!(kind, Kind::ClientUpstream | Kind::LoginUpstream) {
        stand.upstream.script(passwords);
    }
    stand
}

/// The names in the log, after these were typed.
async fn logged(stand: &Stand, typed: &[(&str, &str)]) -> Vec<String> {
    for (name, password) in typed {
        let mut peer = stand.peer().await;
        peer.ask(login(1, name, password)).await;
    }
    let events = stand.log.events();
    events.iter().rev().take(typed.len()).rev().map(|event| event.mailbox.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_password_typed_as_a_name_is_written_down_nowhere() {
    for kind in KINDS {
        let stand = stand(kind).await;
        let coded = with_code(ALICE_PASSWORD, &wrong_code());
        let typed = [
            (ALICE_PASSWORD, "x"),
            (ALICE_PASSWORD, "y"),
            (&*coded, "x"),
            (BOB_PASSWORD, "x"),
            // No name at all.
            ("two words", "x"),
            ("stranger@example.org", "x"),
            (ALICE, "x"),
        ];
        let names = logged(&stand, &typed).await;
        for name in &names[..5] {
            assert!(name.starts_with("(not a mailbox: ") && name.ends_with(')'), "{name}");
        }
        assert_eq!(names[0], names[1], "known again");
        assert!(names[0] != names[2] && names[0] != names[3] && names[0] != names[4], "{names:?}");
        assert_eq!(names[5..], ["stranger@example.org", ALICE], "{kind:?}");
        stand.trail().await;
        let query = EventQuery { most: 100, ..EventQuery::default() };
        let page = stand.trail.events(&query).await.unwrap().unwrap();
        let kept = serde_json::to_string(&page.events.iter().map(|(_, e)| e).collect::<Vec<_>>());
        let kept = kept.unwrap();
        assert!(kept.contains(&names[0]) && kept.contains("stranger@example.org"), "{kept}");
        for secret in [ALICE_PASSWORD, BOB_PASSWORD, "two words"] {
            assert!(!kept.contains(secret), "{kept}");
        }
    }
}

/// A short name that has logged in before is one.
#[tokio::test(start_paused = true)]
async fn a_name_that_is_known_is_written_down() {
    let stand = stand(Kind::ClientUpstream).await;
    let [hidden] = &logged(&stand, &[("carol", "wrong")]).await[..] else { panic!("one") };
    assert!(hidden.starts_with("(not a mailbox: "), "{hidden}");
    let [key, _] = Recorder::summaries(&mailbox("carol"));
    let expires = UnixMillis::from_millis(u64::MAX / 2);
    let entry = Some(Entry { value: Secret::from_slice(b"[]"), expires });
    let change = Change::Entry { key, expect: None, entry };
    assert!(matches!(stand.store.commit(vec![change]).await, Ok(Commit::Done(_))));
    assert_eq!(logged(&stand, &[("carol", "wrong")]).await, ["carol"]);
}
