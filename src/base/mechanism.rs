//! The SASL mechanisms that somebody else decides: an identity provider, a Kerberos realm.
//!
//! No password of the mailbox and no code is in their messages, so mail2fa can only hand them on
//! and judge the name that comes back.
//!
//! # Security
//!
//! The list is closed. A mechanism that proves knowledge of the mailbox's password without showing it
//! (CRAM-MD5, DIGEST-MD5, SCRAM-*, APOP, NTLM) could never be asked for a code, and one that takes the
//! peer's word (EXTERNAL, ANONYMOUS, DOVECOT-TOKEN) proves nothing: there is no value for them here,
//! so neither a configuration nor a mistake elsewhere can let them through.

use std::fmt;

/// A mechanism that passes to the upstream when the administrator lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RelayedMechanism {
    /// RFC 7628: a bearer token of OAuth 2.0.
    OAuthBearer,
    /// The same in Google's and Microsoft's older form.
    XOAuth2,
    /// RFC 4752: Kerberos 5.
    GssApi,
    /// Kerberos 5 behind SPNEGO, as Microsoft's clients do it.
    GssSpnego,
}

impl RelayedMechanism {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::OAuthBearer, Self::XOAuth2, Self::GssApi, Self::GssSpnego];

    /// By its name, in any case of letters, as Dovecot does.
    pub fn parse(name: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|mechanism| name.eq_ignore_ascii_case(mechanism.name().as_bytes()))
    }

    /// The registered name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OAuthBearer => "OAUTHBEARER",
            Self::XOAuth2 => "XOAUTH2",
            Self::GssApi => "GSSAPI",
            Self::GssSpnego => "GSS-SPNEGO",
        }
    }
}

impl fmt::Display for RelayedMechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_name_in_any_case_and_nothing_else() {
        for mechanism in RelayedMechanism::ALL {
            let name = mechanism.name();
            assert_eq!(RelayedMechanism::parse(name.as_bytes()), Some(mechanism));
            assert_eq!(RelayedMechanism::parse(name.to_lowercase().as_bytes()), Some(mechanism));
        }
        for name in [
            "",
            "PLAIN",
            "LOGIN",
            "CRAM-MD5",
            "DIGEST-MD5",
            "SCRAM-SHA-1",
            "SCRAM-SHA-256-PLUS",
            "APOP",
            "NTLM",
            "OTP",
            "EXTERNAL",
            "ANONYMOUS",
            "DOVECOT-TOKEN",
            "GSSAPI ",
            "XOAUTH",
            "OAUTHBEARER\0",
            "GSS-SPNEGO-PLUS",
        ] {
            assert_eq!(RelayedMechanism::parse(name.as_bytes()), None, "{name}");
        }
    }
}
