//! The census: what must be there, kept apart from what is.
//!
//! For each shard of names: how many records there are and how many of them are enrolled, each
//! with the exclusive-or of keyed digests of the names. It changes in the same atomic write set
//! as the record, so at rest it always agrees with the records. When it does not, records were
//! lost, brought back or exchanged behind the store's back, and "no record" no longer means "no
//! second factor" in that shard.
//!
//! # Security
//!
//! The digests are keyed and the census is sealed, so it cannot be made to fit a changed set of
//! names without the master key. An older record together with its older census does fit; the
//! mark (`folder.rs`) is there for that.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::base::{Mailbox, Secret, limits::CENSUS_SHARDS};

/// The shard a name belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard(u8);

impl Shard {
    /// All shards.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..=u8::MAX).take(CENSUS_SHARDS).map(Self)
    }

    /// The number as it stands in keys.
    pub fn number(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Digests names with a key of the store, which stays when the master key changes.
pub struct NameDigests {
    key: Secret,
}

impl NameDigests {
    /// With the key from the meta record.
    pub fn new(key: Secret) -> Self {
        Self { key }
    }

    fn digest(&self, what: &[u8], mailbox: &Mailbox) -> [u8; 32] {
        // HMAC takes a key of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.key.expose()) else {
            return [0; 32];
        };
        mac.update(what);
        mac.update(b"\0");
        mac.update(mailbox.as_str().as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// What names a mailbox in the keys of the audit trail.
    pub(super) fn mark(&self, mailbox: &Mailbox) -> [u8; 8] {
        let digest = self.digest(b"audit", mailbox);
        digest.first_chunk::<8>().copied().unwrap_or_default()
    }

    /// The shard of a name.
    pub fn shard(&self, mailbox: &Mailbox) -> Shard {
        let [first, ..] = self.digest(b"shard", mailbox);
        Shard(first % u8::try_from(CENSUS_SHARDS).unwrap_or(u8::MAX))
    }
}

/// A number of names and the exclusive-or of their digests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub count: u64,
    /// Which: order does not matter.
    pub digest: [u8; 32],
}

impl Tally {
    /// Adds a digest if it is not there, takes it away if it is.
    fn toggle(&mut self, digest: [u8; 32]) {
        self.digest.iter_mut().zip(digest).for_each(|(mine, other)| *mine ^= other);
    }

    fn add(&mut self, digest: [u8; 32]) {
        self.toggle(digest);
        self.count = self.count.wrapping_add(1);
    }

    fn take(&mut self, digest: [u8; 32]) {
        self.toggle(digest);
        self.count = self.count.wrapping_sub(1);
    }

    fn change(&mut self, before: bool, after: bool, digest: impl FnOnce() -> [u8; 32]) {
        match (before, after) {
            (false, true) => self.add(digest()),
            (true, false) => self.take(digest()),
            (false, false) | (true, true) => {}
        }
    }
}

/// What the census knows of a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is no record.
    Absent,
    /// There is a record without a second factor.
    Plain,
    /// There is a record with one.
    Enrolled,
}

impl Standing {
    fn is_present(self) -> bool {
        self != Self::Absent
    }

    fn is_enrolled(self) -> bool {
        self == Self::Enrolled
    }
}

/// The census of one shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// All records.
    pub records: Tally,
    /// Those with a second factor.
    pub enrolled: Tally,
}

/// Length of a census as it is written down: format, and twice count and digest.
const BYTES: usize = 1 + 2 * (8 + 32);

impl Census {
    /// Notes that a mailbox went from one standing to another.
    pub fn note(&mut self, names: &NameDigests, mailbox: &Mailbox, from: Standing, to: Standing) {
        self.records
            .change(from.is_present(), to.is_present(), || names.digest(b"record", mailbox));
        self.enrolled
            .change(from.is_enrolled(), to.is_enrolled(), || names.digest(b"enrolled", mailbox));
    }

    /// Whether this census, which counts the mailboxes in `unreadable` as plain, would be the
    /// `other` one if some of them were enrolled. They are refused one by one anyway; this keeps
    /// the rest of their shard in service.
    pub fn agrees(&self, other: &Self, names: &NameDigests, unreadable: &[Mailbox]) -> bool {
        /// Beyond this many unreadable records in one shard the shard is damaged.
        const SUBSETS_OF: usize = 10;
        if self == other {
            return true;
        }
        if unreadable.is_empty() || unreadable.len() > SUBSETS_OF {
            return false;
        }
        (1_u32..1 << unreadable.len()).any(|subset| {
            let mut guess = *self;
            for (bit, mailbox) in unreadable.iter().enumerate() {
                if subset & (1 << bit) != 0 {
                    guess.note(names, mailbox, Standing::Plain, Standing::Enrolled);
                }
            }
            guess == *other
        })
    }

    /// As it is written down, before it is sealed.
    pub fn to_bytes(self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        let parts = [1].into_iter().chain(tally_bytes(self.records));
        let parts = parts.chain(tally_bytes(self.enrolled));
        bytes.iter_mut().zip(parts).for_each(|(byte, part)| *byte = part);
        bytes
    }

    /// Reads what [`Census::to_bytes`] wrote; `None` for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&[1], rest) = bytes.split_first_chunk::<1>()? else {
            return None;
        };
        let (records, rest) = read_tally(rest)?;
        let (enrolled, rest) = read_tally(rest)?;
        rest.is_empty().then_some(Self { records, enrolled })
    }
}

fn tally_bytes(tally: Tally) -> impl Iterator<Item = u8> {
    tally.count.to_be_bytes().into_iter().chain(tally.digest)
}

fn read_tally(bytes: &[u8]) -> Option<(Tally, &[u8])> {
    let (count, rest) = bytes.split_first_chunk::<8>()?;
    let (digest, rest) = rest.split_first_chunk::<32>()?;
    Some((Tally { count: u64::from_be_bytes(*count), digest: *digest }, rest))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn names() -> NameDigests {
        NameDigests::new(Secret::from_slice(&[3; 32]))
    }

    fn mailbox(number: u8) -> Mailbox {
        Mailbox::new(&format!("m{number}@example.org")).unwrap()
    }

    fn standing(number: u8) -> Standing {
        match number % 3 {
            0 => Standing::Absent,
            1 => Standing::Plain,
            _ => Standing::Enrolled,
        }
    }

    fn recount(names: &NameDigests, all: &BTreeMap<Mailbox, Standing>) -> Census {
        let mut census = Census::default();
        for (mailbox, standing) in all {
            census.note(names, mailbox, Standing::Absent, *standing);
        }
        census
    }

    proptest! {
        #[test]
        fn kept_up_equals_counted_anew(changes in prop::collection::vec((0..12_u8, any::<u8>()), 0..80)) {
            let names = names();
            let mut all = BTreeMap::new();
            let mut census = Census::default();
            for (number, to) in changes {
                let (mailbox, to) = (mailbox(number), standing(to));
                let from = all.insert(mailbox.clone(), to).unwrap_or(Standing::Absent);
                census.note(&names, &mailbox, from, to);
                prop_assert_eq!(census, recount(&names, &all));
            }
            prop_assert_eq!(Census::from_bytes(&census.to_bytes()), Some(census));
        }

        #[test]
        fn any_difference_shows(numbers in prop::collection::btree_map(0..20_u8, 0..3_u8, 1..15),
                                victim in any::<prop::sample::Index>(), to in 0..3_u8) {
            let names = names();
            let mut all: BTreeMap<_, _> =
                numbers.iter().map(|(n, s)| (mailbox(*n), standing(*s))).collect();
            let census = recount(&names, &all);
            let name = all.keys().nth(victim.index(all.len())).unwrap().clone();
            let from = all.insert(name, standing(to)).unwrap();
            prop_assert_eq!(recount(&names, &all) == census, from == standing(to));
        }
    }

    #[test]
    fn an_unreadable_record_may_be_either_and_nothing_else() {
        let names = names();
        let (a, b, c) = (mailbox(1), mailbox(2), mailbox(3));
        let mut kept = Census::default();
        kept.note(&names, &a, Standing::Absent, Standing::Enrolled);
        kept.note(&names, &b, Standing::Absent, Standing::Enrolled);
        kept.note(&names, &c, Standing::Absent, Standing::Plain);
        let mut found = Census::default();
        found.note(&names, &a, Standing::Absent, Standing::Plain);
        found.note(&names, &b, Standing::Absent, Standing::Enrolled);
        found.note(&names, &c, Standing::Absent, Standing::Plain);
        assert!(!found.agrees(&kept, &names, &[]));
        assert!(found.agrees(&kept, &names, std::slice::from_ref(&a)));
        assert!(found.agrees(&kept, &names, &[c.clone(), a.clone()]));
        assert!(!found.agrees(&kept, &names, std::slice::from_ref(&c)));
        let mut lost = Census::default();
        lost.note(&names, &a, Standing::Absent, Standing::Plain);
        assert!(!lost.agrees(&kept, &names, &[a]));
    }

    #[test]
    fn shards_are_spread_and_stable() {
        let names = names();
        let mut used: Vec<_> = (0..200).map(|n| names.shard(&mailbox(n))).collect();
        assert_eq!(names.shard(&mailbox(7)), names.shard(&mailbox(7)));
        used.sort();
        used.dedup();
        assert!(used.len() > CENSUS_SHARDS / 2, "{}", used.len());
        assert_eq!(Shard::all().count(), CENSUS_SHARDS);
    }
}
