//! `[enforcement]`: who must have a second factor, and what services may be opened with.
//!
//! Which networks are too wide, and which must not be both, is judged here; what the rules mean is
//! `decision::enforcement`'s.
//!
//! # Security
//!
//! The file is the administrator's. A network that is exempt by mistake opens mailboxes, so webmail must
//! be named before anything is exempt.

use std::{
    collections::HashMap,
    time::{Duration, UNIX_EPOCH},
};

use toml::de::DeValue;

use super::{
    raw::{Place, Report, Section, kind},
    sessions::service,
    values,
};
use crate::{
    base::{
        Service, UnixMillis,
        limits::{ENFORCEMENT_DOMAINS, ENFORCEMENT_NETWORKS, SERVICE_RULES},
    },
    decision::{
        enforcement::{
            DomainRule, EnforcementPolicy, Level, ServiceRule, ServiceRules, Unenrolled,
        },
        names::NameRules,
        place::Network,
    },
};

const LEVELS: &[(&str, Level)] =
    &[("off", Level::Off), ("optional", Level::Optional), ("required", Level::Required)];

/// Bits of the widest networks that may be exempt: IPv4 and IPv6.
const WIDEST: (u8, u8) = (8, 32);

/// Reads the section. A key that is not there has the decision's own default.
pub(super) fn enforcement(
    mut section: Section<'_>,
    names: &NameRules,
    report: &mut Report,
) -> EnforcementPolicy {
    const UNENROLLED: &[(&str, Unenrolled)] =
        &[("panel", Unenrolled::Panel), ("app_passwords", Unenrolled::AppPasswords)];
    let level = level(&mut section, report).unwrap_or_default();
    let exempt_networks = section.read("exempt_networks", report, exempt).unwrap_or_default();
    let webmail_networks = section
        .read("webmail_networks", report, values::networks(ENFORCEMENT_NETWORKS))
        .unwrap_or_default();
    if !exempt_networks.is_empty() && !section.has("webmail_networks") {
        let what = "needs enforcement.webmail_networks beside it, which are never exempt: say where \
                    webmail connects from, or [] if there is none";
        section.mistake("exempt_networks", what.into(), report);
    }
    for exempt in &exempt_networks {
        if let Some(webmail) = webmail_networks.iter().find(|w| w.overlaps(exempt)) {
            let what = format!(
                "has {exempt} in it, and webmail connects from {webmail} \
                 (enforcement.webmail_networks): webmail is never exempt"
            );
            section.mistake("exempt_networks", what, report);
        }
    }
    let policy = EnforcementPolicy {
        level,
        unenrolled: section
            .read("unenrolled", report, values::choice(UNENROLLED))
            .unwrap_or_default(),
        dry_run: section.read("dry_run", report, values::flag).unwrap_or(false),
        domains: domains(&mut section, names, report),
        services: services(section.section("services", report), report),
        exempt_networks,
        webmail_networks,
    };
    section.finish(report);
    policy
}

/// `level` and `required_from`, of the server or a domain.
fn level(section: &mut Section<'_>, report: &mut Report) -> Option<Level> {
    let level = section.read("level", report, values::choice(LEVELS));
    let from = section.read("required_from", report, date);
    match (level, from) {
        (Some(Level::Off), Some(_)) => {
            let what = "cannot be said with level = \"off\": before the date it is optional";
            section.mistake("required_from", what.into(), report);
            level
        }
        (_, Some(from)) => Some(Level::RequiredFrom(from)),
        (level, None) => level,
    }
}

/// A day, as a date of TOML or in quotes; its midnight in UTC.
fn date(value: &DeValue<'_>) -> Result<UnixMillis, String> {
    const ALLOWED: &str = "a day since 1970, e.g. 2027-03-01 (it begins at midnight UTC)";
    let text = match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Datetime(date) => date.to_string(),
        other => return Err(format!("must be {ALLOWED}, not {}", kind(other))),
    };
    let midnight = humantime::parse_rfc3339(&format!("{text}T00:00:00Z")).ok();
    let since = midnight.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since
        .filter(|_| text.len() == "2027-03-01".len())
        .as_ref()
        .map(Duration::as_secs)
        .map(UnixMillis::from_seconds)
        .ok_or_else(|| format!("is not {ALLOWED}"))
}

/// `[[enforcement.domain]]`
fn domains(
    section: &mut Section<'_>,
    names: &NameRules,
    report: &mut Report,
) -> HashMap<String, DomainRule> {
    let sections = section.sections("domain", report);
    if sections.len() > ENFORCEMENT_DOMAINS {
        section.mistake("domain", format!("are more than {ENFORCEMENT_DOMAINS}"), report);
        return HashMap::new();
    }
    let mut places: HashMap<String, Place> = HashMap::with_capacity(sections.len());
    let mut domains = HashMap::with_capacity(sections.len());
    for mut section in sections {
        let name = section.required("name", report, |value| domain(value, names));
        let level = level(&mut section, report);
        let dry_run = section.read("dry_run", report, values::flag);
        if !section.has("level") && !section.has("required_from") {
            section.mistake("level", "is missing; it has no default here".into(), report);
        }
        if let Some(name) = name {
            let place = section.place("name");
            if let Some(first) = places.get(&name) {
                report.at(&place, format!("is the same domain as {}", first.key));
            } else {
                places.insert(name.clone(), place);
                domains.extend(level.map(|level| (name, DomainRule { level, dry_run })));
            }
        }
        section.finish(report);
    }
    domains
}

/// The domain as it stands in canonical names.
fn domain(value: &DeValue<'_>, names: &NameRules) -> Result<String, String> {
    let text = values::filled(value)?;
    let wrong = || "must be a domain, without @ and spaces, e.g. \"example.org\"".to_owned();
    if text.contains('@') {
        return Err(wrong());
    }
    let mailbox = names.canonical(format!("x@{text}").as_bytes()).map_err(|_| wrong())?;
    let (_, domain) = mailbox.as_str().rsplit_once('@').ok_or_else(wrong)?;
    Ok(domain.to_lowercase())
}

/// `[enforcement.services]`
fn services(section: Section<'_>, report: &mut Report) -> ServiceRules {
    const RULES: &[(&str, ServiceRule)] = &[
        ("any", ServiceRule::Any),
        ("app_passwords", ServiceRule::AppPasswords),
        ("full", ServiceRule::Full),
        ("off", ServiceRule::Off),
    ];
    let mut rules: Vec<(Service, ServiceRule)> = Vec::new();
    section.each(report, |name, value| {
        let service = service(name)?;
        if rules.iter().any(|(named, _)| *named == service) {
            return Err(format!(
                "says something of {service} again (submission is smtp, managesieve is sieve)"
            ));
        }
        if rules.len() == SERVICE_RULES {
            return Err(format!("is one too many: {SERVICE_RULES} services can have a rule"));
        }
        rules.push((service, values::choice(RULES)(value)?));
        Ok(())
    });
    ServiceRules::new(rules)
}

fn exempt(value: &DeValue<'_>) -> Result<Vec<Network>, String> {
    let networks = values::networks(ENFORCEMENT_NETWORKS)(value)?;
    match networks.iter().find(|network| network.is_wider_than(WIDEST.0, WIDEST.1)) {
        Some(wide) => Err(format!("has {wide} in it, which is no place but much of the world")),
        None => Ok(networks),
    }
}
