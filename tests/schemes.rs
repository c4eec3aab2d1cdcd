//! Every password scheme that mail2fa claims, against the Dovecot of this machine: its hashes
//! must be accepted here, and ours there.
//!
//! Fails, not skips, without `doveadm`: `tests/run` installs what the tests need.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking, also in its helpers"
)]

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    path::PathBuf,
    process::Command,
    sync::Arc,
};

use mail2fa::{
    base::{Rng, Secret, SecretText, clock::RngError},
    password::{Argon2Cost, HashingConfig, StoredPasswords, check_hash},
    ports::password::{PasswordHasher, Verdict},
};

/// Schemes of `doveadm pw -l` that are checked here.
const SUPPORTED: [&str; 22] = [
    "ARGON2I",
    "ARGON2ID",
    "BLF-CRYPT",
    "CLEAR",
    "CLEARTEXT",
    "CRYPT",
    "LDAP-MD5",
    "MD5",
    "MD5-CRYPT",
    "PBKDF2",
    "PLAIN",
    "PLAIN-MD5",
    "SHA",
    "SHA1",
    "SHA256",
    "SHA256-CRYPT",
    "SHA512",
    "SHA512-CRYPT",
    "SMD5",
    "SSHA",
    "SSHA256",
    "SSHA512",
];

/// Schemes of `doveadm pw -l` that are not, and must be refused by name.
const UNSUPPORTED: [&str; 9] = [
    "CRAM-MD5",
    "DES-CRYPT",
    "DIGEST-MD5",
    "HMAC-MD5",
    "OTP",
    "PLAIN-MD4",
    "PLAIN-TRUNC",
    "SCRAM-SHA-1",
    "SCRAM-SHA-256",
];

/// Seeded by the operating system through the standard library's hash maps: good enough for
/// tests, and it needs no other source.
struct TestRng;

impl Rng for TestRng {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RngError> {
        for chunk in buffer.chunks_mut(8) {
            let random = RandomState::new().build_hasher().finish().to_le_bytes();
            chunk.copy_from_slice(&random[..chunk.len()]);
        }
        Ok(())
    }
}

/// `doveadm` with a configuration of its own, so that the machine's does not matter.
struct Doveadm {
    folder: tempfile::TempDir,
}

impl Doveadm {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("dovecot.conf"), "ssl = no\n").unwrap();
        let doveadm = Self { folder };
        doveadm.pw(&["-l"]).expect("doveadm pw -l");
        doveadm
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("dovecot.conf")
    }

    /// What it printed; `None` when it failed.
    fn pw(&self, arguments: &[&str]) -> Option<String> {
        let output = Command::new("doveadm")
            .arg("-c")
            .arg(self.config())
            .arg("pw")
            .args(arguments)
            .output()
            .expect(
                "doveadm cannot be started: start the tests with tests/run, which installs Dovecot",
            );
        output
            .status
            .success()
            .then(|| String::from_utf8(output.stdout).unwrap().trim_end_matches('\n').to_owned())
    }

    fn hash(&self, scheme: &str, password: &str, more: &[&str]) -> String {
        let mut arguments = vec!["-s", scheme, "-p", password];
        arguments.extend(more);
        self.pw(&arguments).unwrap_or_else(|| panic!("no {scheme} hash of {password:?}"))
    }
}

fn random(length: usize, alphabet: &str) -> String {
    let alphabet: Vec<char> = alphabet.chars().collect();
    let mut bytes = vec![0; length];
    TestRng.fill(&mut bytes).unwrap();
    bytes.iter().map(|byte| alphabet[usize::from(*byte) % alphabet.len()]).collect()
}

const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// Passwords of every shape that people have, new in each run.
fn passwords() -> Vec<String> {
    vec![
        random(1, LETTERS),
        random(12, LETTERS),
        random(16, "äöüß€日本語🔑é ñ"),
        random(71, LETTERS),
        random(73, LETTERS),
        random(130, LETTERS),
        random(40, "€日本"),
        format!(" {}  {} ", random(4, LETTERS), random(4, LETTERS)),
        format!("{}:{}", random(5, LETTERS), random(5, LETTERS)),
        format!("{{PLAIN}}{}", random(5, LETTERS)),
        format!("$1${}$", random(5, LETTERS)),
        format!("{}{}", random(6, "0123456789"), random(8, LETTERS)),
        format!("{}{}", random(8, LETTERS), random(6, "0123456789")),
        random(6, "0123456789"),
        random(20, "!\"#%&'()*+,-./;<=>?@[\\]^_`|~$"),
    ]
}

fn hasher(argon2: Argon2Cost) -> StoredPasswords {
    let config = HashingConfig { argon2, ..HashingConfig::default() };
    StoredPasswords::new(config, Arc::new(TestRng)).unwrap()
}

const CHEAP: Argon2Cost = Argon2Cost { memory_kib: 64, passes: 1, lanes: 1 };

/// A password that differs where every scheme looks.
fn altered(password: &str) -> String {
    format!("x{password}")
}

async fn assert_accepted(hasher: &StoredPasswords, hash: &str, password: &str) {
    let stored = SecretText::new(hash.to_owned());
    for (candidate, verdict) in
        [(password.to_owned(), Verdict::Right), (altered(password), Verdict::Wrong)]
    {
        let secret = Secret::from_slice(candidate.as_bytes());
        let answer = hasher.verify(&secret, Some(&stored)).await;
        assert_eq!(answer, Ok(verdict), "{hash} {candidate:?}");
    }
}

#[test]
fn every_scheme_of_doveadm_has_a_place() {
    let doveadm = Doveadm::new();
    let list = doveadm.pw(&["-l"]).unwrap();
    for scheme in list.split_whitespace() {
        assert!(
            SUPPORTED.contains(&scheme) != UNSUPPORTED.contains(&scheme),
            "{scheme} is new: support it, or list it as unsupported"
        );
    }
    for scheme in SUPPORTED {
        assert!(list.split_whitespace().any(|known| known == scheme), "doveadm lacks {scheme}");
    }
    for scheme in UNSUPPORTED {
        let hash = doveadm.pw(&["-s", scheme, "-p", "secret", "-u", "a@example.org"]);
        if let Some(hash) = hash {
            let error = check_hash(&hash).unwrap_err().to_string();
            assert_eq!(error, format!("the password scheme {scheme} is not supported"));
        }
    }
}

#[tokio::test]
async fn hashes_of_doveadm_are_accepted() {
    let doveadm = Doveadm::new();
    let hasher = hasher(CHEAP);
    let passwords = passwords();
    for scheme in SUPPORTED {
        // Dovecot's Argon2 costs 64 MiB and three passes: a second each without optimisation.
        let slow = scheme.starts_with("ARGON2");
        for password in passwords.iter().skip(if slow { passwords.len() - 2 } else { 0 }) {
            assert_accepted(&hasher, &doveadm.hash(scheme, password, &[]), password).await;
        }
    }
}

#[tokio::test]
async fn suffixes_and_rounds_of_doveadm_are_accepted() {
    let doveadm = Doveadm::new();
    let hasher = hasher(CHEAP);
    for scheme in SUPPORTED.iter().filter(|scheme| !scheme.starts_with("ARGON2")) {
        for suffix in ["HEX", "B64", "base64", "hex"] {
            let password = random(11, "abcäöü€ :0123456789");
            let hash = doveadm.hash(&format!("{scheme}.{suffix}"), &password, &[]);
            assert_accepted(&hasher, &hash, &password).await;
        }
    }
    for (scheme, rounds) in [
        ("BLF-CRYPT", "4"),
        ("BLF-CRYPT", "8"),
        ("SHA512-CRYPT", "1000"),
        ("SHA512-CRYPT", "5000"),
        ("SHA256-CRYPT", "20001"),
        ("PBKDF2", "1"),
        ("PBKDF2", "12345"),
    ] {
        let password = random(11, LETTERS);
        let hash = doveadm.hash(scheme, &password, &["-r", rounds]);
        assert_accepted(&hasher, &hash, &password).await;
    }
}

#[tokio::test]
async fn our_hashes_are_accepted_by_doveadm() {
    let doveadm = Doveadm::new();
    let several_lanes = Argon2Cost { memory_kib: 128, passes: 3, lanes: 4 };
    for cost in [CHEAP, several_lanes, Argon2Cost::default()] {
        let hasher = hasher(cost);
        for password in passwords().iter().take(if cost == CHEAP { 15 } else { 3 }) {
            let hash = hasher.hash(&Secret::from_slice(password.as_bytes())).await.unwrap();
            let hash = hash.expose();
            assert!(
                doveadm.pw(&["-t", hash, "-p", password]).is_some(),
                "doveadm refuses {hash} for {password:?}"
            );
            assert!(doveadm.pw(&["-t", hash, "-p", &altered(password)]).is_none());
        }
    }
}

/// Changes one or two characters after the costs, so that both sides stay quick.
fn damaged(hash: &str) -> String {
    let mut chars: Vec<char> = hash.chars().collect();
    let after = |mark: char| chars.iter().rposition(|c| *c == mark).map(|place| place + 1);
    let from = after('$').or_else(|| after('}')).unwrap();
    for _ in 0..2 {
        if chars.len() <= from {
            break;
        }
        let mut bytes = [0; 3];
        TestRng.fill(&mut bytes).unwrap();
        let [place, kind, other] = bytes.map(usize::from);
        let place = from + place % (chars.len() - from);
        let other =
            ['.', '/', '$', '=', ',', '-', '+', 'A', 'b', 'z', 'Z', '0', 'F', ':', 'é'][other % 15];
        match kind % 5 {
            0 => chars.truncate(place),
            1 => drop(chars.remove(place)),
            2 => chars.insert(place, other),
            3 => chars[place] = other,
            _ => {} // Undamaged now and then.
        }
    }
    chars.into_iter().collect()
}

/// Asserts that a hash is right here exactly when it is for Dovecot; whether it is.
async fn assert_judged_alike(
    doveadm: &Doveadm,
    hasher: &StoredPasswords,
    hash: &str,
    password: &str,
) -> bool {
    let theirs = doveadm.pw(&["-t", hash, "-p", password]).is_some();
    let secret = Secret::from_slice(password.as_bytes());
    let ours = hasher.verify(&secret, Some(&SecretText::new(hash.to_owned()))).await;
    assert_eq!(ours == Ok(Verdict::Right), theirs, "{hash} {password:?} {ours:?}");
    theirs
}

/// White space is left out: Dovecot skips it inside base 64, we refuse such a hash.
#[tokio::test]
async fn dovecot_judges_damaged_hashes_alike() {
    let doveadm = Doveadm::new();
    let hasher = hasher(CHEAP);
    let password = random(9, LETTERS);
    for scheme in SUPPORTED.iter().filter(|scheme| !scheme.starts_with("ARGON2")) {
        let hash = doveadm.hash(scheme, &password, &[]);
        for _ in 0..20 {
            assert_judged_alike(&doveadm, &hasher, &damaged(&hash), &password).await;
        }
    }
}

/// The last digit of base 64 has bits that are part of no byte, but not those of crypt(3), which compares text.
#[tokio::test]
async fn every_last_digit_is_judged_as_by_dovecot() {
    let doveadm = Doveadm::new();
    let hasher = hasher(CHEAP);
    for (scheme, padding, most) in [
        ("SHA512", "==", 16),
        ("SHA256", "=", 4),
        ("SMD5", "=", 4),
        ("PLAIN-MD5.b64", "==", 16),
        ("MD5-CRYPT", "", 1),
        ("SHA512-CRYPT", "", 1),
    ] {
        let password = random(9, LETTERS);
        let hash = doveadm.hash(scheme, &password, &[]);
        let rest = hash.strip_suffix(padding).unwrap();
        let rest = &rest[..rest.len() - 1];
        let mut right = 0;
        for digit in "+/.".chars().chain(LETTERS.chars()) {
            let hash = format!("{rest}{digit}{padding}");
            right += u32::from(assert_judged_alike(&doveadm, &hasher, &hash, &password).await);
        }
        assert_eq!(right, most, "{scheme}");
    }
}
