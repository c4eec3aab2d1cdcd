//! A throttling counter: any bytes are one within its bounds or an error; one reads back as it was;
//! and whatever it holds, a failure never lets more in than before, nor does a clock set back.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use mail2fa::{
    base::{
        Mailbox, NetAddress, UnixMillis,
        limits::{THROTTLE_CODE_MARKS, THROTTLE_PASSWORD_MARKS},
    },
    decision::throttle::{
        Admission, CodeAdmission, Counter, Event, Fingerprint, Key, Owner, ThrottlePolicy, View,
        admit, admit_code, after, settle, standing,
    },
};

#[derive(Arbitrary, Debug)]
struct Case {
    now: u64,
    back: u32,
    event: u8,
    fingerprint: [u8; 16],
    counters: [Vec<u8>; 4],
}

fn updated(view: &View, changed: Vec<(Key, Counter)>) -> View {
    view.clone().updated(changed.into_iter().map(|(key, counter)| (key, Some(counter))))
}

/// The bytes as the moment, lanes and last success of a counter, and what is left of them as the
/// strings that it remembers: whole counters by chance are too rare.
fn filled(bytes: &[u8]) -> Vec<u8> {
    let (numbers, rest) = bytes.split_at_checked(8 * 11).unwrap_or((bytes, &[]));
    let mut counter = vec![1];
    counter.extend_from_slice(numbers);
    counter.resize(1 + 8 * 11, 0);
    let marks = rest.chunks_exact(24);
    let (passwords, codes) = (marks.len().min(THROTTLE_PASSWORD_MARKS), marks.clone());
    for part in [
        marks.take(passwords).collect::<Vec<_>>(),
        codes.skip(passwords).take(THROTTLE_CODE_MARKS).collect(),
    ] {
        counter.push(u8::try_from(part.len()).unwrap());
        counter.extend(part.concat());
    }
    counter
}

fuzz_target!(|case: Case| {
    let policy = ThrottlePolicy::default();
    let mailbox = Mailbox::new("alice@example.org").unwrap();
    let alice = Owner { mailbox, since: UnixMillis::from_seconds(1) };
    let keys = policy.keys_for(Some(&alice), NetAddress::parse("192.0.2.1"));
    let mut held = Vec::new();
    for (key, bytes) in keys.iter().zip(&case.counters) {
        if let Ok(counter) = Counter::decode(bytes) {
            assert_eq!(counter.encode(), *bytes);
        }
        let Ok(counter) = Counter::decode(bytes).or_else(|_| Counter::decode(&filled(bytes)))
        else {
            held.push((key.clone(), None));
            continue;
        };
        let _ = counter.expires(&policy);
        held.push((key.clone(), Some(counter)));
    }
    let view = View::new(held);
    let now = UnixMillis::from_millis(case.now);
    let print = Fingerprint(case.fingerprint);
    let failure = match case.event % 4 {
        0 => Event::WrongPassword(print),
        1 => Event::WrongCode(print),
        2 => Event::UsedCode(print),
        _ => Event::StaleCode(print),
    };
    let closed = |view: &View, at| admit(&policy, view, at) != Admission::Go;
    let settled = updated(&view, settle(&policy, &view, now));
    let before = closed(&settled, now);
    assert_eq!(before, closed(&view, now), "settling is no relief");
    let failed = updated(&settled, after(&policy, &settled, failure, now));
    assert!(!before || closed(&failed, now), "a failure is no relief");
    if matches!(failure, Event::WrongCode(_) | Event::UsedCode(_)) {
        let again = admit_code(&policy, &failed, print, now);
        assert!(again == CodeAdmission::Stale, "a failed string is remembered");
    }
    // The clock is set back: what was closed stays closed at that moment.
    let earlier = UnixMillis::from_millis(case.now.saturating_sub(u64::from(case.back)));
    let settled = updated(&failed, settle(&policy, &failed, earlier));
    // A place that was known then is a known place again.
    let same = standing(&policy, &failed, now) == standing(&policy, &settled, earlier);
    let relief = closed(&failed, now) && !closed(&settled, earlier);
    assert!(!same || !relief, "setting back is no relief: {case:?}");
    for changed in after(&policy, &settled, failure, earlier) {
        assert!(Counter::decode(&changed.1.encode()).as_ref() == Ok(&changed.1));
    }
});
