//! Throttling through whole doors: many connections at once, a restart, what Dovecot is told.

use std::sync::Arc;

use mail2fa::decision::throttle::ThrottlePolicy;

use crate::{
    login,
    support::{
        ALICE, ALICE_PASSWORD, BOB, NOW, code,
        stand::{Kind, Options, Stand},
        upstream::passwords,
        with_code,
    },
};

const KINDS: [Kind; 4] =
    [Kind::ClientUpstream, Kind::ClientStored, Kind::LoginUpstream, Kind::LoginStored];

async fn stand(kind: Kind) -> Stand {
    let throttle = Some(ThrottlePolicy::default());
    let stand = Stand::with(kind, Options { throttle, ..Options::default() }).await;
    if matches!(kind, Kind::ClientUpstream | Kind::LoginUpstream) {
        stand.upstream.script(passwords);
    }
    stand
}

fn wrong(number: u32) -> String {
    let right = [code(-1), code(0), code(1)];
    (0..100_u32)
        .map(|n| format!("{:06}", (number * 13 + n) % 1_000_000))
        .find(|digits| !right.contains(digits))
        .unwrap()
}

fn from(line: &str, host: u32) -> String {
    line.replace("\trip=192.0.2.7\t", &format!("\trip=2001:db8:{host:x}::1\t"))
}

#[tokio::test(start_paused = true)]
async fn a_hundred_guesses_at_once_are_worth_as_many_as_fit_one_after_the_other() {
    for kind in KINDS {
        let stand = Arc::new(stand(kind).await);
        let guesses = (0..100_u32).map(|n| {
            let stand = Arc::clone(&stand);
            tokio::spawn(async move {
                let mut peer = stand.peer().await;
                let line = login(1, ALICE, &with_code(ALICE_PASSWORD, &wrong(n)));
                peer.ask(from(&line, n)).await
            })
        });
        let answers = futures_util::future::join_all(guesses.collect::<Vec<_>>()).await;
        for answer in answers {
            assert_eq!(answer.unwrap(), "FAIL\t1\tuser=alice@example.org", "refusals are alike");
        }
        let looked_at = stand.log.results().iter().filter(|r| *r == "refused wrong_code").count();
        assert!((1..=6).contains(&looked_at), "{kind:?}: {looked_at} codes were looked at");
    }
}

#[tokio::test(start_paused = true)]
async fn the_counters_are_in_the_store_before_the_refusal_is_out() {
    for kind in KINDS {
        let before = stand(kind).await;
        for n in 0..8_u32 {
            let mut peer = before.peer().await;
            let line = login(1, ALICE, &with_code(ALICE_PASSWORD, &wrong(n)));
            let _ = peer.ask(from(&line, n)).await;
        }
        assert_eq!(before.log.last().result, "refused throttled");
        // A daemon that starts anew over the same store goes on where this one was.
        let after = before.restarted(kind);
        let mut peer = after.peer().await;
        let line = login(1, ALICE, &with_code(ALICE_PASSWORD, &code(0)));
        let _ = peer.ask(from(&line, 999)).await;
        assert_eq!(after.log.last().result, "refused throttled", "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn dovecot_is_told_not_to_slow_down_what_is_counted_here() {
    for kind in [Kind::ClientUpstream, Kind::LoginUpstream] {
        let stand = stand(kind).await;
        let mut peer = stand.peer().await;
        let _ = peer.ask(login(1, ALICE, &with_code(ALICE_PASSWORD, &code(0)))).await;
        let _ = peer.ask(login(2, BOB, "anything")).await;
        let asked = stand.upstream.said("AUTH");
        assert!(asked[0].contains("\trip=192.0.2.7\tno-penalty\tresp="), "{asked:?}");
        assert!(!asked[1].contains("no-penalty"), "without a record it is Dovecot's: {asked:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_ran_ahead_for_a_while_keeps_nobody_out_for_as_long() {
    const DAY: u64 = 86_400;
    for kind in KINDS {
        let stand = stand(kind).await;
        stand.clock.set(NOW.plus_seconds(365 * DAY));
        for n in 0..8_u32 {
            let mut peer = stand.peer().await;
            let line = login(1, ALICE, &with_code(ALICE_PASSWORD, &wrong(n)));
            let _ = peer.ask(from(&line, n)).await;
        }
        // Set right again: the counters keep their level, and from now on it falls.
        for (day, expected) in [(0, "refused throttled"), (9, "accepted password+code")] {
            stand.clock.set(NOW.plus_seconds(day * DAY));
            let mut peer = stand.peer().await;
            let steps = i64::try_from(day * DAY / 30).unwrap();
            let line = login(1, ALICE, &with_code(ALICE_PASSWORD, &code(steps)));
            let _ = peer.ask(from(&line, 999)).await;
            assert_eq!(stand.log.last().result, expected, "{kind:?} on day {day}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_guess_that_is_hung_up_on_before_dovecot_has_answered_counts_too() {
    // Dovecot says OK at once and FAIL after two seconds: who hangs up between has his answer.
    for (kind, cancel) in [
        (Kind::LoginUpstream, false),
        (Kind::LoginUpstream, true),
        (Kind::ClientUpstream, false),
        (Kind::ClientUpstream, true),
    ] {
        let stand = stand(kind).await;
        stand.upstream.silent();
        for n in 0..30_u32 {
            let mut peer = stand.peer().await;
            let line = login(1, ALICE, &with_code(&format!("guess {n}x"), "123456"));
            peer.send(from(&line, n)).await;
            stand.upstream.wait("AUTH", usize::try_from(n).unwrap() + 1).await;
            if cancel {
                peer.send("CANCEL\t1\n").await;
                peer.expect_quiet().await;
            }
        }
        stand.upstream.script(passwords);
        let mut peer = stand.peer().await;
        let line = login(1, ALICE, &with_code("another guess", "123456"));
        let _ = peer.ask(from(&line, 999)).await;
        assert_eq!(stand.log.last().result, "refused throttled", "{kind:?} {cancel}");
    }
}
