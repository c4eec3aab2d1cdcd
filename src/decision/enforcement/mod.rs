//! Enforcement: who must have a second factor, and what a service may be opened with.
//!
//! A level holds for a mailbox: its own, else its domain's, else the server's. It makes the mailbox
//! free, or one whose factor is missing; one that has a factor is asked for it under every level. Both
//! of the latter are *protected*, and the rules of services are about those.
//!
//! | | free | required, not enrolled | enrolled |
//! |---|---|---|---|
//! | password alone | in | `FactorRequired` | `MissingCode` |
//! | from an exempt network | in | in | in |
//! | app password | in | in or `FactorRequired` | in |
//! | password and code | - | - | in |
//! | app password, service `full` | in | `FullSignInOnly` | `FullSignInOnly` |
//! | password and code, service `app_passwords` | - | - | `AppPasswordsOnly` |
//! | anything, service `off` | `ServiceOff` | `ServiceOff` | `ServiceOff` |
//!
//! In a dry run all of these let the login through and say so, but for `MissingCode`.
//!
//! It does not check passwords and codes: it says what of them is enough.
//!
//! # Security
//!
//! The service and the address are what the peer says. An unknown service must pass all rules; an
//! unknown address is in no exempt network. The time is that of the login's arrival.

mod ruling;
mod services;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, collections::HashMap};

pub use ruling::{Alone, Permit, Protection, Ruling};
pub use services::{ServiceRule, ServiceRules};

use super::{
    place::{Network, Use},
    record::MailboxRecord,
};
use crate::base::{Mailbox, NetAddress, UnixMillis};

/// Whether mailboxes must have a second factor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// Nobody can switch it on. Who has it on keeps it.
    Off,
    /// As people like.
    #[default]
    Optional,
    /// They must.
    Required,
    /// Optional before this moment, required from it on.
    RequiredFrom(UnixMillis),
}

impl Level {
    /// Whether a factor is required at this moment.
    pub fn is_required(self, at: UnixMillis) -> bool {
        match self {
            Self::Off | Self::Optional => false,
            Self::Required => true,
            Self::RequiredFrom(from) => at >= from,
        }
    }

    /// The moment from which it is required, if there is one.
    pub fn from(self) -> Option<UnixMillis> {
        match self {
            Self::RequiredFrom(from) => Some(from),
            Self::Off | Self::Optional | Self::Required => None,
        }
    }

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Optional => "optional",
            Self::Required => "required",
            Self::RequiredFrom(_) => "required_from",
        }
    }
}

/// Whose level holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LevelSource {
    /// The mailbox has one of its own.
    Mailbox,
    /// Its domain's.
    Domain,
    /// The server's.
    Server,
}

impl LevelSource {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mailbox => "mailbox",
            Self::Domain => "domain",
            Self::Server => "server",
        }
    }
}

/// A level of a mailbox's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnLevel {
    /// The level.
    pub level: Level,
    /// When it was given.
    pub set: UnixMillis,
}

/// What a mailbox may still do when a factor is required and it has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unenrolled {
    /// Enrol, and nothing else.
    #[default]
    Panel,
    /// Use its app passwords too.
    AppPasswords,
}

impl Unenrolled {
    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Panel => "panel",
            Self::AppPasswords => "app_passwords",
        }
    }
}

/// What holds for a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DomainRule {
    /// The level.
    pub level: Level,
    /// Whether what is refused is only recorded; the server's if it is not said.
    pub dry_run: Option<bool>,
}

/// What the administrator says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnforcementPolicy {
    /// The server's level.
    pub level: Level,
    /// What may be done without the factor that is required.
    pub unenrolled: Unenrolled,
    /// What is refused is only recorded.
    pub dry_run: bool,
    /// Domains with a rule of their own, in lower case.
    pub domains: HashMap<String, DomainRule>,
    /// What services may be opened with.
    pub services: ServiceRules,
    /// Networks of machines: the password is enough from there.
    pub exempt_networks: Vec<Network>,
    /// Webmail: never exempt, nor are addresses that it passes on.
    pub webmail_networks: Vec<Network>,
}

impl EnforcementPolicy {
    /// What holds for a mailbox that has this record, if it has one, at a login. `via` is the host that
    /// connected, which may have passed another one's address on.
    pub fn ruling(
        &self,
        mailbox: &Mailbox,
        record: Option<&MailboxRecord>,
        arrival: &Use,
        via: NetAddress,
    ) -> Ruling {
        let domain = self.domain(mailbox);
        let (level, source) = self.most_specific(domain, record);
        let protection = match record {
            Some(record) if record.is_enrolled() => Protection::Enrolled,
            Some(_) | None if level.is_required(arrival.at) => Protection::Missing,
            Some(_) | None => Protection::Free,
        };
        Ruling {
            level,
            source,
            protection,
            access: self.services.access(&arrival.service),
            unenrolled: self.unenrolled,
            dry_run: self.is_dry_run(domain),
            exempt: self.is_exempt(arrival.from, via),
        }
    }

    /// The level that holds for a mailbox, and whose it is.
    pub fn level_of(
        &self,
        mailbox: &Mailbox,
        record: Option<&MailboxRecord>,
    ) -> (Level, LevelSource) {
        self.most_specific(self.domain(mailbox), record)
    }

    /// From when on a second factor will be required of a mailbox that has none, if that is still to
    /// come; `None` where it would only be recorded, and for a mailbox that nobody can open.
    pub fn will_require(
        &self,
        mailbox: &Mailbox,
        record: Option<&MailboxRecord>,
        now: UnixMillis,
    ) -> Option<UnixMillis> {
        let domain = self.domain(mailbox);
        let closed = record.is_some_and(|record| record.is_enrolled() || record.locked.is_some());
        if closed || self.is_dry_run(domain) {
            return None;
        }
        self.most_specific(domain, record).0.from().filter(|from| now < *from)
    }

    /// Whether the configuration names a day for anybody.
    pub fn names_a_date(&self) -> bool {
        let rules = self.domains.values().map(|rule| rule.level);
        rules.chain([self.level]).any(|level| level.from().is_some())
    }

    fn is_dry_run(&self, domain: Option<&DomainRule>) -> bool {
        domain.and_then(|rule| rule.dry_run).unwrap_or(self.dry_run)
    }

    fn most_specific(
        &self,
        domain: Option<&DomainRule>,
        record: Option<&MailboxRecord>,
    ) -> (Level, LevelSource) {
        match (record.and_then(|record| record.enforcement), domain) {
            (Some(own), _) => (own.level, LevelSource::Mailbox),
            (None, Some(rule)) => (rule.level, LevelSource::Domain),
            (None, None) => (self.level, LevelSource::Server),
        }
    }

    /// The rule of a mailbox's domain.
    fn domain(&self, mailbox: &Mailbox) -> Option<&DomainRule> {
        if self.domains.is_empty() {
            return None;
        }
        let (_, domain) = mailbox.as_str().rsplit_once('@')?;
        // Domains are one in any case, also where names are not folded.
        let folded = if domain.chars().any(char::is_uppercase) {
            Cow::Owned(domain.to_lowercase())
        } else {
            Cow::Borrowed(domain)
        };
        self.domains.get(folded.as_ref())
    }

    fn is_exempt(&self, from: NetAddress, via: NetAddress) -> bool {
        let (Some(from), Some(via)) = (from.ip(), via.ip()) else { return false };
        let among = |networks: &[Network], ip| networks.iter().any(|network| network.contains(ip));
        among(&self.exempt_networks, from)
            && !among(&self.webmail_networks, from)
            && !among(&self.webmail_networks, via)
    }
}
