//! The effective configuration written as TOML that parses to itself.

use std::{
    fmt::Write as _,
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use super::{
    Config, KeySource, Listen, ListenerConfig, ListenerKind, LogTarget, NoticeTransport,
    NoticesConfig, PanelConfig, PasswordSourceKind, PlaceConfig, TempFail, TlsConfig,
    notices::switches,
};
use crate::{
    base::{RelayedMechanism, Service},
    decision::{
        enforcement::{EnforcementPolicy, Level},
        mechanisms::Mechanisms,
        names::{Idna, MasterPolicy, NameRules, Unicode},
        place::{Binding, Network},
        retention::TrailPolicy,
        session::SessionPolicy,
        throttle::ThrottlePolicy,
        webmail::WebmailRules,
    },
};

/// Writes every key; one that is not set stands there as a comment.
pub(super) fn show(config: &Config) -> String {
    let mut out = Out(String::new());
    out.section("[store]");
    out.path("directory", Some(&config.store.directory));
    match &config.store.key {
        KeySource::File(path) => {
            out.path("key_file", Some(path));
            out.text("key_credential", None);
        }
        KeySource::Credential(name) => {
            out.path("key_file", None);
            out.text("key_credential", Some(name));
        }
    }
    out.bare("cache_mib", config.store.cache_mib);
    passwords(config, &mut out);
    names(&config.names, &mut out);
    mechanisms(&config.mechanisms, &mut out);
    out.section("[totp]");
    out.text("issuer", Some(&config.totp.issuer));
    sessions(&config.sessions, &mut out);
    throttle(config.throttle.as_ref(), &mut out);
    panel(config.panel.as_ref(), &mut out);
    api(config.api.as_ref(), &mut out);
    notices(&config.notices, &mut out);
    audit(&config.audit, &mut out);
    enforcement(&config.enforcement, &mut out);
    webmail(&config.webmail, &mut out);
    out.section("[control]");
    out.path("socket", Some(&config.control.socket));
    out.section("[refusals]");
    out.duration("delay", config.refusals.delay);
    out.section("[log]");
    let target = match config.log.target {
        LogTarget::Auto => "auto",
        LogTarget::Journald => "journald",
        LogTarget::Json => "json",
        LogTarget::Plain => "plain",
    };
    out.text("target", Some(target));
    out.text("level", Some(&config.log.level));
    for each in &config.listeners {
        listener(each, &mut out);
    }
    out.0
}

fn passwords(config: &Config, out: &mut Out) {
    let passwords = &config.passwords;
    out.section("[passwords]");
    let source = match passwords.source {
        PasswordSourceKind::Dovecot => "dovecot",
        PasswordSourceKind::Store => "store",
    };
    out.text("source", Some(source));
    out.path("upstream", passwords.upstream.as_deref());
    out.path("vouch_secret_file", passwords.vouch_secret_file.as_deref());
    out.duration("cache", Duration::from_secs(passwords.cache_seconds));
    out.section("[passwords.hashing]");
    out.bare("memory_kib", passwords.hashing.memory_kib);
    out.bare("passes", passwords.hashing.passes);
    out.bare("lanes", passwords.hashing.lanes);
    out.bare("threads", passwords.hashing.threads);
    out.bare("queue", passwords.hashing.queue);
}

fn names(rules: &NameRules, out: &mut Out) {
    out.section("[names]");
    out.text("format", Some(&rules.format.to_string()));
    out.text("default_realm", rules.default_realm.as_deref());
    let pairs: String = rules.translate.iter().flat_map(|(from, to)| [*from, *to]).collect();
    out.text("translate", Some(&pairs));
    let separators: String = rules.tag_separators.iter().collect();
    out.text("tag_separators", Some(&separators));
    out.text("master_separator", rules.master_separator.map(String::from).as_deref());
    let policy = match rules.master_without_factor {
        MasterPolicy::Refuse => "refuse",
        MasterPolicy::Allow => "allow",
    };
    out.text("master_without_factor", Some(policy));
    let unicode = match rules.unicode {
        Unicode::Refuse => "refuse",
        Unicode::AsTyped => "as_typed",
        Unicode::Nfc => "nfc",
    };
    out.text("unicode", Some(unicode));
    let idna = match rules.idna {
        Idna::Off => "off",
        Idna::Ascii => "ascii",
        Idna::Unicode => "unicode",
    };
    out.text("idna", Some(idna));
    out.bare("log_unknown", rules.log_unknown);
}

fn mechanisms(mechanisms: &Mechanisms, out: &mut Out) {
    let names = |list: &[RelayedMechanism]| -> Vec<String> {
        list.iter().map(ToString::to_string).collect()
    };
    out.section("[mechanisms]");
    out.bare("pass", toml::Value::from(names(mechanisms.passed())));
    let elsewhere = names(mechanisms.with_factor_elsewhere());
    out.bare("second_factor_elsewhere", toml::Value::from(elsewhere));
}

fn sessions(policy: &SessionPolicy, out: &mut Out) {
    out.section("[sessions]");
    out.duration("absolute", Duration::from_secs(policy.absolute_seconds));
    out.duration("idle", Duration::from_secs(policy.idle_seconds));
    out.duration("parallel", Duration::from_secs(policy.parallel_seconds));
    out.bare("per_mailbox", policy.per_mailbox);
    let (binding, v4, v6) = match policy.binding {
        Binding::Address => ("address", 24, 64),
        Binding::Prefix { v4, v6 } => ("network", v4, v6),
        Binding::None => ("none", 24, 64),
    };
    out.text("binding", Some(binding));
    out.bare("prefix_v4", v4);
    out.bare("prefix_v6", v6);
    let names =
        |group: &Vec<Service>| -> Vec<String> { group.iter().map(ToString::to_string).collect() };
    let groups: Vec<_> = policy.groups.iter().map(names).collect();
    out.bare("groups", toml::Value::from(groups));
}

fn throttle(policy: Option<&ThrottlePolicy>, out: &mut Out) {
    out.section("[throttle]");
    out.bare("enabled", policy.is_some());
    let networks: Vec<String> = policy
        .map(|policy| policy.settings().shared_networks.iter().map(ToString::to_string).collect())
        .unwrap_or_default();
    out.bare("shared_networks", toml::Value::from(networks));
}

/// All keys of `[panel]`: without a place to listen none counts.
const PANEL_KEYS: [&str; 12] = [
    "listen",
    "behind_proxy",
    "base_path",
    "https",
    "origin",
    "proxies",
    "name",
    "logo",
    "accent",
    "accent_dark",
    "idle",
    "absolute",
];

fn panel(panel: Option<&PanelConfig>, out: &mut Out) {
    out.section("[panel]");
    let Some(panel) = panel else {
        for key in PANEL_KEYS {
            out.text(key, None);
        }
        tls("[panel.tls]", None, out);
        return;
    };
    place(Some(&panel.place), out);
    out.text("base_path", Some(&panel.base));
    out.bare("https", panel.https);
    out.text("origin", panel.origin.as_deref());
    let proxies: Vec<_> = panel.proxies.iter().map(ToString::to_string).collect();
    out.bare("proxies", toml::Value::from(proxies));
    out.text("name", Some(&panel.name));
    out.path("logo", panel.logo.as_deref());
    out.text("accent", panel.accent.as_deref());
    out.text("accent_dark", panel.accent_dark.as_deref());
    out.duration("idle", Duration::from_secs(panel.policy.idle_seconds));
    out.duration("absolute", Duration::from_secs(panel.policy.absolute_seconds));
    tls("[panel.tls]", panel.place.tls.as_ref(), out);
}

fn tls(header: &str, tls: Option<&TlsConfig>, out: &mut Out) {
    out.section(header);
    out.path("certificate", tls.map(|tls| tls.certificate.as_path()));
    out.path("key", tls.map(|tls| tls.key.as_path()));
}

fn api(api: Option<&PlaceConfig>, out: &mut Out) {
    out.section("[api]");
    place(api, out);
    tls("[api.tls]", api.and_then(|api| api.tls.as_ref()), out);
}

/// But for its TLS, a table that comes last.
fn place(place: Option<&PlaceConfig>, out: &mut Out) {
    match place.map(|place| &place.listen) {
        Some(Listen::Tcp(address)) => out.text("listen", Some(&address.to_string())),
        Some(Listen::Unix(path)) => out.path("listen", Some(path)),
        None => out.text("listen", None),
    }
    out.bare("behind_proxy", place.is_some_and(|place| place.behind_proxy));
}

fn notices(config: &NoticesConfig, out: &mut Out) {
    out.section("[notices]");
    out.bare("enabled", config.enabled);
    let text = |shown: &Option<lettre::message::Mailbox>| shown.as_ref().map(ToString::to_string);
    out.text("from", text(&config.from).as_deref());
    out.text("reply_to", text(&config.reply_to).as_deref());
    let sender = config.envelope_sender.as_ref().map(ToString::to_string);
    out.text("envelope_sender", Some(sender.as_deref().unwrap_or_default()));
    out.text("domain", config.domain.as_deref());
    out.text("language", Some(config.language.as_str()));
    out.path("texts", config.texts.as_deref());
    let transport = match config.transport {
        NoticeTransport::Smtp => "smtp",
        NoticeTransport::Sendmail => "sendmail",
    };
    out.text("transport", Some(transport));
    out.text("smtp", Some(&config.relay.to_string()));
    out.bare("smtp_in_clear", config.in_clear());
    out.path("sendmail", Some(&config.sendmail));
    for (kind, key) in switches() {
        out.bare(key, config.kinds.contains(&kind));
    }
    out.line(format_args!("required_days = {:?}", config.required_days.days()));
}

fn audit(policy: &TrailPolicy, out: &mut Out) {
    out.section("[audit]");
    out.span("logins", policy.logins, "off");
    out.span("changes", policy.changes, "forever");
    out.span("programs", policy.programs, "off");
    out.bare("total", policy.total);
    out.bare("per_mailbox", policy.per_mailbox);
}

fn level(level: Level, out: &mut Out) {
    let word = match level {
        Level::RequiredFrom(_) => Level::Optional.as_str(),
        Level::Off | Level::Optional | Level::Required => level.as_str(),
    };
    out.text("level", Some(word));
    let day = level.from().and_then(|from| {
        let time = UNIX_EPOCH.checked_add(Duration::from_secs(from.seconds()))?;
        Some(humantime::format_rfc3339_seconds(time).to_string().split_once('T')?.0.to_owned())
    });
    match day {
        Some(day) => out.bare("required_from", day),
        None => out.text("required_from", None),
    }
}

fn enforcement(policy: &EnforcementPolicy, out: &mut Out) {
    let networks =
        |all: &[Network]| -> Vec<String> { all.iter().map(ToString::to_string).collect() };
    out.section("[enforcement]");
    level(policy.level, out);
    out.text("unenrolled", Some(policy.unenrolled.as_str()));
    out.bare("dry_run", policy.dry_run);
    let exempt = networks(&policy.exempt_networks);
    out.bare("exempt_networks", toml::Value::from(exempt));
    let webmail = networks(&policy.webmail_networks);
    out.bare("webmail_networks", toml::Value::from(webmail));
    out.section("[enforcement.services]");
    let known = [Service::Imap, Service::Pop3, Service::Sieve, Service::Smtp];
    for service in known.iter().chain(policy.services.others()) {
        let rule = policy.services.rule(service).unwrap_or_default();
        let name = match service {
            Service::Other(name) => toml::Value::from(&**name).to_string(),
            Service::Imap
            | Service::Pop3
            | Service::Sieve
            | Service::Smtp
            | Service::Panel
            | Service::Webmail => service.to_string(),
        };
        out.text(&name, Some(rule.as_str()));
    }
    let mut domains: Vec<_> = policy.domains.iter().collect();
    domains.sort_by_key(|(name, _)| name.as_str());
    for (name, rule) in domains {
        out.section("[[enforcement.domain]]");
        out.text("name", Some(name));
        level(rule.level, out);
        match rule.dry_run {
            Some(dry_run) => out.bare("dry_run", dry_run),
            None => out.text("dry_run", None),
        }
    }
}

fn webmail(rules: &WebmailRules, out: &mut Out) {
    for (name, rule) in rules {
        out.section("[[webmail]]");
        out.text("name", Some(name));
        out.text("token", rule.token.as_deref());
        let services: Vec<_> = rule.services.iter().map(ToString::to_string).collect();
        out.bare("services", toml::Value::from(services));
        let networks: Vec<_> = rule.networks.iter().map(ToString::to_string).collect();
        out.bare("networks", toml::Value::from(networks));
        out.bare("from_browser", rule.from_browser);
        out.duration("idle", Duration::from_secs(rule.idle_seconds));
        out.duration("absolute", Duration::from_secs(rule.absolute_seconds));
    }
}

fn listener(listener: &ListenerConfig, out: &mut Out) {
    out.section("[[listener]]");
    out.text("name", Some(&listener.name));
    match &listener.kind {
        ListenerKind::Login { upstream } => {
            out.text("kind", Some("login"));
            out.path("upstream", Some(upstream));
            out.text("temp_fail", None);
        }
        ListenerKind::Client { temp_fail } => {
            out.text("kind", Some("client"));
            out.path("upstream", None);
            let temp_fail = match temp_fail {
                TempFail::Answer => "answer",
                TempFail::Close => "close",
            };
            out.text("temp_fail", Some(temp_fail));
        }
    }
    out.path("socket", Some(&listener.socket));
    out.text("owner", listener.owner.as_ref().map(|owner| owner.name.as_str()));
    out.text("group", listener.group.as_ref().map(|group| group.name.as_str()));
    out.text("mode", Some(&format!("{:04o}", listener.mode)));
    out.bare("everyone", listener.mode & 0o002 != 0);
    out.bare("connections", listener.connections);
}

struct Out(String);

impl Out {
    fn section(&mut self, header: &str) {
        let gap = if self.0.is_empty() { "" } else { "\n" };
        self.line(format_args!("{gap}{header}"));
    }

    fn text(&mut self, key: &str, value: Option<&str>) {
        match value {
            Some(value) => self.bare(key, toml::Value::from(value)),
            None => self.line(format_args!("# {key} is not set")),
        }
    }

    fn path(&mut self, key: &str, value: Option<&Path>) {
        self.text(key, value.map(Path::to_string_lossy).as_deref());
    }

    fn duration(&mut self, key: &str, duration: Duration) {
        self.text(key, Some(&humantime::format_duration(duration).to_string()));
    }

    fn span(&mut self, key: &str, seconds: Option<u64>, none: &str) {
        match seconds {
            Some(seconds) => self.duration(key, Duration::from_secs(seconds)),
            None => self.text(key, Some(none)),
        }
    }

    fn bare(&mut self, key: &str, value: impl std::fmt::Display) {
        self.line(format_args!("{key} = {value}"));
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "{line}");
    }
}
