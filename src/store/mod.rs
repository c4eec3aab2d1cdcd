//! The store: mailbox records sealed at rest, over a storage engine.
//!
//! Adapter, layer 4. It implements [`ports::store`](crate::ports::store) and knows no sockets
//! and no decisions. How the files lie, what is promised and what to do after damage is in
//! `docs/store.md`.
//!
//! | file | what it does |
//! |---|---|
//! | `engine.rs` | the trait of a storage engine, in bytes |
//! | `sled_engine.rs`, `writer.rs`, `shared.rs`, `folder.rs`, `mark.rs` | the embedded engine: reads, group commit, files |
//! | `memory_engine.rs` | the engine of the tests, with faults |
//! | `keyring.rs`, `seal.rs` | master keys, and sealing with what is derived from them |
//! | `json.rs`, `record.rs`, `parts.rs`, `meta.rs`, `keys.rs` | how things are written down, and under which key |
//! | `census.rs` | what must be there |
//! | `sealed.rs`, `state.rs`, `index.rs`, `read.rs`, `commit.rs`, `survey.rs`, `open.rs`, `repair.rs` | the store itself |
//! | `trail.rs`, `block.rs` | the audit trail |

mod block;
pub mod census;
mod commit;
pub mod engine;
pub mod error;
mod folder;
mod index;
mod json;
pub mod keyring;
mod keys;
pub mod mark;
pub mod memory_engine;
mod meta;
mod open;
mod parts;
mod read;
pub mod record;
mod repair;
pub mod seal;
mod sealed;
mod shared;
pub mod sled_engine;
mod state;
mod survey;
#[cfg(test)]
mod testing;
mod trail;
mod writer;

pub use census::Shard;
pub use error::OpenError;
pub use json::CodecError;
pub use keyring::{Keyring, KeyringError};
pub use memory_engine::MemoryEngine;
pub use repair::Accepted;
pub use sealed::SealedStore;
pub use sled_engine::SledEngine;
pub use survey::Verified;
pub use trail::TrailFound;
