//! The User Panel over real sockets: what a browser gets, and what somebody gets who is none.
//!
//! It runs in this process over a store in memory. Chromium walks through it elsewhere.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise, also in its helpers"
)]

#[path = "support/certificates.rs"]
mod certificates;
#[path = "support/mod.rs"]
mod support;

#[path = "panel/abuse.rs"]
mod abuse;
#[path = "panel/activity.rs"]
mod activity;
#[path = "panel/app_passwords.rs"]
mod app_passwords;
#[path = "panel/desk.rs"]
mod desk;
#[path = "panel/enforced.rs"]
mod enforced;
#[path = "panel/factor.rs"]
mod factor;
#[path = "panel/forged.rs"]
mod forged;
#[path = "panel/frame.rs"]
mod frame;
#[path = "panel/link.rs"]
mod link;
#[path = "panel/login.rs"]
mod login;
#[path = "panel/planted.rs"]
mod planted;
#[path = "panel/sign_ins.rs"]
mod sign_ins;
#[path = "panel/wire.rs"]
mod wire;
