//! `[notices]`: what owners are told by mail, and through what.

use std::{net::SocketAddr, path::PathBuf};

use lettre::{Address, message::Mailbox as Correspondent};
use toml::de::DeValue;

use super::{
    raw::{Report, Section},
    values,
};
use crate::{
    base::limits::{REMINDER_DAYS, REMINDER_STEPS},
    decision::{
        notice::{Language, NoticeKind},
        reminder::Schedule,
    },
};

/// `[notices]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticesConfig {
    /// Whether anybody is told anything; then there is a `from`.
    pub enabled: bool,
    /// Who notices come from.
    pub from: Option<Correspondent>,
    /// Where answers go.
    pub reply_to: Option<Correspondent>,
    /// Where bounces go; nowhere if not given.
    pub envelope_sender: Option<Address>,
    /// The domain of mailbox names without one.
    pub domain: Option<String>,
    /// The language of the texts.
    pub language: Language,
    /// A folder with texts in place of the built-in ones.
    pub texts: Option<PathBuf>,
    /// Through what they are sent.
    pub transport: NoticeTransport,
    /// Where the relay listens.
    pub relay: NoticeRelay,
    /// The sendmail program.
    pub sendmail: PathBuf,
    /// The kinds that are sent.
    pub kinds: Vec<NoticeKind>,
    /// How many days before a second factor is required owners are told.
    pub required_days: Schedule,
}

/// Through what notices are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeTransport {
    /// SMTP to a relay.
    Smtp,
    /// The sendmail program.
    Sendmail,
}

/// Where a relay listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoticeRelay {
    /// An address and port.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

impl std::fmt::Display for NoticeRelay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl NoticesConfig {
    /// Whether mail goes over a network, unencrypted.
    pub fn in_clear(&self) -> bool {
        match &self.relay {
            NoticeRelay::Tcp(address) => !address.ip().is_loopback(),
            NoticeRelay::Unix(_) => false,
        }
    }
}

/// The kinds that can be switched off one by one, with their keys.
pub(super) fn switches() -> impl Iterator<Item = (NoticeKind, &'static str)> {
    let all = NoticeKind::ALL.into_iter().filter(|kind| *kind != NoticeKind::Test);
    all.map(|kind| (kind, kind.as_str()))
}

/// Reads the section. Without a `from` nobody is told anything: no address would be the right guess.
pub(super) fn notices(mut section: Section<'_>, report: &mut Report) -> NoticesConfig {
    const TRANSPORTS: &[(&str, NoticeTransport)] =
        &[("smtp", NoticeTransport::Smtp), ("sendmail", NoticeTransport::Sendmail)];
    let from = section.read("from", report, correspondent);
    let enabled = section.read("enabled", report, values::flag).unwrap_or(section.has("from"));
    if enabled && !section.has("from") {
        section.mistake(
            "from",
            "is missing: notices need an address they come from".into(),
            report,
        );
    }
    let mut kinds = vec![NoticeKind::Test];
    for (kind, key) in switches() {
        if section.read(key, report, values::flag).unwrap_or(true) {
            kinds.push(kind);
        }
    }
    let config = NoticesConfig {
        enabled,
        from,
        reply_to: section.read("reply_to", report, correspondent),
        envelope_sender: section.read("envelope_sender", report, sender).flatten(),
        domain: section.read("domain", report, domain),
        language: section.read("language", report, language).unwrap_or_default(),
        texts: section.read("texts", report, values::path),
        transport: section
            .read("transport", report, values::choice(TRANSPORTS))
            .unwrap_or(NoticeTransport::Smtp),
        relay: section
            .read("smtp", report, relay)
            .unwrap_or_else(|| NoticeRelay::Tcp(SocketAddr::from(([127, 0, 0, 1], 25)))),
        sendmail: section
            .read("sendmail", report, values::path)
            .unwrap_or_else(|| "/usr/sbin/sendmail".into()),
        kinds,
        required_days: section.read("required_days", report, days).unwrap_or_default(),
    };
    let meant = section.read("smtp_in_clear", report, values::flag).unwrap_or(false);
    if config.in_clear() && !meant {
        let what = "is not on this machine, and nothing encrypts the way there; use a relay here, or \
                    add smtp_in_clear = true if the network is safe";
        section.mistake("smtp", what.into(), report);
    }
    section.finish(report);
    config
}

fn correspondent(value: &DeValue<'_>) -> Result<Correspondent, String> {
    values::filled(value)?.parse().map_err(|_| {
        "must be a mail address, \"mail@example.org\" or \"Example Mail <mail@example.org>\"".into()
    })
}

/// Empty means that there is none.
fn sender(value: &DeValue<'_>) -> Result<Option<Address>, String> {
    let text = values::text(value)?;
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = |_| "must be a bare mail address, \"bounces@example.org\", or empty".to_owned();
    text.parse().map(Some).map_err(wrong)
}

/// A list of numbers of days.
fn days(value: &DeValue<'_>) -> Result<Schedule, String> {
    let wrong = || {
        format!(
            "must be a list of 1 to {REMINDER_STEPS} different whole numbers of days from 1 to \
             {REMINDER_DAYS}, e.g. [14, 7, 3, 1]; second_factor_required = false tells nobody"
        )
    };
    let list = value.as_array().ok_or_else(wrong)?;
    let day = |item: &DeValue<'_>| values::integer(1..=REMINDER_DAYS)(item).map_err(|_| wrong());
    let days = list.iter().map(|item| day(item.get_ref())).collect::<Result<_, _>>()?;
    Schedule::new(days).ok_or_else(wrong)
}

fn domain(value: &DeValue<'_>) -> Result<String, String> {
    let domain = values::filled(value)?;
    match Address::new("postmaster", &domain) {
        Ok(_) => Ok(domain),
        Err(_) => Err("must be a domain, such as \"example.org\"".into()),
    }
}

fn language(value: &DeValue<'_>) -> Result<Language, String> {
    Language::parse(&values::filled(value)?)
        .ok_or_else(|| "must be a language's tag in lower case, such as \"en\" or \"pt-br\"".into())
}

fn relay(value: &DeValue<'_>) -> Result<NoticeRelay, String> {
    const ALLOWED: &str = "must be an address with its port, \"127.0.0.1:25\" or \"[::1]:25\", or \
                           \"unix:\" and the path of a socket";
    let text = values::filled(value)?;
    if let Some(path) = text.strip_prefix("unix:") {
        let path = values::socket_path(&DeValue::String(path.into()))?;
        return Ok(NoticeRelay::Unix(path));
    }
    let address: SocketAddr = text.parse().map_err(|_| ALLOWED.to_owned())?;
    if address.port() == 0 { Err(ALLOWED.to_owned()) } else { Ok(NoticeRelay::Tcp(address)) }
}
