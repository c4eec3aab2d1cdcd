//! Who may log in. Pure: time is an argument, effects are returned, nothing is performed.
//!
//! Layer 1. No tokio, no store, no clock, no randomness, no wire, no log.

pub mod record;
