//! Webmail tokens: sessions minted for a webmail, which keeps one in place of the password.
//!
//! Written `m2fw_17_abcd…_w`: the number of its session in the mailbox's record and 28 secret
//! characters, 140 bits. A token is its own proof, as an app password is: no password source is asked.
//! It is good for what the administrator says of its webmail now, not for what was said when it was
//! minted.
//!
//! ```text
//!          password right, and the code where one is asked (`Service::Webmail`)
//!   (none) ──────────────────────────────────────────────────► live ──┬─ used, refreshed: idle end
//!                                                               ▲ │   │   moves, absolute end does not
//!                                                               └─┴───┘
//!   live ── absolute end, idle end, revoked, pushed out, its webmail no longer configured, password,
//!           factor, lock or level changed, all sign-ins ended, mailbox removed or renamed ──► (gone)
//! ```
//!
//! # Security
//!
//! The last characters are no code and no recovery code, so that nothing would ever cut a token in two;
//! and a string of this shape is a token or nothing: it is never tried as a password, which a mail
//! server would log and count. The secret part is compared first, so that nobody without it learns
//! what else is wrong.

use std::collections::BTreeMap;

use super::{
    alphabet,
    digest::{CredentialKey, Digest, Kind},
    panel::Standing,
    place::{Network, Use},
    record::MailboxRecord,
    session::Session,
};
use crate::base::{Mailbox, NetAddress, Secret, SecretText, Service, UnixMillis};

/// What a token begins with.
const PREFIX: &[u8] = b"m2fw_";
/// What it ends with: no digit, and no dash before it.
const SUFFIX: &[u8] = b"_w";
/// Secret characters.
pub const SECRET_CHARACTERS: usize = 28;
/// Digits of the largest session number.
const ID_DIGITS: usize = 20;

const _: () = assert!(SECRET_CHARACTERS * alphabet::BITS >= 120);

/// What the administrator says of one webmail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebmailRule {
    /// The API token that asks for this webmail; `None`: any that may exchange.
    pub token: Option<String>,
    /// The services its tokens open.
    pub services: Vec<Service>,
    /// From where it connects: the host that is seen at the door, whatever address it passes on, or that
    /// a proxy before the door passes on.
    pub networks: Vec<Network>,
    /// Whether a token is good from the browser's own address too, the one that was named when it was
    /// minted: for a mail server that sees nothing else of a webmail (Postfix's XCLIENT).
    pub from_browser: bool,
    /// How long a token lives without being used, seconds.
    pub idle_seconds: u64,
    /// How long it lives at most, seconds.
    pub absolute_seconds: u64,
}

/// What he says of all of them, by name.
pub type WebmailRules = BTreeMap<String, WebmailRule>;

/// What a session has that was minted for a webmail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Which webmail.
    pub webmail: String,
    /// How the mailbox stood: what changes that ends the token.
    pub standing: Standing,
    /// On what it was minted.
    pub minted_on: MintedOn,
}

/// What was shown for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MintedOn {
    /// The password, of a mailbox that has no second factor.
    Password,
    /// Password and code, or recovery code.
    PasswordAndCode,
}

/// Why a token does not open a door. Audit only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebmailMismatch {
    /// Not one of this mailbox: never was, revoked, or ended with a change of the mailbox.
    Wrong,
    /// Its time is over.
    Ended,
    /// It is not for this service, or not from there, or its webmail is not configured.
    OutOfScope,
}

/// A login, as far as a token is judged by it.
#[derive(Clone, Copy, Debug)]
pub struct AtDoor<'a> {
    /// When, from where, for which service.
    pub at: &'a Use,
    /// The host that connected.
    pub via: NetAddress,
}

impl WebmailRule {
    /// Whether the API token of this name may ask for this webmail. Who needs none is the machine's
    /// administrator, and may.
    pub fn is_asked_by(&self, token: Option<&str>) -> bool {
        match (self.token.as_deref(), token) {
            (Some(own), Some(name)) => own == name,
            (None, _) | (_, None) => true,
        }
    }

    /// A token's session, as of a moment.
    pub fn open(&self, digest: Digest, opened: Use, id: u64, grant: Grant) -> Session {
        Session {
            id,
            digest,
            ends: opened.at.plus_seconds(self.absolute_seconds),
            last_use: opened.clone(),
            opened,
            idle_seconds: self.idle_seconds,
            webmail: Some(grant),
        }
    }

    /// When a token ends if it is not used again: by what was said when it was minted and by what is
    /// said now.
    pub fn expires(&self, session: &Session) -> UnixMillis {
        let idle = self.idle_seconds.min(session.idle_seconds);
        let absolute = session.opened.at.plus_seconds(self.absolute_seconds);
        session.ends.min(absolute).min(session.last_use.at.plus_seconds(idle))
    }

    /// Whether it lives. As with every session, a clock that has gone back ends it.
    fn is_live(&self, session: &Session, now: UnixMillis) -> bool {
        session.is_live(now) && now < self.expires(session)
    }

    /// Whether a use at this moment is worth writing down.
    pub fn is_stale(&self, session: &Session, now: UnixMillis) -> bool {
        let idle_seconds = self.idle_seconds.min(session.idle_seconds);
        Session { idle_seconds, ..session.clone() }.is_stale(now)
    }

    fn admits(&self, session: &Session, door: AtDoor<'_>) -> bool {
        let service = match &door.at.service {
            // What people look after their mailbox with is not for a token, whatever is configured.
            Service::Panel | Service::Webmail => false,
            Service::Imap | Service::Pop3 | Service::Sieve | Service::Smtp | Service::Other(_) => {
                self.services.contains(&door.at.service)
            }
        };
        let among = |address: NetAddress| {
            address.ip().is_some_and(|ip| self.networks.iter().any(|n| n.contains(ip)))
        };
        // The webmail connects and passes its browser on, or something between passes the webmail on.
        let webmail = among(door.via) || among(door.at.from);
        // An address that somebody passed on is not where the connection comes from.
        let browser = self.from_browser
            && door.via == door.at.from
            && door.at.from.ip().is_some()
            && door.at.from == session.opened.from;
        service && (webmail || browser)
    }
}

/// The session of a token, if it is one of this record's that lives, whatever door it is for.
pub fn find<'a>(
    rules: &'a WebmailRules,
    typed: &TypedWebmailToken,
    record: &'a MailboxRecord,
    mailbox: &Mailbox,
    key: &CredentialKey,
    now: UnixMillis,
) -> Result<Found<'a>, WebmailMismatch> {
    let named = record.sessions.iter().find(|session| session.id == typed.id);
    let (session, grant) = named
        .and_then(|session| Some((session, session.webmail.as_ref()?)))
        .ok_or(WebmailMismatch::Wrong)?;
    let standing = Standing::of(key, mailbox, Some(record));
    if typed.digest(mailbox, key) != session.digest || grant.standing != standing {
        return Err(WebmailMismatch::Wrong);
    }
    let rule = rules.get(&grant.webmail).ok_or(WebmailMismatch::OutOfScope)?;
    if !rule.is_live(session, now) {
        return Err(WebmailMismatch::Ended);
    }
    Ok(Found { session, grant, rule })
}

/// A token that lives.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// Its session.
    pub session: &'a Session,
    /// What it was minted for.
    pub grant: &'a Grant,
    /// What holds for its webmail.
    pub rule: &'a WebmailRule,
}

impl Found<'_> {
    /// Whether it opens this door; what it was minted on.
    pub fn opens(&self, door: AtDoor<'_>) -> Result<MintedOn, WebmailMismatch> {
        if self.rule.admits(self.session, door) {
            Ok(self.grant.minted_on)
        } else {
            Err(WebmailMismatch::OutOfScope)
        }
    }
}

/// A credential that has the shape of a token.
#[derive(Clone, Debug)]
pub struct TypedWebmailToken {
    /// Which session it says it is.
    pub id: u64,
    secret: Secret,
}

impl TypedWebmailToken {
    /// Reads a credential; `None` if it does not have the shape. Programs keep it, nobody types it: it
    /// is read as it was given, to the letter.
    pub fn parse(credential: &Secret) -> Option<Self> {
        let rest = credential.expose().strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
        let at = rest.iter().position(|byte| *byte == b'_')?;
        let (id, secret) = rest.split_at_checked(at)?;
        let secret = secret.get(1..)?;
        let plain = secret.iter().all(|byte| alphabet::normalise(*byte) == Some(*byte));
        let digits = id.iter().all(u8::is_ascii_digit) && (1..=ID_DIGITS).contains(&id.len());
        if !plain || !digits || secret.len() != SECRET_CHARACTERS || id.starts_with(b"0") {
            return None;
        }
        let id = std::str::from_utf8(id).ok()?.parse().ok()?;
        Some(Self { id, secret: Secret::from_slice(secret) })
    }

    /// Makes the one of a session, of random bytes.
    pub fn generate(id: u64, random: &[u8; SECRET_CHARACTERS]) -> Self {
        let secret = random.iter().map(|byte| alphabet::character(*byte)).collect();
        Self { id, secret: Secret::from_vec(secret) }
    }

    /// The same secret for another session number.
    #[must_use]
    pub fn of_session(&self, id: u64) -> Self {
        Self { id, ..self.clone() }
    }

    /// What the store keeps of it.
    pub fn digest(&self, mailbox: &Mailbox, key: &CredentialKey) -> Digest {
        let fields: [&[u8]; 2] = [&self.id.to_be_bytes(), self.secret.expose()];
        key.digest(Kind::WebmailToken, mailbox, &fields)
    }

    /// As the webmail gets it, once.
    pub fn shown(&self) -> SecretText {
        let secret = std::str::from_utf8(self.secret.expose()).unwrap_or_default();
        SecretText::new(format!("m2fw_{}_{secret}_w", self.id))
    }
}

#[cfg(test)]
mod tests;
