//! From the file as written to a checked [`Config`]: defaults, bounds, and what must fit together.

use std::time::Duration;

use super::{
    Accounts, Config, ConfigErrors, ControlConfig, GroupRef, HashingConfig, KeySource,
    ListenerConfig, ListenerKind, LogConfig, LogTarget, PasswordSourceKind, PasswordsConfig,
    RefusalConfig, StoreConfig, TempFail, TotpConfig, UserRef, audit, enforcement, mechanisms,
    names, notices, panel, place,
    raw::{Document, Place, Report, Section},
    sessions,
    sockets::Sockets,
    throttle, values, webmail,
};
use crate::base::limits::{self, LISTENER_CONNECTIONS};

const MAX_DELAY: Duration = Duration::from_secs(30);
/// Others may connect.
const WORLD_WRITABLE: u32 = 0o002;

/// Reads and checks a whole configuration.
pub(super) fn check(text: &str, accounts: &dyn Accounts) -> Result<Config, ConfigErrors> {
    let mut report = Report::default();
    let document = Document::parse(text, &mut report);
    let mut root = document.root();
    let mut sockets = Sockets::default();
    let report = &mut report;
    let store = store(root.section("store", report), report);
    let passwords = passwords(root.section("passwords", report), &mut sockets, report);
    // Domains of rules are canonical like those of mailboxes.
    let names = names::names(root.section("names", report), report);
    let config = Config {
        store,
        passwords,
        mechanisms: mechanisms::mechanisms(root.section("mechanisms", report), report),
        totp: totp(root.section("totp", report), report),
        sessions: sessions::sessions(root.section("sessions", report), report),
        throttle: throttle::throttle(root.section("throttle", report), report),
        panel: panel::panel(root.section("panel", report), &mut sockets, report),
        api: place::api(root.section("api", report), &mut sockets, report),
        notices: notices::notices(root.section("notices", report), report),
        audit: audit::audit(root.section("audit", report), report),
        enforcement: enforcement::enforcement(root.section("enforcement", report), &names, report),
        webmail: webmail::webmails(&mut root, report),
        names,
        control: control(root.section("control", report), &mut sockets, report),
        refusals: refusals(root.section("refusals", report), report),
        log: log(root.section("log", report), report),
        listeners: root
            .sections("listener", report)
            .into_iter()
            .filter_map(|section| listener(section, accounts, &mut sockets, report))
            .collect(),
    };
    if !root.has("listener") {
        let place = Place { key: "listener".into(), line: None };
        report.at(&place, "there is no [[listener]]: mail2fa would protect nothing".into());
    }
    root.finish(report);
    sockets.check(report);
    together(&config, report);
    if report.mistakes.is_empty() {
        return Ok(config);
    }
    let mut mistakes = std::mem::take(&mut report.mistakes);
    mistakes.sort_by_key(|mistake| mistake.line.unwrap_or(usize::MAX));
    Err(ConfigErrors { path: None, mistakes })
}

fn store(mut section: Section<'_>, report: &mut Report) -> StoreConfig {
    let file = section.read("key_file", report, values::path);
    let credential = section.read("key_credential", report, file_name);
    if section.has("key_file") && section.has("key_credential") {
        section.mistake("key_credential", "give either this or key_file, not both".into(), report);
    }
    let config = StoreConfig {
        directory: section
            .read("directory", report, values::path)
            .unwrap_or_else(|| "/var/lib/mail2fa/store".into()),
        key: match (credential, file) {
            (Some(name), _) => KeySource::Credential(name),
            (None, Some(path)) => KeySource::File(path),
            (None, None) => KeySource::File("/etc/mail2fa/key".into()),
        },
        cache_mib: section.read("cache_mib", report, values::integer(1..=65_536)).unwrap_or(128),
    };
    section.finish(report);
    config
}

fn file_name(value: &toml::de::DeValue<'_>) -> Result<String, String> {
    let name = values::filled(value)?;
    if name.contains('/') || name.starts_with('.') {
        return Err("must be the name of a credential (LoadCredential=NAME:…), not a path".into());
    }
    Ok(name)
}

fn passwords(
    mut section: Section<'_>,
    sockets: &mut Sockets,
    report: &mut Report,
) -> PasswordsConfig {
    const SOURCES: &[(&str, PasswordSourceKind)] =
        &[("dovecot", PasswordSourceKind::Dovecot), ("store", PasswordSourceKind::Store)];
    let upstream = section.read("upstream", report, values::socket_path);
    if let Some(path) = &upstream {
        sockets.asked.push((path.clone(), section.place("upstream")));
    }
    let config = PasswordsConfig {
        source: section
            .read("source", report, values::choice(SOURCES))
            .unwrap_or(PasswordSourceKind::Dovecot),
        upstream,
        vouch_secret_file: section.read("vouch_secret_file", report, values::path),
        cache_seconds: section
            .read("cache", report, sessions::seconds(limits::RECENT_PASSWORD_SECONDS))
            .unwrap_or(0),
        hashing: hashing(section.section("hashing", report), report),
    };
    section.finish(report);
    config
}

/// The defaults are the first choice of OWASP's password storage cheat sheet; the upper bounds are
/// those of stored hashes, since a new hash must be one that can be checked.
fn hashing(mut section: Section<'_>, report: &mut Report) -> HashingConfig {
    let memory = u64::from(limits::ARGON2_MEMORY_KIB);
    let lanes = u64::from(limits::ARGON2_LANES);
    let threads = limits::HASH_THREADS as u64;
    let config = HashingConfig {
        memory_kib: section
            .read("memory_kib", report, values::integer(1_024..=memory))
            .unwrap_or(19_456),
        passes: section.read("passes", report, values::integer(1..=32)).unwrap_or(2),
        lanes: section.read("lanes", report, values::integer(1..=lanes)).unwrap_or(1),
        threads: section.read("threads", report, values::integer(0..=threads)).unwrap_or(0),
        queue: section
            .read("queue", report, values::integer(1..=65_536))
            .unwrap_or(limits::HASH_QUEUE),
    };
    let work = u64::from(config.memory_kib) * u64::from(config.passes);
    if work > limits::ARGON2_WORK_KIB {
        let what = format!("times memory_kib is {work}, more than {}", limits::ARGON2_WORK_KIB);
        section.mistake("passes", what, report);
    }
    section.finish(report);
    config
}

fn totp(mut section: Section<'_>, report: &mut Report) -> TotpConfig {
    let issuer = section.read("issuer", report, |value| {
        let issuer = values::filled(value)?;
        match issuer.chars().count() {
            1..=64 if !issuer.contains(':') => Ok(issuer),
            1..=64 => Err("must not contain a colon: authenticator apps cut the name there".into()),
            _ => Err("must have at most 64 characters".into()),
        }
    });
    section.finish(report);
    TotpConfig { issuer: issuer.unwrap_or_else(|| "Mail".into()) }
}

fn control(mut section: Section<'_>, sockets: &mut Sockets, report: &mut Report) -> ControlConfig {
    let socket = section
        .read("socket", report, values::socket_path)
        .unwrap_or_else(|| "/run/mail2fa/control".into());
    sockets.served.push((socket.clone(), section.place("socket")));
    section.finish(report);
    ControlConfig { socket }
}

fn refusals(mut section: Section<'_>, report: &mut Report) -> RefusalConfig {
    let delay = section.read("delay", report, values::duration(Duration::ZERO..=MAX_DELAY));
    section.finish(report);
    RefusalConfig { delay: delay.unwrap_or(Duration::from_secs(2)) }
}

fn log(mut section: Section<'_>, report: &mut Report) -> LogConfig {
    const TARGETS: &[(&str, LogTarget)] = &[
        ("auto", LogTarget::Auto),
        ("journald", LogTarget::Journald),
        ("json", LogTarget::Json),
        ("plain", LogTarget::Plain),
    ];
    let config = LogConfig {
        target: section.read("target", report, values::choice(TARGETS)).unwrap_or(LogTarget::Auto),
        level: section.read("level", report, values::level).unwrap_or_else(|| "info".into()),
    };
    section.finish(report);
    config
}

fn listener(
    mut section: Section<'_>,
    accounts: &dyn Accounts,
    sockets: &mut Sockets,
    report: &mut Report,
) -> Option<ListenerConfig> {
    let name = section.required("name", report, |value| {
        let name = values::filled(value)?;
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if plain && name.len() <= 64 {
            Ok(name)
        } else {
            Err("must have at most 64 letters, digits, '-', '_' or '.'".into())
        }
    });
    if let Some(name) = &name {
        sockets.names.push((name.clone(), section.place("name")));
    }
    let kind = listener_kind(&mut section, sockets, report);
    let socket = section.required("socket", report, values::socket_path);
    if let Some(socket) = &socket {
        sockets.served.push((socket.clone(), section.place("socket")));
    }
    let owner =
        section.read("owner", report, |value| UserRef::resolve(values::filled(value)?, accounts));
    let group =
        section.read("group", report, |value| GroupRef::resolve(values::filled(value)?, accounts));
    let mode = section.read("mode", report, values::mode).unwrap_or(0o600);
    let everyone = section.read("everyone", report, values::flag).unwrap_or(false);
    if mode & WORLD_WRITABLE != 0 && !everyone {
        let what = "lets every user of this machine try passwords; use owner and group, or add \
                    everyone = true if that is meant";
        section.mistake("mode", what.into(), report);
    }
    let connections = section
        .read("connections", report, values::integer(1..=LISTENER_CONNECTIONS as u64))
        .unwrap_or(4_096);
    section.finish(report);
    Some(ListenerConfig {
        name: name?,
        kind: kind?,
        socket: socket?,
        owner,
        group,
        mode,
        connections,
    })
}

fn listener_kind(
    section: &mut Section<'_>,
    sockets: &mut Sockets,
    report: &mut Report,
) -> Option<ListenerKind> {
    #[derive(Clone, Copy)]
    enum Kind {
        Login,
        Client,
    }
    const KINDS: &[(&str, Kind)] = &[("login", Kind::Login), ("client", Kind::Client)];
    const TEMP_FAIL: &[(&str, TempFail)] =
        &[("answer", TempFail::Answer), ("close", TempFail::Close)];
    match section.required("kind", report, values::choice(KINDS)) {
        Some(Kind::Login) => {
            let upstream = section.required("upstream", report, values::socket_path)?;
            sockets.asked.push((upstream.clone(), section.place("upstream")));
            if section.has("temp_fail") {
                let what = "belongs to listeners of kind \"client\"; Dovecot's login processes \
                            understand the answer";
                section.mistake("temp_fail", what.into(), report);
            }
            Some(ListenerKind::Login { upstream })
        }
        Some(Kind::Client) => {
            if section.has("upstream") {
                let what = "belongs to listeners of kind \"login\"; a \"client\" listener asks \
                            passwords.upstream";
                section.mistake("upstream", what.into(), report);
            }
            let temp_fail = section.read("temp_fail", report, values::choice(TEMP_FAIL));
            Some(ListenerKind::Client { temp_fail: temp_fail.unwrap_or(TempFail::Answer) })
        }
        None => {
            // Not judged without a kind, but known.
            section.has("upstream");
            section.has("temp_fail");
            None
        }
    }
}

/// What one part of the configuration needs from another.
fn together(config: &Config, report: &mut Report) {
    let passwords = &config.passwords;
    let login = config.listeners.iter().find(|l| matches!(l.kind, ListenerKind::Login { .. }));
    let client = config.listeners.iter().find(|l| matches!(l.kind, ListenerKind::Client { .. }));
    match (passwords.source, login, client) {
        (PasswordSourceKind::Dovecot, _, Some(client)) if passwords.upstream.is_none() => {
            let what = format!(
                "is missing: the listener {:?} is of kind \"client\" and needs the socket of \
                 Dovecot's auth service to ask for passwords",
                client.name
            );
            report.at(&Place { key: "passwords.upstream".into(), line: None }, what);
        }
        (PasswordSourceKind::Dovecot, _, None)
            if passwords.upstream.is_none()
                && (config.panel.is_some() || !config.webmail.is_empty()) =>
        {
            let what = "is missing: the panel and [[webmail]] need the socket of Dovecot's auth \
                        service to ask for passwords";
            report.at(&Place { key: "passwords.upstream".into(), line: None }, what.into());
        }
        (PasswordSourceKind::Store, Some(login), _) if passwords.vouch_secret_file.is_none() => {
            let what = format!(
                "is missing: with source = \"store\" the listener {:?} of kind \"login\" must \
                 vouch for mailboxes towards Dovecot",
                login.name
            );
            report.at(&Place { key: "passwords.vouch_secret_file".into(), line: None }, what);
        }
        (PasswordSourceKind::Store, None, _) if !config.mechanisms.passed().is_empty() => {
            let what = "lists mechanisms, but nobody is there to decide them: with source = \"store\" only \
                        a listener of kind \"login\" has a Dovecot behind it";
            report.at(&Place { key: "mechanisms.pass".into(), line: None }, what.into());
        }
        (PasswordSourceKind::Dovecot | PasswordSourceKind::Store, _, _) => {}
    }
    if let (Some(login), None, false) =
        (login, &passwords.vouch_secret_file, config.webmail.is_empty())
    {
        let what = format!(
            "is missing: the tokens of [[webmail]] are vouched for towards Dovecot at the listener \
             {:?}",
            login.name
        );
        report.at(&Place { key: "passwords.vouch_secret_file".into(), line: None }, what);
    }
    if passwords.source == PasswordSourceKind::Dovecot
        && client.is_none()
        && passwords.cache_seconds > 0
    {
        let what = "has nothing to act on: with source = \"dovecot\" it is for listeners of kind \"client\", \
                    and there is none. Dovecot's own login processes must ask Dovecot each time";
        report.at(&Place { key: "passwords.cache".into(), line: None }, what.into());
    }
}
