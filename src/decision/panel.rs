//! The User Panel's own sign-ins: who may look at a mailbox's settings, and for how long.
//!
//! ```text
//!            password right, and the code where one is asked
//!   (none) ──────────────────────────────────────────────────► live ──┬─ used: idle end moves
//!                                                               ▲ │   │
//!                                                               └─┴───┘
//!   live ── absolute end, idle end, logged out, ended by owner or administrator, password, factor or
//!           lock changed (`Standing`, `Standing::in_era`) ──► (gone)
//! ```
//!
//! A sign-in to the panel opens no mail, and a session of a mail program opens no panel. What the browser
//! holds is a random token; the store has its keyed hash.
//!
//! # Security
//!
//! A panel session is bound to what the mailbox's record said when it was opened, and to the mailbox's era
//! at the panel. Whatever changes password, factor or lock changes the first, so there is no list of places
//! that must think of ending it; and begins a new era, so that nothing comes back when the record says
//! again what it said before, as when a factor is switched off.

use super::{
    digest::{CredentialKey, Digest, Kind},
    place::Use,
    record::MailboxRecord,
};
use crate::base::{Mailbox, NetAddress, Secret, Service, UnixMillis, limits::LOGIN_SECONDS};

/// First byte of the stored form: of a session that was opened with a password, and of one that was
/// opened by a link, which says whose after the standing, with its length in one byte.
const FORMAT: u8 = 1;
const FORMAT_LINK: u8 = 2;

/// Bytes of a token.
pub const TOKEN_BYTES: usize = 32;

/// A use is written down only when the last one is older than this part of the idle time.
const TOUCH_FRACTION: u64 = 8;

/// What the administrator says of panel sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PanelPolicy {
    /// How long one lives without being used, seconds.
    pub idle_seconds: u64,
    /// How long it lives at most, seconds.
    pub absolute_seconds: u64,
}

impl Default for PanelPolicy {
    fn default() -> Self {
        Self { idle_seconds: 900, absolute_seconds: 3_600 }
    }
}

/// Bytes that tell an era of a mailbox from all others.
pub const ERA_BYTES: usize = 16;

/// What a mailbox's record says of who may in: equal as long as password, factor and lock are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing(Digest);

impl Standing {
    /// Of this record; of its absence, where there is none.
    pub fn of(key: &CredentialKey, mailbox: &Mailbox, record: Option<&MailboxRecord>) -> Self {
        let hash = record.and_then(|r| r.password_hash.as_ref()).map_or("", |hash| hash.expose());
        let totp = record.and_then(|r| r.totp.as_ref());
        let secret = totp.map_or(&[][..], |totp| totp.secret.expose());
        let enabled = totp.map_or(0, |totp| totp.enabled.millis()).to_be_bytes();
        let moment = |at: Option<UnixMillis>| at.map_or(0, UnixMillis::millis).to_be_bytes();
        let locked = moment(record.and_then(|r| r.locked));
        let said = [hash.as_bytes(), secret, &enabled, &locked];
        Self(key.digest(Kind::Standing, mailbox, &said))
    }

    /// The same in an era of the mailbox, which random bytes tell from all others. In the first era there
    /// are none, and it is as the record says.
    #[must_use]
    pub fn in_era(self, key: &CredentialKey, mailbox: &Mailbox, era: Option<&Secret>) -> Self {
        era.map_or(self, |era| {
            Self(key.digest(Kind::Era, mailbox, &[self.0.bytes(), era.expose()]))
        })
    }

    /// As it was stored.
    pub fn from_digest(digest: Digest) -> Self {
        Self(digest)
    }

    /// For storing.
    pub fn digest(&self) -> &Digest {
        &self.0
    }
}

/// A live sign-in to the panel, as the store keeps it under [`name`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PanelSession {
    /// When it was opened.
    pub opened: UnixMillis,
    /// When it was used last.
    pub last_use: UnixMillis,
    /// From where it was opened.
    pub from: NetAddress,
    /// What the record said then.
    pub standing: Standing,
    /// Who made the link that it was opened by, if it was: nobody gave a password.
    pub by_link: Option<String>,
}

/// A stored panel session that is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored panel session cannot be read; log in again")]
pub struct Malformed;

impl PanelSession {
    /// Opened now.
    pub fn open(at: UnixMillis, from: NetAddress, standing: Standing) -> Self {
        Self { opened: at, last_use: at, from, standing, by_link: None }
    }

    /// Whether it lives, for a mailbox that stands like this now. A clock that went back by more than a
    /// login takes ends it.
    pub fn is_live(&self, policy: &PanelPolicy, standing: &Standing, now: UnixMillis) -> bool {
        self.standing == *standing
            && now.plus_seconds(LOGIN_SECONDS) >= self.opened
            && now < self.expires(policy)
    }

    /// When it ends if it is not used again.
    pub fn expires(&self, policy: &PanelPolicy) -> UnixMillis {
        let absolute = self.opened.plus_seconds(policy.absolute_seconds);
        absolute.min(self.last_use.plus_seconds(policy.idle_seconds))
    }

    /// Whether a use at this moment is worth writing down.
    pub fn is_stale(&self, policy: &PanelPolicy, now: UnixMillis) -> bool {
        now >= self.last_use.plus_seconds(policy.idle_seconds / TOUCH_FRACTION)
    }

    /// The opening, as it is shown beside the sign-ins of mail programs.
    pub fn opening(&self) -> Use {
        Use { at: self.opened, from: self.from, service: Service::Panel }
    }

    /// The form in which it is stored.
    pub fn encode(&self) -> Secret {
        let link = self.by_link.as_deref().map(clipped);
        let mut bytes = vec![if link.is_some() { FORMAT_LINK } else { FORMAT }];
        bytes.extend(self.opened.millis().to_be_bytes());
        bytes.extend(self.last_use.millis().to_be_bytes());
        bytes.extend(self.standing.0.bytes());
        if let Some(by) = link {
            bytes.extend(u8::try_from(by.len()));
            bytes.extend(by.bytes());
        }
        bytes.extend(self.from.to_string().bytes());
        Secret::from_vec(bytes)
    }

    /// Reads the stored form.
    ///
    /// # Errors
    ///
    /// [`Malformed`] for anything that [`PanelSession::encode`] did not write.
    pub fn decode(stored: &Secret) -> Result<Self, Malformed> {
        let bytes = stored.expose();
        let (format, bytes) = bytes.split_first_chunk::<1>().ok_or(Malformed)?;
        let (opened, bytes) = bytes.split_first_chunk().ok_or(Malformed)?;
        let (last_use, bytes) = bytes.split_first_chunk().ok_or(Malformed)?;
        let (standing, bytes) = bytes.split_first_chunk().ok_or(Malformed)?;
        let (by_link, from) = match format {
            [FORMAT] => (None, bytes),
            [FORMAT_LINK] => {
                let ([length], bytes) = bytes.split_first_chunk().ok_or(Malformed)?;
                let (by, from) = bytes.split_at_checked((*length).into()).ok_or(Malformed)?;
                let by = std::str::from_utf8(by).map_err(|_| Malformed)?;
                (Some(by.to_owned()), from)
            }
            [_] => return Err(Malformed),
        };
        Ok(Self {
            opened: UnixMillis::from_millis(u64::from_be_bytes(*opened)),
            last_use: UnixMillis::from_millis(u64::from_be_bytes(*last_use)),
            standing: Standing(Digest::from_bytes(*standing)),
            from: NetAddress::parse(std::str::from_utf8(from).map_err(|_| Malformed)?),
            by_link,
        })
    }
}

/// As much of a text as one byte can tell the length of. Whose link it was may be cut, but not that it
/// was one.
fn clipped(text: &str) -> &str {
    let most = text.len().min(u8::MAX.into());
    (0..=most).rev().find_map(|end| text.get(..end)).unwrap_or_default()
}

/// The name under which the session of a token is stored: its keyed hash in hex.
pub fn name(key: &CredentialKey, mailbox: &Mailbox, token: &[u8; TOKEN_BYTES]) -> String {
    hex(key.digest(Kind::PanelToken, mailbox, &[token]).bytes())
}

/// Whether a text has the form of such a name.
pub fn is_name(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == 64 && text.bytes().all(is_digit)
}

/// What the forms of a session carry, so that nobody else's page can send them.
pub fn form_token(key: &CredentialKey, mailbox: &Mailbox, token: &[u8; TOKEN_BYTES]) -> Digest {
    key.digest(Kind::PanelForm, mailbox, &[token])
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().map_or('0', char::from);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::SecretText,
        decision::testing::{alice, key},
    };

    fn at(seconds: u64) -> UnixMillis {
        UnixMillis::from_seconds(seconds)
    }

    fn session() -> PanelSession {
        let standing = Standing::of(&key(), &alice(), None);
        PanelSession::open(at(10_000), NetAddress::parse("2001:db8::1"), standing)
    }

    #[test]
    fn it_ends_when_idle_and_when_old_and_with_the_clock() {
        let policy = PanelPolicy { idle_seconds: 100, absolute_seconds: 150 };
        let mut session = session();
        let standing = session.standing;
        let live = |session: &PanelSession, now| session.is_live(&policy, &standing, at(now));
        assert!(live(&session, 10_099));
        assert!(!live(&session, 10_100));
        assert!(live(&session, 10_000 - LOGIN_SECONDS));
        assert!(!live(&session, 10_000 - LOGIN_SECONDS - 1));
        session.last_use = at(10_099);
        assert!(live(&session, 10_149));
        assert!(!live(&session, 10_150), "use does not move its end");
    }

    #[test]
    fn a_change_of_password_factor_or_lock_ends_it() {
        let mut record = MailboxRecord::new(at(1));
        let before = Standing::of(&key(), &alice(), Some(&record));
        assert_eq!(before, Standing::of(&key(), &alice(), None), "a record says nothing by itself");
        record.locked = Some(at(5));
        let locked = Standing::of(&key(), &alice(), Some(&record));
        assert_ne!(before, locked);
        record.locked = None;
        record.password_hash = Some(SecretText::new("{PLAIN}x".into()));
        assert_ne!(before, Standing::of(&key(), &alice(), Some(&record)));
        let policy = PanelPolicy::default();
        assert!(!session().is_live(&policy, &locked, at(10_000)));
    }

    #[test]
    fn a_new_era_ends_it_for_good() {
        let first = Standing::of(&key(), &alice(), None);
        let (one, two) = (Secret::from_slice(&[1; 16]), Secret::from_slice(&[2; 16]));
        assert_eq!(first, first.in_era(&key(), &alice(), None));
        let later = [one, two].map(|era| first.in_era(&key(), &alice(), Some(&era)));
        assert!(first != later[0] && first != later[1] && later[0] != later[1]);
        let policy = PanelPolicy::default();
        for standing in later {
            assert!(!session().is_live(&policy, &standing, at(10_000)));
        }
    }

    #[test]
    fn what_is_stored_is_read_again_and_nothing_else() {
        let session = session();
        let stored = session.encode();
        assert_eq!(PanelSession::decode(&stored), Ok(session.clone()));
        for by in ["", "api token \"hosting\"", &"ü".repeat(127)] {
            let linked = PanelSession { by_link: Some(by.into()), ..session.clone() };
            assert_eq!(PanelSession::decode(&linked.encode()), Ok(linked));
        }
        let long = PanelSession { by_link: Some("ü".repeat(200)), ..session };
        assert_eq!(PanelSession::decode(&long.encode()).unwrap().by_link, Some("ü".repeat(127)));
        for cut in 0..40 {
            let cut = Secret::from_slice(&stored.expose()[..cut]);
            assert_eq!(PanelSession::decode(&cut), Err(Malformed));
        }
        let mut other = stored.expose().to_vec();
        other[0] = 3;
        assert_eq!(PanelSession::decode(&Secret::from_vec(other)), Err(Malformed));
    }

    #[test]
    fn the_name_of_a_session_says_nothing_of_its_token() {
        let token = [0xab; TOKEN_BYTES];
        let name = name(&key(), &alice(), &token);
        assert_eq!(name.len(), 64);
        assert!(!name.contains(&hex(&token)));
        assert_ne!(name, hex(form_token(&key(), &alice(), &token).bytes()));
        assert!(is_name(&name));
        for other in ["", &name[1..], &format!("{name}0"), &name.replace(&name[..1], "/")] {
            assert!(!is_name(other), "{other}");
        }
        assert!(!is_name(&"A".repeat(64)));
    }
}
