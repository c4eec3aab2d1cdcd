//! From a name as typed to the one canonical name of a mailbox.
//!
//! Every look-up, counter, burn and log line uses the canonical name; a second spelling of a name
//! must not be a second identity (CVE-2026-47203). A name comes to it in two strides:
//!
//! 1. It is *tidied* (`tidied.rs`): Unicode, internationalized domain, the dot behind it. Dovecot
//!    does nothing of the kind, so it is asked for the tidied name.
//! 2. What Dovecot makes of that is *repeated*, in Dovecot's order (`auth_request_fix_username` and
//!    `auth_request_set_username` in its `src/auth/auth-request-fields.c`, the same in 2.3 and 2.4):
//!    master user, default realm, translation, format. Last come tags, which only a format or a
//!    database of the administrator cuts off.
//!
//! The rules must be configured to match Dovecot's: docs/names.md.
//!
//! # Security
//!
//! Names come from anybody. A name that cannot be canonicalised is refused, never passed on. A
//! canonical name is its own canonical name, whatever the rules: one that would become yet another
//! name is refused. So a name has a login that leads to it exactly if it is canonical.

mod format;
mod plausible;
#[cfg(test)]
mod tests;
mod tidied;

pub use format::{Format, FormatError};
pub use plausible::Plausible;
pub use tidied::{Idna, Unicode};

use crate::base::{Mailbox, MailboxError};

/// How a typed name becomes a mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameRules {
    /// What is made of a name at the end (`auth_username_format`).
    pub format: Format,
    /// Appended as `@realm` to a name without `@` (`auth_default_realm`).
    pub default_realm: Option<String>,
    /// Characters replaced after that, from and to (`auth_username_translation`).
    pub translate: Vec<(char, char)>,
    /// The local part ends at the first of these that is not its first character. Dovecot has no such
    /// setting; a format with a regexp or a query may do it.
    pub tag_separators: Vec<char>,
    /// Separates mailbox and master user in `alice*admin` (`auth_master_user_separator`, of which
    /// Dovecot looks at the first character only).
    pub master_separator: Option<char>,
    /// What a master user without a second factor may open.
    pub master_without_factor: MasterPolicy,
    /// Names with other letters than ASCII ones.
    pub unicode: Unicode,
    /// The form of an internationalized domain.
    pub idna: Idna,
    /// Whether names that are nobody's are written down as typed.
    pub log_unknown: bool,
}

/// Why a name is none. The name itself is left out: it may be a mistyped password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It is malformed.
    #[error(transparent)]
    Malformed(#[from] MailboxError),
    /// It has other letters than ASCII ones, and they are not allowed.
    #[error("the mailbox name has letters that are not ASCII, and names.unicode is \"refuse\"")]
    NotAscii,
    /// It has characters that nobody sees.
    #[error("the mailbox name has an invisible character in it")]
    Unseen,
    /// Its domain has no form in DNS.
    #[error("the domain of the mailbox name is no internationalized domain")]
    Domain,
    /// A master user's login is no name of a mailbox.
    #[error("the mailbox name has names.master_separator in it")]
    Separator,
    /// The rules of `[names]` make one name of it, and another one of that.
    #[error("no login leads to this mailbox name: the rules in [names] make another one of it")]
    Unstable,
}

/// The two SASL names of a login, tidied: what Dovecot is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaslNames {
    /// The authorization identity; empty if none.
    pub authzid: String,
    /// The authentication identity.
    pub authcid: String,
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
    pub fn canonical(&self, name: &[u8]) -> Result<Mailbox, NameError> {
        let canonical = self.once(&Mailbox::from_bytes(name)?)?;
        if self.once(&canonical)? == canonical { Ok(canonical) } else { Err(NameError::Unstable) }
    }

    /// Whether a login can lead to a mailbox of that name: whether it is canonical under these
    /// rules. A second factor under another name would never be asked for.
    pub fn reaches(&self, mailbox: &Mailbox) -> bool {
        self.canonical(mailbox.as_str().as_bytes()).as_ref() == Ok(mailbox)
    }

    /// The names that Dovecot is asked for.
    #[expect(clippy::similar_names, reason = "authzid and authcid are RFC 4422's words")]
    pub fn asked(&self, authzid: &[u8], authcid: &[u8]) -> Result<SaslNames, NameError> {
        let tidied = |typed: &[u8]| {
            let typed = std::str::from_utf8(typed).map_err(|_| MailboxError::NotUtf8)?;
            self.tidied(typed)
        };
        Ok(SaslNames { authzid: tidied(authzid)?, authcid: tidied(authcid)? })
    }

    /// Who logs in, from the SASL names as typed (RFC 4616).
    #[expect(clippy::similar_names, reason = "authzid and authcid are RFC 4422's words")]
    pub fn identify(&self, authzid: &[u8], authcid: &[u8]) -> Result<Identity, NameError> {
        self.identity(&self.asked(authzid, authcid)?)
    }

    /// Who logs in, from the names that Dovecot is asked for. An authzid that is the authcid is none;
    /// any other one goes before the mailbox that the separator names. A name that is the master user's
    /// own opens nobody else's mailbox.
    pub fn identity(&self, asked: &SaslNames) -> Result<Identity, NameError> {
        let (separated, user) = match self.split(&asked.authcid) {
            Some((_, target, user)) => (Some(target), user),
            None => (None, asked.authcid.as_str()),
        };
        let user = self.canonical(user.as_bytes())?;
        let given = Some(asked.authzid.as_str());
        let given = given.filter(|given| !given.is_empty() && *given != asked.authcid);
        let given = given.filter(|given| *given != user.as_str());
        let target = given.or(separated).map(|name| self.canonical(name.as_bytes())).transpose()?;
        Ok(match target {
            Some(target) if target != user => Identity::Master { user, target },
            Some(_) | None => Identity::Own(user),
        })
    }

    fn once(&self, name: &Mailbox) -> Result<Mailbox, NameError> {
        if self.split(name.as_str()).is_some() {
            return Err(NameError::Separator);
        }
        let tidied = self.tidied(name.as_str())?;
        Ok(Mailbox::new(&self.repeated(tidied))?)
    }

    /// What Dovecot makes of a name.
    fn repeated(&self, mut name: String) -> String {
        if let Some(realm) = self.default_realm.as_deref().filter(|_| !name.contains('@')) {
            name.push('@');
            name.push_str(realm);
        }
        let name: String = name.chars().map(|c| self.translated(c)).collect();
        self.without_tag(&self.format.apply(&name))
    }

    fn without_tag(&self, name: &str) -> String {
        let (local, domain) = name.split_at(name.find('@').unwrap_or(name.len()));
        let is_separator = |(at, c): &(usize, char)| *at > 0 && self.tag_separators.contains(c);
        let end = local.char_indices().find(is_separator).map_or(local.len(), |(at, _)| at);
        format!("{}{domain}", local.split_at(end).0)
    }

    /// The separator, the mailbox before it and the master user after it. One of the two may be empty,
    /// which is no login to Dovecot either.
    fn split<'a>(&self, name: &'a str) -> Option<(char, &'a str, &'a str)> {
        let separator = self.master_separator?;
        name.split_once(separator).map(|(target, user)| (separator, target, user))
    }

    fn translated(&self, c: char) -> char {
        self.translate.iter().find(|(from, _)| *from == c).map_or(c, |(_, to)| *to)
    }
}
