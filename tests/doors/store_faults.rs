//! A store that fails: no verdict, and no code that may have been burned opens a second time.

use mail2fa::store::memory_engine::Faults;

use crate::{
    elsewhere, login,
    support::{
        ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, NOW, code,
        stand::{Kind, Stand},
        with_code,
    },
};

const ALICE_OK: &str = "OK\t1\tuser=alice@example.org";
const REFUSED: &str = "FAIL\t1\tuser=alice@example.org";
const TEMP_FAIL: &str = "FAIL\t1\tuser=alice@example.org\ttemp\tcode=temp_fail";

fn faults(stand: &Stand, faults: Faults) {
    stand.store.engine().set_faults(faults);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_read_is_no_verdict_and_asks_nobody() {
    for kind in [Kind::ClientUpstream, Kind::ClientStored, Kind::LoginUpstream] {
        let stand = Stand::new(kind).await;
        let mut peer = stand.peer().await;
        let password = with_code(ALICE_PASSWORD, &code(0));
        faults(&stand, Faults { failing_reads: 1, ..Faults::default() });
        assert_eq!(peer.ask(login(1, ALICE, &password)).await, TEMP_FAIL);
        assert_eq!(stand.log.results(), ["unavailable"]);
        assert!(stand.upstream.said("AUTH").is_empty());
        assert_eq!(peer.ask(login(1, ALICE, &password)).await, ALICE_OK);
    }
}

#[tokio::test(start_paused = true)]
async fn a_burn_that_fails_is_no_verdict_and_its_ok_is_withdrawn() {
    let stand = Stand::new(Kind::LoginUpstream).await;
    let mut peer = stand.peer().await;
    let password = with_code(ALICE_PASSWORD, &code(0));
    faults(&stand, Faults { failing_commits: 1, ..Faults::default() });
    assert_eq!(peer.ask(login(1, ALICE, &password)).await, TEMP_FAIL);
    assert_eq!(stand.upstream.wait("CANCEL", 1).await, ["CANCEL\t1"]);
    assert_eq!(stand.burned().await, 0);
    assert_eq!(peer.ask(login(1, ALICE, &password)).await, ALICE_OK, "nothing was written");
}

#[tokio::test(start_paused = true)]
async fn a_burn_whose_outcome_is_unknown_is_no_verdict_and_opens_at_most_once() {
    for (done, after) in [(true, "accepted password+session"), (false, "accepted password+code")] {
        let stand = Stand::new(Kind::ClientUpstream).await;
        let mut peer = stand.peer().await;
        let password = with_code(ALICE_PASSWORD, &code(0));
        let (ambiguous_done, ambiguous_lost) = (u32::from(done), u32::from(!done));
        faults(&stand, Faults { ambiguous_done, ambiguous_lost, ..Faults::default() });
        assert_eq!(peer.ask(login(1, ALICE, &password)).await, TEMP_FAIL);
        // From where it was typed it is the same sign-in, whatever became of the first write.
        assert_eq!(peer.ask(login(1, ALICE, &password)).await, ALICE_OK);
        assert_eq!(stand.log.last().result, after, "burned: {done}");
        assert_eq!(stand.burned().await, NOW.step());
        assert_eq!(peer.ask(elsewhere(&login(1, ALICE, &password))).await, REFUSED);
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_has_ended_lets_nobody_in_whose_factor_it_holds() {
    let stand = Stand::new(Kind::ClientUpstream).await;
    let mut peer = stand.peer().await;
    stand.store.engine().kill("the disk went away");
    let password = with_code(ALICE_PASSWORD, &code(0));
    for password in [password.as_str(), ALICE_PASSWORD] {
        assert_eq!(peer.ask(login(1, ALICE, password)).await, TEMP_FAIL);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_record_never_opens_a_mailbox_by_its_password_alone() {
    let stand = Stand::new(Kind::ClientUpstream).await;
    let mut peer = stand.peer().await;
    for (key, _) in stand.store.engine().dump() {
        if key.windows(ALICE.len()).any(|part| part == ALICE.as_bytes()) {
            assert!(stand.store.engine().lose(&key));
        }
    }
    for password in [ALICE_PASSWORD.to_owned(), with_code(ALICE_PASSWORD, &code(0))] {
        assert_eq!(peer.ask(login(1, ALICE, &password)).await, TEMP_FAIL);
    }
    assert!(stand.upstream.said("AUTH").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_without_a_record_needs_no_read() {
    let stand = Stand::new(Kind::ClientUpstream).await;
    let mut peer = stand.peer().await;
    faults(&stand, Faults { failing_reads: 9, failing_commits: 9, ..Faults::default() });
    let answer = peer.ask(login(1, BOB, BOB_PASSWORD)).await;
    assert_eq!(answer, "OK\t1\tuser=bob@example.org");
}
