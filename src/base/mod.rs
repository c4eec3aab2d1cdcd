//! The words every room uses: limits, secrets, names, addresses, time and randomness as traits.
//!
//! Layer 0. It knows the standard library, `zeroize` and `subtle`; no socket, file, clock or
//! random source is touched here.

pub mod clock;
pub mod current;
pub mod limits;
pub mod mailbox;
pub mod mechanism;
pub mod peer;
pub mod refusal;
pub mod secret;
pub mod service;

pub use clock::{Clock, Rng, UnixMillis};
pub use current::Current;
pub use mailbox::{Mailbox, MailboxError};
pub use mechanism::RelayedMechanism;
pub use peer::{NetAddress, PeerCredentials};
pub use secret::{Secret, SecretText};
pub use service::Service;
