//! What owners are told of, and how often: kinds, their placeholders, and the count behind them.
//!
//! It writes no text and sends nothing. Time is an argument.
//!
//! # Security
//!
//! Somebody who has a password can make wrong codes come about as often as throttling allows. So the
//! owner is told of them once a day, and no kind is sent more often than [`NOTICES_A_DAY`]. Whatever
//! cannot be read, or lies in the future, counts as nothing: one notice too many rather than none.

use std::fmt;

use crate::base::{
    UnixMillis,
    limits::{LANGUAGE_BYTES, NOTICE_WRONG_CODES, NOTICES_A_DAY},
};

/// One day, milliseconds.
const DAY: u64 = 86_400_000;
/// Version of the encoding of a [`Tally`].
const VERSION: u8 = 1;

/// What a notice is about; each has a text and can be switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoticeKind {
    /// 2-factor authentication was switched on.
    SecondFactorOn,
    /// It was switched off.
    SecondFactorOff,
    /// It moved to a new phone.
    SecondFactorMoved,
    /// It will be required from a day that is near, and the mailbox has none.
    SecondFactorRequired,
    /// An app password was made.
    AppPasswordAdded,
    /// A recovery code was used up.
    RecoveryCodeUsed,
    /// A new set of recovery codes took the place of the old one.
    RecoveryCodesReplaced,
    /// The right password came with a wrong code, again and again.
    WrongCodes,
    /// An administrator tries whether notices arrive. Cannot be switched off alone.
    Test,
}

impl NoticeKind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::SecondFactorOn,
        Self::SecondFactorOff,
        Self::SecondFactorMoved,
        Self::SecondFactorRequired,
        Self::AppPasswordAdded,
        Self::RecoveryCodeUsed,
        Self::RecoveryCodesReplaced,
        Self::WrongCodes,
        Self::Test,
    ];

    /// The word in the configuration, in the log and in file names.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SecondFactorOn => "second_factor_on",
            Self::SecondFactorOff => "second_factor_off",
            Self::SecondFactorMoved => "second_factor_moved",
            Self::SecondFactorRequired => "second_factor_required",
            Self::AppPasswordAdded => "app_password_added",
            Self::RecoveryCodeUsed => "recovery_code_used",
            Self::RecoveryCodesReplaced => "recovery_codes_replaced",
            Self::WrongCodes => "wrong_codes",
            Self::Test => "test",
        }
    }

    /// What its text may name.
    pub fn placeholders(self) -> &'static [Placeholder] {
        use Placeholder::{Address, AppPassword, Date, Days, Left, Mailbox, Service, Time};
        match self {
            Self::SecondFactorOn
            | Self::SecondFactorOff
            | Self::SecondFactorMoved
            | Self::RecoveryCodesReplaced
            | Self::Test => &[Mailbox, Time],
            Self::SecondFactorRequired => &[Mailbox, Date, Days],
            Self::AppPasswordAdded => &[Mailbox, Time, AppPassword],
            Self::RecoveryCodeUsed => &[Mailbox, Time, Service, Address, Left],
            Self::WrongCodes => &[Mailbox, Time, Service, Address],
        }
    }
}

/// What stands in braces in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Placeholder {
    /// The mailbox.
    Mailbox,
    /// When it happened, to the minute, UTC.
    Time,
    /// For which service.
    Service,
    /// From which address.
    Address,
    /// What the owner calls the app password.
    AppPassword,
    /// How many recovery codes are left.
    Left,
    /// From when on something will hold, to the minute, UTC.
    Date,
    /// Days until then, a day that has begun counted as one.
    Days,
}

impl Placeholder {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Mailbox,
        Self::Time,
        Self::Service,
        Self::Address,
        Self::AppPassword,
        Self::Left,
        Self::Date,
        Self::Days,
    ];

    /// The word between the braces.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mailbox => "mailbox",
            Self::Time => "time",
            Self::Service => "service",
            Self::Address => "address",
            Self::AppPassword => "app_password",
            Self::Left => "left",
            Self::Date => "date",
            Self::Days => "days",
        }
    }
}

/// A language by its tag, `en` or `pt-br`; also the name of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Language(Box<str>);

impl Default for Language {
    /// English.
    fn default() -> Self {
        Self("en".into())
    }
}

impl Language {
    /// Reads a tag: letters in lower case, digits and dashes, beginning with a letter.
    pub fn parse(tag: &str) -> Option<Self> {
        let letter = |c: char| c.is_ascii_lowercase();
        let plain = tag.chars().all(|c| letter(c) || c.is_ascii_digit() || c == '-');
        let fits = (2..=LANGUAGE_BYTES).contains(&tag.len()) && tag.starts_with(letter);
        (plain && fits).then(|| Self(tag.into()))
    }

    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a notice is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// It is.
    Send,
    /// It is not: too few wrong codes yet, or told already, or as many as a day has.
    Keep,
}

/// What happened to a mailbox, of one kind, in a span of a day, and when its owner was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Wrong codes since then, or notices sent since then.
    count: u32,
    /// When the span began, milliseconds since 1970.
    since: u64,
    /// When the owner was told last; 0 for never.
    told: u64,
}

impl Tally {
    /// Takes one more event of this kind.
    pub fn event(&mut self, kind: NoticeKind, now: UnixMillis) -> Verdict {
        if !is_recent(self.since, now) {
            (self.count, self.since) = (0, now.millis());
        }
        let send = match kind {
            NoticeKind::WrongCodes => {
                self.count = self.count.saturating_add(1);
                self.count >= NOTICE_WRONG_CODES && !is_recent(self.told, now)
            }
            NoticeKind::SecondFactorOn
            | NoticeKind::SecondFactorOff
            | NoticeKind::SecondFactorMoved
            | NoticeKind::SecondFactorRequired
            | NoticeKind::AppPasswordAdded
            | NoticeKind::RecoveryCodeUsed
            | NoticeKind::RecoveryCodesReplaced
            | NoticeKind::Test => self.count < NOTICES_A_DAY,
        };
        if send { Verdict::Send } else { Verdict::Keep }
    }

    /// The owner was told. To be called only when the mail was taken.
    pub fn told(&mut self, kind: NoticeKind, now: UnixMillis) {
        self.told = now.millis();
        if kind == NoticeKind::WrongCodes {
            (self.count, self.since) = (0, now.millis());
        } else {
            self.count = self.count.saturating_add(1);
        }
    }

    /// From when on it says nothing any more.
    pub fn expires(&self) -> UnixMillis {
        UnixMillis::from_millis(self.since.max(self.told).saturating_add(DAY))
    }

    /// For the store.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.count.to_be_bytes());
        bytes.extend_from_slice(&self.since.to_be_bytes());
        bytes.extend_from_slice(&self.told.to_be_bytes());
        bytes
    }

    /// From the store; what cannot be read is `None`.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(&[VERSION])?;
        let (count, rest) = rest.split_first_chunk()?;
        let (since, rest) = rest.split_first_chunk()?;
        let (told, rest) = rest.split_first_chunk()?;
        rest.is_empty().then(|| Self {
            count: u32::from_be_bytes(*count),
            since: u64::from_be_bytes(*since),
            told: u64::from_be_bytes(*told),
        })
    }
}

/// Whether a moment lies within the last day; one in the future does not.
fn is_recent(then: u64, now: UnixMillis) -> bool {
    then != 0 && then <= now.millis() && now.millis() - then < DAY
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis::from_seconds(1_800_000_000);
    const HOUR: u64 = 3_600;

    /// How often an attack that goes on is told of: one wrong code each ten minutes.
    fn told_within(hours: u64) -> usize {
        let mut tally = Tally::default();
        let mut count = 0;
        for minute in (0..hours * 60).step_by(10) {
            let now = NOW.plus_seconds(minute * 60);
            if tally.event(NoticeKind::WrongCodes, now) == Verdict::Send {
                tally.told(NoticeKind::WrongCodes, now);
                count += 1;
            }
        }
        count
    }

    #[test]
    fn an_attack_that_goes_on_is_told_of_once_a_day() {
        assert_eq!(told_within(23), 1);
        assert_eq!(told_within(24 * 30), 30);
    }

    #[test]
    fn the_third_wrong_code_of_a_day_is_told_of() {
        let kind = NoticeKind::WrongCodes;
        let mut tally = Tally::default();
        assert_eq!(tally.event(kind, NOW), Verdict::Keep);
        assert_eq!(tally.event(kind, NOW), Verdict::Keep);
        assert_eq!(tally.event(kind, NOW), Verdict::Send);
        // Not told, because the mail could not be sent: the next one is told of.
        assert_eq!(tally.event(kind, NOW), Verdict::Send);
        // Three that a day does not hold.
        let mut tally = Tally::default();
        for hours in [0, 13, 25, 38] {
            let now = NOW.plus_seconds(hours * HOUR);
            assert_eq!(tally.event(kind, now), Verdict::Keep, "{hours}");
        }
    }

    #[test]
    fn a_clock_that_was_set_back_keeps_nothing_from_the_owner() {
        let kind = NoticeKind::WrongCodes;
        let mut tally = Tally::default();
        tally.told(kind, NOW.plus_seconds(1_000 * HOUR));
        let seen: Vec<_> = (0..3).map(|_| tally.event(kind, NOW)).collect();
        assert_eq!(seen, [Verdict::Keep, Verdict::Keep, Verdict::Send]);
    }

    #[test]
    fn no_kind_floods() {
        let kind = NoticeKind::AppPasswordAdded;
        let mut tally = Tally::default();
        let mut sent = 0;
        for second in 0..100 {
            let now = NOW.plus_seconds(second);
            if tally.event(kind, now) == Verdict::Send {
                tally.told(kind, now);
                sent += 1;
            }
        }
        assert_eq!(sent, NOTICES_A_DAY);
        assert_eq!(tally.event(kind, NOW.plus_seconds(24 * HOUR)), Verdict::Send);
    }

    #[test]
    fn what_is_stored_is_read_again() {
        let mut tally = Tally::default();
        let _ = tally.event(NoticeKind::WrongCodes, NOW);
        tally.told(NoticeKind::WrongCodes, NOW.plus_seconds(5));
        assert_eq!(Tally::decode(&tally.encode()), Some(tally));
        assert_eq!(tally.expires(), NOW.plus_seconds(5 + 24 * HOUR));
        for length in 0..tally.encode().len() {
            assert_eq!(Tally::decode(&tally.encode()[..length]), None);
        }
        assert_eq!(Tally::decode(&[2; 21]), None, "of a later version");
        assert_eq!(Tally::decode(&[1; 22]), None, "too long");
    }

    #[test]
    fn languages() {
        for tag in ["en", "pt-br", "zh-hant"] {
            assert_eq!(Language::parse(tag).unwrap().as_str(), tag);
        }
        for tag in ["", "e", "EN", "../etc", "-en", "en_US", "a-language-that-is-long"] {
            assert_eq!(Language::parse(tag), None, "{tag}");
        }
    }
}
