//! Somebody who has the password must not be able to flood the owner, and a restart tells nothing again.

use super::*;
use mail2fa::base::limits::{NOTICE_WRONG_CODES, NOTICES_A_DAY};

const DAY: u64 = 86_400;

#[tokio::test(start_paused = true)]
async fn a_thousand_wrong_codes_are_one_mail_a_day() {
    let bench = Bench::new(&[Fate::Taken]).await;
    for _ in 1..NOTICE_WRONG_CODES {
        bench.notify(ALICE, wrong_code());
    }
    bench.settle().await;
    assert_eq!(bench.relay.taken().len(), 0, "an owner who mistypes is left alone");
    for _ in 0..1_000 {
        bench.notify(ALICE, wrong_code());
        bench.notify("bob@example.org", wrong_code());
        bench.settle().await;
    }
    let told = |name: &str| {
        let to = format!("\r\nTo: {name}\r\n");
        bench.relay.taken().iter().filter(|mail| mail.contains(&to)).count()
    };
    assert_eq!((told(ALICE), told("bob@example.org")), (1, 1));
    // A restart does not forget that they know.
    let bench = bench.restart().await;
    for _ in 0..10 {
        bench.notify(ALICE, wrong_code());
    }
    bench.settle().await;
    assert_eq!(bench.relay.taken().len(), 0);
    bench.clock.forward(DAY);
    for _ in 0..10 {
        bench.notify(ALICE, wrong_code());
    }
    bench.settle().await;
    assert_eq!(bench.relay.taken().len(), 1, "while it goes on, once a day");
}

#[tokio::test(start_paused = true)]
async fn the_count_of_wrong_codes_outlives_a_restart() {
    let bench = Bench::new(&[Fate::Taken]).await;
    for _ in 1..NOTICE_WRONG_CODES {
        bench.notify(ALICE, wrong_code());
    }
    bench.settle().await;
    let bench = bench.restart().await;
    bench.notify(ALICE, wrong_code());
    bench.settle().await;
    assert_eq!(bench.relay.taken().len(), 1);
}

/// Events that waited in the queue while the owner was being told are older than that.
#[tokio::test(start_paused = true)]
async fn a_burst_that_waited_is_told_of_once() {
    let bench = Bench::new(&[Fate::Taken]).await;
    for _ in 0..100 {
        bench.notify(ALICE, wrong_code());
    }
    bench.clock.forward(5);
    bench.settle().await;
    assert_eq!(bench.relay.taken().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_code_notice_that_fails_is_tried_again_and_not_doubled() {
    let bench = Bench::new(&[Fate::Later]).await;
    for _ in 0..20 {
        bench.notify(ALICE, wrong_code());
    }
    bench.settle().await;
    assert_eq!(bench.relay.asked(), 1);
    bench.relay.now(Fate::Taken);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(bench.relay.taken().len(), 1);
    bench.notify(ALICE, wrong_code());
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert_eq!(bench.relay.taken().len(), 1);
}

/// In doubt one notice too many: what was never taken does not count as told.
#[tokio::test(start_paused = true)]
async fn an_owner_who_could_not_be_told_is_told_of_the_next_one() {
    let bench = Bench::new(&[Fate::Never]).await;
    for _ in 0..5 {
        bench.notify(ALICE, wrong_code());
        bench.settle().await;
    }
    assert_eq!((bench.relay.asked(), bench.relay.taken().len()), (3, 0));
    bench.relay.now(Fate::Taken);
    bench.notify(ALICE, wrong_code());
    bench.settle().await;
    assert_eq!(bench.relay.taken().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_kind_floods_and_none_hides_another() {
    let bench = Bench::new(&[Fate::Taken]).await;
    for number in 0..50 {
        bench.notify(ALICE, What::AppPasswordAdded { name: format!("app {number}") });
    }
    bench.settle().await;
    let most = usize::try_from(NOTICES_A_DAY).unwrap();
    assert_eq!(bench.relay.taken().len(), most);
    bench.notify(ALICE, What::SecondFactorOff);
    bench.settle().await;
    assert_eq!(bench.relay.taken().len(), most + 1);
}

/// A mailbox that is enrolled anew does not inherit what its predecessor was told.
#[tokio::test(start_paused = true)]
async fn switching_on_begins_anew() {
    let bench = Bench::new(&[Fate::Taken]).await;
    for what in [wrong_code(), wrong_code(), wrong_code(), What::SecondFactorOn] {
        bench.notify(ALICE, what);
    }
    for _ in 0..3 {
        bench.notify(ALICE, wrong_code());
    }
    bench.settle().await;
    assert_eq!(bench.relay.taken().len(), 3);
}
