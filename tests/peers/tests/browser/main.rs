//! The User Panel in Chromium, as people use it, with real Dovecot behind it.
//!
//! Codes come from oathtool, pictures are read by zbarimg, and what a page says is tried at Dovecot's
//! doors. mail2fa goes by a clock that is moved, so nobody waits for the next code. Screenshots of all pages
//! are written to `tmp/panel` in the build folder.

mod ends;
mod gallery;
mod keyboard;
mod languages;
mod person;
mod two;
mod walk;
