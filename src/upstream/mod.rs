//! The real Dovecot auth behind mail2fa: one connection ([`Link`]) and a few shared ones ([`Pool`]).
//!
//! Below the adapters, because two of them need it: a `login` listener keeps one link for each of
//! its connections, a `client` listener asks through the pool.
//!
//! # Security
//!
//! An accepted request is *held* until it is released: dropping it, for whatever reason, sends
//! CANCEL, so that an upstream OK that must not stand can never be fetched by a mail process.

mod dialogue;
mod link;
mod pool;

pub use dialogue::{Dialogue, Said};
pub use link::{Answer, Held, Link};
pub use pool::Pool;

/// Why the upstream gave no answer. Always `temp_fail`, never "wrong password".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamError {
    /// It cannot be reached.
    #[error("cannot connect to Dovecot's auth at {path}: {why}")]
    Connect {
        /// The socket.
        path: String,
        /// The system's words.
        why: String,
    },
    /// The connection ended, or broke the protocol.
    #[error("the connection to Dovecot's auth was lost: {0}")]
    Lost(String),
    /// No answer in time.
    #[error("Dovecot's auth did not answer within {0} s")]
    Slow(u64),
    /// Too many requests of this connection were cancelled: a new one is needed.
    #[error("the connection to Dovecot's auth has too many cancelled requests")]
    WornOut,
    /// It says what does not belong where it says it.
    #[error("Dovecot's auth broke the protocol: {0}")]
    Disorder(&'static str),
    /// The upstream cannot be asked this way.
    #[error("Dovecot's auth cannot take the request: {0}")]
    Unfit(String),
}
