//! One-time links to the User Panel: whoever runs a hosting panel asks for one, its customer follows it.
//!
//! ```text
//!   (none) ── asked for ──► waiting ── followed ──► a session of the panel
//!                              │
//!                              └─ its minute is over; password, factor or lock changed ──► (gone)
//! ```
//!
//! The link names its mailbox and carries 256 random bits. The store has their keyed hash, beside who
//! asked, when, and how the mailbox stood then.
//!
//! # Security
//!
//! Following it takes it away and opens the session in one compare-and-swap, so that of two who follow it
//! one gets in. Anybody who has it gets in, so it lives for a minute, and what a session by link may do
//! is less (`service::owner`).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use zeroize::Zeroizing;

use super::{
    digest::{CredentialKey, Digest, Kind},
    panel::{Malformed, Standing, hex},
};
use crate::base::{
    Mailbox, Secret, SecretText, UnixMillis,
    limits::{LOGIN_SECONDS, MAILBOX_BYTES, PANEL_LINK_SECONDS},
};

/// Bytes of a token.
pub const TOKEN_BYTES: usize = 32;

/// First byte of the stored form.
const FORMAT: u8 = 1;

/// Longest text of a link: token and name, four characters for three bytes.
const LINK_CHARACTERS: usize = (TOKEN_BYTES + MAILBOX_BYTES).div_ceil(3) * 4;

/// A link that waits, as the store keeps it under [`LinkToken::name`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PanelLink {
    /// When it was asked for.
    pub issued: UnixMillis,
    /// How the mailbox stood then.
    pub standing: Standing,
    /// Who asked.
    pub by: String,
}

impl PanelLink {
    /// When it is too late.
    pub fn expires(&self) -> UnixMillis {
        self.issued.plus_seconds(PANEL_LINK_SECONDS)
    }

    /// Whether it can be followed, to a mailbox that stands like this now. A clock that went back by more
    /// than a login takes ends it.
    pub fn is_good(&self, standing: &Standing, now: UnixMillis) -> bool {
        self.standing == *standing
            && now < self.expires()
            && now.plus_seconds(LOGIN_SECONDS) >= self.issued
    }

    /// The form in which it is stored.
    pub fn encode(&self) -> Secret {
        let mut bytes = vec![FORMAT];
        bytes.extend(self.issued.millis().to_be_bytes());
        bytes.extend(self.standing.digest().bytes());
        bytes.extend(self.by.bytes());
        Secret::from_vec(bytes)
    }

    /// Reads the stored form.
    ///
    /// # Errors
    ///
    /// [`Malformed`] for anything that [`PanelLink::encode`] did not write.
    pub fn decode(stored: &Secret) -> Result<Self, Malformed> {
        let (format, bytes) = stored.expose().split_first_chunk::<1>().ok_or(Malformed)?;
        let (issued, bytes) = bytes.split_first_chunk().ok_or(Malformed)?;
        let (standing, by) = bytes.split_first_chunk().ok_or(Malformed)?;
        if *format != [FORMAT] {
            return Err(Malformed);
        }
        Ok(Self {
            issued: UnixMillis::from_millis(u64::from_be_bytes(*issued)),
            standing: Standing::from_digest(Digest::from_bytes(*standing)),
            by: std::str::from_utf8(by).map_err(|_| Malformed)?.to_owned(),
        })
    }
}

/// What a link carries.
#[derive(Clone)]
pub struct LinkToken {
    /// Whose panel it leads to.
    pub mailbox: Mailbox,
    token: Zeroizing<[u8; TOKEN_BYTES]>,
}

impl std::fmt::Debug for LinkToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LinkToken({}, …)", self.mailbox)
    }
}

impl LinkToken {
    /// Of random bytes.
    pub fn new(mailbox: Mailbox, token: Zeroizing<[u8; TOKEN_BYTES]>) -> Self {
        Self { mailbox, token }
    }

    /// The text at the end of the link's address.
    pub fn shown(&self) -> SecretText {
        let bytes = [self.token.as_slice(), self.mailbox.as_str().as_bytes()].concat();
        SecretText::new(BASE64.encode(Secret::from_vec(bytes).expose()))
    }

    /// Reads it; `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > LINK_CHARACTERS {
            return None;
        }
        let bytes = Secret::from_vec(BASE64.decode(text).ok()?);
        let (token, name) = bytes.expose().split_first_chunk()?;
        Some(Self { mailbox: Mailbox::from_bytes(name).ok()?, token: Zeroizing::new(*token) })
    }

    /// The name under which its link is stored: its keyed hash in hex.
    pub fn name(&self, key: &CredentialKey) -> String {
        hex(key.digest(Kind::PanelLink, &self.mailbox, &[self.token.as_slice()]).bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::{
        record::MailboxRecord,
        testing::{alice, key},
    };

    #[test]
    fn it_is_good_for_its_minute_and_for_the_mailbox_as_it_stood() {
        let at = UnixMillis::from_seconds;
        let standing = Standing::of(&key(), &alice(), None);
        let link = PanelLink { issued: at(1_000), standing, by: "token \"hosting\"".into() };
        for (now, good) in [
            (1_000, true),
            (1_059, true),
            (1_060, false),
            (1_000 - LOGIN_SECONDS, true),
            (1_000 - LOGIN_SECONDS - 1, false),
        ] {
            assert_eq!(link.is_good(&standing, at(now)), good, "{now}");
        }
        let locked = MailboxRecord { locked: Some(at(1_001)), ..MailboxRecord::new(at(1)) };
        let locked = Standing::of(&key(), &alice(), Some(&locked));
        assert!(!link.is_good(&locked, at(1_001)));
        let stored = link.encode();
        assert_eq!(PanelLink::decode(&stored), Ok(link));
        for cut in 0..41 {
            let cut = Secret::from_slice(&stored.expose()[..cut]);
            assert_eq!(PanelLink::decode(&cut), Err(Malformed));
        }
    }

    #[test]
    fn a_link_is_read_again_and_its_stored_name_tells_nothing_of_it() {
        for name in ["a", "alice@example.org", &"x".repeat(MAILBOX_BYTES)] {
            let mailbox = Mailbox::new(name).unwrap();
            let token = LinkToken::new(mailbox.clone(), Zeroizing::new([9; TOKEN_BYTES]));
            let shown = token.shown();
            let text = shown.expose();
            assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
            let read = LinkToken::parse(text).unwrap();
            assert_eq!((&read.mailbox, read.name(&key())), (&mailbox, token.name(&key())));
            assert!(!text.contains(&read.name(&key())));
            // The name is part of what is hashed.
            let bob = LinkToken::new(Mailbox::new("bob").unwrap(), Zeroizing::new([9; 32]));
            assert_ne!(bob.name(&key()), read.name(&key()));
        }
        let long = BASE64.encode([b'a'; TOKEN_BYTES + MAILBOX_BYTES + 1]);
        let spaced = BASE64.encode([&[9; TOKEN_BYTES][..], b"a b"].concat());
        for wrong in ["", "AAAA", "%2f", &BASE64.encode([9; TOKEN_BYTES]), &long, &spaced] {
            assert!(LinkToken::parse(wrong).is_none(), "{wrong}");
        }
    }
}
