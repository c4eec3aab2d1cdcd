//! From a notice to a mail: address, headers, text. lettre builds and encodes it.
//!
//! # Security
//!
//! A mailbox name becomes an address only if it is one (RFC 5321); it cannot add headers, recipients
//! or arguments. The mail says of itself that a program wrote it (RFC 3834), and by default has no
//! sender that bounces could go to, so that two programs never answer each other for ever.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use lettre::{
    Address, Message,
    address::Envelope,
    message::{
        Mailbox as Correspondent, SinglePart,
        header::{HeaderName, HeaderValue},
    },
};

use super::{template::Values, texts::Texts};
use crate::{
    base::{Mailbox, Rng, UnixMillis, limits::CLOCK_LOST_SECONDS},
    decision::notice::{Language, Placeholder},
    ports::notice::{Notice, Origin, What},
};

/// Last moment that a Date header can hold, seconds since 1970: the end of the year 9999.
const LAST_SECOND: u64 = 253_402_300_799;

/// Who notices come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The header From.
    pub from: Correspondent,
    /// The header Reply-To, if there is to be one.
    pub reply_to: Option<Correspondent>,
    /// Where bounces go; `None` for nowhere.
    pub envelope: Option<Address>,
}

/// Writes letters.
pub struct Letters {
    /// Who they come from.
    pub sender: Sender,
    /// The domain of mailbox names that have none.
    pub domain: Option<String>,
    /// What they say.
    pub texts: Texts,
    /// In which language.
    pub language: Language,
    /// Makes their ids.
    pub rng: Arc<dyn Rng>,
}

/// A mail, ready to be handed over.
#[derive(Clone, Debug)]
pub struct Letter {
    /// From and to.
    pub envelope: Envelope,
    /// Headers and text, ASCII unless the address itself is not; lines end with CR LF.
    pub bytes: Vec<u8>,
}

/// Why there is no mail.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LetterError {
    /// The name of the mailbox has no domain, and none is configured.
    #[error("the name has no domain: set notices.domain")]
    NoDomain,
    /// The name is not an address.
    #[error("the name is not a mail address: {0}")]
    NotAnAddress(String),
    /// No text in this language; not possible with checked texts.
    #[error("there is no text for it")]
    NoText,
    /// Anything else.
    #[error("the mail cannot be written: {0}")]
    Unwritten(String),
}

impl Letters {
    /// Writes one. `left` is how many recovery codes are left, if that is known.
    ///
    /// # Errors
    ///
    /// Trying again does not help.
    pub fn write(&self, notice: &Notice, left: Option<usize>) -> Result<Letter, LetterError> {
        let kind = notice.what.kind();
        let template = self.texts.get(&self.language, kind).ok_or(LetterError::NoText)?;
        let to = self.address(&notice.mailbox)?;
        let facts = Facts { notice, left };
        let mut builder = Message::builder()
            .from(self.sender.from.clone())
            .to(Correspondent::new(None, to.clone()))
            .subject(template.subject(&facts))
            .message_id(Some(self.message_id()?));
        // Without a time the mail server gives it one.
        if is_known(notice.at) {
            builder = builder.date(date(notice.at));
        }
        if let Some(reply_to) = &self.sender.reply_to {
            builder = builder.reply_to(reply_to.clone());
        }
        let unwritten = |error: lettre::error::Error| LetterError::Unwritten(error.to_string());
        let envelope = Envelope::new(self.sender.envelope.clone(), vec![to]).map_err(unwritten)?;
        let mut message = builder
            .envelope(envelope.clone())
            .singlepart(SinglePart::plain(template.body(&facts)))
            .map_err(unwritten)?;
        let headers = message.headers_mut();
        let raw = |name, value: &str| {
            HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
        };
        headers.insert_raw(raw("Auto-Submitted", "auto-generated"));
        headers.insert_raw(raw("Content-Language", self.language.as_str()));
        Ok(Letter { envelope, bytes: message.formatted() })
    }

    fn address(&self, mailbox: &Mailbox) -> Result<Address, LetterError> {
        let (user, domain) = match (mailbox.as_str().rsplit_once('@'), &self.domain) {
            (Some(parts), _) => parts,
            (None, Some(domain)) => (mailbox.as_str(), domain.as_str()),
            (None, None) => return Err(LetterError::NoDomain),
        };
        Address::new(user, domain).map_err(|error| LetterError::NotAnAddress(error.to_string()))
    }

    fn message_id(&self) -> Result<String, LetterError> {
        let mut random = [0; 16];
        self.rng.fill(&mut random).map_err(|error| LetterError::Unwritten(error.to_string()))?;
        let id = u128::from_be_bytes(random);
        Ok(format!("<{id:032x}@{}>", self.sender.from.email.domain()))
    }
}

/// Whether the clock had not lost its time.
fn is_known(at: UnixMillis) -> bool {
    at.seconds() >= CLOCK_LOST_SECONDS
}

fn date(at: UnixMillis) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(at.seconds().min(LAST_SECOND))
}

/// What is known of a notice.
struct Facts<'a> {
    notice: &'a Notice,
    left: Option<usize>,
}

impl Facts<'_> {
    fn origin(&self) -> Option<&Origin> {
        match &self.notice.what {
            What::RecoveryCodeUsed(origin) | What::WrongCode(origin) => Some(origin),
            What::SecondFactorOn
            | What::SecondFactorOff
            | What::SecondFactorMoved
            | What::SecondFactorRequired { from: _, days: _ }
            | What::AppPasswordAdded { name: _ }
            | What::RecoveryCodesReplaced
            | What::Test => None,
        }
    }

    fn required(&self) -> Option<(UnixMillis, u64)> {
        match self.notice.what {
            What::SecondFactorRequired { from, days } => Some((from, days)),
            _ => None,
        }
    }

    fn known(&self, placeholder: Placeholder) -> Option<String> {
        match placeholder {
            Placeholder::Mailbox => Some(self.notice.mailbox.to_string()),
            Placeholder::Time => is_known(self.notice.at).then(|| minute(self.notice.at)),
            Placeholder::Service => self.origin().map(|origin| origin.service.to_string()),
            Placeholder::Address => self.origin().map(|origin| origin.address.to_string()),
            Placeholder::AppPassword => match &self.notice.what {
                What::AppPasswordAdded { name } => Some(name.clone()),
                _ => None,
            },
            Placeholder::Left => self.left.map(|left| left.to_string()),
            Placeholder::Date => self.required().map(|(from, _)| minute(from)),
            Placeholder::Days => self.required().map(|(_, days)| days.to_string()),
        }
    }
}

impl Values for Facts<'_> {
    fn value(&self, placeholder: Placeholder) -> String {
        self.known(placeholder).unwrap_or_else(|| "?".to_owned())
    }
}

/// `2026-03-01 14:05 UTC`, the same in every language.
fn minute(at: UnixMillis) -> String {
    let text = humantime::format_rfc3339_seconds(date(at)).to_string();
    let (day, time) = text.split_once('T').unwrap_or((&text, ""));
    format!("{day} {} UTC", time.get(..5).unwrap_or_default())
}
