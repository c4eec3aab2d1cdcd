//! What the rules say of one mailbox at one login.

use super::{Level, LevelSource, Unenrolled, services::Access};
use crate::decision::{names::MasterPolicy, refusal::Refusal};

/// How a mailbox stands with its second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// None, and none is required now.
    Free,
    /// None, and one is required.
    Missing,
    /// It has one.
    Enrolled,
}

/// Why a password without a factor is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alone {
    /// There is no second factor and none is required.
    NoFactorAsked,
    /// The login comes from a network that is exempt.
    NetworkExempt,
}

/// The rules let a login through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Permit {
    would_refuse: Option<Refusal>,
}

impl Permit {
    /// Why the login would be refused if this were not a dry run.
    pub fn would_refuse(self) -> Option<Refusal> {
        self.would_refuse
    }
}

/// What the rules say of one mailbox for one service, from one address, at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Ruling {
    pub(super) level: Level,
    pub(super) source: LevelSource,
    pub(super) protection: Protection,
    pub(super) access: Access,
    pub(super) unenrolled: Unenrolled,
    pub(super) dry_run: bool,
    pub(super) exempt: bool,
}

impl Ruling {
    /// The same for what no network exempts: a master user, the panel, the API.
    pub fn without_exemption(self) -> Self {
        Self { exempt: false, ..self }
    }

    /// The same for the page where people enrol. Rules of services are not for it, and a factor that is
    /// required and missing is what people come for. One that is there is asked for.
    pub fn at_panel(self) -> Self {
        let protection = match self.protection {
            Protection::Free | Protection::Missing => Protection::Free,
            Protection::Enrolled => Protection::Enrolled,
        };
        Self { protection, access: Access::ANY, exempt: false, ..self }
    }

    /// The same for a webmail that asks for a token: rules of services are for the doors where the token
    /// is used, and a factor that is required must be there.
    pub fn at_exchange(self) -> Self {
        Self { access: Access::ANY, exempt: false, ..self }
    }

    /// The level that holds, and whose it is.
    pub fn level(&self) -> (Level, LevelSource) {
        (self.level, self.source)
    }

    /// How the mailbox stands.
    pub fn protection(&self) -> Protection {
        self.protection
    }

    /// Whether the login comes from a network from which the password is enough.
    pub fn is_exempt(&self) -> bool {
        self.exempt
    }

    /// Whether refusals of the rules are only recorded.
    pub fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// May whoever knows the mailbox's own password, and showed no factor, come in? Also for
    /// mechanisms that cannot carry a code.
    pub fn password_alone(&self) -> Result<(Alone, Permit), Refusal> {
        match (self.protection, self.exempt) {
            // Not a matter of rules: no dry run softens it.
            (Protection::Enrolled, false) => Err(Refusal::MissingCode),
            (Protection::Enrolled | Protection::Missing, true) => {
                Ok((Alone::NetworkExempt, self.permit(self.closed())?))
            }
            (Protection::Missing, false) => {
                let refusal = self.closed().or(Some(Refusal::FactorRequired));
                Ok((Alone::NoFactorAsked, self.permit(refusal)?))
            }
            (Protection::Free, _) => Ok((Alone::NoFactorAsked, self.permit(self.closed())?)),
        }
    }

    /// May who showed password and code, or has a sign-in of such that lives? Also for who has shown a
    /// factor elsewhere.
    pub fn full(&self) -> Result<Permit, Refusal> {
        let refusal = match self.protection {
            Protection::Free => None,
            Protection::Missing | Protection::Enrolled => self.app_passwords_only(),
        };
        self.permit(self.closed().or(refusal))
    }

    /// May who has a right app password?
    pub fn app_password(&self) -> Result<Permit, Refusal> {
        let refusal = match self.protection {
            Protection::Missing | Protection::Enrolled if !self.access.app_passwords => {
                Some(Refusal::FullSignInOnly)
            }
            Protection::Missing => match self.unenrolled {
                Unenrolled::Panel => Some(Refusal::FactorRequired),
                Unenrolled::AppPasswords => None,
            },
            Protection::Free | Protection::Enrolled => None,
        };
        self.permit(self.closed().or(refusal))
    }

    /// May a master user open this mailbox? `factor` says whether one of the master user's was
    /// checked.
    pub fn as_target(&self, factor: bool, policy: MasterPolicy) -> Result<Permit, Refusal> {
        let unproved = !factor && policy == MasterPolicy::Refuse;
        let refusal = match self.protection {
            Protection::Free => None,
            // As for anybody: no dry run softens it.
            Protection::Enrolled if unproved => return Err(Refusal::MasterWithoutFactor),
            Protection::Missing if unproved => Some(Refusal::MasterWithoutFactor),
            Protection::Missing | Protection::Enrolled => self.app_passwords_only(),
        };
        self.permit(self.closed().or(refusal))
    }

    /// May a login open this mailbox that was judged as another one's? What was checked is not this
    /// mailbox's factor.
    pub fn as_another(&self) -> Result<Permit, Refusal> {
        let refusal = match self.protection {
            Protection::Free => None,
            Protection::Missing => Some(Refusal::OtherMailboxProtected),
            Protection::Enrolled => return Err(Refusal::OtherMailboxProtected),
        };
        self.permit(self.closed().or(refusal))
    }

    fn closed(&self) -> Option<Refusal> {
        (!self.access.open).then_some(Refusal::ServiceOff)
    }

    fn app_passwords_only(&self) -> Option<Refusal> {
        (!self.access.full).then_some(Refusal::AppPasswordsOnly)
    }

    /// A refusal of the rules alone; a dry run lets it pass and remembers it.
    fn permit(&self, refusal: Option<Refusal>) -> Result<Permit, Refusal> {
        match refusal {
            Some(refusal) if !self.dry_run => Err(refusal),
            would_refuse => Ok(Permit { would_refuse }),
        }
    }
}
