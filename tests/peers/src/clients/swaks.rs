//! swaks for SMTP AUTH, and for delivery over LMTP.

use std::net::Ipv4Addr;
use std::process::Command;

use anyhow::{Result, ensure};

use super::{Login, lines};
use crate::answer::{Answer, Verdict};

/// The SASL mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sasl {
    /// One message with all of it.
    Plain,
    /// Name and password asked for one after the other.
    Login,
}

/// A submission server's address and how to come to it.
#[derive(Clone, Copy, Debug)]
pub struct Swaks {
    port: u16,
    from: Option<Ipv4Addr>,
    sasl: Sasl,
}

impl Swaks {
    /// SMTP at a loopback port.
    pub fn new(port: u16, sasl: Sasl) -> Self {
        Self { port, from: None, sasl }
    }

    /// Comes from another loopback address.
    #[must_use]
    pub fn from_address(mut self, from: Ipv4Addr) -> Self {
        self.from = Some(from);
        self
    }

    /// Logs in and out.
    ///
    /// # Errors
    /// When swaks cannot be started.
    pub fn login(self, login: Login<'_>) -> Result<Answer> {
        let mut command = self.command(login);
        command.args(["--quit-after", "AUTH"]);
        let output = lines::run(&mut command, "")?;
        Ok(judge(lines::text(&output), "235"))
    }

    /// Logs in and sends a message with `subject` from the mailbox to `to`.
    ///
    /// # Errors
    /// When swaks cannot be started.
    pub fn send(self, login: Login<'_>, to: &str, subject: &str) -> Result<Answer> {
        let mut command = self.command(login);
        command.args(["--from", login.name, "--to", to]);
        command.args(["--header", &format!("Subject: {subject}"), "--body", subject]);
        let output = lines::run(&mut command, "")?;
        let text = lines::text(&output);
        Ok(if output.status.success() { judge(text, "250") } else { judge(text, "") })
    }

    fn command(self, login: Login<'_>) -> Command {
        let mut command = Command::new("swaks");
        command.args(["--server", "127.0.0.1", "--port", &self.port.to_string()]);
        command.args(["--helo", "client.example.org", "--timeout", "100"]);
        command.args(["--auth", if self.sasl == Sasl::Plain { "PLAIN" } else { "LOGIN" }]);
        command.args(["--auth-user", login.name, "--auth-password", login.password]);
        if let Some(from) = self.from {
            command.args(["--local-interface", &from.to_string()]);
        }
        command
    }
}

/// Judges by the last reply that says anything about the login or, with the login done, about the
/// message. `good` is the code of the reply that was hoped for.
fn judge(text: String, good: &str) -> Answer {
    let replies = || {
        text.lines().filter_map(|line| {
            let said = line.strip_prefix("<- ").or_else(|| line.strip_prefix("<** "));
            said.map(|said| said.trim().to_owned())
        })
    };
    let bad = replies().find(|said| said.starts_with('4') || said.starts_with('5'));
    let (verdict, words) = match bad {
        Some(said) if said.starts_with("535") => (Verdict::Refused, said),
        // 454 of Postfix and Dovecot, 435 of Exim.
        Some(said) if said.starts_with("454") || said.starts_with("435") => {
            (Verdict::Unavailable, said)
        }
        Some(said) => (Verdict::Broken, said),
        None => match replies().rfind(|said| !good.is_empty() && said.starts_with(good)) {
            Some(said) => (Verdict::In, said),
            None => (Verdict::Broken, text.lines().last().unwrap_or_default().to_owned()),
        },
    };
    Answer::new(verdict, words, text)
}

/// Delivers a message to a mailbox over LMTP.
///
/// # Errors
/// When it is not taken.
pub fn lmtp_deliver(port: u16, to: &str, subject: &str, body: &str) -> Result<()> {
    let mut command = Command::new("swaks");
    command.args(["--protocol", "LMTP", "--server", "127.0.0.1", "--port", &port.to_string()]);
    command.args(["--helo", "client.example.org", "--from", "friend@example.com", "--to", to]);
    command.args(["--header", &format!("Subject: {subject}"), "--body", body]);
    let output = lines::run(&mut command, "")?;
    ensure!(output.status.success(), "LMTP did not take the message\n{}", lines::text(&output));
    Ok(())
}
