//! One form for what people type for one name: Unicode, internationalized domains, the dot behind
//! a domain.
//!
//! These are the steps that Dovecot does not take. So the tidied name is also the one that Dovecot
//! is asked for, in place of the typed one: what is judged is what is asked. A name of ASCII letters
//! without a dot at its end is left as it is.
//!
//! # Security
//!
//! Where Dovecot takes two names for one, or its database does (SQL collations fold accents, LDAP
//! folds compatibility forms, and both skip what nobody sees), they must be one name here, too. ASCII
//! names leave nothing to fold but case; that is the default. Of other names those with characters that
//! cannot be seen are refused.

use std::borrow::Cow;

use idna::AsciiDenyList;
use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::{NameError, NameRules};

/// What is done with names that have other letters than ASCII ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unicode {
    /// They are refused, as Dovecot's own `auth_username_chars` does.
    #[default]
    Refuse,
    /// They are left as they are: two ways to write one letter are two names.
    AsTyped,
    /// They are composed (NFC): all ways to write one letter are one name.
    Nfc,
}

/// The form of an internationalized domain (IDNA 2008 with the mapping of UTS 46).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Idna {
    /// As typed: `xn--…` and its letters are two domains.
    #[default]
    Off,
    /// `xn--…`, as in DNS.
    Ascii,
    /// Its letters.
    Unicode,
}

impl NameRules {
    /// The name as Dovecot is asked for it. May hold a master user's name as well.
    pub fn tidied(&self, typed: &str) -> Result<String, NameError> {
        let composed = match self.unicode {
            Unicode::Nfc if !is_nfc(typed) => Cow::Owned(typed.nfc().collect()),
            Unicode::Nfc | Unicode::AsTyped | Unicode::Refuse => Cow::Borrowed(typed),
        };
        let name = match self.split(&composed) {
            Some((separator, target, user)) => {
                let (target, user) = (self.with_domain(target)?, self.with_domain(user)?);
                format!("{target}{separator}{user}")
            }
            None => self.with_domain(&composed)?,
        };
        if name.is_ascii() {
            return Ok(name);
        }
        if self.unicode == Unicode::Refuse {
            return Err(NameError::NotAscii);
        }
        if name.chars().any(is_unseen) {
            return Err(NameError::Unseen);
        }
        Ok(name)
    }

    /// One name whose domain has its one form.
    fn with_domain(&self, name: &str) -> Result<String, NameError> {
        let Some((local, domain)) = name.rsplit_once('@') else { return Ok(name.to_owned()) };
        let domain = self.domain(domain)?;
        let bare = domain.trim_end_matches('.');
        let domain = if bare.is_empty() { &domain } else { bare };
        Ok(format!("{local}@{domain}"))
    }

    fn domain<'a>(&self, domain: &'a str) -> Result<Cow<'a, str>, NameError> {
        let coded = |label: &str| label.get(..4).is_some_and(|x| x.eq_ignore_ascii_case("xn--"));
        if domain.is_ascii() && !domain.split('.').any(coded) {
            return Ok(Cow::Borrowed(domain));
        }
        match self.idna {
            Idna::Off => Ok(Cow::Borrowed(domain)),
            Idna::Ascii => idna::domain_to_ascii_cow(domain.as_bytes(), AsciiDenyList::STD3)
                .map_err(|_| NameError::Domain),
            Idna::Unicode => {
                let uts46 = idna::uts46::Uts46::new();
                let hyphens = idna::uts46::Hyphens::Allow;
                let (domain, right) =
                    uts46.to_unicode(domain.as_bytes(), AsciiDenyList::STD3, hyphens);
                right.map_err(|_| NameError::Domain)?;
                Ok(domain)
            }
        }
    }
}

/// Characters that nobody sees (Default_Ignorable_Code_Point of Unicode, and other format characters):
/// databases skip them when they compare.
const UNSEEN: [(char, char); 22] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{600}', '\u{605}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{6dd}', '\u{6dd}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{202a}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{110bd}', '\u{110cd}'),
    ('\u{13430}', '\u{13438}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

fn is_unseen(c: char) -> bool {
    UNSEEN.iter().any(|(first, last)| (*first..=*last).contains(&c))
}
