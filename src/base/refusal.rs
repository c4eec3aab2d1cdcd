//! When a refusal leaves: the same moments at every door, so that they say little of what was decided.

use std::time::Duration;

/// How long after its login arrived a refusal leaves that was decided after `taken`: the first whole
/// number of delays, one at least. Without a delay, or where no number of them can be told, at once.
pub fn leaves_after(taken: Duration, delay: Duration) -> Duration {
    if delay.is_zero() {
        return taken;
    }
    let delays = taken.as_nanos().div_ceil(delay.as_nanos()).max(1);
    u32::try_from(delays).ok().and_then(|delays| delay.checked_mul(delays)).unwrap_or(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_leave_at_whole_delays() {
        let ms = Duration::from_millis;
        for (taken, expected) in [(0, 2_000), (1, 2_000), (2_000, 2_000), (2_001, 4_000)] {
            assert_eq!(leaves_after(ms(taken), ms(2_000)), ms(expected));
        }
        assert_eq!(leaves_after(ms(5), Duration::ZERO), ms(5));
    }

    #[test]
    fn what_cannot_be_told_is_not_waited_for() {
        let ns = Duration::from_nanos(1);
        for (taken, delay) in [
            (Duration::MAX, Duration::from_secs(u64::MAX)),
            (Duration::MAX, ns),
            (Duration::from_secs(u64::from(u32::MAX) + 1), Duration::from_secs(1)),
        ] {
            assert_eq!(leaves_after(taken, delay), taken);
        }
        assert_eq!(leaves_after(ns, Duration::MAX), Duration::MAX);
    }
}
