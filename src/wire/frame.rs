//! Bytes in, complete lines out.
//!
//! A line ends with LF; one CR before it is not part of the line, as in Dovecot. The framer does not look
//! into lines. It has one hard limit, `base::limits::LINE_BYTES`, and one reaction to a longer line:
//! a typed error that ends the connection. It never looks for a place to go on from, because what
//! follows a line that is too long was chosen by whoever made it too long.
//!
//! # Security
//!
//! Lines hold passwords: what has been read is wiped as soon as no complete line is left. The
//! buffer never holds more than [`BUFFER_BYTES`]; it starts small, so that an idle connection
//! costs little, and grows in wiped steps.

use super::wiped::Wiped;
use crate::base::limits::LINE_BYTES;

/// Most bytes that wait in a framer: one unfinished line and one read of the same size.
pub const BUFFER_BYTES: usize = 2 * LINE_BYTES;

/// An empty buffer larger than this is given back, bytes.
const IDLE_BYTES: usize = 4_096;

/// Why framing ended. There is no way back from either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A line is longer than `LINE_BYTES`.
    #[error("a line is longer than {LINE_BYTES} bytes")]
    LineTooLong,
    /// More was passed in than [`Framer::room`] allows.
    #[error("more than {BUFFER_BYTES} bytes wait to be read")]
    Flooded,
}

/// Cuts a stream of bytes into lines.
#[derive(Debug, Default)]
pub struct Framer {
    buffer: Wiped,
    /// Where the first unread line begins.
    start: usize,
    /// Up to where no LF was found.
    scanned: usize,
}

impl Framer {
    /// An empty framer.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many bytes [`push`](Self::push) takes at this moment. Never 0 after
    /// [`next_line`](Self::next_line) answered `None`: at least `LINE_BYTES` then.
    pub fn room(&self) -> usize {
        BUFFER_BYTES.saturating_sub(self.buffer.len().saturating_sub(self.start))
    }

    /// Adds bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), FrameError> {
        if bytes.len() > self.room() {
            return Err(FrameError::Flooded);
        }
        self.compact();
        self.buffer.extend(bytes);
        Ok(())
    }

    /// The next complete line, without its end.
    pub fn next_line(&mut self) -> Result<Option<&[u8]>, FrameError> {
        let unread = self.buffer.get(self.scanned..).unwrap_or_default();
        let Some(found) = unread.iter().position(|byte| *byte == b'\n') else {
            self.scanned = self.buffer.len();
            self.compact();
            return if self.buffer.len() > LINE_BYTES {
                Err(FrameError::LineTooLong)
            } else {
                Ok(None)
            };
        };
        let (start, end) = (self.start, self.scanned + found);
        if end - start > LINE_BYTES {
            return Err(FrameError::LineTooLong);
        }
        self.start = end + 1;
        self.scanned = self.start;
        let line = self.buffer.get(start..end).unwrap_or_default();
        Ok(Some(line.strip_suffix(b"\r").unwrap_or(line)))
    }

    /// Wipes everything; nothing waits any more.
    pub fn clear(&mut self) {
        self.buffer.release();
        self.start = 0;
        self.scanned = 0;
    }

    fn compact(&mut self) {
        if self.start > 0 {
            self.buffer.discard_front(self.start);
            self.scanned -= self.start;
            self.start = 0;
        }
        if self.buffer.is_empty() && self.buffer.capacity() > IDLE_BYTES {
            self.buffer.release();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(framer: &mut Framer) -> Result<Vec<Vec<u8>>, FrameError> {
        let mut all = Vec::new();
        while let Some(line) = framer.next_line()? {
            all.push(line.to_vec());
        }
        Ok(all)
    }

    #[test]
    fn lines_come_out_whole() {
        let mut framer = Framer::new();
        framer.push(b"one\ntwo\r\nthr").unwrap();
        assert_eq!(lines(&mut framer).unwrap(), [b"one".to_vec(), b"two".to_vec()]);
        framer.push(b"ee\n\n").unwrap();
        assert_eq!(lines(&mut framer).unwrap(), [b"three".to_vec(), b"".to_vec()]);
    }

    #[test]
    fn the_longest_line_fits_and_one_byte_more_does_not() {
        let mut framer = Framer::new();
        framer.push(&[b'a'; LINE_BYTES]).unwrap();
        assert_eq!(framer.next_line(), Ok(None));
        framer.push(b"\n").unwrap();
        assert_eq!(framer.next_line().unwrap().map(<[u8]>::len), Some(LINE_BYTES));

        framer.push(&[b'a'; LINE_BYTES]).unwrap();
        framer.push(b"a\nnext\n").unwrap();
        assert_eq!(framer.next_line(), Err(FrameError::LineTooLong));
        assert_eq!(framer.next_line(), Err(FrameError::LineTooLong), "no line is found behind it");
    }

    #[test]
    fn a_line_without_end_is_too_long_as_soon_as_it_is() {
        let mut framer = Framer::new();
        framer.push(&[b'a'; LINE_BYTES]).unwrap();
        assert_eq!(framer.next_line(), Ok(None));
        framer.push(b"a").unwrap();
        assert_eq!(framer.next_line(), Err(FrameError::LineTooLong));
    }

    #[test]
    fn the_buffer_is_bounded() {
        let mut framer = Framer::new();
        assert_eq!(framer.push(&vec![b'\n'; BUFFER_BYTES + 1]), Err(FrameError::Flooded));
        framer.push(&vec![b'\n'; BUFFER_BYTES]).unwrap();
        assert_eq!(framer.room(), 0);
        assert_eq!(framer.push(b"a"), Err(FrameError::Flooded));
        assert_eq!(lines(&mut framer).unwrap().len(), BUFFER_BYTES);
        assert!(framer.room() >= LINE_BYTES);
    }

    #[test]
    fn an_idle_framer_keeps_neither_lines_nor_memory() {
        let mut framer = Framer::new();
        framer.push(&[b'p'; LINE_BYTES]).unwrap();
        framer.push(b"\n").unwrap();
        assert_eq!(lines(&mut framer).unwrap().len(), 1);
        assert_eq!((framer.buffer.len(), framer.buffer.capacity()), (0, 0));
    }
}
