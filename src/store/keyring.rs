//! The master keys: a text file, one key a line; the first seals, all open.
//!
//! ```text
//! # anything after a hash sign at the start of a line
//! 1f2e3d4c:q0Yd…43 more characters of base64…=
//! ```
//!
//! The eight hexadecimal digits are the key's id: the first four bytes of HKDF-SHA-256 over the
//! key with the info text `mail2fa key id`. A line whose id does not fit its key is an error, so
//! a mistyped key is found when the file is read and not when a record cannot be opened.
//!
//! This file reads and makes key files. What is derived from a key is in `seal.rs`.
//!
//! # Security
//!
//! Whoever reads this file and the store's folder knows all TOTP secrets. A file that others can
//! read, or the group can write, is refused. (The group may read it: systemd's credentials carry
//! an access list that shows as group permission.)

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, Read, Write as _},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::base::{
    Rng, Secret,
    limits::{KEY_FILE_BYTES, KEY_RING},
};

/// Length of a master key, bytes.
pub const KEY_BYTES: usize = 32;

/// Names a master key; says nothing about it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(pub [u8; 4]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// Why there is no key ring.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The file cannot be read or written.
    #[error("key file {path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A key file is there already.
    #[error("key file {path} is there already; it is never overwritten, because the store could not be read without it", path = path.display())]
    AlreadyThere {
        /// The file.
        path: PathBuf,
    },
    /// The file's permissions are too wide, or it is not a file.
    #[error("key file {path} must be a regular file that nobody but its owner can read, its mode is {mode:04o}: run chmod 0600 {path}", path = path.display())]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The content is not a list of keys.
    #[error("key file, line {line}: {what}")]
    Line {
        /// Line, from 1.
        line: usize,
        /// What is wrong with it. Never shows the key.
        what: &'static str,
    },
    /// There is no key in the file, or there are too many.
    #[error("key file: {count} keys; it takes 1 to {KEY_RING}")]
    Count {
        /// Keys found.
        count: usize,
    },
    /// No random bytes for a new key.
    #[error("no new key: {0}")]
    Random(#[from] crate::base::clock::RngError),
}

/// One master key.
#[derive(Clone)]
pub(super) struct MasterKey {
    pub(super) id: KeyId,
    pub(super) bytes: Secret,
}

impl MasterKey {
    fn new(bytes: Secret) -> Self {
        let mut id = [0; 4];
        // Expanding 4 bytes cannot fail: the bound is 255 times the hash length.
        let _ = Hkdf::<Sha256>::new(None, bytes.expose()).expand(b"mail2fa key id", &mut id);
        Self { id: KeyId(id), bytes }
    }

    fn generate(rng: &dyn Rng) -> Result<Self, KeyringError> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        rng.fill(bytes.as_mut())?;
        Ok(Self::new(Secret::from_slice(bytes.as_ref())))
    }
}

/// The master keys: one that seals and all that open.
#[derive(Clone)]
pub struct Keyring {
    pub(super) first: MasterKey,
    pub(super) others: Vec<MasterKey>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}

impl Keyring {
    /// Reads a key file.
    pub fn read(path: &Path) -> Result<Self, KeyringError> {
        let io = |source| KeyringError::Io { path: path.into(), source };
        let file = File::open(path).map_err(io)?;
        let meta = file.metadata().map_err(io)?;
        let mode = meta.permissions().mode() & 0o7777;
        if !meta.is_file() || mode & 0o037 != 0 {
            return Err(KeyringError::Mode { path: path.into(), mode });
        }
        let size = usize::try_from(meta.len().min(KEY_FILE_BYTES)).unwrap_or(0);
        let mut text = Zeroizing::new(Vec::with_capacity(size + 1));
        file.take(KEY_FILE_BYTES).read_to_end(&mut text).map_err(io)?;
        Self::parse(&text)
    }

    /// Reads the content of a key file.
    pub fn parse(text: &[u8]) -> Result<Self, KeyringError> {
        let mut keys = Vec::new();
        for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let what = match parse_line(line) {
                Ok(key) if keys.iter().any(|other: &MasterKey| other.id == key.id) => {
                    "this key is in the file twice"
                }
                Ok(key) => {
                    keys.push(key);
                    continue;
                }
                Err(what) => what,
            };
            return Err(KeyringError::Line { line: index + 1, what });
        }
        let count = keys.len();
        if count > KEY_RING {
            return Err(KeyringError::Count { count });
        }
        let mut keys = keys.into_iter();
        let first = keys.next().ok_or(KeyringError::Count { count })?;
        Ok(Self { first, others: keys.collect() })
    }

    /// A ring of one new key that is in no file: for tests, and for a store that is thrown away.
    pub fn generate(rng: &dyn Rng) -> Result<Self, KeyringError> {
        Ok(Self { first: MasterKey::generate(rng)?, others: Vec::new() })
    }

    /// Makes a key file with one new key, readable by its owner only, and waits until it is on
    /// disk. An existing file is never touched.
    pub fn create(path: &Path, rng: &dyn Rng) -> Result<Self, KeyringError> {
        let made = Self::generate(rng)?;
        let io = |source| KeyringError::Io { path: path.into(), source };
        let mut file = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
        {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(KeyringError::AlreadyThere { path: path.into() });
            }
            Err(error) => return Err(io(error)),
        };
        let encoded = Zeroizing::new(STANDARD.encode(made.first.bytes.expose()));
        file.write_all(b"# Master keys of mail2fa: the first seals, all open. Without them the store cannot be read.\n")
            .and_then(|()| write!(file, "{}:", made.first.id))
            .and_then(|()| file.write_all(encoded.as_bytes()))
            .and_then(|()| file.write_all(b"\n"))
            .and_then(|()| file.sync_all())
            .and_then(|()| super::folder::sync_parent(path))
            .map_err(io)?;
        Ok(made)
    }

    /// The ids of all keys, the one that seals first.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> {
        self.keys().map(|key| key.id)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &MasterKey> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

fn parse_line(line: &[u8]) -> Result<MasterKey, &'static str> {
    let Some((id, encoded)) = line.split_at_checked(8) else {
        return Err("not of the form id:base64");
    };
    let Some(encoded) = encoded.strip_prefix(b":") else {
        return Err("not of the form id:base64 with an id of 8 hexadecimal digits");
    };
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    match STANDARD.decode_slice(encoded, bytes.as_mut()) {
        Ok(KEY_BYTES) => {}
        _ => return Err("the key is not base64 of 32 bytes"),
    }
    let key = MasterKey::new(Secret::from_slice(bytes.as_ref()));
    if key.id.to_string().as_bytes().eq_ignore_ascii_case(id) {
        Ok(key)
    } else {
        Err("the key does not fit its id: it was mistyped or cut")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::CountingRng;

    fn file_text(path: &Path) -> String {
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn a_new_file_is_private_and_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let made = Keyring::create(&path, &CountingRng::new(1)).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let read = Keyring::read(&path).unwrap();
        assert_eq!(made.first.id, read.first.id);
        assert_eq!(made.first.bytes, read.first.bytes);
        assert!(matches!(
            Keyring::create(&path, &CountingRng::new(2)),
            Err(KeyringError::AlreadyThere { .. })
        ));
    }

    #[test]
    fn a_readable_file_is_refused_with_the_command_that_helps() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        Keyring::create(&path, &CountingRng::new(1)).unwrap();
        for mode in [0o644, 0o604, 0o620, 0o660] {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            let error = Keyring::read(&path).unwrap_err();
            assert!(error.to_string().contains("chmod 0600"), "{error}");
        }
        for mode in [0o600, 0o400, 0o440] {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            Keyring::read(&path).unwrap();
        }
    }

    #[test]
    fn the_first_key_seals_and_mistakes_name_their_line() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        Keyring::create(&a, &CountingRng::new(1)).unwrap();
        let second = Keyring::create(&b, &CountingRng::new(2)).unwrap();
        let both = format!("{}\n\n{}", file_text(&b), file_text(&a));
        let ring = Keyring::parse(both.as_bytes()).unwrap();
        assert_eq!(ring.first.id, second.first.id);
        assert_eq!(ring.ids().count(), 2);

        let key_line = file_text(&a).lines().last().unwrap().to_owned();
        let table = [
            (String::new(), "0 keys"),
            ("1234:AAAA".into(), "line 1"),
            (format!("# x\n{}", &key_line[..20]), "line 2"),
            (format!("00000000{}", &key_line[8..]), "mistyped"),
            (format!("{key_line}\n{key_line}"), "twice"),
        ];
        for (text, expected) in table {
            let error = Keyring::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains(&key_line[9..]), "shows the key");
        }
    }
}
