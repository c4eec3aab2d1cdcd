//! Levels and rules of enforcement as they travel in requests and answers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AdminError, error::moment};
use crate::decision::enforcement::Level;

/// A level of enforcement for a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "level", content = "required_from", deny_unknown_fields)]
pub enum NewLevel {
    /// Nobody can switch a second factor on.
    Off,
    /// As people like.
    Optional,
    /// It must have one.
    Required,
    /// It must have one from this moment on, seconds since 1970.
    RequiredFrom(u64),
    /// None of its own: its domain's or the server's holds.
    Inherit,
}

impl NewLevel {
    /// As the record keeps it.
    pub(super) fn level(self) -> Result<Option<Level>, AdminError> {
        Ok(match self {
            Self::Off => Some(Level::Off),
            Self::Optional => Some(Level::Optional),
            Self::Required => Some(Level::Required),
            Self::RequiredFrom(at) => Some(Level::RequiredFrom(moment("required_from", at)?)),
            Self::Inherit => None,
        })
    }
}

/// What is configured of enforcement. Moments are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyView {
    /// The server's level: `off`, `optional`, `required`, `required_from`.
    pub level: String,
    /// From when it is required.
    pub required_from: Option<u64>,
    /// What may be done without the factor that is required.
    pub unenrolled: String,
    /// Whether what is refused is only recorded.
    pub dry_run: bool,
    /// Domains that have a level of their own, in the order of their names.
    pub domains: Vec<DomainView>,
    /// The rules of services.
    pub services: Vec<ServiceRuleView>,
    /// Networks from which the password is enough.
    pub exempt_networks: Vec<String>,
    /// Networks of webmail.
    pub webmail_networks: Vec<String>,
}

/// What is configured for a domain. It is never longer than it is in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DomainView {
    /// Its name.
    pub name: String,
    /// Its level.
    pub level: String,
    /// From when it is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required_from: Option<u64>,
    /// Whether what is refused is only recorded; the server's if it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
}

/// The rule of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServiceRuleView {
    /// Its name.
    pub service: String,
    /// `any`, `app_passwords`, `full`, `off`.
    pub rule: String,
}

/// What holds for a mailbox. Moments are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MailboxPolicyView {
    /// Canonical name.
    pub mailbox: String,
    /// The level that holds.
    pub level: String,
    /// From when it is required.
    pub required_from: Option<u64>,
    /// Whose level it is: `mailbox`, `domain`, `server`.
    pub source: String,
    /// Since when the mailbox has a level of its own.
    pub since: Option<u64>,
    /// Whether a second factor is required now.
    pub required: bool,
    /// Days until it is required, the last one included.
    pub days_left: Option<u64>,
    /// Whether it has a second factor.
    pub enrolled: bool,
    /// Whether what is refused is only recorded.
    pub dry_run: bool,
    /// What opens it, service by service.
    pub services: Vec<ServiceView>,
}

/// What opens a mailbox at a service, from no exempt network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServiceView {
    /// The service; `*` is every other one.
    pub service: String,
    /// `password`, `password+code`, `app_password`.
    pub opens: Vec<String>,
}
