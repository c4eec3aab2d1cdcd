//! From a checked configuration to running parts. The only file that names concrete adapters.

use std::{path::Path, sync::Arc, time::Duration};

use super::ambient::{SystemClock, SystemRng};
use crate::{
    audit::{Everyone, TracingLog},
    base::{Clock, Rng, Secret},
    config::{
        Config, ConfigErrors, KeySource, Mistake, NoticeRelay, NoticeTransport, NoticesConfig,
        PanelConfig, PasswordSourceKind, PasswordsConfig,
    },
    decision::{
        digest::CredentialKey,
        flow::{Passwords, Policy},
        notice::{Language, NoticeKind},
        session::SessionPolicy,
    },
    net::client,
    notice::{
        Letters, Outfit, Owners, Relay, Sender, Sendmail, Smtp, TextMistake, Texts, Transport,
    },
    password::{Argon2Cost, HashingConfig, StoredPasswords},
    ports::{
        notice::Notifier,
        password::{HashError, PasswordHasher, PasswordSources},
    },
    service::{
        admin::Admin,
        authenticate::Authenticator,
        notices::Notices,
        owner,
        reminders::{Plan, Reminders},
        trail::Recorder,
        webmail,
    },
    store::{Keyring, KeyringError, OpenError, SealedStore, SledEngine},
    upstream::Pool,
};

/// The store the daemon and the command line use.
pub type DiskStore = SealedStore<SledEngine>;

/// Connections to Dovecot that all `client` listeners share.
const POOL_CONNECTIONS: usize = 4;

/// Longest vouch secret, bytes: it travels inside one field of one line.
const VOUCH_BYTES: u64 = 512;

/// Why a part could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// The key file.
    #[error(transparent)]
    Key(#[from] KeyringError),
    /// The store.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The hasher.
    #[error("passwords.hashing: {0}")]
    Hashing(#[from] HashError),
    /// The clock.
    #[error(transparent)]
    Clock(#[from] crate::base::clock::ClockError),
    /// The random source.
    #[error(transparent)]
    Random(#[from] crate::base::clock::RngError),
    /// A credential that systemd was to hand over.
    #[error(
        "store.key_credential: $CREDENTIALS_DIRECTORY is not set, so there is no credential {0:?}: \
         start mail2fa by its service unit with LoadCredential={0}:PATH, or use store.key_file"
    )]
    NoCredential(String),
    /// Nobody to ask for the passwords that are typed into forms.
    #[error(
        "passwords.upstream is missing: panel and webmails ask Dovecot's auth service for passwords, as \
         listeners of kind \"client\" do"
    )]
    NoPanelPasswords,
    /// The vouch secret.
    #[error("passwords.vouch_secret_file: {path}: {why}")]
    Vouch {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
}

/// Where the key file is.
pub fn key_path(key: &KeySource) -> Result<std::path::PathBuf, ComposeError> {
    match key {
        KeySource::File(path) => Ok(path.clone()),
        KeySource::Credential(name) => std::env::var_os("CREDENTIALS_DIRECTORY")
            .map(|directory| Path::new(&directory).join(name))
            .ok_or_else(|| ComposeError::NoCredential(name.clone())),
    }
}

/// The keys the store is sealed with.
pub fn keyring(config: &Config) -> Result<Keyring, ComposeError> {
    Ok(Keyring::read(&key_path(&config.store.key)?)?)
}

/// Opens the store; it must be there.
pub async fn open_store(config: &Config) -> Result<Arc<DiskStore>, ComposeError> {
    let ring = keyring(config)?;
    let store = SealedStore::open(&config.store.directory, &ring, rng()).await?;
    Ok(Arc::new(store))
}

/// Makes the store; there must be none.
pub async fn create_store(config: &Config) -> Result<Arc<DiskStore>, ComposeError> {
    let ring = keyring(config)?;
    let now = clock().now()?;
    let store = SealedStore::create(&config.store.directory, &ring, rng(), now).await?;
    Ok(Arc::new(store))
}

/// Makes the key file if it is to be a file and there is none; whether it was made.
pub fn create_key(config: &Config) -> Result<bool, ComposeError> {
    match &config.store.key {
        KeySource::File(path) if !path.exists() => {
            Keyring::create(path, rng().as_ref())?;
            Ok(true)
        }
        KeySource::File(_) | KeySource::Credential(_) => Ok(false),
    }
}

/// The administrator's use-cases over this store; `hasher` when passwords are our own.
pub fn admin(
    config: &Config,
    store: Arc<DiskStore>,
    hasher: Option<Arc<dyn PasswordHasher>>,
    trail: Arc<Recorder>,
    notifier: Arc<dyn Notifier>,
) -> Admin {
    Admin {
        key: store.credential_key(),
        store,
        hasher,
        clock: clock(),
        rng: rng(),
        names: config.names.clone(),
        issuer: config.totp.issuer.clone(),
        notifier,
        trail,
        enforcement: config.enforcement.clone(),
        panel: panel_address(config),
    }
}

/// The address of the User Panel, where it is known.
pub fn panel_address(config: &Config) -> Option<String> {
    config.panel.as_ref().and_then(PanelConfig::address)
}

/// The audit trail in this store.
pub fn trail(config: &Config, store: &Arc<DiskStore>) -> Arc<Recorder> {
    let (records, trail) = (Arc::clone(store), Arc::clone(store));
    Arc::new(Recorder::new(records, trail, clock(), config.audit.clone()))
}

/// The hasher for passwords of our own.
pub fn hasher(config: &PasswordsConfig) -> Result<Arc<dyn PasswordHasher>, ComposeError> {
    let hashing = &config.hashing;
    let defaults = HashingConfig::default();
    let config = HashingConfig {
        argon2: Argon2Cost {
            memory_kib: hashing.memory_kib,
            passes: hashing.passes,
            lanes: hashing.lanes,
        },
        threads: if hashing.threads == 0 { defaults.threads } else { hashing.threads },
        queue: hashing.queue,
    };
    Ok(Arc::new(StoredPasswords::new(config, rng())?))
}

/// The real clock.
pub fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

/// The real random source.
pub fn rng() -> Arc<dyn Rng> {
    Arc::new(SystemRng)
}

/// What the decision needs of the configuration.
pub fn policy(config: &Config, key: CredentialKey) -> Policy {
    let passwords = match config.passwords.source {
        PasswordSourceKind::Dovecot => Passwords::Upstream,
        PasswordSourceKind::Store => Passwords::Stored,
    };
    Policy {
        names: config.names.clone(),
        passwords,
        sessions: SessionPolicy {
            password_seconds: config.passwords.cache_seconds,
            ..config.sessions.clone()
        },
        key,
        throttle: config.throttle.clone(),
        enforcement: config.enforcement.clone(),
        mechanisms: config.mechanisms.clone(),
        webmail: config.webmail.clone(),
    }
}

/// Decides logins over this store.
pub fn authenticator(
    config: &Config,
    store: Arc<DiskStore>,
    log_has_fields: bool,
    trail: &Arc<Recorder>,
    notifier: Arc<dyn Notifier>,
) -> Result<Authenticator, ComposeError> {
    let line = TracingLog { fields: log_has_fields };
    let log = Arc::new(Everyone(vec![Arc::new(line), Arc::<Recorder>::clone(trail)]));
    let policy = policy(config, store.credential_key());
    let mut key = zeroize::Zeroizing::new([0; 32]);
    rng().fill(&mut *key)?;
    let key = CredentialKey::new(Secret::from_slice(&*key));
    Ok(Authenticator::new(store, clock(), log, policy).telling(notifier).remembering(key))
}

/// Who tells owners, over this store; call it inside a runtime.
pub fn owners(config: &Config, store: Arc<DiskStore>) -> Result<Arc<Owners>, ConfigErrors> {
    let outfit = outfit(&config.notices)?;
    Ok(Arc::new(Owners::start(Notices::new(store), clock(), outfit)))
}

/// How owners are told; `None` if they are not. Reads the texts, also where nobody is told, so that
/// a mistake in them is seen before it matters.
pub fn outfit(config: &NoticesConfig) -> Result<Option<Outfit>, ConfigErrors> {
    let texts = Texts::load(config.texts.as_deref()).map_err(|mistakes| {
        let named = |mistake: TextMistake| wrong("notices.texts", mistake.to_string());
        ConfigErrors { path: None, mistakes: mistakes.into_iter().map(named).collect() }
    })?;
    if texts.languages().all(|language| *language != config.language) {
        let known: Vec<_> = texts.languages().map(Language::as_str).collect();
        let what = format!(
            "there are no texts in {:?}, but in {}; others are put into the folder notices.texts",
            config.language.as_str(),
            known.join(", ")
        );
        let mistakes = vec![wrong("notices.language", what)];
        return Err(ConfigErrors { path: None, mistakes });
    }
    let Some(from) = config.from.clone().filter(|_| config.enabled) else { return Ok(None) };
    let name = from.email.domain().to_owned();
    let transport: Box<dyn Transport> = match config.transport {
        NoticeTransport::Sendmail => Box::new(Sendmail { program: config.sendmail.clone() }),
        NoticeTransport::Smtp => {
            let relay = match config.relay.clone() {
                NoticeRelay::Tcp(address) => Relay::Tcp(address),
                NoticeRelay::Unix(path) => Relay::Unix(path),
            };
            Box::new(Smtp { relay, name })
        }
    };
    let letters = Letters {
        sender: Sender {
            from,
            reply_to: config.reply_to.clone(),
            envelope: config.envelope_sender.clone(),
        },
        domain: config.domain.clone(),
        texts,
        language: config.language.clone(),
        rng: rng(),
    };
    Ok(Some(Outfit { kinds: config.kinds.clone(), letters, transport }))
}

/// Tells owners that a second factor will be required, over this store.
pub fn reminders(store: Arc<DiskStore>, owners: Arc<Owners>) -> Reminders {
    Reminders::new(store, owners, clock())
}

/// Who is told that, and when; `None` if nobody is.
pub fn reminder_plan(config: &Config) -> Option<Plan> {
    let notices = &config.notices;
    let told = notices.enabled && notices.kinds.contains(&NoticeKind::SecondFactorRequired);
    told.then(|| Plan {
        enforcement: config.enforcement.clone(),
        schedule: notices.required_days.clone(),
        without_record: config.passwords.source == PasswordSourceKind::Dovecot,
    })
}

fn wrong(key: &str, what: String) -> Mistake {
    Mistake { key: key.to_owned(), line: None, what }
}

/// Who knows the passwords, ready to be asked.
#[derive(Clone)]
pub enum Source {
    /// A Dovecot.
    Upstream {
        /// Asked by `client` listeners; there when they are.
        pool: Option<Arc<Pool>>,
        /// Vouches for app passwords at `login` listeners.
        vouch: Option<Secret>,
    },
    /// Our own store; the secret is there when `login` listeners are.
    Stored {
        /// Checks.
        hasher: Arc<dyn PasswordHasher>,
        /// Vouches.
        vouch: Option<Secret>,
    },
}

/// What the owner of a mailbox does things with, where passwords can be asked for by a form.
///
/// # Errors
///
/// [`ComposeError::NoPanelPasswords`] without an upstream to ask.
pub fn owner_parts(
    panel: &PanelConfig,
    refusal_delay: Duration,
    admin: Arc<Admin>,
    source: &Source,
) -> Result<owner::Parts, ComposeError> {
    let passwords = for_forms(source)?;
    Ok(owner::Parts { admin, passwords, policy: panel.policy, refusal_delay })
}

/// What a webmail asks for things with.
///
/// # Errors
///
/// [`ComposeError::NoPanelPasswords`] without an upstream to ask.
pub fn webmail_parts(admin: Arc<Admin>, source: &Source) -> Result<webmail::Parts, ComposeError> {
    Ok(webmail::Parts { admin, passwords: for_forms(source)? })
}

/// Who knows the passwords that are typed into forms.
fn for_forms(source: &Source) -> Result<Arc<dyn PasswordSources>, ComposeError> {
    Ok(match source {
        Source::Upstream { pool, .. } => Arc::new(client::Passwords::Upstream(
            pool.clone().ok_or(ComposeError::NoPanelPasswords)?,
        )),
        Source::Stored { hasher, .. } => Arc::new(client::Passwords::Stored(Arc::clone(hasher))),
    })
}

/// The password source of the configuration.
pub fn source(config: &PasswordsConfig) -> Result<Source, ComposeError> {
    let vouch = config.vouch_secret_file.as_deref().map(vouch_secret).transpose()?;
    Ok(match config.source {
        PasswordSourceKind::Dovecot => {
            let pool = config.upstream.clone().map(|path| Pool::new(path, POOL_CONNECTIONS));
            Source::Upstream { pool: pool.map(Arc::new), vouch }
        }
        PasswordSourceKind::Store => Source::Stored { hasher: hasher(config)?, vouch },
    })
}

/// Reads the vouch secret: one line, which nobody but root and we may read.
pub fn vouch_secret(path: &Path) -> Result<Secret, ComposeError> {
    let error = |why: String| ComposeError::Vouch { path: path.display().to_string(), why };
    read_secret(path).map_err(error)
}

fn read_secret(path: &Path) -> Result<Secret, String> {
    use std::{io::Read, os::unix::fs::PermissionsExt};
    let file = std::fs::File::open(path).map_err(|e| format!("cannot be read: {e}"))?;
    let mode = file.metadata().map_err(|e| e.to_string())?.permissions().mode() & 0o777;
    if mode & 0o007 != 0 {
        return Err(format!("everybody can read it (mode {mode:04o}): run chmod 0640 on it"));
    }
    let mut text = zeroize::Zeroizing::new(Vec::with_capacity(1_024));
    file.take(VOUCH_BYTES + 1)
        .read_to_end(&mut text)
        .map_err(|e| format!("cannot be read: {e}"))?;
    let line = text.trim_ascii();
    let plain = line.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b));
    match line.len() {
        0..16 => Err("holds fewer than 16 characters: make one with openssl rand -hex 32".into()),
        16..=512 if plain => Ok(Secret::from_slice(line)),
        16..=512 => Err("may hold letters, digits, - _ and . only".into()),
        _ => Err(format!("holds more than {VOUCH_BYTES} characters")),
    }
}
