//! curl for IMAP and POP3, and for SMTP with a token or a ticket.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::{Login, lines};
use crate::answer::{Answer, Verdict};
use crate::kerberos::{self, Kerberos};

/// curl's exit status for a refused login.
const LOGIN_DENIED: i32 = 67;

/// What to do once logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mail {
    /// Nothing: log in and out.
    Nothing,
    /// Read the message of this number, counted from 1.
    Read(u32),
}

/// A mail server's address and how to come to it.
#[derive(Clone, Debug)]
pub struct Curl {
    scheme: &'static str,
    port: u16,
    from: Option<Ipv4Addr>,
    mechanism: &'static str,
    bearer: bool,
    ticket: Option<Ticket>,
    patience_seconds: u32,
}

/// A Kerberos ticket, and the file that tells of its realm.
#[derive(Clone, Debug)]
struct Ticket {
    cache: PathBuf,
    settings: PathBuf,
}

impl Curl {
    /// IMAP at a loopback port, with AUTH=PLAIN.
    pub fn imap(port: u16) -> Self {
        Self::new("imap", port)
    }

    /// POP3 at a loopback port, with AUTH=PLAIN.
    pub fn pop3(port: u16) -> Self {
        Self::new("pop3", port)
    }

    /// SMTP at a loopback port, with AUTH=PLAIN.
    pub fn smtp(port: u16) -> Self {
        Self::new("smtp", port)
    }

    fn new(scheme: &'static str, port: u16) -> Self {
        let (mechanism, bearer) = ("PLAIN", false);
        Self { scheme, port, from: None, mechanism, bearer, ticket: None, patience_seconds: 40 }
    }

    /// Uses a token, which is what a login has for a password, by OAUTHBEARER where it is offered.
    #[must_use]
    pub fn with_token(mut self) -> Self {
        self.mechanism = "OAUTHBEARER";
        self.bearer = true;
        self
    }

    /// Shows a ticket of this realm, by GSSAPI. Nobody asks for the password of a login then.
    #[must_use]
    pub fn with_ticket(mut self, realm: &Kerberos, cache: &Path) -> Self {
        self.mechanism = "GSSAPI";
        self.ticket = Some(Ticket { cache: cache.into(), settings: realm.settings_file() });
        self
    }

    /// Comes from another loopback address.
    #[must_use]
    pub fn from_address(mut self, from: Ipv4Addr) -> Self {
        self.from = Some(from);
        self
    }

    /// Gives up so soon, where nothing is expected to answer.
    #[must_use]
    pub fn give_up_after(mut self, seconds: u32) -> Self {
        self.patience_seconds = seconds;
        self
    }

    /// Uses SASL LOGIN.
    #[must_use]
    pub fn with_sasl_login(mut self) -> Self {
        self.mechanism = "LOGIN";
        self
    }

    /// Logs in, does what is asked, logs out.
    ///
    /// # Errors
    /// When curl cannot be started.
    pub fn login(&self, login: Login<'_>, mail: Mail) -> Result<Answer> {
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--verbose", "-K", "-"]);
        command.args(["--max-time", &self.patience_seconds.to_string()]);
        let mut host = "127.0.0.1";
        if let Some(ticket) = &self.ticket {
            // A ticket is for a host's name.
            host = kerberos::HOST;
            command.args(["--resolve", &format!("{host}:{}:127.0.0.1", self.port)]);
            command.env("KRB5_CONFIG", &ticket.settings);
            command.env("KRB5CCNAME", format!("FILE:{}", ticket.cache.display()));
        }
        let base = format!("{}://{host}:{}", self.scheme, self.port);
        let url = match (self.scheme, mail) {
            ("imap" | "smtp", Mail::Nothing) => {
                command.args(["-X", "NOOP"]);
                format!("{base}/")
            }
            ("imap", Mail::Read(number)) => format!("{base}/INBOX;MAILINDEX={number}"),
            (_, Mail::Nothing) => format!("{base}/"),
            (_, Mail::Read(number)) => format!("{base}/{number}"),
        };
        command.args(["--url", &url]);
        command.args(["--login-options", &format!("AUTH={}", self.mechanism)]);
        if let Some(from) = self.from {
            command.args(["--interface", &from.to_string()]);
        }
        let (name, secret) = (quoted(login.name), quoted(login.password));
        let user = if self.bearer {
            format!("user = \"{name}:\"\noauth2-bearer = \"{secret}\"\n")
        } else {
            format!("user = \"{name}:{secret}\"\n")
        };
        let output = lines::run(&mut command, &user)?;
        let text = lines::text(&output);
        Ok(self.judge(output.status.code(), text))
    }

    fn judge(&self, status: Option<i32>, text: String) -> Answer {
        let said = lines::last(&text, |line| self.is_verdict(line)).map_or_else(
            || text.lines().last().unwrap_or_default().to_owned(),
            |line| line.trim_start_matches("< ").to_owned(),
        );
        let words = ["[UNAVAILABLE]", "[SYS/TEMP]", "454 "];
        let not_now = words.iter().any(|word| said.contains(word));
        let verdict = match status {
            Some(0) => Verdict::In,
            Some(LOGIN_DENIED) if not_now => Verdict::Unavailable,
            Some(LOGIN_DENIED) => Verdict::Refused,
            _ => Verdict::Broken,
        };
        Answer::new(verdict, said, text)
    }

    /// The server's answer to the login, in what `--verbose` prints.
    fn is_verdict(&self, line: &str) -> bool {
        let Some(said) = line.strip_prefix("< ") else { return false };
        match self.scheme {
            "imap" => said.contains(" NO ") || said.contains(" BAD ") || said.contains("Logged in"),
            "smtp" => ["235 ", "454 ", "535 "].iter().any(|code| said.starts_with(code)),
            _ => said.starts_with("-ERR") || said.contains("Logged in"),
        }
    }
}

/// A value in curl's configuration syntax.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
