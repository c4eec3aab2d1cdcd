//! A started enrolment: any bytes are one or an error; one reads back as it was; only a right code
//! confirms it, and each wrong one brings its end nearer.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mail2fa::{
    base::{Secret, UnixMillis, limits::ENROLMENT_WRONG_CODES},
    decision::{
        code::Code,
        enrolment::{Confirmation, Pending},
    },
};
use mail2fa_fuzz::hotp;

fuzz_target!(|input: (u32, Option<u32>, i8, Vec<u8>)| {
    let (seconds, typed, offset, stored) = input;
    let stored = Secret::from_vec(stored);
    let Ok(pending) = Pending::decode(&stored) else { return };
    assert_eq!(pending.encode(), stored);
    let now = UnixMillis::from_seconds(u64::from(seconds) + 90);
    let secret = pending.secret().expose().to_vec();
    let near = now.step().saturating_add_signed(i64::from(offset % 3));
    let digits =
        typed.map_or_else(|| hotp(&secret, near), |code| format!("{:06}", code % 1_000_000));
    let right = (now.step() - 1..=now.step() + 1).any(|step| hotp(&secret, step) == digits);
    let next = stored.expose()[1].saturating_add(1);
    match pending.confirm(&Code::parse(digits.as_bytes()).unwrap(), now) {
        Confirmation::Confirmed(factor, _) => {
            assert!(right);
            assert_eq!(hotp(&secret, factor.last_step), digits);
            assert_eq!(factor.secret.expose(), secret);
        }
        Confirmation::Wrong { pending, left } => {
            assert!(!right && (1..ENROLMENT_WRONG_CODES).contains(&left));
            let after = pending.encode().expose()[1];
            assert!(after == next && left == ENROLMENT_WRONG_CODES - after);
        }
        Confirmation::Exhausted => assert!(!right && next >= ENROLMENT_WRONG_CODES),
    }
});
