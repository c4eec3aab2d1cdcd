//! The effective configuration written as TOML that parses to itself.

use std::{fmt::Write as _, path::Path, time::Duration};

use super::{
    Config, KeySource, Listen, ListenerConfig, ListenerKind, LogTarget, PanelConfig,
    PasswordSourceKind,
};
use crate::{
    base::Service,
    decision::{
        names::{MasterPolicy, NameRules},
        place::Binding,
        session::SessionPolicy,
        throttle::ThrottlePolicy,
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
    out.section("[totp]");
    out.text("issuer", Some(&config.totp.issuer));
    sessions(&config.sessions, &mut out);
    throttle(config.throttle.as_ref(), &mut out);
    panel(config.panel.as_ref(), &mut out);
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
    out.section("[passwords.hashing]");
    out.bare("memory_kib", passwords.hashing.memory_kib);
    out.bare("passes", passwords.hashing.passes);
    out.bare("lanes", passwords.hashing.lanes);
    out.bare("threads", passwords.hashing.threads);
    out.bare("queue", passwords.hashing.queue);
}

fn names(rules: &NameRules, out: &mut Out) {
    out.section("[names]");
    out.bare("lowercase", rules.lowercase);
    out.text("default_realm", rules.default_realm.as_deref());
    let pairs: String = rules.translate.iter().flat_map(|(from, to)| [*from, *to]).collect();
    out.text("translate", Some(&pairs));
    out.text("master_separator", rules.master_separator.map(String::from).as_deref());
    let policy = match rules.master_without_factor {
        MasterPolicy::Refuse => "refuse",
        MasterPolicy::Allow => "allow",
    };
    out.text("master_without_factor", Some(policy));
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

fn panel(panel: Option<&PanelConfig>, out: &mut Out) {
    out.section("[panel]");
    let Some(panel) = panel else { return out.text("listen", None) };
    match &panel.listen {
        Listen::Tcp(address) => out.text("listen", Some(&address.to_string())),
        Listen::Unix(path) => out.path("listen", Some(path)),
    }
    out.text("base_path", Some(&panel.base));
    out.bare("https", panel.https);
    let proxies: Vec<_> = panel.proxies.iter().map(ToString::to_string).collect();
    out.bare("proxies", toml::Value::from(proxies));
    out.text("name", Some(&panel.name));
    out.path("logo", panel.logo.as_deref());
    out.text("accent", panel.accent.as_deref());
    out.text("accent_dark", panel.accent_dark.as_deref());
    out.duration("idle", Duration::from_secs(panel.policy.idle_seconds));
    out.duration("absolute", Duration::from_secs(panel.policy.absolute_seconds));
}

fn listener(listener: &ListenerConfig, out: &mut Out) {
    out.section("[[listener]]");
    out.text("name", Some(&listener.name));
    match &listener.kind {
        ListenerKind::Login { upstream } => {
            out.text("kind", Some("login"));
            out.path("upstream", Some(upstream));
        }
        ListenerKind::Client => {
            out.text("kind", Some("client"));
            out.path("upstream", None);
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

    fn bare(&mut self, key: &str, value: impl std::fmt::Display) {
        self.line(format_args!("{key} = {value}"));
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "{line}");
    }
}
