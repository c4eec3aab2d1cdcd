//! The meta record: which store this is, and the key of its name digests.
//!
//! It proves that the key file fits, and its presence is what tells an empty store from no store.
//!
//! # Security
//!
//! It is read only after its seal was found whole, so only a holder of the master key wrote it.
//! What does not read as one is damage, never an empty store.

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{
    error::OpenError,
    json::{CodecError, FORMAT, JsonObject, Wiped},
};
use crate::{
    base::{Rng, Secret, UnixMillis, limits::CENSUS_SHARDS},
    decision::digest::CredentialKey,
};

/// What describes a store.
pub(super) struct Meta {
    /// Salts the keys of everything else in the store.
    pub(super) id: [u8; 16],
    /// When the store was made.
    pub(super) created: UnixMillis,
    /// Keys the digests of names; stays when the master key changes.
    pub(super) names_key: Secret,
}

impl Meta {
    /// For a new store.
    pub(super) fn generate(rng: &dyn Rng, now: UnixMillis) -> Result<Self, OpenError> {
        let mut id = [0; 16];
        rng.fill(&mut id)?;
        let mut names_key = Zeroizing::new([0; 32]);
        rng.fill(names_key.as_mut())?;
        Ok(Self { id, created: now, names_key: Secret::from_slice(names_key.as_ref()) })
    }

    /// The key of the hashes of app passwords, recovery codes and sessions. It belongs to the
    /// store and not to the key ring, so that the hashes outlive a change of the master key.
    pub(super) fn credential_key(&self) -> CredentialKey {
        let mut key = Zeroizing::new([0; 32]);
        let hkdf = Hkdf::<Sha256>::new(Some(&self.id), self.names_key.expose());
        // 32 bytes are within HKDF's bound of 255 hash lengths.
        let _ = hkdf.expand(b"mail2fa credential hashes", key.as_mut());
        CredentialKey::new(Secret::from_slice(key.as_ref()))
    }

    /// As it is written down, before it is sealed.
    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut json = JsonObject::with_capacity(512);
        json.number("version", FORMAT);
        json.number("created", self.created.millis());
        json.number("shards", CENSUS_SHARDS as u64);
        json.base64("store", &self.id);
        json.base64("names_key", self.names_key.expose());
        json.finish()
    }

    /// Reads what [`Meta::encode`] wrote.
    pub(super) fn decode(text: &[u8]) -> Result<Self, OpenError> {
        let malformed = |error: CodecError| match error {
            CodecError::Newer(found) => OpenError::Newer { found, known: FORMAT },
            CodecError::NotObject | CodecError::Field(_) => OpenError::Meta(error.to_string()),
        };
        let read = || {
            let mut fields = Wiped::parse(text)?;
            fields.check_format()?;
            if fields.number("shards")? != CENSUS_SHARDS as u64 {
                return Err(CodecError::Field("shards"));
            }
            let created = UnixMillis::from_millis(fields.number("created")?);
            let id = fields.bytes("store")?;
            let id = id.expose().try_into().map_err(|_| CodecError::Field("store"))?;
            Ok(Self { id, created, names_key: fields.bytes("names_key")? })
        };
        read().map_err(malformed)
    }
}
