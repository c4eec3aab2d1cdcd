//! Enforcement: what holds, and a level of a mailbox's own.

use super::{
    Acting, Admin, AdminError, DomainView, MailboxPolicyView, NewLevel, PolicyView, Response,
    ServiceRuleView, ServiceView, change::Missing,
};
use crate::{
    base::{Mailbox, NetAddress, Service, UnixMillis},
    decision::{
        enforcement::{Level, OwnLevel, Permit, Ruling},
        place::{Network, Use},
        record::MailboxRecord,
    },
};

const DAY_SECONDS: u64 = 86_400;

/// Services that are always shown.
const KNOWN: [Service; 4] = [Service::Imap, Service::Pop3, Service::Sieve, Service::Smtp];

/// What stands for every service that has no rule and is not known: no service has this name.
const OTHERS: &str = "*";

impl Acting<'_> {
    /// What holds for one mailbox.
    pub(super) async fn policy_of(&self, typed: &str) -> Result<Response, AdminError> {
        let mailbox = self.name(typed)?;
        let found = self.known(&mailbox).await?;
        let record = found.as_ref().map(|found| &found.value);
        Ok(Response::MailboxPolicy(self.view(&mailbox, record, self.now()?)))
    }

    /// Gives a mailbox a level of its own, or takes it back. Its sessions end: they were opened
    /// under what held before.
    pub(super) async fn set_policy(
        &self,
        typed: &str,
        level: NewLevel,
    ) -> Result<Response, AdminError> {
        let mailbox = self.name(typed)?;
        let now = self.now()?;
        let level = level.level()?;
        let nothing = self.known(&mailbox).await?.is_none();
        if level.is_none() && nothing {
            return Ok(Response::PolicySet(self.view(&mailbox, None, now)));
        }
        let record = self
            .change(&mailbox, Missing::Make, |record| {
                if record.enforcement.map(|own| own.level) != level {
                    record.enforcement = level.map(|level| OwnLevel { level, set: now });
                    record.sessions.clear();
                }
                let detail = level.map_or("inherit", |level| level.as_str());
                Ok((record.clone(), detail.to_owned()))
            })
            .await?;
        Ok(Response::PolicySet(self.view(&mailbox, Some(&record), now)))
    }
}

impl Admin {
    /// What is configured.
    pub(super) fn policy(&self) -> Response {
        let policy = &self.enforcement;
        let services = KNOWN.iter().chain(policy.services.others());
        let mut domains: Vec<_> = policy
            .domains
            .iter()
            .map(|(name, rule)| DomainView {
                name: name.clone(),
                level: rule.level.as_str().into(),
                required_from: from(rule.level),
                dry_run: rule.dry_run,
            })
            .collect();
        domains.sort_by(|a, b| a.name.cmp(&b.name));
        Response::Policy(PolicyView {
            level: policy.level.as_str().into(),
            required_from: from(policy.level),
            unenrolled: policy.unenrolled.as_str().into(),
            dry_run: policy.dry_run,
            domains,
            services: services
                .map(|service| ServiceRuleView {
                    service: service.to_string(),
                    rule: policy.services.rule(service).unwrap_or_default().as_str().into(),
                })
                .collect(),
            exempt_networks: texts(&policy.exempt_networks),
            webmail_networks: texts(&policy.webmail_networks),
        })
    }

    /// An error if nobody may switch a second factor on for this mailbox.
    pub(super) fn may_enrol(
        &self,
        mailbox: &Mailbox,
        record: Option<&MailboxRecord>,
    ) -> Result<(), AdminError> {
        match self.enforcement.level_of(mailbox, record) {
            (Level::Off, source) => Err(AdminError::EnrolmentOff {
                mailbox: mailbox.to_string(),
                level_of: source.as_str().into(),
            }),
            (Level::Optional | Level::Required | Level::RequiredFrom(_), _) => Ok(()),
        }
    }

    /// Whether a second factor is required of a mailbox now.
    pub(super) fn is_required(
        &self,
        mailbox: &Mailbox,
        record: Option<&MailboxRecord>,
        now: UnixMillis,
    ) -> bool {
        self.enforcement.level_of(mailbox, record).0.is_required(now)
    }

    fn view(
        &self,
        mailbox: &Mailbox,
        record: Option<&MailboxRecord>,
        now: UnixMillis,
    ) -> MailboxPolicyView {
        let ruling = |service: &Service| {
            let from = NetAddress::UNKNOWN;
            let arrival = Use { at: now, from, service: service.clone() };
            self.enforcement.ruling(mailbox, record, &arrival, from)
        };
        let others = Service::Other(OTHERS.into());
        let all = KNOWN.iter().chain(self.enforcement.services.others()).chain([&others]);
        let any = ruling(&others);
        let (level, source) = any.level();
        let enrolled = record.is_some_and(MailboxRecord::is_enrolled);
        let left = from(level).and_then(|from| from.checked_sub(now.seconds()));
        MailboxPolicyView {
            mailbox: mailbox.to_string(),
            level: level.as_str().into(),
            required_from: from(level),
            source: source.as_str().into(),
            since: record.and_then(|record| record.enforcement).map(|own| own.set.seconds()),
            required: level.is_required(now),
            days_left: left.filter(|left| *left > 0).map(|left| left.div_ceil(DAY_SECONDS)),
            enrolled,
            dry_run: any.is_dry_run(),
            services: all
                .map(|service| ServiceView {
                    service: service.to_string(),
                    opens: opens(&ruling(service), service, enrolled),
                })
                .collect(),
        }
    }
}

/// What gets in, by the words of the log; what only a dry run lets in is not among it.
fn opens(ruling: &Ruling, service: &Service, enrolled: bool) -> Vec<String> {
    let passes =
        |permit: Option<Permit>| permit.is_some_and(|permit| permit.would_refuse().is_none());
    let mut ways = Vec::new();
    if passes(ruling.password_alone().ok().map(|(_, permit)| permit)) {
        ways.push("password".into());
    }
    if enrolled && passes(ruling.full().ok()) {
        ways.push("password+code".into());
    }
    // An app password is for no service that is not known.
    if KNOWN.contains(service) && passes(ruling.app_password().ok()) {
        ways.push("app_password".into());
    }
    ways
}

fn from(level: Level) -> Option<u64> {
    level.from().map(UnixMillis::seconds)
}

fn texts(networks: &[Network]) -> Vec<String> {
    networks.iter().map(ToString::to_string).collect()
}
