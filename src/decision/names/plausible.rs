//! Whether what somebody typed as a name looks like one: people type passwords into the wrong field, and
//! logs keep names.
//!
//! # Security
//!
//! This decides what is written down, not who gets in. A password that looks like a mail address passes.

use super::NameRules;
use crate::base::limits::MAILBOX_BYTES;

/// What of a login's names looks like the name of a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plausible {
    /// Who authenticates.
    pub user: bool,
    /// Whose mailbox is to be opened, if that is somebody else.
    pub target: bool,
}

impl NameRules {
    /// Looks at the SASL names as typed.
    #[expect(clippy::similar_names, reason = "authzid and authcid are RFC 4422's words")]
    pub fn plausible(&self, authzid: &[u8], authcid: &[u8]) -> Plausible {
        let text = |typed| std::str::from_utf8(typed).unwrap_or_default();
        let (separated, user) = match self.split(text(authcid)) {
            Some((_, target, user)) => (target, user),
            None => ("", text(authcid)),
        };
        let target = if authzid.is_empty() { separated } else { text(authzid) };
        Plausible { user: self.is_address(user), target: self.is_address(target) }
    }

    /// A name, `@`, and a domain with a dot in it or the default realm.
    fn is_address(&self, typed: &str) -> bool {
        if typed.len() > MAILBOX_BYTES {
            return false;
        }
        let name: String = typed.chars().map(|c| self.translated(c)).collect();
        let Some((local, domain)) = name.split_once('@') else { return false };
        let in_local = |c: char| c.is_alphanumeric() || "._+-='&~".contains(c);
        if local.is_empty() || !local.chars().all(in_local) {
            return false;
        }
        let domain = domain.strip_suffix('.').unwrap_or(domain);
        let is_default = |realm: &str| realm.eq_ignore_ascii_case(domain);
        self.default_realm.as_deref().is_some_and(is_default) || is_dotted(domain)
    }
}

fn is_dotted(domain: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || c == '-';
    let is_label = |label: &str| !label.is_empty() && label.chars().all(plain);
    let Some((_, last)) = domain.rsplit_once('.') else { return false };
    let ends_well =
        last.chars().count() >= 2 && last.chars().next().is_some_and(char::is_alphabetic);
    ends_well && domain.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(rules: &NameRules, typed: &str) -> bool {
        rules.plausible(b"", typed.as_bytes()).user
    }

    #[test]
    fn passwords_do_not_look_like_names() {
        let plain = NameRules::default();
        for name in
            ["alice@example.org", "A.b+c@mail.example", "jürgen@exämple.org", "a@xn--x.example."]
        {
            assert!(user(&plain, name), "{name}");
        }
        for password in [
            "",
            "alice",
            "T9D3K!px",
            "T9D3K!px189145",
            "p@ssword",
            "P@ss w.ord",
            "@example.org",
            "a@b@c.org",
            "a@.org",
            "a@b.1x",
            "a@b.c",
            "x!@example.org",
            "hunter2@",
            "a@b..org",
        ] {
            assert!(!user(&plain, password), "{password}");
        }
        assert!(!user(&plain, &format!("{}@example.org", "x".repeat(MAILBOX_BYTES))));
        assert!(!plain.plausible(b"", b"\xff@example.org").user);
    }

    #[test]
    fn names_are_read_as_they_are_configured() {
        let rules = NameRules {
            default_realm: Some("intern".into()),
            translate: vec![('%', '@')],
            master_separator: Some('*'),
            ..NameRules::default()
        };
        assert!(user(&rules, "alice@INTERN") && user(&rules, "alice%example.org"));
        assert!(!user(&rules, "alice"), "what becomes of it does not count");
        let both = rules.plausible(b"", b"bob@example.org*admin@example.org");
        assert_eq!(both, Plausible { user: true, target: true });
        let both = rules.plausible(b"hunter2", b"admin@example.org");
        assert_eq!(both, Plausible { user: true, target: false });
        assert_eq!(
            rules.plausible(b"", b"hunter2*admin@example.org"),
            Plausible { user: true, target: false }
        );
    }
}
