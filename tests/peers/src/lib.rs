//! Real mail servers and clients around mail2fa.
//!
//! This crate starts private instances of Dovecot 2.3 and 2.4, Postfix, Exim, Roundcube, nginx, Apache, Caddy and mail2fa in
//! a temporary folder on free loopback ports, and asks real clients (curl, swaks, mbsync, OfflineIMAP,
//! NeoMutt, doveadm) to log in, and Chromium to use the User Panel.
//! The tests beside it and the `quickstart` program are built on it. It is no part of the daemon
//! and links nothing of it: it knows mail2fa only by its command line and its sockets, as an
//! administrator does.
//!
//! It needs root (Dovecot and Postfix do) and the packages that `tests/setup` installs. Nothing
//! outside the temporary folder is changed. What was started is stopped on drop, and by a helper
//! process when this one dies in whatever way.

pub mod answer;
pub mod cache;
pub mod chromium;
pub mod clients;
pub mod clock;
pub mod codes;
pub mod daemon;
pub mod door;
pub mod dovecot;
pub mod exim;
pub mod folder;
pub mod group;
pub mod kerberos;
pub mod leaks;
pub mod panel;
pub mod port;
pub mod postfix;
pub mod provider;
pub mod roundcube;
pub mod stand;
pub mod wait;
pub mod web;

pub use answer::{Answer, Verdict};
pub use chromium::{Chromium, Look, Window};
pub use clock::Clock;
pub use codes::Codes;
pub use daemon::Mail2fa;
pub use door::Door;
pub use dovecot::{Doors, Dovecot, Generation, PasswordMode};
pub use exim::Exim;
pub use folder::Folder;
pub use kerberos::Kerberos;
pub use panel::Panel;
pub use postfix::Postfix;
pub use provider::Provider;
pub use roundcube::Roundcube;
pub use stand::Stand;
