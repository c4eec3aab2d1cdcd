//! What can be wrong with a login: its mailboxes, what is typed, and what the log says about it.

use std::{path::Path, sync::Arc};

use anyhow::{Result, bail};
use mail2fa::{
    base::{Mailbox, Secret, SecretText, UnixMillis, limits::STEP_SECONDS},
    decision::{
        app_password::{AppPassword, ID_CHARACTERS, SECRET_CHARACTERS, TypedAppPassword},
        enforcement::{Level, OwnLevel},
        record::{MailboxRecord, TotpFactor},
    },
    password::{Argon2Cost, HashingConfig, StoredPasswords},
    ports::{
        password::PasswordHasher,
        store::{Change, Commit, Expect, Store},
    },
    runtime::compose,
    store::{Keyring, SealedStore},
};

/// Which listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    Client,
    Login,
}

impl Door {
    pub const ALL: [Self; 2] = [Self::Client, Self::Login];

    pub fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Login => "login",
        }
    }
}

/// What all mailboxes have.
pub const PASSWORD: &str = "T9D3K!px";
const SECRET: &[u8; 20] = b"mail2fa bench secret";
/// Failures of one mailbox, at both listeners together: fewer than make it wait.
const FAILURES: usize = 4;
/// Mailboxes that must wait.
pub const THROTTLED: usize = 8;
/// Hashes of the benchmark: cheaper than the default, so that two cores compute as many as are asked for.
pub const COST: Argon2Cost = Argon2Cost { memory_kib: 4_096, passes: 1, lanes: 1 };

/// Who knows the passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Store,
    Dovecot,
}

impl Source {
    pub const ALL: [Self; 2] = [Self::Store, Self::Dovecot];

    pub fn name(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Dovecot => "dovecot",
        }
    }
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Unknown,
    WrongPassword,
    WrongPasswordCoded,
    WrongCode,
    UsedCode,
    MissingCode,
    EmptyPassword,
    Throttled,
    Locked,
    AppPasswordWrong,
    ServiceOff,
    FactorRequired,
}

impl Kind {
    pub const ALL: [Self; 12] = [
        Self::Unknown,
        Self::WrongPassword,
        Self::WrongPasswordCoded,
        Self::WrongCode,
        Self::UsedCode,
        Self::MissingCode,
        Self::EmptyPassword,
        Self::Throttled,
        Self::Locked,
        Self::AppPasswordWrong,
        Self::ServiceOff,
        Self::FactorRequired,
    ];

    /// In the report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown mailbox",
            Self::WrongPassword => "wrong password",
            Self::WrongPasswordCoded => "wrong password, 2FA",
            Self::WrongCode => "wrong code",
            Self::UsedCode => "used code",
            Self::MissingCode => "missing code",
            Self::EmptyPassword => "empty password",
            Self::Throttled => "throttled",
            Self::Locked => "locked",
            Self::AppPasswordWrong => "app password wrong",
            Self::ServiceOff => "service off",
            Self::FactorRequired => "factor required",
        }
    }

    /// In the log.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Unknown | Self::WrongPassword | Self::WrongPasswordCoded => "wrong_password",
            Self::WrongCode => "wrong_code",
            Self::UsedCode => "used_code",
            Self::MissingCode => "missing_code",
            Self::EmptyPassword => "empty_password",
            Self::Throttled => "throttled",
            Self::Locked => "locked",
            Self::AppPasswordWrong => "app_password_wrong",
            Self::ServiceOff => "service_off",
            Self::FactorRequired => "factor_required",
        }
    }

    /// The service it is for.
    pub fn service(self) -> &'static str {
        if self == Self::ServiceOff { "pop3" } else { "smtp" }
    }

    /// All names are equally long.
    pub fn mailbox(self, number: usize) -> String {
        let kind = Self::ALL.iter().position(|kind| *kind == self).unwrap_or_default();
        format!("someone{kind:02}{number:06}@example.org")
    }

    /// Its mailboxes, for so many refusals at each listener.
    pub fn mailboxes(self, each: usize) -> usize {
        if self == Self::Throttled { THROTTLED } else { (2 * each).div_ceil(FAILURES) }
    }

    /// What is typed, of which no two are the same where that counts.
    pub fn typed(self, serial: usize) -> Result<String> {
        let code = format!("{:06}", (serial * 7_919) % 1_000_000);
        Ok(match self {
            Self::Unknown | Self::WrongPassword | Self::WrongPasswordCoded | Self::Throttled => {
                format!("wrong{serial:03x}{code}")
            }
            Self::WrongCode => {
                let due = [present_code(0)?, present_code(1)?];
                let wrong = if due.contains(&code) { "000000".into() } else { code };
                format!("{PASSWORD}{wrong}")
            }
            Self::UsedCode => format!("{PASSWORD}{}", present_code(0)?),
            Self::MissingCode | Self::Locked | Self::ServiceOff | Self::FactorRequired => {
                PASSWORD.into()
            }
            Self::EmptyPassword => String::new(),
            Self::AppPasswordWrong => {
                TypedAppPassword::generate(&app_password(8)).shown().expose().to_owned()
            }
        })
    }
}

/// An app password: id 7, and a secret of the given characters.
fn app_password(secret: u8) -> [u8; ID_CHARACTERS + SECRET_CHARACTERS] {
    let mut random = [7; ID_CHARACTERS + SECRET_CHARACTERS];
    if let Some(part) = random.get_mut(ID_CHARACTERS..) {
        part.fill(secret);
    }
    random
}

fn present_code(steps: u64) -> Result<String> {
    let totp = totp_rs::Builder::new()
        .with_secret(totp_rs::Secret::new(SECRET.as_slice().into()))
        .with_step_duration(STEP_SECONDS)
        .build()
        .map_err(|error| anyhow::anyhow!("totp: {error:?}"))?;
    Ok(totp.generate((compose::clock().now()?.step() + steps) * STEP_SECONDS).to_string())
}

/// Makes a store with its key and fills it.
pub fn fill_store(dir: &Path, key: &Path, source: Source, each: usize) -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let (rng, now) = (compose::rng(), compose::clock().now()?);
        let keys = Keyring::create(key, &*rng)?;
        let hash = match source {
            Source::Dovecot => None,
            Source::Store => {
                let config = HashingConfig { argon2: COST, ..HashingConfig::default() };
                let hasher = StoredPasswords::new(config, Arc::clone(&rng))?;
                // One for all: its time does not depend on the salt.
                Some(hasher.hash(&Secret::from_slice(PASSWORD.as_bytes())).await?)
            }
        };
        let store = SealedStore::create(dir, &keys, rng, now).await?;
        let typed = TypedAppPassword::generate(&app_password(9));
        let mut changes = Vec::new();
        for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Unknown) {
            for number in 0..kind.mailboxes(each) {
                let mailbox = Mailbox::new(&kind.mailbox(number))?;
                let mut record = record(kind, hash.clone(), now);
                if kind == Kind::AppPasswordWrong {
                    record.app_passwords.push(AppPassword {
                        id: typed.id,
                        digest: typed.digest(&mailbox, &store.credential_key()),
                        name: "phone".into(),
                        services: Vec::new(),
                        networks: Vec::new(),
                        created: now,
                        expires: None,
                        last_use: None,
                    });
                }
                let record = Some(Box::new(record));
                changes.push(Change::Mailbox { mailbox, expect: Expect::Absent, record });
            }
        }
        for set in changes.chunks(16) {
            match store.commit(set.to_vec()).await? {
                Commit::Done(_) => {}
                Commit::Conflict => bail!("a new store has mailboxes already"),
            }
        }
        Ok(())
    })
}

fn record(kind: Kind, hash: Option<SecretText>, now: UnixMillis) -> MailboxRecord {
    let mut record = MailboxRecord { password_hash: hash, ..MailboxRecord::new(now) };
    let without = [Kind::WrongPassword, Kind::ServiceOff, Kind::FactorRequired];
    if !without.contains(&kind) {
        // Far in the future: every code was used.
        let last_step = if kind == Kind::UsedCode { now.step() + 10_000 } else { 0 };
        let secret = Secret::from_slice(SECRET);
        record.totp = Some(TotpFactor { secret, last_step, enabled: now });
    }
    match kind {
        Kind::Locked => record.locked = Some(now),
        Kind::FactorRequired => {
            record.enforcement = Some(OwnLevel { level: Level::Required, set: now });
        }
        // With Dovecot's passwords a mailbox is known here by something.
        Kind::WrongPassword | Kind::ServiceOff => {
            record.enforcement = Some(OwnLevel { level: Level::Optional, set: now });
        }
        _ => {}
    }
    record
}
