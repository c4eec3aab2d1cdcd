//! Somebody who talks to a door by bytes: a login process, Postfix, or worse.

use std::path::Path;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    time::timeout,
};

use super::PATIENCE;

/// The handshake of a client of Dovecot 2.3.
pub const HELLO: &str = "VERSION\t1\t2\nCPID\t4711\n";

/// One connection.
pub struct Peer {
    pub stream: UnixStream,
    unread: Vec<u8>,
}

impl From<UnixStream> for Peer {
    fn from(stream: UnixStream) -> Self {
        Self { stream, unread: Vec::new() }
    }
}

impl Peer {
    pub async fn connect(path: &Path) -> Self {
        UnixStream::connect(path).await.unwrap().into()
    }

    /// Connects, says hello and takes the server's greeting.
    pub async fn greeted(path: &Path) -> Self {
        let mut peer = Self::connect(path).await;
        peer.send(HELLO).await;
        peer.greeting().await;
        peer
    }

    pub async fn send(&mut self, text: impl AsRef<[u8]>) {
        timeout(PATIENCE, self.stream.write_all(text.as_ref()))
            .await
            .expect("nobody reads")
            .expect("the door has closed");
    }

    /// Like `send`, to a door that may have closed already.
    pub async fn try_send(&mut self, text: impl AsRef<[u8]>) {
        let _ = timeout(PATIENCE, self.stream.write_all(text.as_ref())).await;
    }

    /// The next line, `None` at the end of the stream.
    pub async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                return Some(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            let mut buffer = [0; 4_096];
            let read = timeout(PATIENCE, self.stream.read(&mut buffer));
            match read.await.expect("no answer came") {
                Ok(count) if count > 0 => self.unread.extend_from_slice(&buffer[..count]),
                // A reset is an end too: the door closed without reading all that was sent.
                Ok(_) | Err(_) => {
                    assert!(self.unread.is_empty(), "half a line came");
                    return None;
                }
            }
        }
    }

    pub async fn lines(&mut self, count: usize) -> Vec<String> {
        let mut lines = Vec::new();
        for _ in 0..count {
            lines.push(self.line().await.unwrap_or_else(|| panic!("closed after {lines:?}")));
        }
        lines
    }

    /// The server's greeting, up to DONE.
    pub async fn greeting(&mut self) -> Vec<String> {
        let mut lines = self.lines(1).await;
        while lines.last().is_none_or(|line| line != "DONE") {
            lines.extend(self.lines(1).await);
        }
        lines
    }

    /// Sends and takes one line.
    pub async fn ask(&mut self, text: impl AsRef<[u8]>) -> String {
        self.send(text).await;
        self.line().await.expect("closed instead of an answer")
    }

    pub async fn expect(&mut self, expected: &[&str]) {
        assert_eq!(self.lines(expected.len()).await, expected);
    }

    /// Nothing more comes, and the door has closed.
    pub async fn expect_closed(&mut self) {
        assert_eq!(self.line().await, None);
    }

    /// Whatever comes before the door closes.
    pub async fn rest(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(line) = self.line().await {
            lines.push(line);
        }
        lines
    }

    /// The connection lives: an unknown CONT is answered, and nothing was waiting before it.
    pub async fn expect_quiet(&mut self) {
        let answer = self.ask("CONT\t4000000000\tAA==\n").await;
        assert_eq!(answer, "FAIL\t4000000000\tcode=temp_fail");
    }
}
