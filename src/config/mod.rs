//! The configuration: what `mail2fa.toml` says, checked.
//!
//! [`Config::load`] refuses a file with any mistake and names all of them. A [`Config`] that
//! exists is complete: defaults filled in, users and groups resolved, no two sockets in one place.
//! Secrets are never in the configuration, only the paths of their files.
//!
//! Whether files and directories exist is not looked at here: that may change before they are
//! needed, and whoever needs them says so.
//!
//! # Security
//!
//! The file is the administrator's and is believed once it is checked. It is bounded in size. No
//! mistake in it is passed over: a key with a typing error would else leave a protection off.

mod accounts;
mod audit;
mod check;
mod enforcement;
mod mechanisms;
mod mistakes;
mod names;
mod notices;
mod panel;
mod place;
mod raw;
mod sessions;
mod show;
mod sockets;
#[cfg(test)]
mod tests;
mod throttle;
mod tls;
mod values;
mod webmail;

use std::{
    fs::File,
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
    time::Duration,
};

pub use accounts::{Accounts, GroupRef, SystemAccounts, UserRef};
pub use mistakes::{ConfigErrors, Mistake};
pub use notices::{NoticeRelay, NoticeTransport, NoticesConfig};
pub use panel::PanelConfig;
pub use place::{Listen, PlaceConfig};
pub use tls::TlsConfig;

use crate::{
    base::limits::CONFIG_BYTES,
    decision::{
        enforcement::EnforcementPolicy, mechanisms::Mechanisms, names::NameRules,
        retention::TrailPolicy, session::SessionPolicy, throttle::ThrottlePolicy,
        webmail::WebmailRules,
    },
};

/// Where the configuration is when nothing else is said.
pub const DEFAULT_PATH: &str = "/etc/mail2fa/mail2fa.toml";

/// Everything that can be configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `[store]`
    pub store: StoreConfig,
    /// `[passwords]`
    pub passwords: PasswordsConfig,
    /// `[names]`
    pub names: NameRules,
    /// `[mechanisms]`
    pub mechanisms: Mechanisms,
    /// `[[webmail]]`
    pub webmail: WebmailRules,
    /// `[totp]`
    pub totp: TotpConfig,
    /// `[sessions]`
    pub sessions: SessionPolicy,
    /// `[throttle]`; `None` when it is switched off.
    pub throttle: Option<ThrottlePolicy>,
    /// `[notices]`
    pub notices: NoticesConfig,
    /// `[audit]`
    pub audit: TrailPolicy,
    /// `[enforcement]`
    pub enforcement: EnforcementPolicy,
    /// `[[listener]]`, at least one, no two with one name or socket.
    pub listeners: Vec<ListenerConfig>,
    /// `[panel]`; `None` without a place to listen.
    pub panel: Option<PanelConfig>,
    /// `[api]`; `None` without a place to listen.
    pub api: Option<PlaceConfig>,
    /// `[control]`
    pub control: ControlConfig,
    /// `[refusals]`
    pub refusals: RefusalConfig,
    /// `[log]`
    pub log: LogConfig,
}

/// `[store]`: mail2fa's own records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreConfig {
    /// Directory of the records; made at the first start.
    pub directory: PathBuf,
    /// What the records are sealed with.
    pub key: KeySource,
    /// Memory for the store's cache, MiB. A hint, not a cap.
    pub cache_mib: u64,
}

/// Where the key of the store comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// A file that only root and the service user can read.
    File(PathBuf),
    /// A systemd credential: a file of this name in `$CREDENTIALS_DIRECTORY`.
    Credential(String),
}

/// `[passwords]`: who knows whether a password is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordsConfig {
    /// Which of the two.
    pub source: PasswordSourceKind,
    /// With source Dovecot: its auth socket of the kind for clients, asked for `client`
    /// listeners; present when there are any.
    pub upstream: Option<PathBuf>,
    /// File with the secret that vouches for a mailbox towards Dovecot. With source Store it is
    /// present when there are `login` listeners; with source Dovecot app passwords need it there.
    pub vouch_secret_file: Option<PathBuf>,
    /// How long a password that was found right need not be asked for again in the same sign-in,
    /// seconds; 0 for each time.
    pub cache_seconds: u64,
    /// Costs and bounds of hashing.
    pub hashing: HashingConfig,
}

/// Who checks passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordSourceKind {
    /// The Dovecot behind mail2fa: passwords stay where they are.
    Dovecot,
    /// mail2fa's own store has the hashes.
    Store,
}

/// `[passwords.hashing]`: new hashes are ARGON2ID with these parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashingConfig {
    /// Memory of one hash, KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
    /// Threads that hash; 0 means as many as there are cores.
    pub threads: usize,
    /// Checks that wait for a thread before a login is answered "temporary failure".
    pub queue: usize,
}

/// `[totp]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TotpConfig {
    /// Name of the service, as authenticator apps show it.
    pub issuer: String,
}

/// `[[listener]]`: a socket that mail2fa serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerConfig {
    /// Unique; also the `FileDescriptorName=` of a socket handed over by systemd.
    pub name: String,
    /// Who is at the other end.
    pub kind: ListenerKind,
    /// Where it is.
    pub socket: PathBuf,
    /// Its owner; the service user if not given.
    pub owner: Option<UserRef>,
    /// Its group; the service user's if not given.
    pub group: Option<GroupRef>,
    /// Its permission bits.
    pub mode: u32,
    /// Connections at once; more wait.
    pub connections: usize,
}

/// What a listener is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenerKind {
    /// Dovecot's login processes, relayed one to one.
    Login {
        /// Dovecot's own auth socket of the kind for login processes.
        upstream: PathBuf,
    },
    /// Postfix, Exim and other SASL clients, answered by mail2fa.
    Client {
        /// How they hear that no decision was possible.
        temp_fail: TempFail,
    },
}

/// How a client hears that no decision was possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TempFail {
    /// FAIL with `temp_fail`.
    Answer,
    /// The connection ends without an answer. For Exim, to which every FAIL is a wrong password
    /// (4.98, src/auths/dovecot.c).
    Close,
}

/// `[control]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlConfig {
    /// Socket on which the command line talks to the daemon; for root and the service user only.
    pub socket: PathBuf,
}

/// `[refusals]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusalConfig {
    /// How long a refusal is held back.
    pub delay: Duration,
}

/// `[log]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// Where it goes.
    pub target: LogTarget,
    /// `info`, or by module, `info,mail2fa::net=debug`.
    pub level: String,
}

/// Where the log goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogTarget {
    /// The journal if standard error is connected to it, otherwise plain text.
    Auto,
    /// systemd's journal, with fields.
    Journald,
    /// JSON lines on standard error.
    Json,
    /// Plain text on standard error.
    Plain,
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    ///
    /// All mistakes of the file, or the one reason why it cannot be read.
    pub fn load(path: &Path) -> Result<Self, ConfigErrors> {
        read(path)
            .map_err(ConfigErrors::about_the_file)
            .and_then(|text| Self::parse(&text, &SystemAccounts))
            .map_err(|errors| ConfigErrors { path: Some(path.into()), ..errors })
    }

    /// Checks the text of a configuration.
    ///
    /// # Errors
    ///
    /// All mistakes.
    pub fn parse(text: &str, accounts: &dyn Accounts) -> Result<Self, ConfigErrors> {
        check::check(text, accounts)
    }

    /// The effective configuration as TOML, every key in it.
    pub fn to_toml(&self) -> String {
        show::show(self)
    }
}

fn read(path: &Path) -> Result<String, String> {
    let file = File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            "there is no such file; start from the mail2fa.toml that comes with mail2fa, or name \
             another with --config"
                .to_owned()
        }
        _ => format!("cannot be read: {error}"),
    })?;
    let mut bytes = Vec::new();
    file.take(CONFIG_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() as u64 > CONFIG_BYTES {
        return Err(format!("is larger than {CONFIG_BYTES} bytes; this is not a configuration"));
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())
}
