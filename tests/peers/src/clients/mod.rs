//! Real clients, each giving what it was told in its own words.
//!
//! Passwords go to a client by its standard input, its environment or a file where it can take
//! them so; swaks and doveadm show theirs in the process list, which does not matter for the
//! passwords of a test.

mod curl;
mod doveadm;
mod imap;
mod lines;
mod mbsync;
mod neomutt;
mod offlineimap;
mod sieve;
mod swaks;
mod token;

pub(crate) use lines::run as run_to_end;

pub use curl::{Curl, Mail};
pub use doveadm::auth_test;
pub use imap::Imap;
pub use mbsync::{mbsync, mbsync_channels};
pub use neomutt::Neomutt;
pub use offlineimap::offlineimap;
pub use sieve::sieve_login;
pub use swaks::{Sasl, Swaks, lmtp_deliver};
pub use token::{Protocol, token_login};

/// A name and what is typed into the password field.
#[derive(Clone, Copy, Debug)]
pub struct Login<'a> {
    /// The mailbox.
    pub name: &'a str,
    /// The password, with or without a code.
    pub password: &'a str,
}

impl<'a> Login<'a> {
    /// A login from its parts.
    pub fn new(name: &'a str, password: &'a str) -> Self {
        Self { name, password }
    }
}
