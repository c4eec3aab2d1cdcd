//! A Unix stream that is read and written by one task without either side waiting for the other.
//!
//! It knows no protocol. What is queued is written as the peer takes it, while reading goes on:
//! a peer that sends without reading can neither stall the task nor make the queue grow without
//! bound.
//!
//! # Security
//!
//! Passwords pass through the queue, so it is wiped.

use std::io::{self, ErrorKind};

use tokio::{io::Interest, net::UnixStream};
use zeroize::Zeroizing;

use crate::base::limits::OUTPUT_BYTES;

/// A stream and what waits to be written to it.
#[derive(Debug)]
pub struct Duplex {
    stream: UnixStream,
    output: Zeroizing<Vec<u8>>,
    written: usize,
}

impl Duplex {
    /// Around a connected stream.
    pub fn new(stream: UnixStream) -> Self {
        Self { stream, output: Zeroizing::default(), written: 0 }
    }

    /// Queues bytes, and writes what the socket takes at once. An error when the peer has gone, or reads so
    /// little that more than [`OUTPUT_BYTES`] wait for it.
    pub fn send(&mut self, bytes: Zeroizing<Vec<u8>>) -> io::Result<()> {
        if self.output.is_empty() {
            self.output = bytes;
            self.written = 0;
        } else {
            self.output.extend_from_slice(&bytes);
        }
        self.write_some()?;
        if self.output.len().saturating_sub(self.written) > OUTPUT_BYTES {
            return Err(io::Error::new(ErrorKind::QuotaExceeded, "the peer does not read"));
        }
        Ok(())
    }

    /// Reads into the buffer, and writes what is queued as far as it goes, until at least one byte was
    /// read; 0 is the end of the stream. Nothing is lost when the future is dropped.
    pub async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.write_some()?;
            match self.stream.try_read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                done => return done,
            }
            self.wait().await?;
        }
    }

    /// Writes all that is queued.
    pub async fn flush(&mut self) -> io::Result<()> {
        while !self.output.is_empty() {
            self.stream.ready(Interest::WRITABLE).await?;
            self.write_some()?;
        }
        Ok(())
    }

    async fn wait(&mut self) -> io::Result<()> {
        let interest = if self.output.is_empty() {
            Interest::READABLE
        } else {
            Interest::READABLE | Interest::WRITABLE
        };
        self.stream.ready(interest).await.map(|_| ())
    }

    fn write_some(&mut self) -> io::Result<()> {
        if self.output.is_empty() {
            return Ok(());
        }
        while let Some(rest) = self.output.get(self.written..).filter(|rest| !rest.is_empty()) {
            match self.stream.try_write(rest) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        // A fresh vector, not `clear`: a queue that was long once must not stay long.
        self.output = Zeroizing::default();
        self.written = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn reads_while_the_peer_does_not() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut duplex = Duplex::new(ours);
        // More than any socket buffer takes.
        duplex.send(Zeroizing::new(vec![7; 900_000])).unwrap();
        assert!(!duplex.output.is_empty());
        theirs.write_all(b"still heard").await.unwrap();
        let mut buffer = [0; 64];
        assert_eq!(duplex.read(&mut buffer).await.unwrap(), 11);
        let reader = tokio::spawn(async move {
            let mut all = vec![0; 900_000];
            theirs.read_exact(&mut all).await.map(|_| all)
        });
        duplex.flush().await.unwrap();
        assert!(reader.await.unwrap().unwrap().iter().all(|b| *b == 7));
    }

    #[tokio::test]
    async fn a_peer_that_never_reads_is_given_up() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let mut duplex = Duplex::new(ours);
        let result = (0..100).find_map(|_| duplex.send(Zeroizing::new(vec![0; 65_536])).err());
        assert_eq!(result.unwrap().kind(), ErrorKind::QuotaExceeded);
    }
}
