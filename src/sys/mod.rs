//! What the operating system does for several adapters alike: Unix sockets with exact permissions,
//! sockets handed over by systemd, who is at the other end of one, and what a failed accept means.
//!
//! It stands below the adapters so that `net` and `control` need not know each other. It knows no
//! protocol and no configuration.

pub mod accept;
pub mod duplex;
pub mod inherited;
pub mod socket;

#[cfg(test)]
mod tests;
