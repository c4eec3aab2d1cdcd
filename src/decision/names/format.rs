//! What Dovecot's `auth_username_format` makes of a name, in the forms that mail2fa can follow.
//!
//! Both ways of writing are read: Dovecot 2.3's (`%Lu`, `%n`, `%Ln@%Ld`) and Dovecot 2.4's
//! (`%{user | lower}`, `%{user | username}`). What such a variable means is in Dovecot's
//! `src/auth/auth-request-var-expand.c`: a name ends and its domain begins at the *first* `@`.
//! `lower` is C's `tolower` (`src/lib/strfuncs.c`), which in the C locale that Dovecot runs in folds
//! the 26 ASCII letters and nothing else.

use std::{fmt, str::FromStr};

/// How the parts of a name are put together again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format(Shape);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    /// `%u`
    Whole(Case),
    /// `%n`
    Local(Case),
    /// `%n@%d`
    Both(Case, Case),
    /// `%n@example.org`
    Fixed(Case, String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    AsTyped,
    Lower,
}

/// A format that mail2fa does not follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be %u, %n, %n@%d or %n@ and a domain, with L for lower case (%Lu), or the same in \
     Dovecot 2.4's words (%{{user | lower}}, %{{user | username}}, %{{user | domain}})"
)]
pub struct FormatError;

impl Default for Format {
    /// `%Lu`, as Dovecot's own default since 2.0.
    fn default() -> Self {
        Self(Shape::Whole(Case::Lower))
    }
}

impl Format {
    /// Leaves names as they are, `%u`.
    pub fn as_typed() -> Self {
        Self(Shape::Whole(Case::AsTyped))
    }

    /// The name in this format. A name without a domain gets an empty one where the format has
    /// one, as in Dovecot.
    pub fn apply(&self, name: &str) -> String {
        let (local, domain) = name.split_once('@').unwrap_or((name, ""));
        match &self.0 {
            Shape::Whole(case) => case.of(name),
            Shape::Local(case) => case.of(local),
            Shape::Both(local_case, case) => {
                format!("{}@{}", local_case.of(local), case.of(domain))
            }
            Shape::Fixed(case, domain) => format!("{}@{domain}", case.of(local)),
        }
    }
}

impl Case {
    fn of(self, text: &str) -> String {
        match self {
            Self::AsTyped => text.to_owned(),
            Self::Lower => text.to_ascii_lowercase(),
        }
    }

    fn letter(self) -> &'static str {
        match self {
            Self::AsTyped => "",
            Self::Lower => "L",
        }
    }
}

/// In Dovecot 2.3's form, which is the shorter one.
impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Shape::Whole(case) => write!(f, "%{}u", case.letter()),
            Shape::Local(case) => write!(f, "%{}n", case.letter()),
            Shape::Both(local, domain) => write!(f, "%{}n@%{}d", local.letter(), domain.letter()),
            Shape::Fixed(local, domain) => write!(f, "%{}n@{domain}", local.letter()),
        }
    }
}

/// One part of the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    User,
    Local,
    Domain,
}

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, FormatError> {
        if text.is_empty() {
            // Dovecot formats nothing then.
            return Ok(Self::as_typed());
        }
        let (part, case, rest) = variable(text)?;
        let shape = match (part, rest.strip_prefix('@')) {
            (Part::User, None) if rest.is_empty() => Shape::Whole(case),
            (Part::Local, None) if rest.is_empty() => Shape::Local(case),
            (Part::Local, Some(after)) if after.starts_with('%') => match variable(after)? {
                (Part::Domain, domain, "") => Shape::Both(case, domain),
                _ => return Err(FormatError),
            },
            (Part::Local, Some(domain)) if is_domain(domain) => Shape::Fixed(case, domain.into()),
            (Part::User | Part::Local | Part::Domain, _) => return Err(FormatError),
        };
        Ok(Self(shape))
    }
}

fn is_domain(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(plain)
}

/// The variable in front, and what follows it.
fn variable(text: &str) -> Result<(Part, Case, &str), FormatError> {
    let text = text.strip_prefix('%').ok_or(FormatError)?;
    if let Some(long) = text.strip_prefix('{') {
        let (inside, rest) = long.split_once('}').ok_or(FormatError)?;
        let (part, case) = long_variable(inside)?;
        return Ok((part, case, rest));
    }
    let (case, text) = match text.strip_prefix('L') {
        Some(text) => (Case::Lower, text),
        None => (Case::AsTyped, text),
    };
    for (letter, part) in [('u', Part::User), ('n', Part::Local), ('d', Part::Domain)] {
        if let Some(rest) = text.strip_prefix(letter) {
            return Ok((part, case, rest));
        }
    }
    Err(FormatError)
}

/// What stands in braces: `user`, and what it goes through.
fn long_variable(inside: &str) -> Result<(Part, Case), FormatError> {
    let mut words = inside.split('|').map(str::trim);
    let mut part = match words.next() {
        Some("user") => Part::User,
        Some("username") => Part::Local,
        Some("domain") => Part::Domain,
        Some(_) | None => return Err(FormatError),
    };
    let mut case = Case::AsTyped;
    for word in words {
        match (word, part) {
            ("lower", _) => case = Case::Lower,
            ("username", Part::User | Part::Local) => part = Part::Local,
            ("domain", Part::User) => part = Part::Domain,
            _ => return Err(FormatError),
        }
    }
    Ok((part, case))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_dovecot_makes_of_a_name() {
        for (format, name, wanted) in [
            ("", "Alice@Example.ORG", "Alice@Example.ORG"),
            ("%u", "Alice@Example.ORG", "Alice@Example.ORG"),
            ("%Lu", "Alice@Example.ORG", "alice@example.org"),
            ("%{user | lower}", "Alice@Example.ORG", "alice@example.org"),
            ("%{user|lower}", "ÄRGER@x", "Ärger@x"),
            ("%Lu", "\u{212a}elvin@x", "\u{212a}elvin@x"),
            ("%Lu", "\u{130}stanbul", "\u{130}stanbul"),
            ("%n", "Alice@a@b", "Alice"),
            ("%Ln", "Alice", "alice"),
            ("%{user | username | lower}", "Alice@a", "alice"),
            ("%{user | lower | username}", "Alice@a", "alice"),
            ("%n@%Ld", "Alice@A@B", "Alice@a@b"),
            ("%{user | username}@%{user | domain | lower}", "Alice@A", "Alice@a"),
            ("%n@%d", "alice", "alice@"),
            ("%Ln@example.org", "Alice@other.example", "alice@example.org"),
            ("%{username}@%{domain}", "Alice@A", "Alice@A"),
        ] {
            let parsed: Format = format.parse().unwrap();
            assert_eq!(parsed.apply(name), wanted, "{format:?} {name:?}");
            assert_eq!(parsed.to_string().parse(), Ok(parsed), "{format:?}");
        }
    }

    #[test]
    fn other_formats_are_mistakes() {
        for format in [
            "%",
            "u",
            "%d",
            "%Uu",
            "%u@x",
            "%u%u",
            "x%u",
            "%n@",
            "%n@%u",
            "%n@a b",
            "%n@a@b",
            "%n.%d",
            "%{user",
            "%{user | upper}",
            "%{user | domain}",
            "%{login_user}",
            "%n@%d.",
            "%n@-x",
            "%{user | username | domain}",
            "%n@%{user}",
            "%LLu",
            "%5u",
            "%n@exämple.org",
        ] {
            assert_eq!(format.parse::<Format>(), Err(FormatError), "{format:?}");
        }
    }
}
