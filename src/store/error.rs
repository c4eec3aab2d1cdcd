//! Why a store could not be made or opened, in words for the administrator.

use std::{io, path::PathBuf};

use super::{keyring::KeyringError, seal::SealError};
use crate::ports::store::StoreError;

/// Why a store could not be made or opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no store. A daemon must not make one on its own: an empty store says that nobody
    /// has a second factor, and the folder may only be a volume that is not mounted.
    #[error("no store at {dir}: if this is a new installation run `mail2fa init`, otherwise mount or restore it", dir = dir.display())]
    NoStore {
        /// The folder.
        dir: PathBuf,
    },
    /// A new store was asked for and something is there.
    #[error("{dir} is not empty: a new store is made in an empty or absent folder only", dir = dir.display())]
    AlreadyThere {
        /// The folder.
        dir: PathBuf,
    },
    /// Another process has it open.
    #[error("the store at {dir} is in use by another process (a running mail2fa?)", dir = dir.display())]
    Locked {
        /// The folder.
        dir: PathBuf,
    },
    /// Others can enter the folder.
    #[error("the store's folder {dir} must be open to its owner only, its mode is {mode:04o}: run chmod 0700 {dir}", dir = dir.display())]
    Mode {
        /// The folder.
        dir: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The folder belongs to another user. Opened all the same, it would get files that its owner
    /// cannot read.
    #[error("the store's folder {dir} belongs to user id {owner}, this process runs as {user}: run it as its owner", dir = dir.display())]
    Owner {
        /// The folder.
        dir: PathBuf,
        /// Its owner's user id.
        owner: u32,
        /// The user id of this process.
        user: u32,
    },
    /// The file system refused something.
    #[error("the store at {dir}: {what}: {source}", dir = dir.display())]
    Io {
        /// The folder.
        dir: PathBuf,
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The files are not what was written.
    #[error("the store at {dir} is damaged ({what}): stop mail2fa, keep a copy of the folder, and restore it from a backup", dir = dir.display())]
    Damaged {
        /// The folder.
        dir: PathBuf,
        /// What was found.
        what: String,
    },
    /// The record that describes the store is missing or unreadable.
    #[error("the store is damaged ({0}): restore it from a backup")]
    Meta(String),
    /// The key file is not this store's.
    #[error("the key file does not fit the store: {0}")]
    WrongKey(SealError),
    /// Made by a newer version of the program.
    #[error("the store has format {found}, this version of mail2fa reads {known}")]
    Newer {
        /// The format found.
        found: u64,
        /// The newest format this version reads.
        known: u64,
    },
    /// No usable key ring.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The store did not answer while it was being read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No random bytes for a new store.
    #[error("no new store: {0}")]
    Random(#[from] crate::base::clock::RngError),
}
