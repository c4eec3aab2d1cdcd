//! Passwords that were found right a moment ago and are not asked for again (`passwords.cache`).

use std::sync::atomic::Ordering;

use mail2fa::{
    base::SecretText,
    decision::{place::Binding, session::SessionPolicy},
};

use crate::{
    login,
    signins::change,
    support::{
        ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, NOW, code,
        stand::{Kind, Options, Stand},
        upstream::{Act, Line, believes, passwords},
        with_code,
    },
};

const SECONDS: u64 = 60;
const CACHING: [Kind; 3] = [Kind::ClientUpstream, Kind::ClientStored, Kind::LoginStored];

/// Sessions that are bound to no place, so that what is asked again is seen.
async fn stand(kind: Kind) -> Stand {
    let sessions = SessionPolicy {
        password_seconds: SECONDS,
        binding: Binding::None,
        ..SessionPolicy::default()
    };
    Stand::with(kind, Options { sessions, ..Options::default() }).await
}

/// How often the password was checked so far.
fn checks(stand: &Stand, kind: Kind) -> usize {
    match kind {
        Kind::ClientUpstream | Kind::LoginUpstream => stand.upstream.said("AUTH").len(),
        Kind::ClientStored | Kind::LoginStored => stand.hasher.checks.load(Ordering::SeqCst),
    }
}

/// One login on a connection of its own; how often the password was checked for it, and what the log says.
async fn knock(stand: &Stand, kind: Kind, line: String) -> (usize, String, String) {
    let before = checks(stand, kind);
    let answer = stand.peer().await.ask(line).await;
    (checks(stand, kind) - before, stand.log.last().result, answer)
}

fn wrong(line: &Line) -> Vec<Act> {
    let refused = format!("FAIL\t{}\tuser={ALICE}\n", line.id());
    if line.verb() == "AUTH" { vec![Act::Say(refused)] } else { vec![] }
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_that_lives_asks_once_in_its_time() {
    for kind in CACHING {
        let stand = stand(kind).await;
        let line = login(1, ALICE, &with_code(ALICE_PASSWORD, &code(0)));
        let mut answers = Vec::new();
        for (forward, asked) in
            [(0, 1), (0, 1), (0, 0), (SECONDS - 1, 0), (1, 1), (SECONDS - 1, 0), (1, 1)]
        {
            stand.clock.forward(forward);
            let (times, result, answer) = knock(&stand, kind, line.clone()).await;
            assert_eq!(times, asked, "{kind:?} {forward}");
            assert!(result.starts_with("accepted password+"), "{kind:?} {result}");
            answers.push(answer);
        }
        // Nobody can see which of them was asked.
        assert!(answers[0].starts_with("OK\t1\tuser=alice@example.org"), "{answers:?}");
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn dovecots_own_logins_are_asked_each_time() {
    let stand = stand(Kind::LoginUpstream).await;
    let line = login(1, ALICE, &with_code(ALICE_PASSWORD, &code(0)));
    for _ in 0..4 {
        let (times, ..) = knock(&stand, Kind::LoginUpstream, line.clone()).await;
        assert_eq!(times, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn another_place_service_spelling_or_string_is_asked() {
    for kind in CACHING {
        let stand = stand(kind).await;
        let typed = with_code(ALICE_PASSWORD, &code(0));
        let line = login(1, ALICE, &typed);
        for _ in 0..2 {
            let _ = knock(&stand, kind, line.clone()).await;
        }
        for other in [
            line.replace("rip=192.0.2.7", "rip=192.0.2.8"),
            line.replace("service=imap", "service=smtp"),
            login(1, "Alice@Example.ORG", &typed),
        ] {
            assert_eq!(knock(&stand, kind, other.clone()).await.0, 1, "{kind:?} {other}");
            let again = knock(&stand, kind, other.clone()).await;
            // A name that the mail server gave back in another spelling is never kept.
            let spelled = kind == Kind::ClientUpstream && again.2.contains("Alice@");
            assert_eq!(again.0, usize::from(spelled), "{kind:?} {other}");
        }
        let other = line.replace("session=s1", "session=s2\trport=4711");
        assert_eq!(knock(&stand, kind, other).await.0, 0, "{kind:?}");
        let told = line.replace("session=s1", "session=s1\tsecured");
        let times = knock(&stand, kind, told).await.0;
        assert_eq!(times, usize::from(kind == Kind::ClientUpstream), "{kind:?}");
        let wrong = login(1, ALICE, &with_code("another", &code(0)));
        for _ in 0..2 {
            let (times, result, _) = knock(&stand, kind, wrong.clone()).await;
            assert_eq!((times, result.as_str()), (1, "refused wrong_password"), "{kind:?}");
        }
        // And nobody without a second factor is remembered.
        if kind != Kind::LoginStored {
            for _ in 0..3 {
                assert_eq!(knock(&stand, kind, login(1, BOB, BOB_PASSWORD)).await.0, 1, "{kind:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_password_that_the_mail_server_changed_is_good_for_that_time_at_most() {
    let kind = Kind::ClientUpstream;
    let stand = stand(kind).await;
    let line = login(1, ALICE, &with_code(ALICE_PASSWORD, &code(0)));
    for _ in 0..2 {
        let _ = knock(&stand, kind, line.clone()).await;
    }
    stand.upstream.script(wrong);
    stand.clock.forward(SECONDS - 1);
    assert_eq!(knock(&stand, kind, line.clone()).await.1, "accepted password+session");
    stand.clock.forward(1);
    for _ in 0..2 {
        let (times, result, _) = knock(&stand, kind, line.clone()).await;
        assert_eq!((times, result.as_str()), (1, "refused wrong_password"));
    }
    // Right again, as it was before: asked, not remembered.
    stand.upstream.script(passwords);
    assert_eq!(knock(&stand, kind, line.clone()).await.0, 1);
    assert_eq!(knock(&stand, kind, line.clone()).await.0, 0);
    // A clock that goes back makes nothing young again.
    stand.clock.back(SECONDS / 2);
    assert_eq!(knock(&stand, kind, line).await.0, 1);
}

#[tokio::test(start_paused = true)]
async fn a_change_of_ours_counts_at_once() {
    for kind in CACHING {
        let stand = stand(kind).await;
        let line = login(1, ALICE, &with_code(ALICE_PASSWORD, &code(0)));
        for asked in [1, 1, 0] {
            assert_eq!(knock(&stand, kind, line.clone()).await.0, asked, "{kind:?}");
        }
        // Any change: the record has another version.
        change(&stand, ALICE, |record| record.last_session += 1).await;
        for asked in [1, 0] {
            assert_eq!(knock(&stand, kind, line.clone()).await.0, asked, "{kind:?}");
        }
        change(&stand, ALICE, |record| record.locked = Some(NOW)).await;
        assert_eq!(knock(&stand, kind, line.clone()).await.1, "refused locked", "{kind:?}");
        change(&stand, ALICE, |record| record.locked = None).await;
        assert_eq!(knock(&stand, kind, line.clone()).await.0, 1, "{kind:?}");
        if kind == Kind::ClientUpstream {
            continue;
        }
        // Even if sign-ins outlived it, which they do not.
        let new = SecretText::new("{PLAIN}another".into());
        change(&stand, ALICE, |record| record.password_hash = Some(new)).await;
        let (times, result, _) = knock(&stand, kind, line.clone()).await;
        assert_eq!((times, result.as_str()), (1, "refused wrong_password"), "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_comes_with_more_than_a_name_is_not_kept() {
    let kind = Kind::ClientUpstream;
    let stand = stand(kind).await;
    stand.upstream.answer("OK\t#\tuser=alice@example.org\tproxy\thost=192.0.2.3\tpass=T9D3K!px\n");
    let line = login(1, ALICE, &with_code(ALICE_PASSWORD, &code(0)));
    for _ in 0..4 {
        let (times, _, answer) = knock(&stand, kind, line.clone()).await;
        assert_eq!(times, 1);
        assert!(answer.ends_with("\tproxy\thost=192.0.2.3\tpass=T9D3K!px"), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_mail_server_that_is_gone_is_not_missed_and_dovecot_is_still_told() {
    let kind = Kind::ClientUpstream;
    let mut stand = stand(kind).await;
    let line = login(1, ALICE, &with_code(ALICE_PASSWORD, &code(0)));
    for _ in 0..2 {
        let _ = knock(&stand, kind, line.clone()).await;
    }
    stand.upstream.stop().await;
    assert_eq!(knock(&stand, kind, line.clone()).await.1, "accepted password+session");
    stand.clock.forward(SECONDS);
    assert_eq!(knock(&stand, kind, line).await.1, "unavailable");
    // With passwords of our own the mail process fetches what we vouched for, each time.
    let stand = self::stand(Kind::LoginStored).await;
    stand.upstream.script(believes);
    let line = login(1, ALICE, &with_code(ALICE_PASSWORD, &code(0)));
    for vouched in 1..=4 {
        let _ = knock(&stand, Kind::LoginStored, line.clone()).await;
        assert_eq!(stand.upstream.said("AUTH").len(), vouched);
    }
}
