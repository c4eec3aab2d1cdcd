//! Sealing at rest: XChaCha20-Poly1305 with a key per purpose.
//!
//! A sealed value is `format (1) | key id (4) | nonce (24) | ciphertext and tag`. The associated
//! data is the purpose and the whole key of the engine (which holds the kind, the shard and the
//! mailbox), so a value moved to another key does not open. The keys of a purpose are derived
//! with HKDF-SHA-256 from the master key, salted with the store's id, so a value of another
//! store does not open either. Nonces are random: 24 bytes need no counter that a restored
//! backup would turn back.
//!
//! # Security
//!
//! A value that does not open is an error, whatever the reason. An older value of the same key
//! does open: what notices that is the census, the mark and the version.

use std::sync::Arc;

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::keyring::{KeyId, Keyring};
use crate::{base::Rng, ports::store::StoreError};

/// The format this file writes.
const FORMAT: u8 = 1;
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;
/// What sealing adds to a text, bytes.
pub(super) const OVERHEAD_BYTES: usize = 1 + 4 + NONCE_BYTES + TAG_BYTES;

/// What a sealed value is for. Each has a key of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The record that describes the store itself; the only one not bound to a store's id.
    Meta,
    /// Mailbox records.
    Record,
    /// Entries that expire.
    Entry,
    /// Censuses of names.
    Census,
    /// The audit trail.
    Trail,
}

impl Purpose {
    const ALL: [Self; 5] = [Self::Meta, Self::Record, Self::Entry, Self::Census, Self::Trail];

    const fn label(self) -> &'static str {
        match self {
            Self::Meta => "mail2fa meta",
            Self::Record => "mail2fa mailbox record",
            Self::Entry => "mail2fa entry",
            Self::Census => "mail2fa census",
            Self::Trail => "mail2fa audit trail",
        }
    }
}

/// Why a value was not sealed or opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Too short, or of a format this version does not know.
    #[error("not a sealed value of a known format")]
    Format,
    /// Sealed with a key that is not in the ring.
    #[error("sealed with key {sealed_with}, and the key file holds {ring}")]
    UnknownKey {
        /// The key's id.
        sealed_with: KeyId,
        /// The ids that are there.
        ring: String,
    },
    /// The key is there and the value does not open: it was changed, moved, or cut.
    #[error(
        "sealed with key {0}, which does not open it: the value was changed or belongs elsewhere"
    )]
    Refused(KeyId),
    /// No random bytes for a nonce, or the cipher refused.
    #[error("cannot seal: no random bytes")]
    Random,
}

impl From<SealError> for StoreError {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Format | SealError::UnknownKey { .. } | SealError::Refused(_) => {
                Self::Damaged(error.to_string())
            }
            SealError::Random => Self::Unavailable(error.to_string()),
        }
    }
}

struct Subkeys {
    id: KeyId,
    keys: [Zeroizing<[u8; 32]>; Purpose::ALL.len()],
}

impl Subkeys {
    fn cipher(&self, purpose: Purpose) -> XChaCha20Poly1305 {
        let [meta, record, entry, census, trail] = &self.keys;
        let key = match purpose {
            Purpose::Meta => meta,
            Purpose::Record => record,
            Purpose::Entry => entry,
            Purpose::Census => census,
            Purpose::Trail => trail,
        };
        XChaCha20Poly1305::new((&**key).into())
    }
}

/// Seals and opens values of one store.
pub struct Sealer {
    first: Subkeys,
    others: Vec<Subkeys>,
    rng: Arc<dyn Rng>,
}

impl Sealer {
    /// For the values of the store with this id; `None` for the record that tells the id.
    pub fn new(keyring: &Keyring, store_id: Option<&[u8; 16]>, rng: Arc<dyn Rng>) -> Self {
        let derive = |key: &super::keyring::MasterKey| {
            let hkdf = Hkdf::<Sha256>::new(store_id.map(<[u8; 16]>::as_slice), key.bytes.expose());
            let keys = Purpose::ALL.map(|purpose| {
                let mut out = Zeroizing::new([0; 32]);
                // 32 bytes are within HKDF's bound of 255 hash lengths.
                let _ = hkdf.expand(purpose.label().as_bytes(), out.as_mut());
                out
            });
            Subkeys { id: key.id, keys }
        };
        Self {
            first: derive(&keyring.first),
            others: keyring.others.iter().map(derive).collect(),
            rng,
        }
    }

    /// Seals a text for the place it will be kept at.
    pub fn seal(&self, purpose: Purpose, key: &[u8], text: &[u8]) -> Result<Arc<[u8]>, SealError> {
        let mut nonce = [0; NONCE_BYTES];
        self.rng.fill(&mut nonce).map_err(|_| SealError::Random)?;
        let aad = associated(purpose, key);
        let sealed = self
            .first
            .cipher(purpose)
            .encrypt(&XNonce::from(nonce), Payload { msg: text, aad: &aad })
            .map_err(|_| SealError::Random)?;
        let mut blob = Vec::with_capacity(OVERHEAD_BYTES + text.len());
        blob.push(FORMAT);
        blob.extend_from_slice(&self.first.id.0);
        blob.extend_from_slice(&nonce);
        blob.extend_from_slice(&sealed);
        Ok(blob.into())
    }

    /// Opens what was sealed for this place.
    pub fn open(
        &self,
        purpose: Purpose,
        key: &[u8],
        blob: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (&[FORMAT], rest) = blob.split_first_chunk::<1>().ok_or(SealError::Format)? else {
            return Err(SealError::Format);
        };
        let (id, rest) = rest.split_first_chunk::<4>().ok_or(SealError::Format)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(SealError::Format)?;
        let id = KeyId(*id);
        let subkeys = std::iter::once(&self.first)
            .chain(&self.others)
            .find(|subkeys| subkeys.id == id)
            .ok_or_else(|| SealError::UnknownKey { sealed_with: id, ring: self.ids() })?;
        let aad = associated(purpose, key);
        subkeys
            .cipher(purpose)
            .decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: &aad })
            .map(Zeroizing::new)
            .map_err(|_| SealError::Refused(id))
    }

    fn ids(&self) -> String {
        let mut ids = self.first.id.to_string();
        for other in &self.others {
            ids.push_str(", ");
            ids.push_str(&other.id.to_string());
        }
        ids
    }
}

fn associated(purpose: Purpose, key: &[u8]) -> Vec<u8> {
    let label = purpose.label().as_bytes();
    let mut aad = Vec::with_capacity(label.len() + 1 + key.len());
    aad.extend_from_slice(label);
    aad.push(0);
    aad.extend_from_slice(key);
    aad
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::testing::CountingRng;

    fn ring(seed: u64) -> Keyring {
        Keyring::generate(&CountingRng::new(seed)).unwrap()
    }

    fn sealer(keyring: &Keyring, store: u8) -> Sealer {
        Sealer::new(keyring, Some(&[store; 16]), Arc::new(CountingRng::new(99)))
    }

    proptest! {
        #[test]
        fn round_trip(key in prop::collection::vec(any::<u8>(), 0..40),
                      text in prop::collection::vec(any::<u8>(), 0..300)) {
            let sealer = sealer(&ring(1), 1);
            let blob = sealer.seal(Purpose::Record, &key, &text).unwrap();
            prop_assert_eq!(blob.len(), text.len() + OVERHEAD_BYTES);
            prop_assert_eq!(&*sealer.open(Purpose::Record, &key, &blob).unwrap(), &text);
        }

        #[test]
        fn any_changed_byte_is_refused(at in any::<prop::sample::Index>(), bit in 0..8_u32) {
            let sealer = sealer(&ring(1), 1);
            let mut blob = sealer.seal(Purpose::Record, b"k", b"text").unwrap().to_vec();
            let at = at.index(blob.len());
            blob[at] ^= 1 << bit;
            prop_assert!(sealer.open(Purpose::Record, b"k", &blob).is_err());
            prop_assert!(sealer.open(Purpose::Record, b"k", &blob[..at]).is_err());
        }
    }

    #[test]
    fn a_value_opens_at_its_own_place_only() {
        let ring = ring(1);
        let here = sealer(&ring, 1);
        let blob = here.seal(Purpose::Record, b"alice", b"text").unwrap();
        assert!(here.open(Purpose::Record, b"bob", &blob).is_err());
        assert!(here.open(Purpose::Entry, b"alice", &blob).is_err());
        assert!(sealer(&ring, 2).open(Purpose::Record, b"alice", &blob).is_err());
    }

    #[test]
    fn an_old_key_still_opens_and_a_missing_one_is_named() {
        let (old, new) = (ring(1), ring(2));
        let blob = sealer(&old, 1).seal(Purpose::Record, b"k", b"text").unwrap();
        let both = Keyring { first: new.first.clone(), others: vec![old.first.clone()] };
        assert_eq!(&*sealer(&both, 1).open(Purpose::Record, b"k", &blob).unwrap(), b"text");
        let error = sealer(&new, 1).open(Purpose::Record, b"k", &blob).unwrap_err();
        assert!(error.to_string().contains(&old.first.id.to_string()));
        assert!(error.to_string().contains(&new.first.id.to_string()));
    }

    #[test]
    fn no_random_bytes_means_no_seal() {
        let sealer = Sealer::new(&ring(1), None, Arc::new(CountingRng::broken()));
        assert_eq!(sealer.seal(Purpose::Record, b"k", b"t"), Err(SealError::Random));
    }
}
