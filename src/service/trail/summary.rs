//! What is kept beside a mailbox to sum up its logins: one entry of JSON for each kind of summary.
//!
//! # Security
//!
//! One that cannot be read says nothing, so that what is gathered next begins anew.

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    base::{Secret, UnixMillis},
    ports::store::{Change, Entry, EntryKey, Store, StoreError},
};

/// What is kept under a key.
pub(super) async fn stored<T: DeserializeOwned>(
    store: &dyn Store,
    key: &EntryKey,
    now: UnixMillis,
) -> Result<Option<T>, StoreError> {
    let found = store.load_entry(key, now).await?;
    Ok(found.and_then(|entry| serde_json::from_slice(entry.value.value.expose()).ok()))
}

/// Keeps this in its place, until it expires.
pub(super) async fn keep(
    store: &dyn Store,
    key: EntryKey,
    summary: &impl Serialize,
    expires: UnixMillis,
) -> Result<(), StoreError> {
    let text = serde_json::to_vec(summary).unwrap_or_default();
    let entry = Some(Entry { value: Secret::from_vec(text), expires });
    // Nothing is expected, so nothing conflicts.
    let _ = store.commit(vec![Change::Entry { key, expect: None, entry }]).await?;
    Ok(())
}
