//! How long before a second factor is required the owner of a mailbox without one is told so.
//!
//! The administrator names some days before the date. Each of them is told once; of several that were
//! missed, because nobody was there to tell, only the nearest to the date. Another date begins anew.
//!
//! It does not say for whom a factor will be required: `enforcement` does.

use crate::base::{UnixMillis, limits::REMINDER_STEPS};

/// One day, milliseconds.
const DAY: u64 = 86_400_000;
/// Days after the date until which it is remembered what was told: a clock that is set back tells nothing
/// again.
const KEPT_DAYS: u64 = 30;
/// Version of the encoding of [`Reminded`].
const VERSION: u8 = 1;

/// Days before a date on which is told that it comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule(Vec<u16>);

impl Default for Schedule {
    fn default() -> Self {
        Self(vec![14, 7, 3, 1])
    }
}

impl Schedule {
    /// Of these numbers of days, in any order. `None` if there is none, one is 0 or there twice, or there are
    /// more than [`REMINDER_STEPS`].
    pub fn new(mut days: Vec<u16>) -> Option<Self> {
        days.sort_unstable_by(|a, b| b.cmp(a));
        let given = days.len();
        days.dedup();
        let fits = (1..=REMINDER_STEPS).contains(&given);
        (fits && days.len() == given && !days.contains(&0)).then_some(Self(days))
    }

    /// The days, the most first.
    pub fn days(&self) -> &[u16] {
        &self.0
    }

    /// The day of the list that has come and is nearest to the date; `None` before all of them, and
    /// from the date on.
    pub fn step(&self, from: UnixMillis, now: UnixMillis) -> Option<u16> {
        let left = from.millis().checked_sub(now.millis()).filter(|left| *left > 0)?;
        let come = |days: &&u16| left <= u64::from(**days) * DAY;
        self.0.iter().rev().find(come).copied()
    }
}

/// Days until a date, a day that has begun counted as one.
pub fn days_until(from: UnixMillis, now: UnixMillis) -> u64 {
    from.millis().saturating_sub(now.millis()).div_ceil(DAY)
}

/// What the owner of a mailbox was told last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reminded {
    /// Of which date, milliseconds since 1970.
    from: u64,
    /// On which day of the list.
    step: u16,
}

impl Reminded {
    /// Of this date, on this day of the list.
    pub fn new(from: UnixMillis, step: u16) -> Self {
        Self { from: from.millis(), step }
    }

    /// Whether it says something that was not told before.
    pub fn is_news_after(self, before: Option<Self>) -> bool {
        before.is_none_or(|before| before.from != self.from || before.step > self.step)
    }

    /// From when on it need not be remembered.
    pub fn expires(self) -> UnixMillis {
        UnixMillis::from_millis(self.from.saturating_add(KEPT_DAYS * DAY))
    }

    /// For the store.
    pub fn encode(self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.from.to_be_bytes());
        bytes.extend_from_slice(&self.step.to_be_bytes());
        bytes
    }

    /// From the store; what cannot be read is `None`.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(&[VERSION])?;
        let (from, rest) = rest.split_first_chunk()?;
        let (step, rest) = rest.split_first_chunk()?;
        let read = Self { from: u64::from_be_bytes(*from), step: u16::from_be_bytes(*step) };
        rest.is_empty().then_some(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROM: UnixMillis = UnixMillis::from_seconds(1_800_000_000);

    fn before(millis: u64) -> UnixMillis {
        UnixMillis::from_millis(FROM.millis() - millis)
    }

    #[test]
    fn the_nearest_day_that_has_come() {
        let schedule = Schedule::default();
        for (left, step) in [
            (15 * DAY, None),
            (14 * DAY + 1, None),
            (14 * DAY, Some(14)),
            (7 * DAY + 1, Some(14)),
            (7 * DAY, Some(7)),
            (3 * DAY + 1, Some(7)),
            (3 * DAY, Some(3)),
            (DAY, Some(1)),
            (1, Some(1)),
            (0, None),
        ] {
            assert_eq!(schedule.step(FROM, before(left)), step, "{left}");
        }
        assert_eq!(schedule.step(FROM, FROM.plus_seconds(1)), None);
        assert_eq!(days_until(FROM, before(7 * DAY)), 7);
        assert_eq!(days_until(FROM, before(6 * DAY + 1)), 7);
        assert_eq!(days_until(FROM, before(1)), 1);
    }

    /// Looks each hour from twenty days before, but for the hours that are missed.
    fn told(missed: impl Fn(u64) -> bool) -> Vec<u16> {
        let schedule = Schedule::default();
        let (mut told, mut last) = (Vec::new(), None);
        for hour in (0..20 * 24).rev().filter(|hour| !missed(*hour)) {
            let Some(step) = schedule.step(FROM, before(hour * DAY / 24)) else { continue };
            let next = Reminded::new(FROM, step);
            if next.is_news_after(last) {
                told.push(step);
                last = Some(next);
            }
        }
        told
    }

    #[test]
    fn each_day_is_told_once_and_of_missed_ones_the_nearest() {
        assert_eq!(told(|_| false), [14, 7, 3, 1]);
        assert_eq!(told(|hour| hour > 5 * 24), [7, 3, 1], "started late");
        assert_eq!(
            told(|hour| (2 * 24..10 * 24).contains(&hour)),
            [14, 3, 1],
            "stopped for a while"
        );
        assert_eq!(told(|hour| hour > 2), [1]);
    }

    #[test]
    fn another_date_is_news_and_a_clock_that_is_set_back_is_none() {
        let told = Some(Reminded::new(FROM, 3));
        assert!(Reminded::new(FROM, 1).is_news_after(told));
        assert!(!Reminded::new(FROM, 3).is_news_after(told));
        assert!(!Reminded::new(FROM, 7).is_news_after(told), "the clock was set back");
        assert!(Reminded::new(FROM.plus_seconds(86_400), 3).is_news_after(told));
    }

    #[test]
    fn schedules() {
        let days = |days: &[u16]| Schedule::new(days.to_vec()).map(|schedule| schedule.0);
        assert_eq!(days(&[1, 30, 7]), Some(vec![30, 7, 1]));
        for wrong in [&[][..], &[0], &[3, 3], &[1; REMINDER_STEPS + 1]] {
            assert_eq!(days(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn what_is_stored_is_read_again() {
        let told = Reminded::new(FROM, 7);
        assert_eq!(Reminded::decode(&told.encode()), Some(told));
        for length in 0..told.encode().len() {
            assert_eq!(Reminded::decode(&told.encode()[..length]), None);
        }
        assert_eq!(Reminded::decode(&[2; 11]), None, "of a later version");
        assert_eq!(Reminded::decode(&[1; 12]), None, "too long");
        assert!(told.expires() > FROM);
    }
}
