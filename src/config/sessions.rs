//! `[sessions]`: how long a sign-in lives and what it is bound to.

use std::time::Duration;

use toml::de::DeValue;

use super::{
    raw::{Report, Section, kind},
    values,
};
use crate::{
    base::{
        Service,
        limits::{
            SERVICE_BYTES, SESSION_GROUPS, SESSION_PARALLEL_SECONDS, SESSION_SECONDS, SESSIONS,
        },
    },
    decision::{place::Binding, session::SessionPolicy},
};

/// Reads the section. A key that is not there has the decision's own default.
pub(super) fn sessions(mut section: Section<'_>, report: &mut Report) -> SessionPolicy {
    let defaults = SessionPolicy::default();
    let absolute_seconds = section
        .read("absolute", report, seconds(SESSION_SECONDS))
        .unwrap_or(defaults.absolute_seconds);
    // Switched off there is nothing that could be idle.
    let longest = if absolute_seconds == 0 { SESSION_SECONDS } else { absolute_seconds };
    let idle = section.read("idle", report, seconds(SESSION_SECONDS));
    if idle.is_some_and(|idle| idle > longest) {
        let what = "is longer than sessions.absolute: a session ends with the first of the two";
        section.mistake("idle", what.into(), report);
    }
    if idle == Some(0) {
        let what = "must be longer than \"0s\"; sessions.absolute = \"0s\" switches sessions off";
        section.mistake("idle", what.into(), report);
    }
    let policy = SessionPolicy {
        absolute_seconds,
        idle_seconds: idle.unwrap_or(defaults.idle_seconds.min(longest)),
        parallel_seconds: section
            .read("parallel", report, seconds(SESSION_PARALLEL_SECONDS))
            .unwrap_or(defaults.parallel_seconds),
        per_mailbox: section
            .read("per_mailbox", report, values::integer(1..=SESSIONS as u64))
            .unwrap_or(defaults.per_mailbox),
        binding: binding(&mut section, report).unwrap_or(defaults.binding),
        groups: section.read("groups", report, groups).unwrap_or(defaults.groups),
        // Says [passwords].
        password_seconds: defaults.password_seconds,
    };
    section.finish(report);
    policy
}

/// A duration of whole seconds.
pub(super) fn seconds(most: u64) -> impl Fn(&DeValue<'_>) -> Result<u64, String> {
    move |value| {
        let duration = values::duration(Duration::ZERO..=Duration::from_secs(most))(value)?;
        match duration.subsec_nanos() {
            0 => Ok(duration.as_secs()),
            _ => Err("must be whole seconds".into()),
        }
    }
}

fn binding(section: &mut Section<'_>, report: &mut Report) -> Option<Binding> {
    #[derive(Clone, Copy)]
    enum Kind {
        Address,
        Network,
        None,
    }
    const KINDS: &[(&str, Kind)] =
        &[("address", Kind::Address), ("network", Kind::Network), ("none", Kind::None)];
    // Shorter prefixes would let whole providers share a session.
    let v4 = section.read("prefix_v4", report, values::integer(16..=32)).unwrap_or(24);
    let v6 = section.read("prefix_v6", report, values::integer(32..=128)).unwrap_or(64);
    section.read("binding", report, values::choice(KINDS)).map(|kind| match kind {
        Kind::Address => Binding::Address,
        Kind::Network => Binding::Prefix { v4, v6 },
        Kind::None => Binding::None,
    })
}

/// Lists of service names, `[["imap", "smtp"], ["sieve"]]`; a service is in one list at most.
fn groups(value: &DeValue<'_>) -> Result<Vec<Vec<Service>>, String> {
    const ALLOWED: &str = "a list of lists of service names, e.g. [[\"imap\", \"smtp\"]]";
    let outer =
        value.as_array().ok_or_else(|| format!("must be {ALLOWED}, not {}", kind(value)))?;
    if outer.len() > SESSION_GROUPS {
        return Err(format!("has more than {SESSION_GROUPS} groups"));
    }
    let mut groups: Vec<Vec<Service>> = Vec::new();
    for inner in outer {
        let inner = inner.get_ref();
        let names =
            inner.as_array().ok_or_else(|| format!("must be {ALLOWED}, not of {}", kind(inner)))?;
        if names.is_empty() || names.len() > SESSION_GROUPS {
            return Err(format!(
                "has a group without a service, or with more than {SESSION_GROUPS}"
            ));
        }
        let mut group = Vec::new();
        for name in names {
            let service = service(&values::filled(name.get_ref())?)?;
            if group.contains(&service) || groups.iter().any(|other| other.contains(&service)) {
                return Err(format!(
                    "has {service} twice (submission is smtp, managesieve is sieve); a service is \
                     in one group"
                ));
            }
            group.push(service);
        }
        groups.push(group);
    }
    Ok(groups)
}

/// A name as the mail server says it: an unknown one is a service of its own, so only its form
/// can be judged.
pub(super) fn service(name: &str) -> Result<Service, String> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b);
    if name.len() > SERVICE_BYTES || !name.bytes().all(plain) {
        return Err(format!(
            "has a service whose name is not of at most {SERVICE_BYTES} small letters, digits, \
             '-', '_' and '.'"
        ));
    }
    // A rule for a name that nobody ever gives would look like one for the service itself.
    let meant = match name {
        "imaps" => "imap",
        "pop3s" => "pop3",
        "smtps" | "submissions" => "smtp",
        _ => return Ok(Service::parse(name)),
    };
    Err(format!("names {name}, which mail servers call {meant}, with TLS and without"))
}
