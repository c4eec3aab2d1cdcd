//! The listeners: accept connections, speak Dovecot's auth protocol, carry logins to the decision.
//!
//! Layer 4. Two kinds of door: [`client`] answers Postfix, Exim and other SASL clients itself;
//! [`login`] stands in front of Dovecot's login processes and relays to Dovecot's own auth. What
//! both do alike is in [`connection`], and what a door is in [`door`]. The translation between wire
//! and decision is in [`translate`], and nowhere else.

pub mod client;
pub mod connection;
pub mod door;
pub mod listener;
pub mod login;
mod logins;
mod refusals;
pub mod relay;
pub mod translate;
