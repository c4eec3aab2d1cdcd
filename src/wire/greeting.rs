//! The server's handshake: what it offers and how it names itself.
//!
//! # Security
//!
//! The cookie lets a mail process ask for the result of a login; it is kept as a secret.

use super::{
    error::Fatal,
    escape::{escape_into, unescape},
    ids::ProtocolVersion,
    reply::Reply,
    sasl::Mechanism,
    wiped::Wiped,
};
use crate::base::{RelayedMechanism, Secret};

/// One MECH line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MechanismOffer {
    /// The SASL name, e.g. `PLAIN`.
    pub name: String,
    /// `plaintext`, `anonymous`, `dictionary`, `active`, `forward-secrecy`, `mutual-auth`,
    /// `private`, `channel-binding`, and any other word, in their order.
    pub parameters: Vec<String>,
}

impl MechanismOffer {
    /// The offer of a mechanism that mail2fa speaks, as Dovecot writes it.
    pub fn of(mechanism: Mechanism) -> Self {
        Self { name: mechanism.name().to_owned(), parameters: vec!["plaintext".to_owned()] }
    }

    /// Whether a property is announced.
    pub fn has(&self, parameter: &str) -> bool {
        self.parameters.iter().any(|known| known == parameter)
    }

    /// Whether it is an offer of one of these.
    pub fn is_one_of(&self, mechanisms: &[RelayedMechanism]) -> bool {
        RelayedMechanism::parse(self.name.as_bytes())
            .is_some_and(|mechanism| mechanisms.contains(&mechanism))
    }

    /// Passwords cross the wire as they are (`plaintext`).
    pub fn is_plaintext(&self) -> bool {
        self.has("plaintext")
    }

    /// Not to be shown to mail clients (`private`).
    pub fn is_private(&self) -> bool {
        self.has("private")
    }

    pub(super) fn parse(arguments: Option<&[u8]>) -> Result<Self, Fatal> {
        let mut words = arguments
            .unwrap_or_default()
            .split(|byte| *byte == b'\t')
            .map(|word| String::from_utf8(unescape(word)).map_err(|_| Fatal::HandshakeMalformed));
        let name = words.next().unwrap_or_else(|| Ok(String::new()))?;
        if name.is_empty() {
            return Err(Fatal::HandshakeMalformed);
        }
        Ok(Self { name, parameters: words.collect::<Result<_, _>>()? })
    }

    pub(super) fn encode(&self, output: &mut Wiped) {
        output.extend(b"MECH\t");
        escape_into(output, self.name.as_bytes());
        for parameter in &self.parameters {
            output.push(b'\t');
            escape_into(output, parameter.as_bytes());
        }
        output.push(b'\n');
    }
}

/// Everything a server says before it takes requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// The server's version.
    pub version: ProtocolVersion,
    /// What it offers.
    pub mechanisms: Vec<MechanismOffer>,
    /// Its process, as text; a login process hands it to the mail process.
    pub spid: Option<Vec<u8>>,
    /// Its name for this connection, as text.
    pub cuid: Option<Vec<u8>>,
    /// What a mail process must show to fetch a result; `None` from servers that have no results.
    pub cookie: Option<Secret>,
}

impl Greeting {
    /// A greeting that offers these mechanisms and names no process yet.
    pub fn offering(version: ProtocolVersion, mechanisms: &[Mechanism]) -> Self {
        let mechanisms = mechanisms.iter().copied().map(MechanismOffer::of).collect();
        Self { version, mechanisms, spid: None, cuid: None, cookie: None }
    }

    /// Keeps the offers that a mail2fa server can answer: `PLAIN`, `LOGIN`, and of those that can be
    /// relayed the ones that are named here.
    pub fn retain_supported(&mut self, relayed: &[RelayedMechanism]) {
        self.mechanisms.retain(|offer| {
            Mechanism::parse(offer.name.as_bytes()).is_some() || offer.is_one_of(relayed)
        });
    }

    /// Appends the lines in the order that all clients take: Postfix and Exim end the connection when SPID
    /// comes before the first MECH.
    pub fn encode(&self, output: &mut Wiped) {
        Reply::Version(self.version).encode(output);
        for offer in &self.mechanisms {
            offer.encode(output);
        }
        let tail = [
            self.spid.clone().map(Reply::ServerPid),
            self.cuid.clone().map(Reply::ConnectionId),
            self.cookie.clone().map(Reply::Cookie),
            Some(Reply::Done),
        ];
        for reply in tail.into_iter().flatten() {
            reply.encode(output);
        }
    }
}
