//! IMAP connections that are kept open, as a mail program keeps them. No client at hand can be told
//! to hold its logins back until all of its connections stand, so this one is spoken here.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Login;
use crate::answer::{Answer, Verdict};

/// One connection.
#[derive(Debug)]
pub struct Imap {
    reader: BufReader<TcpStream>,
    tag: u32,
    output: String,
}

impl Imap {
    /// Connects and asks for SASL PLAIN, and stops where the credential is due.
    ///
    /// # Errors
    /// When the server is not there or does not offer it.
    pub fn connect(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(100)))?;
        let mut imap = Self { reader: BufReader::new(stream), tag: 0, output: String::new() };
        let greeting = imap.line()?;
        ensure!(greeting.starts_with("* OK"), "{greeting}");
        imap.send("AUTHENTICATE PLAIN")?;
        let ready = imap.line()?;
        ensure!(ready.starts_with('+'), "{ready}");
        Ok(imap)
    }

    /// Sends the credential, without waiting for the answer.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn send_credential(&mut self, login: Login<'_>) -> Result<()> {
        let message = STANDARD.encode(format!("\0{}\0{}", login.name, login.password));
        self.reader.get_mut().write_all(format!("{message}\r\n").as_bytes())?;
        Ok(())
    }

    /// The answer to the login.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn verdict(&mut self) -> Result<Answer> {
        let said = self.reply()?;
        let verdict = match (said.contains(" OK "), said.contains("[AUTHENTICATIONFAILED]")) {
            (true, _) => Verdict::In,
            (false, true) => Verdict::Refused,
            (false, false) if said.contains("[UNAVAILABLE]") => Verdict::Unavailable,
            (false, false) => Verdict::Broken,
        };
        Ok(Answer::new(verdict, said, self.output.clone()))
    }

    /// Runs a command and gives the line that ends its reply.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn command(&mut self, command: &str) -> Result<String> {
        self.send(command)?;
        self.reply()
    }

    fn send(&mut self, command: &str) -> Result<()> {
        self.tag += 1;
        let line = format!("a{} {command}\r\n", self.tag);
        self.reader.get_mut().write_all(line.as_bytes())?;
        Ok(())
    }

    fn reply(&mut self) -> Result<String> {
        let tag = format!("a{} ", self.tag);
        loop {
            let line = self.line()?;
            if line.starts_with(&tag) {
                return Ok(line);
            }
        }
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        let length = self.reader.read_line(&mut line).context("no answer")?;
        ensure!(length > 0, "the server ended the connection\n{}", self.output);
        self.output.push_str(&line);
        Ok(line.trim_end().to_owned())
    }
}
