//! What a service may be opened with.
//!
//! # Security
//!
//! The name of a service is what the peer says. One that is neither known nor configured must pass
//! every rule there is, so that a new name is never a way around a rule.

use crate::base::Service;

/// What the administrator says of a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServiceRule {
    /// Whatever opens the mailbox.
    #[default]
    Any,
    /// Protected mailboxes: by app password only.
    AppPasswords,
    /// Protected mailboxes: by password and code only, or a sign-in of such that lives.
    Full,
    /// Nobody gets in.
    Off,
}

impl ServiceRule {
    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::AppPasswords => "app_passwords",
            Self::Full => "full",
            Self::Off => "off",
        }
    }
}

/// What passes: by one rule, or by several at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Access {
    /// Anything at all.
    pub(super) open: bool,
    /// App passwords of protected mailboxes.
    pub(super) app_passwords: bool,
    /// Password and code.
    pub(super) full: bool,
}

impl Access {
    pub(super) const ANY: Self = Self { open: true, app_passwords: true, full: true };

    fn and(self, other: Self) -> Self {
        Self {
            open: self.open && other.open,
            app_passwords: self.app_passwords && other.app_passwords,
            full: self.full && other.full,
        }
    }
}

impl From<ServiceRule> for Access {
    fn from(rule: ServiceRule) -> Self {
        match rule {
            ServiceRule::Any => Self::ANY,
            ServiceRule::AppPasswords => Self { full: false, ..Self::ANY },
            ServiceRule::Full => Self { app_passwords: false, ..Self::ANY },
            ServiceRule::Off => Self { open: false, app_passwords: false, full: false },
        }
    }
}

/// The rules of all services.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceRules {
    /// Those that say something; what is not here and known has the rule `any`.
    rules: Vec<(Service, ServiceRule)>,
}

impl ServiceRules {
    /// The rules, of which each service has one.
    pub fn new(rules: Vec<(Service, ServiceRule)>) -> Self {
        // A known service that may do anything is as good as one that is not named.
        let said = |(service, rule): &(Service, ServiceRule)| {
            *rule != ServiceRule::Any || matches!(service, Service::Other(_))
        };
        Self { rules: rules.into_iter().filter(said).collect() }
    }

    /// The rule of a service; `None` for one that is neither known nor named: every rule is its.
    pub fn rule(&self, service: &Service) -> Option<ServiceRule> {
        if let Some((_, rule)) = self.rules.iter().find(|(named, _)| named == service) {
            return Some(*rule);
        }
        match service {
            Service::Imap | Service::Pop3 | Service::Sieve | Service::Smtp => {
                Some(ServiceRule::Any)
            }
            // No peer can name it, and rules of mail services are not for it.
            Service::Panel | Service::Webmail => Some(ServiceRule::Any),
            Service::Other(_) => None,
        }
    }

    /// Services that are named and that mail2fa does not know by itself.
    pub fn others(&self) -> impl Iterator<Item = &Service> {
        self.rules.iter().map(|(service, _)| service).filter(|s| matches!(s, Service::Other(_)))
    }

    pub(super) fn access(&self, service: &Service) -> Access {
        match self.rule(service) {
            Some(rule) => rule.into(),
            None => self
                .rules
                .iter()
                .fold(Access::ANY, |access, (_, rule)| access.and(Access::from(*rule))),
        }
    }
}
