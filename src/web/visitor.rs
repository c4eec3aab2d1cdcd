//! Who asks for a page: from where, in which language, and whose session.
//!
//! # Security
//!
//! `X-Forwarded-For` counts only from listed proxies, and of it the last address that is none of them:
//! what stands before that, anybody may have written (CVE-2023-36456), in bytes that need be no text. So each
//! piece of the list is judged by itself.
//!
//! A visitor is in the one session that lives among those the browser brings, never in one of several, and in none
//! when it brings more than are looked at.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, Uri, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};

use super::{
    Panel, Settings,
    cookie::{self, Brought, Cookie},
    language::Texts,
    page::{self, Message},
};
use crate::{
    base::NetAddress,
    http::Peer,
    service::owner::{OwnerError, Ticket, Visit},
};

/// The cookie of the language switch. It is no secret.
pub(super) const LANGUAGE_COOKIE: &str = "mail2fa-language";

/// Somebody, known or not.
pub(super) struct Visitor {
    /// The pages' state.
    pub panel: Panel,
    /// From where.
    pub from: NetAddress,
    /// The chosen language, and what the browser accepts.
    chosen: Option<String>,
    accepted: Option<String>,
    /// The page's path and question, as asked.
    uri: Uri,
}

/// What a page may say after a redirect: the word in its address, the id of the text, and whether something was done
/// that somebody wanted; else it is something to be known.
const NOTICES: [(&str, &str, bool); 12] = [
    ("ended", "notice-ended", false),
    ("logged-out", "notice-logged-out", true),
    ("unchanged", "notice-unchanged", false),
    ("disabled", "notice-disabled", true),
    ("enabled", "notice-enabled", true),
    ("moved", "notice-moved", true),
    ("moved-slow", "notice-moved-slow", false),
    ("moved-fast", "notice-moved-fast", false),
    ("revoked", "notice-revoked", true),
    ("sign-in-ended", "notice-sign-in-ended", true),
    ("browser-ended", "notice-browser-ended", true),
    ("all-ended", "notice-all-ended", true),
];

impl Visitor {
    /// The texts in the visitor's language.
    pub fn texts(&self) -> &Texts {
        self.panel.languages.choose(self.chosen.as_deref(), self.accepted.as_deref())
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.panel.settings
    }

    /// The language-independent question of the page, `a=b&c`.
    fn question(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.uri.query().unwrap_or_default().split('&');
        pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    }

    /// What the page before has done. Nothing of the address is shown: it chooses among known texts.
    pub fn notice(&self) -> Option<Message> {
        let (_, word) = self.question().find(|(name, _)| *name == "done")?;
        let (_, id, done) = NOTICES.iter().find(|(known, _, _)| *known == word)?;
        let text = self.texts().get(id);
        Some(if *done { Message::Done(text) } else { Message::Note(text) })
    }

    /// Whether the field for a code is to take a recovery code.
    pub fn wants_recovery(&self) -> bool {
        self.question().any(|(name, _)| name == "recovery")
    }

    /// The page's own path below the panel's, for links back to it.
    pub fn here(&self) -> &str {
        self.uri.path().strip_prefix(self.settings().base.as_str()).unwrap_or_default()
    }

    /// To another page, after something was done.
    pub fn done(&self, path: &str, word: &str) -> Redirect {
        self.to(&format!("{path}?done={word}"))
    }

    /// To another page.
    pub fn to(&self, path: &str) -> Redirect {
        Redirect::to(&self.settings().path(path))
    }
}

impl FromRequestParts<Panel> for Visitor {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, panel: &Panel) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<Peer>().copied();
        let text =
            |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(Self {
            panel: panel.clone(),
            from: address(&panel.settings, peer, &parts.headers),
            chosen: chosen_language(&parts.headers),
            accepted: text(header::ACCEPT_LANGUAGE),
            uri: parts.uri.clone(),
        })
    }
}

/// Somebody whose session lives.
pub(super) struct Owner {
    /// The visitor.
    pub visitor: Visitor,
    /// Whose page, with the right to change something.
    pub visit: Visit,
}

impl FromRequestParts<Panel> for Owner {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, panel: &Panel) -> Result<Self, Response> {
        let Ok(visitor) = Visitor::from_request_parts(parts, panel).await;
        let tickets = cookie::brought_tickets(&panel.settings, &parts.headers);
        if tickets.seen.is_empty() {
            return Err(visitor.to("login").into_response());
        }
        match visitor.session(tickets).await {
            Ok(Some(visit)) => Ok(Self { visitor, visit }),
            Ok(None) => Err(visitor.ended()),
            Err(error) => Err(page::unavailable(&visitor, &error.to_string())),
        }
    }
}

impl Visitor {
    /// Whose page it is: of the session that lives, of all those whose tickets the browser brings. One that has ended
    /// keeps nobody out. Of two that live nobody can say which is the visitor's and which was planted, so both end. So does
    /// the one of too many: the visitor's may be among those that were not looked at.
    pub async fn session(&self, tickets: Brought<Ticket>) -> Result<Option<Visit>, OwnerError> {
        let mut living: Vec<Visit> = Vec::new();
        for ticket in tickets.seen {
            living.extend(self.panel.owner.visit(ticket, self.from).await?);
        }
        if tickets.too_many || living.len() > 1 {
            self.panel.owner.sign_out(living.iter().map(Visit::ticket)).await?;
            return Ok(None);
        }
        Ok(living.pop())
    }

    /// Ends what the browser was in before a sign-in, planted or not. What cannot be written ends by its time.
    pub async fn end_others(&self, headers: &HeaderMap) {
        let tickets = cookie::brought_tickets(self.settings(), headers).seen;
        let _ = self.panel.owner.sign_out(&tickets).await;
    }

    /// To the login, because the session has ended.
    pub fn ended(&self) -> Response {
        let redirect = self.done("login", "ended");
        cookie::with(redirect, Cookie::Session.clear(self.settings()))
    }
}

impl Owner {
    /// The texts in the visitor's language.
    pub fn texts(&self) -> &Texts {
        self.visitor.texts()
    }

    /// The use-cases.
    pub fn cases(&self) -> &crate::service::owner::Owner {
        &self.visitor.panel.owner
    }

    /// The page for something that did not work and that its form cannot say.
    pub fn failed(&self, error: &OwnerError) -> Response {
        match error {
            OwnerError::Ended => self.visitor.ended(),
            other => page::unavailable(&self.visitor, &other.to_string()),
        }
    }

    /// The redirect after something was done, with a new session.
    pub fn renewed(&self, path: &str, ticket: &Ticket) -> Response {
        let settings = self.visitor.settings();
        cookie::with(self.visitor.to(path), cookie::ticket(settings, ticket))
    }
}

/// Where the browser is.
fn address(settings: &Settings, peer: Option<Peer>, headers: &HeaderMap) -> NetAddress {
    let peer = match peer {
        Some(Peer::Address(address)) => Some(address),
        Some(Peer::Process(_)) => None,
        None => return NetAddress::UNKNOWN,
    };
    if !settings.is_proxy(peer) {
        return peer.map_or(NetAddress::UNKNOWN, NetAddress::from);
    }
    // Several lines are one list, RFC 9110 5.2.
    let lines = headers.get_all("x-forwarded-for").iter().rev();
    let named = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b',')).map(|piece| {
        str::from_utf8(piece.trim_ascii()).map_or(NetAddress::UNKNOWN, NetAddress::parse)
    });
    for address in named {
        match address.ip() {
            Some(ip) if settings.is_proxy(Some(ip)) => {}
            _ => return address,
        }
    }
    peer.map_or(NetAddress::UNKNOWN, NetAddress::from)
}

fn chosen_language(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == LANGUAGE_COOKIE)
        .map(|(_, tag)| tag.to_owned())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;
    use crate::decision::place::Network;

    #[test]
    fn each_piece_of_a_list_is_judged_by_itself() {
        let settings = Settings {
            base: "/".into(),
            https: true,
            proxies: vec![Network::parse("127.0.0.1").unwrap()],
            name: String::new(),
            logo: None,
            accent: None,
            accent_dark: None,
        };
        let peer = Some(Peer::Address("127.0.0.1".parse().unwrap()));
        for (lines, seen) in [
            (vec![b"\xff, 203.0.113.5".as_slice()], "203.0.113.5"),
            (vec![b"\xff,203.0.113.5 , 127.0.0.1"], "203.0.113.5"),
            (vec![b"\xff\xfe", b"203.0.113.5"], "203.0.113.5"),
            (vec![b"192.0.2.66, \t\xe9", b"203.0.113.5", b"127.0.0.1"], "203.0.113.5"),
            (vec![b"192.0.2.66", b"192.0.2.67,203.0.113.5"], "203.0.113.5"),
            // The proxy's own word is no address.
            (vec![b"192.0.2.66, \xff"], "unknown"),
            (vec![b"192.0.2.66", b"\xff, 127.0.0.1"], "unknown"),
            (vec![b"127.0.0.1"], "127.0.0.1"),
            (vec![], "127.0.0.1"),
        ] {
            let mut headers = HeaderMap::new();
            for line in &lines {
                headers.append("x-forwarded-for", HeaderValue::from_bytes(line).unwrap());
            }
            let from = address(&settings, peer, &headers);
            assert_eq!(from.to_string(), seen, "{lines:?}");
        }
    }
}
