//! A login by a token with a mechanism that is chosen here: curl takes the one it likes best. Spoken for
//! IMAP (RFC 9051, SASL-IR), POP3 (RFC 5034) and SMTP (RFC 4954).

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::answer::{Answer, Verdict};

/// A protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// IMAP.
    Imap,
    /// POP3.
    Pop3,
    /// SMTP.
    Smtp,
}

impl Protocol {
    /// What is said to the server, up to its answer to the capabilities, and what that ends with.
    fn opening(self) -> (&'static str, &'static str) {
        match self {
            Self::Imap => ("c CAPABILITY\r\n", "c OK"),
            Self::Pop3 => ("CAPA\r\n", "."),
            Self::Smtp => ("EHLO client.example.org\r\n", "250 "),
        }
    }

    fn verb(self) -> &'static str {
        if self == Self::Imap { "a AUTHENTICATE" } else { "AUTH" }
    }

    fn is_challenge(self, line: &str) -> bool {
        line.starts_with(if self == Self::Smtp { "334" } else { "+ " })
    }

    /// `None` for a line that decides nothing.
    fn verdict(self, line: &str) -> Option<Verdict> {
        let (good, bad, not_now): (&[&str], &[&str], &[&str]) = match self {
            Self::Imap => (&["a OK"], &["a NO", "a BAD"], &["[UNAVAILABLE]"]),
            Self::Pop3 => (&["+OK"], &["-ERR"], &["[SYS/TEMP]"]),
            Self::Smtp => (&["235 "], &["535 ", "504 "], &["454 "]),
        };
        let starts = |words: &[&str]| words.iter().any(|word| line.starts_with(word));
        if not_now.iter().any(|word| line.contains(word)) {
            Some(Verdict::Unavailable)
        } else if starts(bad) {
            Some(Verdict::Refused)
        } else {
            starts(good).then_some(Verdict::In)
        }
    }
}

/// Logs in by OAUTHBEARER (RFC 7628) or XOAUTH2, as this mailbox.
///
/// # Errors
/// When the server cannot be reached or ends the connection.
pub fn token_login(
    protocol: Protocol,
    port: u16,
    mechanism: &str,
    name: &str,
    token: &str,
) -> Result<Answer> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(100)))?;
    let mut conversation = Conversation {
        reader: BufReader::new(stream.try_clone()?),
        writer: stream,
        output: String::new(),
    };
    conversation.line()?;
    let (opening, end) = protocol.opening();
    conversation.say(opening)?;
    while !conversation.line()?.starts_with(end) {}
    let (message, after_an_error) = match mechanism {
        "OAUTHBEARER" => (format!("n,a={name},\u{1}auth=Bearer {token}\u{1}\u{1}"), "AQ=="),
        _ => (format!("user={name}\u{1}auth=Bearer {token}\u{1}\u{1}"), ""),
    };
    let message = STANDARD.encode(message);
    conversation.say(&format!("{} {mechanism} {message}\r\n", protocol.verb()))?;
    loop {
        let line = conversation.line()?;
        if protocol.is_challenge(&line) {
            conversation.say(&format!("{after_an_error}\r\n"))?;
        } else if let Some(verdict) = protocol.verdict(&line) {
            return Ok(Answer::new(verdict, line, conversation.output));
        }
    }
}

struct Conversation {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
    output: String,
}

impl Conversation {
    fn say(&mut self, text: &str) -> Result<()> {
        self.writer.write_all(text.as_bytes())?;
        Ok(())
    }

    /// The next line.
    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        anyhow::ensure!(
            self.reader.read_line(&mut line)? > 0,
            "the server ended the connection\n{}",
            self.output
        );
        self.output.push_str(&line);
        Ok(line.trim_end().to_owned())
    }
}
