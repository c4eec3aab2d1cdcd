//! The service a login is for: Dovecot's `service=` (2.3) or `protocol=` (2.4).

use std::fmt;

/// A service by the name Dovecot, Postfix and Exim give it.
///
/// # Security
///
/// An unknown name is kept for the log and judged like the strictest service; it never means "no
/// rule applies".
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// IMAP.
    Imap,
    /// POP3.
    Pop3,
    /// ManageSieve, which Dovecot calls `sieve`.
    Sieve,
    /// Mail submission: `smtp` from Postfix and Exim, `submission` from Dovecot.
    Smtp,
    /// The User Panel. No peer can name it: from the wire `panel` is just another name.
    Panel,
    /// A webmail that asks for a token over the API. No peer can name it either.
    Webmail,
    /// Any other name, printable ASCII, at most 32 characters.
    Other(Box<str>),
}

impl Service {
    /// Reads a name as it stands on the wire. Never fails: what cannot be printed is replaced.
    pub fn parse(name: &str) -> Self {
        match name {
            "imap" => Self::Imap,
            "pop3" => Self::Pop3,
            "sieve" | "managesieve" => Self::Sieve,
            "smtp" | "submission" => Self::Smtp,
            other => Self::Other(
                other
                    .chars()
                    .take(32)
                    .map(|c| if c.is_ascii_graphic() { c } else { '?' })
                    .collect(),
            ),
        }
    }

    /// The name for logs.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
            Self::Sieve => "sieve",
            Self::Smtp => "smtp",
            Self::Panel => "panel",
            Self::Webmail => "webmail",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
