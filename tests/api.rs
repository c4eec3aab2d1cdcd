//! The API over real sockets: what programs get that bring tokens, and what those get who bring none.
//!
//! It runs in this process over a store in memory. Schemathesis walks through it elsewhere.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise, also in its helpers"
)]

#[path = "support/mod.rs"]
mod support;

#[path = "api/declared.rs"]
mod declared;
#[path = "api/desk.rs"]
mod desk;
#[path = "api/document.rs"]
mod document;
#[path = "api/domains.rs"]
mod domains;
#[path = "api/faults.rs"]
mod faults;
#[path = "api/refusals.rs"]
mod refusals;
#[path = "api/requests.rs"]
mod requests;
#[path = "api/tokens.rs"]
mod tokens;
#[path = "api/webmail.rs"]
mod webmail;
