//! `[[webmail]]`: which webmails get tokens, and what those are good for.
//!
//! # Security
//!
//! The file is the administrator's. A token is worth a mailbox, so where it may come from has no
//! default, and networks as wide as a provider's are mistakes.

use std::{ops::RangeInclusive, time::Duration};

use toml::de::DeValue;

use super::{
    raw::{Place, Report, Section, kind},
    sessions::service,
    values,
};
use crate::{
    base::{
        Service,
        limits::{
            API_TOKEN_NAME_BYTES, SERVICE_RULES, WEBMAIL_NAME_BYTES, WEBMAIL_NETWORKS,
            WEBMAIL_TOKEN_SECONDS, WEBMAILS,
        },
    },
    decision::{
        place::Network,
        webmail::{WebmailRule, WebmailRules},
    },
};

/// Bits of the widest networks that webmail may connect from: IPv4 and IPv6.
const WIDEST: (u8, u8) = (16, 48);

/// Shortest and longest life of a token.
const LIFE: RangeInclusive<Duration> =
    Duration::from_secs(60)..=Duration::from_secs(WEBMAIL_TOKEN_SECONDS);

/// As long as sign-ins of mail programs.
const ABSOLUTE_SECONDS: u64 = 43_200;
const IDLE_SECONDS: u64 = 3_600;

/// Reads all of them.
pub(super) fn webmails(root: &mut Section<'_>, report: &mut Report) -> WebmailRules {
    let sections = root.sections("webmail", report);
    let several = sections.len() > 1;
    if sections.len() > WEBMAILS {
        root.mistake("webmail", format!("are more than {WEBMAILS}"), report);
        return WebmailRules::new();
    }
    let mut rules = WebmailRules::new();
    let mut places: Vec<(String, Place)> = Vec::new();
    for mut section in sections {
        let named = section.required("name", report, name);
        let rule = rule(&mut section, several, report);
        if let Some(name) = named {
            let place = section.place("name");
            if let Some((_, first)) = places.iter().find(|(other, _)| *other == name) {
                report.at(&place, format!("is the same as {}", first.key));
            } else {
                places.push((name.clone(), place));
                rules.extend(rule.map(|rule| (name, rule)));
            }
        }
        section.finish(report);
    }
    rules
}

fn rule(section: &mut Section<'_>, several: bool, report: &mut Report) -> Option<WebmailRule> {
    let services = section.read("services", report, services).unwrap_or_else(|| {
        // What a webmail does: read, sort, send.
        vec![Service::Imap, Service::Sieve, Service::Smtp]
    });
    let networks = section.required("networks", report, networks);
    let absolute = section.read("absolute", report, values::duration(LIFE));
    let absolute_seconds = absolute.map_or(ABSOLUTE_SECONDS, |life| life.as_secs());
    let idle = section.read("idle", report, values::duration(LIFE));
    if idle.is_some_and(|idle| idle.as_secs() > absolute_seconds) {
        let what = "is longer than its absolute: a token ends with the first of the two";
        section.mistake("idle", what.into(), report);
    }
    let from_browser = section.read("from_browser", report, values::flag).unwrap_or(false);
    let token = section.read("token", report, token);
    if (several || from_browser) && !section.has("token") {
        let what = "is missing: where there are several webmails, or from_browser = true, each names the API \
                    token that asks for it";
        section.mistake("token", what.into(), report);
    }
    Some(WebmailRule {
        token,
        services,
        networks: networks?,
        from_browser,
        idle_seconds: idle.map_or(IDLE_SECONDS.min(absolute_seconds), |idle| idle.as_secs()),
        absolute_seconds,
    })
}

/// The name of an API token.
fn token(value: &DeValue<'_>) -> Result<String, String> {
    let name = values::filled(value)?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    if name.len() > API_TOKEN_NAME_BYTES || !name.bytes().all(plain) {
        return Err("must be the name of an API token, as `mail2fa token list` shows it".into());
    }
    Ok(name)
}

/// A name that can stand in a log.
fn name(value: &DeValue<'_>) -> Result<String, String> {
    let name = values::filled(value)?;
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b);
    if name.len() > WEBMAIL_NAME_BYTES || !name.bytes().all(plain) {
        return Err(format!(
            "must be a name of at most {WEBMAIL_NAME_BYTES} small letters, digits, '-', '_' and '.'"
        ));
    }
    Ok(name)
}

fn services(value: &DeValue<'_>) -> Result<Vec<Service>, String> {
    const ALLOWED: &str = "a list of services, e.g. [\"imap\", \"sieve\", \"smtp\"]";
    let list = value.as_array().ok_or_else(|| format!("must be {ALLOWED}, not {}", kind(value)))?;
    if list.is_empty() || list.len() > SERVICE_RULES {
        return Err(format!("must be {ALLOWED}, of one service or more"));
    }
    let mut services = Vec::new();
    for item in list {
        let service = service(&values::filled(item.get_ref())?)?;
        if services.contains(&service) {
            return Err(format!("has {service} twice (submission is smtp, managesieve is sieve)"));
        }
        services.push(service);
    }
    Ok(services)
}

fn networks(value: &DeValue<'_>) -> Result<Vec<Network>, String> {
    const ALLOWED: &str =
        "a list of addresses and networks, e.g. [\"127.0.0.1\", \"2001:db8::/64\"]";
    let list = value.as_array().ok_or_else(|| format!("must be {ALLOWED}, not {}", kind(value)))?;
    if list.is_empty() || list.len() > WEBMAIL_NETWORKS {
        return Err(format!("must be {ALLOWED}, of 1 to {WEBMAIL_NETWORKS}"));
    }
    let networks: Option<Vec<_>> =
        list.iter().map(|item| item.get_ref().as_str().and_then(Network::parse)).collect();
    let networks = networks.ok_or_else(|| format!("must be {ALLOWED}"))?;
    match networks.iter().find(|network| network.is_wider_than(WIDEST.0, WIDEST.1)) {
        Some(wide) => Err(format!("has {wide} in it, which is more than a webmail's hosts")),
        None => Ok(networks),
    }
}
