//! What goes wrong between the queue and the relay.

use super::*;
use mail2fa::base::limits::{NOTICE_QUEUE, NOTICE_RETRY_SECONDS, NOTICE_SEND_SECONDS};

fn off() -> What {
    What::SecondFactorOff
}

#[tokio::test(start_paused = true)]
async fn a_busy_relay_is_tried_again_a_few_times() {
    for failures in 0..=NOTICE_RETRY_SECONDS.len() + 1 {
        let mut fates = vec![Fate::Later; failures];
        fates.push(Fate::Taken);
        let bench = Bench::new(&fates).await;
        bench.notify(ALICE, off());
        tokio::time::sleep(Duration::from_secs(7_200)).await;
        let in_vain = failures > NOTICE_RETRY_SECONDS.len();
        assert_eq!(bench.relay.taken().len(), usize::from(!in_vain), "{failures}");
        assert_eq!(bench.owners.finish().await, usize::from(in_vain));
    }
}

#[tokio::test(start_paused = true)]
async fn the_worker_outlives_all_that_happens_to_it() {
    for fate in [Fate::Hangs, Fate::Panics, Fate::Never, Fate::Later] {
        let bench = Bench::new(&[fate.clone(), Fate::Taken]).await;
        bench.notify(ALICE, off());
        bench.notify("not a domain".replace(' ', "-").as_str(), off());
        bench.notify("bob@example.org", off());
        tokio::time::sleep(Duration::from_secs(NOTICE_SEND_SECONDS + 1)).await;
        let taken = bench.relay.taken();
        assert!(taken.iter().any(|mail| mail.contains("To: bob@example.org")), "{fate:?}");
    }
}

/// A queue that overflows drops what is new and blocks nobody: `notify` returns although nothing is taken.
#[tokio::test(start_paused = true)]
async fn a_full_queue_blocks_nobody() {
    let bench = Bench::new(&[Fate::Hangs]).await;
    for number in 0..NOTICE_QUEUE * 2 {
        bench.notify(&format!("user{number}@example.org"), off());
    }
    bench.settle().await;
    assert_eq!(bench.relay.asked(), 1);
    let unsent = bench.owners.finish().await;
    assert_eq!(unsent, NOTICE_QUEUE, "all that had room is named");
    bench.notify(ALICE, off());
}

#[tokio::test(start_paused = true)]
async fn a_stop_sends_what_waits() {
    let bench = Bench::new(&[Fate::Later, Fate::Taken]).await;
    bench.notify(ALICE, off());
    bench.settle().await;
    assert_eq!(bench.relay.taken().len(), 0, "waits for its second try");
    for number in 0..100 {
        bench.notify(&format!("user{number}@example.org"), off());
    }
    assert_eq!(bench.owners.finish().await, 0);
    assert_eq!(bench.relay.taken().len(), 101);
    assert_eq!(bench.owners.finish().await, 0, "a second time is nothing");
}

/// A relay that hangs does not hold up the end. The clock is paused, so the time that passes is the
/// daemon's own.
#[tokio::test(start_paused = true)]
async fn a_stop_is_bounded() {
    let bench = Bench::new(&[Fate::Hangs]).await;
    for number in 0..100 {
        bench.notify(&format!("user{number}@example.org"), off());
    }
    bench.settle().await;
    let before = tokio::time::Instant::now();
    assert_eq!(bench.owners.finish().await, 100);
    assert!(before.elapsed() <= Duration::from_secs(10), "{:?}", before.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_is_switched_off_is_not_sent() {
    let bench = Bench::new(&[Fate::Taken]).await;
    let mut less = outfit(bench.relay.clone());
    less.kinds.retain(|kind| *kind != NoticeKind::SecondFactorOff);
    bench.owners.equip(Some(less));
    bench.notify(ALICE, off());
    bench.notify(ALICE, What::SecondFactorOn);
    bench.settle().await;
    assert_eq!(bench.relay.taken().len(), 1);
    bench.owners.equip(None);
    bench.notify(ALICE, What::SecondFactorOn);
    bench.settle().await;
    assert_eq!(bench.relay.taken().len(), 1);
    let test = Notice {
        mailbox: Mailbox::new(ALICE).unwrap(),
        at: UnixMillis::default(),
        what: What::Test,
    };
    let refused = bench.owners.try_now(&test).await.unwrap_err();
    assert!(refused.contains("switched off"), "{refused}");
    bench.owners.equip(Some(outfit(bench.relay.clone())));
    assert_eq!(bench.owners.try_now(&test).await, Ok(()));
    bench.relay.now(Fate::Hangs);
    let hanging = bench.owners.try_now(&test).await.unwrap_err();
    assert!(hanging.contains("not taken within"), "{hanging}");
}

/// The owner learns how many recovery codes are left.
#[tokio::test(start_paused = true)]
async fn the_codes_that_are_left_come_from_the_record() {
    use mail2fa::{
        decision::{digest::Digest, record::MailboxRecord},
        ports::store::{Change, Commit, Expect, Store},
    };
    let bench = Bench::new(&[Fate::Taken]).await;
    let mut record = MailboxRecord::new(UnixMillis::from_seconds(NOW));
    record.recovery = (0..7).map(|_| Digest::from_bytes([1; 32])).collect();
    let mailbox = Mailbox::new(ALICE).unwrap();
    let change =
        Change::Mailbox { mailbox, expect: Expect::Absent, record: Some(Box::new(record)) };
    assert!(matches!(bench.store.commit(vec![change]).await, Ok(Commit::Done(_))));
    bench.notify(ALICE, What::RecoveryCodeUsed(origin()));
    bench.notify("bob@example.org", What::RecoveryCodeUsed(origin()));
    bench.settle().await;
    let taken = bench.relay.taken();
    assert!(taken[0].contains("Recovery codes left:  7\r\n"), "{}", taken[0]);
    assert!(taken[1].contains("Recovery codes left:  ?\r\n"), "{}", taken[1]);
}
