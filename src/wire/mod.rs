//! Dovecot's authentication protocol, without any I/O: bytes in, events and bytes out.
//!
//! [`Server`] speaks towards those who ask (Dovecot's login processes, Postfix, Exim), [`Client`]
//! towards an upstream Dovecot. Both stand on the same parts: [`frame`] cuts lines, [`command`] and
//! [`reply`] read and write them, [`field`] and [`parameters`] hold what is in them, [`sasl`] turns
//! SASL messages into credentials. `docs/protocol.md` describes the protocol as spoken here.
//!
//! This room decides nothing about logins, has no clock, opens nothing and logs nothing.
//!
//! # Two kinds of mistakes
//!
//! What only the program at the other end of the socket can get wrong is [`Fatal`]: the connection
//! is closed and never resynchronised. What a mail client can get wrong ends one request: it
//! becomes a [`Rejection`] in an event, and the driver answers FAIL. No byte from a mail client can
//! stop the logins of others.
//!
//! # Security
//!
//! Everything read here comes from outside. Lines, fields, requests and buffers are bounded by
//! `base::limits`; passwords are wiped from every buffer; nothing read is ever in an error text.

#![cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]

pub mod client;
pub mod command;
pub mod error;
pub mod escape;
pub mod field;
pub mod frame;
mod grammar;
pub mod greeting;
pub mod ids;
pub mod parameters;
pub mod reply;
pub mod sasl;
pub mod server;
mod side;
#[cfg(test)]
mod testing;
pub mod wiped;

pub use client::{Client, ClientEvent, RequestError};
pub use command::{Auth, Command};
pub use error::Fatal;
pub use field::{Field, Fields};
pub use greeting::{Greeting, MechanismOffer};
pub use ids::{ProtocolVersion, RequestId};
pub use parameters::{Parameters, Transport};
pub use reply::{FailCode, Reply};
pub use sasl::{Mechanism, PlainCredentials, Rejection};
pub use server::{AnswerError, Attempt, RelayStart, Server, ServerEvent};
pub use wiped::Wiped;
