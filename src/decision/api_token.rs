//! Tokens of the API: what one may do, for which domains, until when.
//!
//! Written `m2f_ID_SECRET`: eight characters that name it and 30 secret ones, 150 bits. The beginning is
//! for people and for programs that look for secrets that got lost.
//!
//! # Security
//!
//! A token is compared by its keyed hash, in constant time, before anything else is said of it. Rights are
//! lists of what is allowed: what is not named is not. A right over domains is one over mailboxes whose
//! name ends in one of them; a name without a domain is in none.

use super::{
    alphabet,
    digest::{CredentialKey, Digest, Kind},
};
use crate::base::{Mailbox, Secret, SecretText, UnixMillis};

/// What a token begins with.
pub const PREFIX: &str = "m2f_";
/// Characters that name a token.
pub const ID_CHARACTERS: usize = 8;
/// Secret characters.
pub const SECRET_CHARACTERS: usize = 30;

const _: () = assert!(SECRET_CHARACTERS * alphabet::BITS >= 128);

macro_rules! scopes {
    ($($name:ident = $word:literal, $doc:literal;)*) => {
        /// One thing that may be done over the API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Scope {
            $(#[doc = $doc] $name,)*
        }

        impl Scope {
            /// All of them, with what each allows.
            pub const ALL: &[(Self, &'static str)] = &[$((Self::$name, $doc),)*];

            /// The word for it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

scopes! {
    MailboxesRead = "mailboxes:read", "List and show mailboxes, and the programs that use the bare password.";
    MailboxesWrite = "mailboxes:write", "Make, rename, lock and remove mailboxes, set passwords. As strong as the administrator: a mailbox that is removed or renamed loses its second factor.";
    TotpRead = "totp:read", "See whether 2-factor authentication is on.";
    TotpWrite = "totp:write", "Enrol, confirm, move and switch off second factors.";
    AppPasswordsRead = "app-passwords:read", "List app passwords.";
    AppPasswordsWrite = "app-passwords:write", "Make and revoke app passwords.";
    RecoveryCodesRead = "recovery-codes:read", "See how many recovery codes are left.";
    RecoveryCodesWrite = "recovery-codes:write", "Make new sets of recovery codes.";
    SessionsRead = "sessions:read", "List sessions.";
    SessionsWrite = "sessions:write", "End sessions and sign-ins.";
    PolicyRead = "policy:read", "See what enforcement says.";
    PolicyWrite = "policy:write", "Set levels of mailboxes.";
    AuditRead = "audit:read", "Read the audit trail.";
    HealthRead = "health:read", "See whether all is well.";
    NoticesWrite = "notices:write", "Send test notices.";
    LinksWrite = "links:write", "Ask for one-time links to the User Panel.";
    WebmailExchange = "webmail:exchange", "Exchange a webmail's logins for tokens.";
}

/// What stands for every scope.
pub const EVERY: &str = "*";

impl Scope {
    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().map(|(scope, _)| *scope).find(|scope| scope.as_str() == word)
    }
}

/// What somebody may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    /// What; `None` means everything, and tokens too.
    pub scopes: Option<Vec<Scope>>,
    /// For mailboxes of which domains; none means any mailbox.
    pub domains: Vec<String>,
}

impl Rights {
    /// Those of the machine's administrator.
    pub fn all() -> Self {
        Self { scopes: None, domains: Vec::new() }
    }

    /// Whether this may be done. `None` is what no token may.
    pub fn allow(&self, scope: Option<Scope>) -> bool {
        match (&self.scopes, scope) {
            (None, _) => true,
            (Some(scopes), Some(scope)) => scopes.contains(&scope),
            (Some(_), None) => false,
        }
    }

    /// Whether some mailboxes are out of reach.
    pub fn are_limited(&self) -> bool {
        !self.domains.is_empty()
    }

    /// Whether a mailbox is within reach.
    pub fn reach(&self, mailbox: &Mailbox) -> bool {
        let domain = mailbox.as_str().rsplit_once('@').map(|(_, domain)| domain);
        !self.are_limited()
            || domain.is_some_and(|domain| self.domains.iter().any(|own| own == domain))
    }
}

/// What the store keeps of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// Its eight characters.
    pub id: String,
    /// The keyed hash of all of it.
    pub digest: Digest,
    /// What it may do.
    pub rights: Rights,
    /// From this moment on it opens nothing.
    pub expires: Option<UnixMillis>,
}

impl ApiToken {
    /// What who brought this token may do; `None` if it is another one, or its time is over.
    pub fn judge(
        &self,
        typed: &TypedToken,
        key: &CredentialKey,
        now: UnixMillis,
    ) -> Option<&Rights> {
        let right = typed.digest(key) == self.digest;
        let lives = self.expires.is_none_or(|end| now < end);
        (right && lives).then_some(&self.rights)
    }
}

/// A token as it is brought.
#[derive(Clone, Debug)]
pub struct TypedToken {
    id: String,
    secret: Secret,
}

impl TypedToken {
    /// Reads one; `None` if it does not have the shape.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let plain = |part: &str| part.bytes().all(|b| alphabet::normalise(b) == Some(b));
        let good = id.len() == ID_CHARACTERS && secret.len() == SECRET_CHARACTERS;
        (good && plain(id) && plain(secret))
            .then(|| Self { id: id.to_owned(), secret: Secret::from_slice(secret.as_bytes()) })
    }

    /// Makes one of random bytes, one for each character.
    pub fn generate(random: &[u8; ID_CHARACTERS + SECRET_CHARACTERS]) -> Self {
        let (id, secret) = random.split_at(ID_CHARACTERS);
        let id = id.iter().map(|byte| char::from(alphabet::character(*byte))).collect();
        let secret = secret.iter().map(|byte| alphabet::character(*byte)).collect();
        Self { id, secret: Secret::from_vec(secret) }
    }

    /// The characters that name it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What the store keeps of it.
    pub fn digest(&self, key: &CredentialKey) -> Digest {
        key.digest_of(Kind::ApiToken, &[self.id.as_bytes(), self.secret.expose()])
    }

    /// As it is shown, once.
    pub fn shown(&self) -> SecretText {
        let secret = std::str::from_utf8(self.secret.expose()).unwrap_or_default();
        SecretText::new(format!("{PREFIX}{}_{secret}", self.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::testing::key;

    fn token(first: u8) -> TypedToken {
        TypedToken::generate(&std::array::from_fn(|i| u8::try_from(i).unwrap() ^ first))
    }

    fn kept(typed: &TypedToken, rights: Rights, expires: Option<u64>) -> ApiToken {
        let expires = expires.map(UnixMillis::from_seconds);
        ApiToken { id: typed.id().into(), digest: typed.digest(&key()), rights, expires }
    }

    #[test]
    fn what_is_shown_is_read_and_nothing_else() {
        let made = token(0);
        let shown = made.shown();
        let read = TypedToken::parse(shown.expose()).unwrap();
        assert_eq!((read.id(), read.digest(&key())), (made.id(), made.digest(&key())));
        let text = shown.expose();
        for wrong in [
            "",
            "m2f_",
            text.trim_start_matches("m2f_"),
            &text[..text.len() - 1],
            &format!("{text}a"),
            &text.to_uppercase(),
            &text.replace('_', "-"),
            &format!(" {text}"),
        ] {
            assert!(TypedToken::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_token_counts_until_its_end_and_only_itself() {
        let (mine, mut other) = (token(0), token(1));
        let kept = kept(&mine, Rights::all(), Some(100));
        let at = UnixMillis::from_seconds;
        assert!(kept.judge(&mine, &key(), at(99)).is_some());
        assert!(kept.judge(&mine, &key(), at(100)).is_none());
        other.id.clone_from(&mine.id);
        assert!(kept.judge(&other, &key(), at(1)).is_none());
    }

    #[test]
    fn rights_are_what_is_named() {
        let some =
            Rights { scopes: Some(vec![Scope::TotpRead]), domains: vec!["example.org".into()] };
        assert!(some.allow(Some(Scope::TotpRead)));
        assert!(!some.allow(Some(Scope::TotpWrite)) && !some.allow(None));
        assert!(Rights::all().allow(None) && !Rights::all().are_limited());
        for (name, within) in [
            ("alice@example.org", true),
            ("a@b@example.org", true),
            ("alice@sub.example.org", false),
            ("alice@notexample.org", false),
            ("alice@example.org.evil", false),
            ("example.org", false),
            ("alice", false),
        ] {
            assert_eq!(some.reach(&Mailbox::new(name).unwrap()), within, "{name}");
        }
    }

    #[test]
    fn scopes_are_read_by_their_words() {
        for (scope, _) in Scope::ALL {
            assert_eq!(Scope::parse(scope.as_str()), Some(*scope));
        }
        for wrong in ["", "*", "mailboxes", "mailboxes:*", "Mailboxes:read"] {
            assert_eq!(Scope::parse(wrong), None, "{wrong}");
        }
    }
}
