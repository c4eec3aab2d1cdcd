//! Who may log in. Pure: time is an argument, effects are returned, nothing is performed.
//!
//! Layer 1. No tokio, no store, no clock, no randomness, no wire, no log.

pub mod alphabet;
pub mod answer;
pub mod api_token;
pub mod app_password;
pub mod code;
pub mod cursor;
pub mod digest;
pub mod enforcement;
pub mod enrolment;
pub mod flow;
pub mod mechanisms;
pub mod names;
pub mod notice;
pub mod outcome;
pub mod panel;
pub mod panel_link;
pub mod place;
pub mod proof;
pub mod question;
pub mod recall;
pub mod record;
pub mod recovery;
pub mod refusal;
pub mod reminder;
pub mod retention;
pub mod session;
#[cfg(test)]
pub(crate) mod testing;
pub mod throttle;
pub mod totp;
pub mod webmail;
