//! The use-cases: log in, enrol, administer, look after one's own mailbox, tell owners.
//!
//! Layer 3. They drive `decision` over `ports`; they know no wire format, socket, sled or tokio.

pub mod admin;
pub mod authenticate;
mod behalf;
mod counters;
mod form;
mod gates;
pub mod notices;
pub mod owner;
mod recent;
mod relay;
pub mod reminders;
mod standing;
mod throttled;
pub mod trail;
pub mod webmail;
mod whose;
pub mod wrong_tokens;
