//! What the tests of whole doors share: a door on a real socket ([`stand`]), somebody who talks to
//! it by bytes ([`peer`]), a Dovecot auth made of a script ([`upstream`]), and what was logged
//! ([`watched`]).
//!
//! Everything runs in one process and, mostly, under tokio's paused clock: waiting takes no time
//! and no assertion depends on the speed of the machine.
#![allow(dead_code, reason = "each test uses a part of this")]

pub mod peer;
pub mod process;
pub mod stand;
pub mod upstream;
pub mod watched;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use mail2fa::base::{Clock, Rng, UnixMillis, clock::ClockError, clock::RngError};

/// How long a test waits for what must come before it gives up: virtual time mostly, longer than any limit
/// of the daemon.
pub const PATIENCE: Duration = Duration::from_secs(600);

/// The moment at which the tests play.
pub const NOW: UnixMillis = UnixMillis::from_seconds(1_800_000_015);

/// Alice's secret. She has 2-factor authentication on.
pub const ALICE_SECRET: &[u8] = b"12345678901234567890";
/// Alice.
pub const ALICE: &str = "alice@example.org";
/// Her password.
pub const ALICE_PASSWORD: &str = "T9D3K!px";
/// Bob, who has no second factor.
pub const BOB: &str = "bob@example.org";
/// His password ends like one with a code.
pub const BOB_PASSWORD: &str = "hunter-2189145";
/// What Dovecot's vouch passdb holds.
pub const VOUCH_SECRET: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";

/// The code of a step this far from the present one, as an authenticator app shows it.
pub fn code(steps: i64) -> String {
    let seconds = NOW.seconds().checked_add_signed(steps * 30).unwrap();
    let totp = totp_rs::Builder::new()
        .with_secret(totp_rs::Secret::new(ALICE_SECRET.into()))
        .with_step_duration(30)
        .with_skew(0)
        .with_digits(6)
        .build_noncompliant();
    totp.generate(seconds).to_string()
}

/// Six digits that are no code of Alice's now.
pub fn wrong_code() -> String {
    let near: Vec<String> = (-2..=2).map(code).collect();
    (0..10).map(|n| format!("{n:06}")).find(|digits| !near.contains(digits)).unwrap()
}

/// Password and code as one string.
pub fn with_code(password: &str, code: &str) -> String {
    format!("{password}{code}")
}

pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

/// A PLAIN message in base64.
pub fn plain(name: &str, password: &str) -> String {
    plain_as("", name, password)
}

pub fn plain_as(act_as: &str, name: &str, password: &str) -> String {
    b64(format!("{act_as}\0{name}\0{password}"))
}

/// A clock that stands until it is set.
pub struct FakeClock(AtomicU64);

impl FakeClock {
    pub fn new() -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(NOW.millis())))
    }

    pub fn forward(&self, seconds: u64) {
        self.0.fetch_add(seconds * 1_000, Ordering::Relaxed);
    }

    pub fn back(&self, seconds: u64) {
        self.0.fetch_sub(seconds * 1_000, Ordering::Relaxed);
    }

    pub fn set(&self, now: UnixMillis) {
        self.0.store(now.millis(), Ordering::Relaxed);
    }

    /// From now on it stands before 1970.
    pub fn break_down(&self) {
        self.0.store(u64::MAX, Ordering::Relaxed);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Result<UnixMillis, ClockError> {
        match self.0.load(Ordering::Relaxed) {
            u64::MAX => Err(ClockError),
            millis => Ok(UnixMillis::from_millis(millis)),
        }
    }
}

/// Bytes that differ each time and are the same in each run.
#[derive(Default)]
pub struct CountingRng(AtomicU64);

impl Rng for CountingRng {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RngError> {
        for chunk in buffer.chunks_mut(8) {
            let mut z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}
