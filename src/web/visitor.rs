//! Who asks for a page: from where, in which language, and whose session.
//!
//! # Security
//!
//! `X-Forwarded-For` counts only from listed proxies, and of it the last address that is none of them:
//! what stands before that, anybody may have written (CVE-2023-36456).

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};

use super::{Panel, Settings, cookie, language::Texts, page, server::Peer};
use crate::{
    base::NetAddress,
    service::owner::{Ticket, Visit},
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
}

impl Visitor {
    /// The texts in the visitor's language.
    pub fn texts(&self) -> &Texts {
        self.panel.languages.choose(self.chosen.as_deref(), self.accepted.as_deref())
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.panel.settings
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
        let ticket: Option<Ticket> = cookie::brought_ticket(&panel.settings, &parts.headers);
        let Some(ticket) = ticket else { return Err(visitor.to("login").into_response()) };
        match panel.owner.visit(ticket, visitor.from).await {
            Ok(Some(visit)) => Ok(Self { visitor, visit }),
            Ok(None) => Err(visitor.to("login").into_response()),
            Err(error) => Err(page::unavailable(&visitor, &error.to_string())),
        }
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
    let lines = headers.get_all("x-forwarded-for").iter().rev();
    let named = lines
        .flat_map(|line| line.to_str().unwrap_or_default().rsplit(','))
        .map(|text| NetAddress::parse(text.trim()));
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
