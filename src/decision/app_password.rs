//! App passwords: long random passwords for one program each, which need no code.
//!
//! Written `abcd-efghi-…`: four characters that name it and 25 secret ones, 125 bits. Dashes and
//! white space are for the eye; they and the case of letters do not matter when it is typed.
//!
//! # Security
//!
//! A string of this shape that names none of the mailbox's app passwords is judged like any other
//! credential: a person's own password may look like that.

use super::{
    alphabet,
    digest::{CredentialKey, Digest, Kind},
    place::{Network, Use},
};
use crate::base::{Mailbox, Secret, SecretText, Service, UnixMillis};

/// Characters that name an app password.
pub const ID_CHARACTERS: usize = 4;
/// Secret characters.
pub const SECRET_CHARACTERS: usize = 25;
/// Characters between two dashes of the secret part.
const GROUP: usize = 5;

const _: () = assert!(SECRET_CHARACTERS * alphabet::BITS >= 120);

/// What the store keeps of an app password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppPassword {
    /// Its first four characters; unique within the mailbox.
    pub id: AppPasswordId,
    /// The keyed hash of the secret part.
    pub digest: Digest,
    /// What its owner calls it.
    pub name: String,
    /// The services it opens; empty means IMAP, POP3, ManageSieve and submission.
    pub services: Vec<Service>,
    /// The networks it may be used from; empty means any.
    pub networks: Vec<Network>,
    /// When it was made.
    pub created: UnixMillis,
    /// From this moment on it opens nothing.
    pub expires: Option<UnixMillis>,
    /// Where it was used last.
    pub last_use: Option<Use>,
}

/// Why an app password does not open a door. Audit only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppPasswordMismatch {
    /// The secret part is another one.
    Wrong,
    /// Its time is over.
    Expired,
    /// It is not for this service, or not from this network.
    OutOfScope,
}

impl AppPassword {
    /// Whether what was typed opens this door. The secret part is compared first, so that the
    /// scope of an app password is told to nobody who does not have it.
    pub fn check(
        &self,
        typed: &TypedAppPassword,
        mailbox: &Mailbox,
        key: &CredentialKey,
        at: &Use,
    ) -> Result<(), AppPasswordMismatch> {
        if typed.digest(mailbox, key) != self.digest {
            return Err(AppPasswordMismatch::Wrong);
        }
        if self.expires.is_some_and(|end| at.at >= end) {
            return Err(AppPasswordMismatch::Expired);
        }
        let service = match &at.service {
            // A name that nobody has heard of is for whom it was named only.
            Service::Other(_) => self.services.contains(&at.service),
            // The owner's settings are not for programs, nor is what stands for the owner elsewhere.
            Service::Panel | Service::Webmail => false,
            Service::Imap | Service::Pop3 | Service::Sieve | Service::Smtp => {
                self.services.is_empty() || self.services.contains(&at.service)
            }
        };
        let network = self.networks.is_empty()
            || at.from.ip().is_some_and(|ip| self.networks.iter().any(|n| n.contains(ip)));
        if service && network { Ok(()) } else { Err(AppPasswordMismatch::OutOfScope) }
    }
}

/// The four characters that name an app password.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppPasswordId([u8; ID_CHARACTERS]);

impl AppPasswordId {
    /// Reads an id in any case of letters.
    pub fn parse(text: &str) -> Option<Self> {
        let characters: Vec<u8> = text.bytes().map(alphabet::normalise).collect::<Option<_>>()?;
        characters.try_into().ok().map(Self)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl std::fmt::Debug for AppPasswordId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A credential that has the shape of an app password.
#[derive(Clone, Debug)]
pub struct TypedAppPassword {
    /// Which one it says it is.
    pub id: AppPasswordId,
    secret: Secret,
}

impl TypedAppPassword {
    /// Reads a credential; `None` if it does not have the shape.
    pub fn parse(credential: &Secret) -> Option<Self> {
        let mut characters = Vec::with_capacity(credential.len());
        for byte in credential.expose() {
            match byte {
                b'-' | b' ' => {}
                byte => characters.push(alphabet::normalise(*byte)?),
            }
        }
        let characters = Secret::from_vec(characters);
        let (id, secret) = characters.expose().split_at_checked(ID_CHARACTERS)?;
        (secret.len() == SECRET_CHARACTERS).then_some(())?;
        let id = AppPasswordId(id.try_into().ok()?);
        Some(Self { id, secret: Secret::from_slice(secret) })
    }

    /// Makes one of random bytes, one for each character.
    pub fn generate(random: &[u8; ID_CHARACTERS + SECRET_CHARACTERS]) -> Self {
        let (id, secret) = random.split_at(ID_CHARACTERS);
        let mut name = [0; ID_CHARACTERS];
        for (slot, byte) in name.iter_mut().zip(id) {
            *slot = alphabet::character(*byte);
        }
        let secret = secret.iter().map(|byte| alphabet::character(*byte)).collect();
        Self { id: AppPasswordId(name), secret: Secret::from_vec(secret) }
    }

    /// What the store keeps of it.
    pub fn digest(&self, mailbox: &Mailbox, key: &CredentialKey) -> Digest {
        key.digest(Kind::AppPassword, mailbox, &[&self.id.0, self.secret.expose()])
    }

    /// As it is shown to its owner, once: groups with dashes between.
    pub fn shown(&self) -> SecretText {
        let mut text = self.id.as_str().to_owned();
        for (position, byte) in self.secret.expose().iter().enumerate() {
            if position % GROUP == 0 {
                text.push('-');
            }
            text.push(char::from(*byte));
        }
        SecretText::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::NetAddress,
        decision::testing::{alice, key},
    };

    fn random() -> [u8; ID_CHARACTERS + SECRET_CHARACTERS] {
        std::array::from_fn(|i| u8::try_from(i * 7).unwrap())
    }

    fn at(seconds: u64, service: Service, from: &str) -> Use {
        Use { at: UnixMillis::from_seconds(seconds), from: NetAddress::parse(from), service }
    }

    #[test]
    fn what_is_shown_can_be_typed_in_many_ways() {
        let made = TypedAppPassword::generate(&random());
        let shown = made.shown();
        let text = shown.expose();
        for typed in [
            text.to_owned(),
            text.to_uppercase(),
            text.replace('-', ""),
            text.replace('-', " "),
            format!(" {text} "),
        ] {
            let read = TypedAppPassword::parse(&Secret::from_slice(typed.as_bytes())).unwrap();
            assert_eq!(read.id, made.id);
            assert_eq!(read.digest(&alice(), &key()), made.digest(&alice(), &key()));
        }
        assert_eq!(text.len(), 4 + 5 * 6);
    }

    #[test]
    fn other_shapes_are_no_app_passwords() {
        for typed in
            ["", "T9D3K!px189145", "abcd", &"a".repeat(28), &"a".repeat(30), &"0".repeat(29)]
        {
            assert!(TypedAppPassword::parse(&Secret::from_slice(typed.as_bytes())).is_none());
        }
    }

    #[test]
    fn without_a_scope_it_opens_what_has_a_name_and_nothing_unheard_of() {
        let typed = TypedAppPassword::generate(&random());
        let app = AppPassword {
            id: typed.id,
            digest: typed.digest(&alice(), &key()),
            name: "any".into(),
            services: Vec::new(),
            networks: Vec::new(),
            created: UnixMillis::from_seconds(0),
            expires: None,
            last_use: None,
        };
        let opens = |service| app.check(&typed, &alice(), &key(), &at(1, service, "192.0.2.9"));
        for service in [Service::Imap, Service::Pop3, Service::Sieve, Service::Smtp] {
            assert_eq!(opens(service), Ok(()));
        }
        for name in ["", "panel", "doveadm"] {
            assert_eq!(opens(Service::parse(name)), Err(AppPasswordMismatch::OutOfScope));
        }
    }

    #[test]
    fn scope_and_end_are_kept() {
        let typed = TypedAppPassword::generate(&random());
        let limited = AppPassword {
            id: typed.id,
            digest: typed.digest(&alice(), &key()),
            name: "phone".into(),
            services: vec![Service::Imap],
            networks: vec![Network::parse("192.0.2.0/24").unwrap()],
            created: UnixMillis::from_seconds(0),
            expires: Some(UnixMillis::from_seconds(100)),
            last_use: None,
        };
        let table = [
            (at(99, Service::Imap, "192.0.2.9"), Ok(())),
            (at(100, Service::Imap, "192.0.2.9"), Err(AppPasswordMismatch::Expired)),
            (at(1, Service::Smtp, "192.0.2.9"), Err(AppPasswordMismatch::OutOfScope)),
            (at(1, Service::Imap, "192.0.3.9"), Err(AppPasswordMismatch::OutOfScope)),
            (at(1, Service::Imap, "unknown"), Err(AppPasswordMismatch::OutOfScope)),
        ];
        for (at, expected) in table {
            assert_eq!(limited.check(&typed, &alice(), &key(), &at), expected, "{at:?}");
        }
        let bob = Mailbox::new("bob@example.org").unwrap();
        let here = at(1, Service::Imap, "192.0.2.9");
        assert_eq!(
            limited.check(&typed, &bob, &key(), &here),
            Err(AppPasswordMismatch::Wrong),
            "an app password is its mailbox's only"
        );
    }
}
