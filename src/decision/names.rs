//! From a name as typed to the one canonical name of a mailbox.
//!
//! Every look-up, counter, burn and log line uses the canonical name; a second spelling of a name
//! must not be a second identity (CVE-2026-47203). The rules repeat what the upstream does with a
//! name (`auth_username_format`, `auth_default_realm`, `auth_username_translation`,
//! `auth_master_user_separator` of Dovecot) and must be configured to match it.
//!
//! # Security
//!
//! Names come from anybody. A name that cannot be canonicalised is refused, never passed on.

use crate::base::{Mailbox, MailboxError};

/// How the upstream turns a typed name into a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameRules {
    /// Fold to lower case (`%Lu`, the Dovecot default since 2.0).
    pub lowercase: bool,
    /// Appended as `@realm` to a name without `@` (`auth_default_realm`).
    pub default_realm: Option<String>,
    /// Characters replaced before anything else, from and to (`auth_username_translation`).
    pub translate: Vec<(char, char)>,
    /// Separates mailbox and master user in `alice*admin` (`auth_master_user_separator`).
    pub master_separator: Option<char>,
    /// What a master user without a second factor may open.
    pub master_without_factor: MasterPolicy,
}

/// Whether a master user without a second factor may open a mailbox that has one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MasterPolicy {
    /// Refused: the master password alone must not open what the owner has protected.
    #[default]
    Refuse,
    /// Allowed: the master user's own factor is judged, and there is none.
    Allow,
}

impl Default for NameRules {
    fn default() -> Self {
        Self {
            lowercase: true,
            default_realm: None,
            translate: Vec::new(),
            master_separator: None,
            master_without_factor: MasterPolicy::default(),
        }
    }
}

/// Who logs in, and into which mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The usual case: a mailbox with its own password.
    Own(Mailbox),
    /// A master user opens somebody else's mailbox.
    Master {
        /// The authenticating user, whose password and factor are judged (SASL authcid).
        user: Mailbox,
        /// The mailbox that is opened (SASL authzid).
        target: Mailbox,
    },
}

impl Identity {
    /// Whose password and factor are judged.
    pub fn authenticating(&self) -> &Mailbox {
        match self {
            Self::Own(mailbox) | Self::Master { user: mailbox, target: _ } => mailbox,
        }
    }

    /// Which mailbox is opened.
    pub fn opened(&self) -> &Mailbox {
        match self {
            Self::Own(mailbox) | Self::Master { target: mailbox, user: _ } => mailbox,
        }
    }
}

impl NameRules {
    /// The canonical form of one name.
    pub fn canonical(&self, name: &[u8]) -> Result<Mailbox, MailboxError> {
        let typed = Mailbox::from_bytes(name)?;
        let mut text: String = typed.as_str().chars().map(|c| self.translated(c)).collect();
        if self.lowercase {
            text = text.to_lowercase();
        }
        if let Some(realm) = self.default_realm.as_deref().filter(|_| !text.contains('@')) {
            text.push('@');
            text.push_str(realm);
        }
        Mailbox::new(&text)
    }

    /// Whether a login can lead to a mailbox of that name: whether it is canonical under these
    /// rules. A second factor under another name would never be asked for.
    pub fn reaches(&self, mailbox: &Mailbox) -> bool {
        let produced = |c| self.translate.iter().any(|(_, to)| *to == c);
        let letters = mailbox.as_str().chars().all(|c| self.translated(c) == c || produced(c));
        let rest = Self { translate: Vec::new(), ..self.clone() };
        letters && rest.canonical(mailbox.as_str().as_bytes()).as_ref() == Ok(mailbox)
    }

    /// Who logs in, from the SASL names (RFC 4616). An authzid equal to the authcid is no
    /// authzid, as in Dovecot.
    #[expect(clippy::similar_names, reason = "authzid and authcid are RFC 4422's words")]
    pub fn identify(&self, authzid: &[u8], authcid: &[u8]) -> Result<Identity, MailboxError> {
        let (target, user) = match self.split_master(authcid) {
            // With a separator in the name an authzid is ignored by Dovecot as well.
            Some((target, user)) => (Some(self.canonical(target)?), self.canonical(user)?),
            None if authzid.is_empty() => (None, self.canonical(authcid)?),
            None => (Some(self.canonical(authzid)?), self.canonical(authcid)?),
        };
        Ok(match target {
            Some(target) if target != user => Identity::Master { user, target },
            Some(_) | None => Identity::Own(user),
        })
    }

    fn split_master<'a>(&self, authcid: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        let separator = self.master_separator?;
        let text = std::str::from_utf8(authcid).ok()?;
        let (target, user) = text.split_once(separator)?;
        // "alice*" and "*admin" are plain names to Dovecot as well.
        (!target.is_empty() && !user.is_empty()).then_some((target.as_bytes(), user.as_bytes()))
    }

    fn translated(&self, c: char) -> char {
        self.translate.iter().find(|(from, _)| *from == c).map_or(c, |(_, to)| *to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> NameRules {
        NameRules {
            default_realm: Some("example.org".into()),
            translate: vec![('%', '@')],
            master_separator: Some('*'),
            ..NameRules::default()
        }
    }

    fn mailbox(name: &str) -> Mailbox {
        Mailbox::new(name).unwrap()
    }

    #[test]
    fn one_form_for_every_spelling() {
        for spelling in ["Alice", "alice@example.org", "ALICE%Example.ORG", "alice@EXAMPLE.org"] {
            let canonical = rules().canonical(spelling.as_bytes()).unwrap();
            assert_eq!(canonical, mailbox("alice@example.org"), "{spelling}");
        }
    }

    #[test]
    fn canonical_is_idempotent() {
        for spelling in ["Alice", "BOB@b.example", "ÄRGER%x"] {
            let once = rules().canonical(spelling.as_bytes()).unwrap();
            assert_eq!(rules().canonical(once.as_str().as_bytes()).unwrap(), once);
        }
    }

    #[test]
    fn names_that_no_login_leads_to() {
        for (name, reached) in [
            ("alice@example.org", true),
            ("alice", false),
            ("Alice@example.org", false),
            ("alice%example.org@example.org", false),
        ] {
            assert_eq!(rules().reaches(&mailbox(name)), reached, "{name}");
        }
        let chain = NameRules { translate: vec![('a', 'b'), ('b', 'c')], ..NameRules::default() };
        let typed = chain.canonical(b"a").unwrap();
        assert!(chain.reaches(&typed), "{typed}");
        assert!(!chain.reaches(&mailbox("a")));
        let as_typed = NameRules { lowercase: false, ..NameRules::default() };
        assert!(as_typed.reaches(&mailbox("Alice")));
    }

    #[test]
    fn who_authenticates() {
        let own = Identity::Own(mailbox("alice@example.org"));
        let master = Identity::Master {
            user: mailbox("admin@example.org"),
            target: mailbox("alice@example.org"),
        };
        let table: [(&str, &str, &Identity); 5] = [
            ("", "alice", &own),
            ("alice", "alice", &own),
            ("Alice@example.org", "alice", &own),
            ("alice", "admin", &master),
            ("", "alice*admin", &master),
        ];
        for (authzid, authcid, identity) in table {
            let got = rules().identify(authzid.as_bytes(), authcid.as_bytes()).unwrap();
            assert_eq!(&got, identity, "{authzid:?} {authcid:?}");
        }
    }

    #[test]
    fn without_a_separator_a_star_is_a_letter() {
        let plain = NameRules::default();
        let identity = plain.identify(b"", b"alice*admin").unwrap();
        assert_eq!(identity, Identity::Own(mailbox("alice*admin")));
    }

    #[test]
    fn hopeless_names_are_refused() {
        for name in [&b""[..], b"a\tb", b"a b", b"\xc3\x28", &[b'a'; 321]] {
            assert!(rules().identify(b"", name).is_err(), "{name:?}");
        }
        assert!(rules().identify(b"a\nb", b"admin").is_err());
    }
}
