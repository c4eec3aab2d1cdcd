//! What the use-cases need from the outside, as traits: a store, a password source, a log, the audit
//! trail, somebody who tells owners.
//!
//! Layer 2. Adapters implement these; nothing here knows sled, sockets or tokio. An error of a
//! port is never an answer: it becomes `temp_fail`, never "wrong password" and never "no second
//! factor".

pub mod audit;
pub mod event;
pub mod notice;
pub mod password;
pub mod store;
pub mod trail;

pub use futures_util::future::BoxFuture;
