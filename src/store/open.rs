//! Making and opening a store.
//!
//! # Security
//!
//! Opening never makes a store. An empty store says that nobody has a second factor; the folder
//! may only be a volume that is not mounted. A store whose meta record is missing is damaged, not
//! empty.

use std::{path::Path, sync::Arc};

use super::{
    census::{Census, NameDigests, Shard},
    engine::{Engine, EngineCommit, Write, WriteSet},
    error::OpenError,
    keyring::Keyring,
    keys,
    meta::Meta,
    seal::{Purpose, SealError, Sealer},
    sealed::SealedStore,
    sled_engine::SledEngine,
    state::{Inner, TrailState},
};
use crate::{
    base::{Rng, UnixMillis},
    ports::store::{Expect, StoreError},
};

impl SealedStore<SledEngine> {
    /// Makes a store in a folder that is empty or absent. Needs a tokio runtime.
    pub async fn create(
        dir: &Path,
        keyring: &Keyring,
        rng: Arc<dyn Rng>,
        now: UnixMillis,
    ) -> Result<Self, OpenError> {
        let (path, engine_rng) = (dir.to_owned(), Arc::clone(&rng));
        let engine = blocking(move || SledEngine::create(&path, &*engine_rng)).await?;
        Self::format(engine, keyring, rng, now).await
    }

    /// Opens the store in a folder and compares all its records with the census. Needs a tokio
    /// runtime.
    ///
    /// A store with damaged shards opens; see [`SealedStore::damage`].
    pub async fn open(dir: &Path, keyring: &Keyring, rng: Arc<dyn Rng>) -> Result<Self, OpenError> {
        let path = dir.to_owned();
        let engine = blocking(move || SledEngine::open(&path)).await?;
        Self::attach(engine, keyring, rng).await
    }
}

async fn blocking<T: Send + 'static>(
    open: impl FnOnce() -> Result<T, OpenError> + Send + 'static,
) -> Result<T, OpenError> {
    match tokio::task::spawn_blocking(open).await {
        Ok(opened) => opened,
        Err(_) => Err(StoreError::Unavailable("the program stopped while opening".into()).into()),
    }
}

impl<E: Engine> SealedStore<E> {
    /// Makes a store in an empty engine.
    pub async fn format(
        engine: E,
        keyring: &Keyring,
        rng: Arc<dyn Rng>,
        now: UnixMillis,
    ) -> Result<Self, OpenError> {
        let meta = Meta::generate(&*rng, now)?;
        let meta_sealer = Sealer::new(keyring, None, Arc::clone(&rng));
        let sealer = Sealer::new(keyring, Some(&meta.id), Arc::clone(&rng));
        let absent = |key, value| Write { key, expect: Some(Expect::Absent), value: Some(value) };
        let own = meta_sealer.seal(Purpose::Meta, keys::META, &meta.encode());
        let mut writes = vec![absent(keys::META.into(), own.map_err(StoreError::from)?)];
        for shard in Shard::all() {
            let key = keys::census(shard);
            let empty = Census::default().to_bytes();
            let value = sealer.seal(Purpose::Census, &key, &empty).map_err(StoreError::from)?;
            writes.push(absent(key, value));
        }
        match engine.commit(WriteSet { writes, mark: true }).await? {
            EngineCommit::Done(_) => {}
            EngineCommit::Conflict(_) => {
                return Err(OpenError::Meta("a new store was asked for and one is there".into()));
            }
        }
        Self::attach(engine, keyring, rng).await
    }

    /// Opens the store in an engine.
    pub async fn attach(
        engine: E,
        keyring: &Keyring,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, OpenError> {
        let meta = read_meta(&engine, keyring, &rng).await?;
        // Blocks of two processes never get one stamp, whatever the clock does.
        let mut first = [0; 4];
        rng.fill(&mut first)?;
        let trail = TrailState::new(u32::from_be_bytes(first));
        let sealer = Sealer::new(keyring, Some(&meta.id), rng);
        let credentials = meta.credential_key();
        let names = NameDigests::new(meta.names_key);
        let inner = Inner::new(engine, sealer, names, credentials, meta.created, trail);
        // Side by side, so that one flush serves all. Damage stays with its shard and is reported
        // there.
        let compared = Shard::all().map(|shard| {
            let inner = &inner;
            async move {
                let mut kept = inner.shard(shard).kept.lock().await;
                inner.compare(shard, &mut kept).await
            }
        });
        for compared in futures_util::future::join_all(compared).await {
            compared?;
        }
        if let Some(reason) = inner.engine.fell_back() {
            inner.note_fall_back(&reason);
        }
        Ok(Self { inner })
    }
}

async fn read_meta<E: Engine>(
    engine: &E,
    keyring: &Keyring,
    rng: &Arc<dyn Rng>,
) -> Result<Meta, OpenError> {
    let stored = engine
        .get(keys::META)
        .await?
        .ok_or_else(|| OpenError::Meta("its meta record is missing".into()))?;
    let sealer = Sealer::new(keyring, None, Arc::clone(rng));
    let text =
        sealer.open(Purpose::Meta, keys::META, &stored.value).map_err(|error| match error {
            SealError::UnknownKey { .. } => OpenError::WrongKey(error),
            SealError::Format | SealError::Refused(_) | SealError::Random => {
                OpenError::Meta(format!("its meta record cannot be read: {error}"))
            }
        })?;
    Meta::decode(&text)
}
