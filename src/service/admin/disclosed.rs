//! Secrets that are meant to leave: the one place where a secret becomes plain text.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

use crate::base::SecretText;

/// A secret on its way between the command line and the daemon, or to a person's screen: a new
/// password, a code, a TOTP secret. Unlike [`SecretText`] it can be serialised; like it, it
/// cannot be logged.
#[derive(Clone, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, format = "password", description = "A secret in clear text")]
pub struct Disclosed(SecretText);

impl Disclosed {
    /// Marks a secret as one that may leave.
    pub fn new(secret: SecretText) -> Self {
        Self(secret)
    }

    /// The text.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Back to a secret that stays.
    pub fn into_secret(self) -> SecretText {
        self.0
    }
}

impl fmt::Debug for Disclosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Disclosed(…)")
    }
}

impl Serialize for Disclosed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl<'de> Deserialize<'de> for Disclosed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(SecretText::new(text)))
    }
}
