//! How a block of the audit trail is written down: a head in the clear, and a line for each event.
//!
//! # Security
//!
//! The head is not sealed: whatever it says decides only what an expiry removes.

use super::keys::NameMark;
use crate::{
    base::limits::{AUDIT_BLOCK_BYTES, AUDIT_BLOCK_EVENTS},
    ports::{event::TrailEvent, store::StoreError},
};

/// The first byte of a block.
const FORMAT: u8 = 1;

/// The head of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// How many events were written to the lane before these.
    pub(super) first: u64,
    /// How many these are.
    pub(super) count: u32,
    /// Whose marks lead here.
    pub(super) marks: Vec<NameMark>,
}

impl Head {
    /// Appends it.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(FORMAT);
        out.extend_from_slice(&self.first.to_be_bytes());
        out.extend_from_slice(&self.count.to_be_bytes());
        out.push(u8::try_from(self.marks.len()).unwrap_or(u8::MAX));
        for mark in self.marks.iter().take(usize::from(u8::MAX)) {
            out.extend_from_slice(mark);
        }
    }

    /// Reads the head; what follows it is sealed.
    pub(super) fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (&[FORMAT], rest) = bytes.split_first_chunk::<1>()? else { return None };
        let (first, rest) = rest.split_first_chunk::<8>()?;
        let (count, rest) = rest.split_first_chunk::<4>()?;
        let (&[marks], rest) = rest.split_first_chunk::<1>()?;
        let (marks, sealed) = rest.split_at_checked(usize::from(marks) * 8)?;
        let mut marks: Vec<NameMark> =
            marks.chunks_exact(8).filter_map(|mark| mark.try_into().ok()).collect();
        // A damaged head must not keep an expiry from removing its block: each key once, and no more
        // than fit a write set.
        marks.sort_unstable();
        marks.dedup();
        marks.truncate(AUDIT_BLOCK_EVENTS * 2);
        let head =
            Self { first: u64::from_be_bytes(*first), count: u32::from_be_bytes(*count), marks };
        Some((head, sealed))
    }
}

/// The events of one block, and how they are written down.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) events: Vec<TrailEvent>,
    pub(super) text: Vec<u8>,
}

/// Cuts events into blocks. An event that cannot be written down (there is none) is an error.
pub(super) fn drafts(events: Vec<TrailEvent>) -> Result<Vec<Draft>, StoreError> {
    let mut drafts: Vec<Draft> = Vec::new();
    for event in events {
        let text = serde_json::to_vec(&event)
            .map_err(|_| StoreError::TooLarge("an event of the audit trail".into()))?;
        let open = drafts.last_mut().filter(|draft| {
            draft.events.len() < AUDIT_BLOCK_EVENTS && draft.text.len() < AUDIT_BLOCK_BYTES
        });
        let draft = if let Some(draft) = open {
            draft
        } else {
            drafts.push(Draft::default());
            let Some(draft) = drafts.last_mut() else { continue };
            draft
        };
        draft.events.push(event);
        draft.text.extend_from_slice(&text);
        draft.text.push(b'\n');
    }
    Ok(drafts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::limits::{AUDIT_DETAIL_BYTES, AUDIT_EVENT_BYTES, AUDIT_TEXT_BYTES, MAILBOX_BYTES},
        ports::event::EventKind,
    };

    #[test]
    fn a_head_reads_back_and_a_short_one_is_none() {
        let head = Head { first: 7, count: 2, marks: vec![[1; 8], [2; 8]] };
        let mut bytes = Vec::new();
        head.write(&mut bytes);
        bytes.extend_from_slice(b"sealed");
        assert_eq!(Head::read(&bytes), Some((head, b"sealed".as_slice())));
        let twice = [&bytes[..13], &[3], &[[1; 8], [2; 8], [1; 8]].concat()[..]].concat();
        assert_eq!(Head::read(&twice).unwrap().0.marks, [[1; 8], [2; 8]]);
        for end in 0..bytes.len() - 6 {
            assert_eq!(Head::read(&bytes[..end]), None, "{end}");
        }
    }

    #[test]
    fn the_largest_event_is_within_its_bound_and_blocks_are_cut() {
        let text = |bytes: usize| Some("\"".repeat(bytes));
        let short = || text(AUDIT_TEXT_BYTES);
        let largest = TrailEvent {
            at: u64::MAX,
            time_unknown: true,
            mailbox: text(MAILBOX_BYTES),
            typed: true,
            target: text(MAILBOX_BYTES),
            result: short(),
            reason: short(),
            would_refuse: short(),
            service: short(),
            from: short(),
            listener: short(),
            mechanism: short(),
            session: short(),
            client: short(),
            duration_ms: Some(u64::MAX),
            by: short(),
            action: short(),
            detail: text(AUDIT_DETAIL_BYTES),
            count: Some(u64::MAX),
            kind: EventKind::Change,
        };
        assert!(serde_json::to_vec(&largest).unwrap().len() <= AUDIT_EVENT_BYTES);
        let cut = drafts(vec![largest; 20]).unwrap();
        assert!(cut.iter().all(|draft| draft.text.len() <= AUDIT_BLOCK_BYTES + AUDIT_EVENT_BYTES));
        assert_eq!(cut.iter().map(|draft| draft.events.len()).sum::<usize>(), 20);
        let small = drafts(vec![TrailEvent::default(); 120]).unwrap();
        let lengths: Vec<_> = small.iter().map(|draft| draft.events.len()).collect();
        assert_eq!(lengths, [50, 50, 20]);
    }
}
