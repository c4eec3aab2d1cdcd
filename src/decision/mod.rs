//! Who may log in. Pure: time is an argument, effects are returned, nothing is performed.
//!
//! Layer 1. No tokio, no store, no clock, no randomness, no wire, no log.

pub mod code;
pub mod enrolment;
pub mod flow;
pub mod names;
pub mod outcome;
pub mod proof;
pub mod record;
pub mod throttle;
pub mod totp;
