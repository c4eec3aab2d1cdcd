//! A byte buffer that leaves nothing behind.
//!
//! Lines of this protocol hold passwords. A plain `Vec` that grows or shrinks leaves copies of
//! them on the heap; this one wipes what it gives up. It does no I/O and knows no protocol.
//!
//! # Security
//!
//! Growing copies into a new allocation and wipes the old one; shortening wipes the tail; dropping
//! wipes everything, spare capacity included.

use std::{fmt, mem, ops::Deref};

use zeroize::{Zeroize, Zeroizing};

/// What was to be appended is longer than it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// A growing byte buffer, wiped when it moves, shrinks or is dropped.
#[derive(Default)]
pub struct Wiped(Zeroizing<Vec<u8>>);

impl Wiped {
    /// An empty buffer without an allocation.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets `write` append something, and takes it back if that is more than `limit` bytes.
    ///
    /// # Errors
    ///
    /// [`TooLong`] if it was taken back.
    pub fn at_most(&mut self, limit: usize, write: impl FnOnce(&mut Self)) -> Result<(), TooLong> {
        let before = self.len();
        write(self);
        if self.len() - before > limit {
            self.truncate(before);
            return Err(TooLong);
        }
        Ok(())
    }

    /// Appends bytes.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    /// Appends one byte.
    pub fn push(&mut self, byte: u8) {
        self.reserve(1);
        self.0.push(byte);
    }

    /// Appends a number in decimal.
    pub fn push_number(&mut self, number: u32) {
        let mut digits = [0_u8; 10];
        let mut rest = number;
        let mut length = 0;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
            length += 1;
            if rest == 0 {
                break;
            }
        }
        self.extend(digits.get(digits.len() - length..).unwrap_or_default());
    }

    /// Keeps the first `length` bytes and wipes the rest.
    pub fn truncate(&mut self, length: usize) {
        if let Some(tail) = self.0.get_mut(length..) {
            tail.zeroize();
        }
        self.0.truncate(length);
    }

    /// Removes the first `count` bytes; what moved is wiped at its old place.
    pub fn discard_front(&mut self, count: usize) {
        let count = count.min(self.0.len());
        self.0.copy_within(count.., 0);
        let left = self.0.len() - count;
        self.truncate(left);
    }

    /// Gives the memory back, wiped.
    pub fn release(&mut self) {
        self.0 = Zeroizing::default();
    }

    /// Bytes the buffer can hold without growing.
    pub fn capacity(&self) -> usize {
        self.0.capacity()
    }

    /// Takes the contents out and leaves an empty buffer.
    pub fn take(&mut self) -> Zeroizing<Vec<u8>> {
        mem::take(&mut self.0)
    }

    fn reserve(&mut self, more: usize) {
        let needed = self.0.len().saturating_add(more);
        if needed <= self.0.capacity() {
            return;
        }
        let mut larger = Vec::with_capacity(needed.max(self.0.capacity().saturating_mul(2)));
        larger.extend_from_slice(&self.0);
        // The old allocation is wiped as it is dropped here.
        self.0 = Zeroizing::new(larger);
    }
}

impl Deref for Wiped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Wiped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wiped({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_decimal() {
        for number in [0, 1, 9, 10, 4_294_967_295] {
            let mut buffer = Wiped::new();
            buffer.push_number(number);
            assert_eq!(&*buffer, number.to_string().as_bytes());
        }
    }

    #[test]
    fn front_and_tail_are_cut() {
        let mut buffer = Wiped::new();
        buffer.extend(b"abcdef");
        buffer.discard_front(2);
        assert_eq!(&*buffer, b"cdef");
        buffer.truncate(1);
        assert_eq!(&*buffer, b"c");
        buffer.discard_front(9);
        assert!(buffer.is_empty());
    }

    #[test]
    fn what_is_too_long_is_taken_back() {
        let mut buffer = Wiped::new();
        buffer.extend(b"ab");
        assert_eq!(buffer.at_most(3, |buffer| buffer.extend(b"cde")), Ok(()));
        assert_eq!(buffer.at_most(3, |buffer| buffer.extend(b"fghi")), Err(TooLong));
        assert_eq!(&*buffer, b"abcde");
    }

    #[test]
    fn debug_shows_no_bytes() {
        let mut buffer = Wiped::new();
        buffer.extend(b"hunter2");
        assert_eq!(format!("{buffer:?}"), "Wiped(7 bytes)");
    }
}
