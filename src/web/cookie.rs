//! The two cookies: the session's, and that of a sign-in that waits for its code.
//!
//! # Security
//!
//! `Secure`, `HttpOnly`, `SameSite=Strict`, no domain; with HTTPS at the root of a host the `__Host-` prefix,
//! so that no other host can plant one. Values are base64 of bounded length, compared in the store by hash.

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use zeroize::Zeroizing;

use super::Settings;
use crate::{
    base::{Mailbox, limits::WEB_COOKIE_BYTES},
    service::owner::{Ticket, WaitingId},
};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cookie {
    /// A ticket.
    Session,
    /// A sign-in that waits for its code.
    Waiting,
}

impl Cookie {
    fn name(self, settings: &Settings) -> &'static str {
        match (self, settings.https, settings.base.as_str()) {
            (Self::Session, true, "/") => "__Host-mail2fa",
            (Self::Session, true, _) => "__Secure-mail2fa",
            (Self::Session, false, _) => "mail2fa",
            (Self::Waiting, true, "/") => "__Host-mail2fa-code",
            (Self::Waiting, true, _) => "__Secure-mail2fa-code",
            (Self::Waiting, false, _) => "mail2fa-code",
        }
    }

    /// The header that sets it.
    fn set(self, settings: &Settings, value: &str, more: &str) -> Option<HeaderValue> {
        let secure = if settings.https { "; Secure" } else { "" };
        let (name, path) = (self.name(settings), &settings.base);
        let text = Zeroizing::new(format!(
            "{name}={value}; Path={path}; HttpOnly; SameSite=Strict{secure}{more}"
        ));
        let mut header = HeaderValue::from_str(&text).ok()?;
        header.set_sensitive(true);
        Some(header)
    }

    /// The header that takes it away.
    pub(super) fn clear(self, settings: &Settings) -> Option<HeaderValue> {
        self.set(settings, "", "; Max-Age=0")
    }

    fn value<'a>(self, settings: &Settings, headers: &'a HeaderMap) -> Option<&'a str> {
        let name = self.name(settings);
        let mut found = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|header| header.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(given, value)| *given == name && value.len() <= WEB_COOKIE_BYTES)
            .map(|(_, value)| value);
        let value = found.next()?;
        // Two of one name: somebody else planted one, and nobody can say which.
        found.next().is_none().then_some(value)
    }
}

/// The header that hands out a ticket.
pub(super) fn ticket(settings: &Settings, ticket: &Ticket) -> Option<HeaderValue> {
    let name = BASE64.encode(ticket.mailbox.as_str());
    let token = Zeroizing::new(BASE64.encode(*ticket.token));
    let value = Zeroizing::new(format!("{name}.{}", *token));
    Cookie::Session.set(settings, &value, "")
}

/// The ticket that a browser brings.
pub(super) fn brought_ticket(settings: &Settings, headers: &HeaderMap) -> Option<Ticket> {
    let (name, token) = Cookie::Session.value(settings, headers)?.split_once('.')?;
    let mailbox = Mailbox::from_bytes(&BASE64.decode(name).ok()?).ok()?;
    let bytes = Zeroizing::new(BASE64.decode(token).ok()?);
    Some(Ticket { mailbox, token: Zeroizing::new(bytes.as_slice().try_into().ok()?) })
}

/// The header that names a sign-in which waits for its code.
pub(super) fn waiting(settings: &Settings, id: WaitingId) -> Option<HeaderValue> {
    Cookie::Waiting.set(settings, &BASE64.encode(id.0), "")
}

/// The sign-in that a browser gives a code for.
pub(super) fn brought_waiting(settings: &Settings, headers: &HeaderMap) -> Option<WaitingId> {
    let value = Cookie::Waiting.value(settings, headers)?;
    Some(WaitingId(BASE64.decode(value).ok()?.try_into().ok()?))
}

/// An answer that sets a cookie besides those it sets already.
pub(super) fn with(response: impl IntoResponse, cookie: Option<HeaderValue>) -> Response {
    let mut response = response.into_response();
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
