//! The hasher of mail2fa's own store: makes ARGON2ID hashes, checks all schemes.
//!
//! Checks that take microseconds are made on the spot, all others on the [`Pool`]: see
//! [`Cost`]. It knows hashes, not mailboxes: who may ask how often is decided elsewhere.
//!
//! # Security
//!
//! A mailbox that does not exist is answered after a real check against a hash of the configured
//! cost that no password fits. An empty password is wrong before anything is asked.

use std::sync::Arc;

use super::{
    HashingConfig,
    pool::Pool,
    scheme::{Cost, SALT, Scratch, StoredHash, check_cost, create},
};
use crate::{
    base::{Rng, Secret, SecretText, limits::CREDENTIAL_BYTES},
    ports::{
        BoxFuture,
        password::{HashError, PasswordHasher, Verdict},
    },
};

/// Makes and checks the hashes of the store.
pub struct StoredPasswords {
    config: HashingConfig,
    rng: Arc<dyn Rng>,
    pool: Pool,
    /// Checked for mailboxes that do not exist.
    dummy: Arc<StoredHash>,
}

impl StoredPasswords {
    /// Starts the hashing threads and makes the hash for unknown mailboxes, which takes the time
    /// of one hash.
    pub fn new(config: HashingConfig, rng: Arc<dyn Rng>) -> Result<Self, HashError> {
        check_cost(config.argon2)?;
        let mut password = [0; 32];
        rng.fill(&mut password).map_err(|_| HashError::Unavailable)?;
        let dummy = create(config.argon2, &password, salt(rng.as_ref())?, &mut Scratch::default())?;
        let dummy = Arc::new(StoredHash::parse(dummy.expose())?);
        let pool = Pool::start(config.threads, config.queue)?;
        Ok(Self { config, rng, pool, dummy })
    }

    async fn make(&self, password: &Secret) -> Result<SecretText, HashError> {
        if password.is_empty() {
            return Err(HashError::UnusablePassword("it is empty"));
        }
        if password.len() > CREDENTIAL_BYTES {
            return Err(HashError::UnusablePassword("it is too long"));
        }
        if password.expose().contains(&0) {
            return Err(HashError::UnusablePassword("it has a NUL byte in it"));
        }
        let (cost, salt) = (self.config.argon2, salt(self.rng.as_ref())?);
        let password = password.clone();
        self.pool.submit(move |scratch| create(cost, password.expose(), salt, scratch))?.await
    }

    async fn check(
        &self,
        password: &Secret,
        hash: Option<&SecretText>,
    ) -> Result<Verdict, HashError> {
        if password.is_empty() || password.len() > CREDENTIAL_BYTES {
            return Ok(Verdict::Wrong);
        }
        let (hash, exists) = match hash {
            Some(hash) => (Arc::new(StoredHash::parse(hash.expose())?), true),
            None => (self.dummy.clone(), false),
        };
        let verdict = match hash.cost() {
            Cost::Inline => hash.verify(password.expose(), &mut Scratch::default())?,
            Cost::Pool => {
                let password = password.clone();
                self.pool.submit(move |scratch| hash.verify(password.expose(), scratch))?.await?
            }
        };
        Ok(if exists { verdict } else { Verdict::Wrong })
    }
}

impl PasswordHasher for StoredPasswords {
    fn hash<'a>(&'a self, password: &'a Secret) -> BoxFuture<'a, Result<SecretText, HashError>> {
        Box::pin(self.make(password))
    }

    fn verify<'a>(
        &'a self,
        password: &'a Secret,
        hash: Option<&'a SecretText>,
    ) -> BoxFuture<'a, Result<Verdict, HashError>> {
        Box::pin(self.check(password, hash))
    }
}

fn salt(rng: &dyn Rng) -> Result<[u8; SALT], HashError> {
    let mut salt = [0; SALT];
    rng.fill(&mut salt).map_err(|_| HashError::Unavailable)?;
    Ok(salt)
}

#[cfg(test)]
mod tests {
    use std::sync::{
        atomic::{AtomicU8, Ordering},
        mpsc,
    };

    use super::*;
    use crate::{base::clock::RngError, password::Argon2Cost};

    /// Each call fills with the next number.
    #[derive(Default)]
    struct Counting(AtomicU8);

    impl Rng for Counting {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), RngError> {
            buffer.fill(self.0.fetch_add(1, Ordering::Relaxed));
            Ok(())
        }
    }

    struct Broken;

    impl Rng for Broken {
        fn fill(&self, _: &mut [u8]) -> Result<(), RngError> {
            Err(RngError)
        }
    }

    const CONFIG: HashingConfig = HashingConfig {
        argon2: Argon2Cost { memory_kib: 64, passes: 1, lanes: 1 },
        threads: 1,
        queue: 1,
    };

    fn hasher() -> StoredPasswords {
        StoredPasswords::new(CONFIG, Arc::new(Counting::default())).unwrap()
    }

    fn secret(text: &str) -> Secret {
        Secret::from_slice(text.as_bytes())
    }

    fn text(hash: &str) -> SecretText {
        SecretText::new(hash.to_owned())
    }

    /// Occupies the only thread until the returned sender is dropped.
    async fn occupy(hasher: &StoredPasswords) -> mpsc::Sender<()> {
        let (open, gate) = mpsc::channel::<()>();
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let job = hasher
            .pool
            .submit(move |_| {
                begun.send(()).unwrap();
                let _ = gate.recv();
                Ok(())
            })
            .unwrap();
        has_begun.await.unwrap();
        drop(job);
        open
    }

    #[tokio::test]
    async fn what_was_hashed_fits() {
        let hasher = hasher();
        let first = hasher.hash(&secret("T9D3K!px")).await.unwrap();
        let second = hasher.hash(&secret("T9D3K!px")).await.unwrap();
        assert!(first.expose().starts_with("{ARGON2ID}$argon2id$v=19$m=64,t=1,p=1$"));
        assert_ne!(first, second, "the salt is new each time");
        for hash in [&first, &second] {
            for (password, verdict) in
                [("T9D3K!px", Verdict::Right), ("T9D3K!pX", Verdict::Wrong), ("", Verdict::Wrong)]
            {
                assert_eq!(hasher.verify(&secret(password), Some(hash)).await, Ok(verdict));
            }
        }
    }

    #[tokio::test]
    async fn an_unknown_mailbox_spends_a_check_and_is_wrong() {
        let hasher = hasher();
        assert_eq!(hasher.verify(&secret("secret"), None).await, Ok(Verdict::Wrong));
        // The password of the dummy itself, which nobody can know, is wrong as well.
        let dummy = Secret::from_slice(&[0; 32]);
        let verdict = hasher.dummy.verify(dummy.expose(), &mut Scratch::default());
        assert_eq!(verdict, Ok(Verdict::Right));
        assert_eq!(hasher.verify(&dummy, None).await, Ok(Verdict::Wrong));
        // It goes through the pool like any other: a full one is busy for it too.
        let open = occupy(&hasher).await;
        let waiting = hasher.pool.submit(|_| Ok(())).unwrap();
        assert_eq!(hasher.verify(&secret("secret"), None).await, Err(HashError::Busy));
        drop(open);
        assert_eq!(waiting.await, Ok(()));
    }

    #[tokio::test]
    async fn a_slow_hash_delays_no_cheap_check() {
        let hasher = hasher();
        let open = occupy(&hasher).await;
        let waiting = hasher.pool.submit(|_| Ok(())).unwrap();
        // The only thread is held and its queue is full until `open` is dropped.
        for (hash, verdict) in [
            ("{PLAIN}secret", Verdict::Right),
            ("{PLAIN}secrets", Verdict::Wrong),
            (
                "{SHA256.HEX}2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",
                Verdict::Right,
            ),
        ] {
            assert_eq!(hasher.verify(&secret("secret"), Some(&text(hash))).await, Ok(verdict));
        }
        assert_eq!(hasher.verify(&secret(""), None).await, Ok(Verdict::Wrong));
        assert_eq!(
            hasher
                .verify(&secret("x"), Some(&text("{MD5-CRYPT}$1$jVcrpF7Z$Y6n6zkgWocP.vrhqgkwmj.")))
                .await,
            Err(HashError::Busy)
        );
        assert_eq!(hasher.hash(&secret("secret")).await.err(), Some(HashError::Busy));
        drop(open);
        assert_eq!(waiting.await, Ok(()));
    }

    #[tokio::test]
    async fn what_cannot_be_hashed_or_checked() {
        let hasher = hasher();
        for password in [vec![], vec![b'a'; CREDENTIAL_BYTES + 1], b"a\0b".to_vec()] {
            let answer = hasher.hash(&Secret::from_vec(password)).await;
            assert!(matches!(answer, Err(HashError::UnusablePassword(_))));
        }
        let long = Secret::from_vec(vec![b'a'; CREDENTIAL_BYTES + 1]);
        assert_eq!(hasher.verify(&long, None).await, Ok(Verdict::Wrong));
        for hash in ["{PLAIN}", "secret", "{SCRAM-SHA-256}x"] {
            assert!(hasher.verify(&secret("secret"), Some(&text(hash))).await.is_err());
        }
    }

    #[test]
    fn it_does_not_start_without_randomness_or_with_an_impossible_cost() {
        let answer = StoredPasswords::new(CONFIG, Arc::new(Broken));
        assert_eq!(answer.err(), Some(HashError::Unavailable));
        for argon2 in [
            Argon2Cost { memory_kib: 7, ..CONFIG.argon2 },
            Argon2Cost { memory_kib: 262_145, ..CONFIG.argon2 },
            Argon2Cost { passes: 0, ..CONFIG.argon2 },
            Argon2Cost { lanes: 0, ..CONFIG.argon2 },
        ] {
            let config = HashingConfig { argon2, ..CONFIG };
            let answer = StoredPasswords::new(config, Arc::new(Counting::default()));
            assert!(matches!(answer.err(), Some(HashError::Malformed { .. })), "{argon2:?}");
        }
    }
}
