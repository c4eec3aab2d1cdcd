//! Password sources: hashes in mail2fa's own store, checked and made here.
//!
//! [`scheme`] knows the hashes that Dovecot knows, [`pool`] computes them on threads of its own,
//! [`stored`] is the `PasswordHasher` of the ports on top of both.
//!
//! # Security
//!
//! An unknown mailbox costs as much time as a known one with a hash of the configured scheme.
//! A mailbox with an imported hash of another scheme can be told apart by time until its password
//! is set anew.

pub mod pool;
pub mod scheme;
pub mod stored;

pub use scheme::{SchemeName, check_hash};
pub use stored::StoredPasswords;

use crate::base::limits::HASH_QUEUE;

/// The cost of a new ARGON2ID hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2Cost {
    /// Memory, KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes. They are computed one after the other, so more than one only helps an attacker.
    pub lanes: u32,
}

impl Default for Argon2Cost {
    /// 19 MiB, two passes, one lane: the least that OWASP's password storage cheat sheet asks for.
    fn default() -> Self {
        Self { memory_kib: 19_456, passes: 2, lanes: 1 }
    }
}

/// How passwords are hashed, and with how much of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashingConfig {
    /// The cost of new hashes, and of the check that an unknown mailbox is answered after.
    pub argon2: Argon2Cost,
    /// Hashing threads. Each may hold the memory of one hash.
    pub threads: usize,
    /// Checks that wait for a thread before the next one is refused as busy.
    pub queue: usize,
}

impl Default for HashingConfig {
    /// One thread for each processor that this process may use.
    fn default() -> Self {
        Self {
            argon2: Argon2Cost::default(),
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            queue: HASH_QUEUE,
        }
    }
}
