//! Puts the program together and runs it.
//!
//! Layer 5. [`compose`] is the only file that names concrete adapters; [`lifecycle`] starts, reloads
//! and stops the daemon; [`ambient`] is the only place that asks the machine for the time and
//! for randomness.

pub mod ambient;
pub mod api;
pub mod compose;
pub mod doctor;
pub mod files;
mod hardening;
pub mod lifecycle;
pub mod listeners;
mod log_writer;
pub mod logging;
pub mod opened;
mod panel;
mod reminders;
mod upkeep;

pub use hardening::apply as harden;
pub use lifecycle::{ServeError, serve};
pub use panel::PanelError;
