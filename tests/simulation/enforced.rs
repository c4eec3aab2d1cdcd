//! What the administrator enforces, in words of the simulation's own: levels, rules of services, exempt
//! networks, mechanisms that pass. Reckoned from the table in docs, not from the code under test.

use std::collections::HashMap;

use mail2fa::{
    base::{RelayedMechanism, Service, UnixMillis},
    decision::{
        enforcement::{
            DomainRule, EnforcementPolicy, Level as TheirLevel, ServiceRule, ServiceRules,
            Unenrolled,
        },
        mechanisms::Mechanisms,
        place::Network,
    },
};

use super::{books::Standing, dice::Dice, places::service, world::Login};

/// Whether mailboxes must have a second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Off,
    Optional,
    Required,
    /// From this second on.
    From(u64),
}

impl Level {
    /// Some level; dates are near `now` (milliseconds), so that they pass.
    pub fn roll(dice: &mut Dice, now: u64) -> Self {
        match dice.below(5) {
            0 => Self::Off,
            1 => Self::Optional,
            2 => Self::Required,
            _ => Self::From((now / 1_000 + dice.below(3_600)).saturating_sub(600)),
        }
    }

    pub fn theirs(self) -> TheirLevel {
        match self {
            Self::Off => TheirLevel::Off,
            Self::Optional => TheirLevel::Optional,
            Self::Required => TheirLevel::Required,
            Self::From(second) => TheirLevel::RequiredFrom(UnixMillis::from_seconds(second)),
        }
    }

    fn is_required(self, at: u64) -> bool {
        match self {
            Self::Off | Self::Optional => false,
            Self::Required => true,
            Self::From(second) => at >= second * 1_000,
        }
    }
}

/// How a mailbox stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protection {
    Free,
    Missing,
    Enrolled,
}

/// On what somebody wants to come in, or whose name is looked at beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The password and nothing else.
    Password,
    /// The same, from an exempt network.
    Exempt,
    /// Password and code, or a sign-in of such.
    Full,
    App,
    /// A mechanism of the mail server's; `elsewhere`: whose provider asks for a factor.
    Mechanism {
        elsewhere: bool,
    },
    /// As the target of a master user who has shown a factor, or need not.
    Target {
        proved: bool,
    },
    /// A webmail's token, that was minted on a code or on the password alone.
    Token {
        full: bool,
    },
    /// As a name that the mail server returned.
    Another,
}

/// All of it. By default nothing is enforced and no mechanism passes.
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
#[derive(Clone, Debug)]
pub struct Enforced {
    server: Level,
    /// Of the domain that all mailboxes are in, and whether it is a dry run there.
    domain: Option<(Level, Option<bool>)>,
    dry_run: bool,
    unenrolled_apps: bool,
    /// As numbers of `places::service`; what is not here and known may do anything.
    services: Vec<(usize, ServiceRule)>,
    exempt: Option<Net>,
    webmail: Option<Net>,
    pub passes: bool,
    pub elsewhere: bool,
}

/// A network, and what the addresses in it begin with.
pub type Net = (&'static str, &'static str);

pub const NETS: [Net; 5] = [
    ("192.0.2.0/24", "192.0.2."),
    ("198.51.100.0/24", "198.51.100."),
    ("198.51.100.9/32", "198.51.100.9"),
    ("203.0.113.4/32", "203.0.113.4"),
    ("2001:db8:9::/48", "2001:db8:9:"),
];

impl Default for Enforced {
    fn default() -> Self {
        Self {
            server: Level::Optional,
            domain: None,
            dry_run: false,
            unenrolled_apps: false,
            services: Vec::new(),
            exempt: None,
            webmail: None,
            passes: false,
            elsewhere: false,
        }
    }
}

impl Enforced {
    pub fn roll(dice: &mut Dice, now: u64) -> Self {
        let level = |dice: &mut Dice| match dice.below(3) {
            0 => Level::roll(dice, now),
            _ => Level::Optional,
        };
        let rules = [ServiceRule::AppPasswords, ServiceRule::Full, ServiceRule::Off];
        let mut services = Vec::new();
        for number in 0..5 {
            if dice.one_in(8) {
                let rule = if dice.one_in(8) { ServiceRule::Any } else { rules[dice.index(3)] };
                services.push((number, rule));
            }
        }
        let net = |dice: &mut Dice| dice.pick(&NETS).copied();
        let passes = dice.one_in(2);
        Self {
            server: level(dice),
            domain: dice
                .one_in(3)
                .then(|| (level(dice), [None, Some(true), Some(false)][dice.index(3)])),
            dry_run: dice.one_in(6),
            unenrolled_apps: dice.one_in(2),
            services,
            exempt: if dice.one_in(2) { net(dice) } else { None },
            webmail: if dice.one_in(4) { net(dice) } else { None },
            passes,
            elsewhere: passes && dice.one_in(3),
        }
    }

    pub fn policy(&self) -> EnforcementPolicy {
        let network = |net: &Option<Net>| {
            net.iter().map(|(text, _)| Network::parse(text).unwrap()).collect::<Vec<_>>()
        };
        let rule = |(level, dry_run): (Level, Option<bool>)| {
            ("example.org".to_owned(), DomainRule { level: level.theirs(), dry_run })
        };
        let services = self.services.iter().map(|(number, rule)| (service(*number), *rule));
        EnforcementPolicy {
            level: self.server.theirs(),
            unenrolled: if self.unenrolled_apps {
                Unenrolled::AppPasswords
            } else {
                Unenrolled::Panel
            },
            dry_run: self.dry_run,
            domains: self.domain.map(rule).into_iter().collect::<HashMap<_, _>>(),
            services: ServiceRules::new(services.collect()),
            exempt_networks: network(&self.exempt),
            webmail_networks: network(&self.webmail),
        }
    }

    pub fn mechanisms(&self) -> Mechanisms {
        let listed = |yes: bool| if yes { vec![RelayedMechanism::OAuthBearer] } else { Vec::new() };
        Mechanisms::new(listed(self.passes), listed(self.elsewhere)).unwrap()
    }

    fn is_dry_run(&self) -> bool {
        self.domain.and_then(|(_, dry_run)| dry_run).unwrap_or(self.dry_run)
    }

    fn level(&self, standing: &Standing) -> Level {
        standing.level.unwrap_or(self.domain.map_or(self.server, |(level, _)| level))
    }

    /// Whether what holds for a mailbox holds from a date on.
    pub fn is_dated(&self, standing: &Standing) -> bool {
        matches!(self.level(standing), Level::From(_))
    }

    fn protection(&self, standing: &Standing, at: u64) -> Protection {
        if standing.secret.is_some() {
            Protection::Enrolled
        } else if self.level(standing).is_required(at) {
            Protection::Missing
        } else {
            Protection::Free
        }
    }

    /// The rules that a service must pass: its own, or, if nobody knows it, all.
    fn rules(&self, number: usize) -> Vec<ServiceRule> {
        let own = self.services.iter().find(|(named, _)| *named == number);
        match (own, service(number)) {
            (Some((_, rule)), _) => vec![*rule],
            (None, Service::Other(_)) => self.services.iter().map(|(_, rule)| *rule).collect(),
            (None, _) => Vec::new(),
        }
    }

    /// Whether a password is enough from there, of a mailbox that is opened under its own name.
    pub fn is_exempt(&self, login: &Login) -> bool {
        let within = |net: &Option<Net>| {
            net.is_some_and(|(_, start)| login.place.address.starts_with(start))
        };
        !login.relayed
            && login.apart.is_none()
            && login.user == login.opened
            && within(&self.exempt)
            && !within(&self.webmail)
            && login.via == login.place
    }

    /// Whether a mailbox that stands like this opens for a login.
    pub fn opens(&self, standing: &Standing, login: &Login, by: By) -> bool {
        let protection = self.protection(standing, login.arrival);
        let (protected, dry) = (protection != Protection::Free, self.is_dry_run());
        // What no dry run softens: a factor that is there is asked for.
        let asked = match by {
            By::Password
            | By::Another
            | By::Mechanism { elsewhere: false }
            | By::Token { full: false } => true,
            By::Target { proved } => !proved,
            By::Exempt
            | By::Full
            | By::App
            | By::Mechanism { elsewhere: true }
            | By::Token { full: true } => false,
        };
        if asked && protection == Protection::Enrolled {
            return false;
        }
        let rules = self.rules(login.service);
        let has = |rule| rules.contains(&rule);
        let lacking = match by {
            By::Password
            | By::Another
            | By::Mechanism { elsewhere: false }
            | By::Token { full: false } => protected,
            By::Exempt => false,
            By::Full | By::Mechanism { elsewhere: true } | By::Token { full: true } => {
                protected && has(ServiceRule::AppPasswords)
            }
            By::Target { proved } => protected && (!proved || has(ServiceRule::AppPasswords)),
            By::App => {
                let missing = protection == Protection::Missing && !self.unenrolled_apps;
                protected && has(ServiceRule::Full) || missing
            }
        };
        dry || !lacking && !has(ServiceRule::Off)
    }
}
