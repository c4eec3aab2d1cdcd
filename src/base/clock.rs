//! Time and randomness as arguments.
//!
//! Nothing below the adapters asks the machine what time it is or for random bytes; both come in
//! through these traits, so that a simulation can turn the clock back and repeat a run.

use super::limits::STEP_SECONDS;

/// Milliseconds since 1970-01-01T00:00:00Z. Never before it: a machine with such a clock is
/// answered [`ClockError`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(u64);

impl UnixMillis {
    /// From milliseconds since the epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// From seconds since the epoch; saturates.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1_000))
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the epoch.
    pub const fn seconds(self) -> u64 {
        self.0 / 1_000
    }

    /// The TOTP step this moment lies in (RFC 6238 T, with T0 = 0 and X = 30 s).
    pub const fn step(self) -> u64 {
        self.seconds() / STEP_SECONDS
    }

    /// Later by so many seconds; saturates.
    #[must_use]
    pub const fn plus_seconds(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000)))
    }
}

/// The machine's clock stands before 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system clock stands before 1970: set it, codes cannot be checked without the time")]
pub struct ClockError;

/// Where the present time comes from.
pub trait Clock: Send + Sync {
    /// The present time.
    fn now(&self) -> Result<UnixMillis, ClockError>;
}

/// The operating system gave no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct RngError;

/// Where random bytes come from. Every implementation outside tests is the operating system's
/// generator.
pub trait Rng: Send + Sync {
    /// Fills the buffer with unpredictable bytes.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RngError>;
}
