//! The two cookies: the session's, and that of a sign-in that waits for its code.
//!
//! # Security
//!
//! `Secure`, `HttpOnly`, `SameSite=Strict`, no domain; with HTTPS at the root of a host the `__Host-` prefix,
//! so that no other host can plant one. Without it a browser may bring several of one name, and nothing in them
//! tells which is ours: all are handed out, up to a limit, and `visitor` finds the one that lives. Of more than
//! that none counts, since ours may be among those not looked at. Values are base64 of bounded length, compared in
//! the store by hash.

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use zeroize::Zeroizing;

use super::Settings;
use crate::{
    base::{
        Mailbox,
        limits::{WEB_COOKIE_BYTES, WEB_COOKIES},
    },
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

/// What a browser brings under one name: one, unless somebody has planted others.
pub(super) struct Brought<T> {
    /// Each once, up to the limit.
    pub seen: Vec<T>,
    /// Whether there are more. Then none counts: whoever plants the first ones could push the owner's out.
    pub too_many: bool,
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

    /// What a browser brings under this name and `read` can read, each once.
    fn brought<T: PartialEq>(
        self,
        settings: &Settings,
        headers: &HeaderMap,
        read: impl Fn(&str) -> Option<T>,
    ) -> Brought<T> {
        let name = self.name(settings);
        let values = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|header| header.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(given, value)| *given == name && value.len() <= WEB_COOKIE_BYTES)
            .filter_map(|(_, value)| read(value));
        let mut brought = Brought { seen: Vec::new(), too_many: false };
        for value in values {
            if brought.seen.contains(&value) {
                continue;
            }
            if brought.seen.len() == WEB_COOKIES {
                brought.too_many = true;
                break;
            }
            brought.seen.push(value);
        }
        brought
    }
}

/// The header that hands out a ticket.
pub(super) fn ticket(settings: &Settings, ticket: &Ticket) -> Option<HeaderValue> {
    let name = BASE64.encode(ticket.mailbox.as_str());
    let token = Zeroizing::new(BASE64.encode(*ticket.token));
    let value = Zeroizing::new(format!("{name}.{}", *token));
    Cookie::Session.set(settings, &value, "")
}

/// The tickets that a browser brings.
pub(super) fn brought_tickets(settings: &Settings, headers: &HeaderMap) -> Brought<Ticket> {
    Cookie::Session.brought(settings, headers, |value| {
        let (name, token) = value.split_once('.')?;
        let mailbox = Mailbox::from_bytes(&BASE64.decode(name).ok()?).ok()?;
        let bytes = Zeroizing::new(BASE64.decode(token).ok()?);
        Some(Ticket { mailbox, token: Zeroizing::new(bytes.as_slice().try_into().ok()?) })
    })
}

/// The header that names a sign-in which waits for its code.
pub(super) fn waiting(settings: &Settings, id: WaitingId) -> Option<HeaderValue> {
    Cookie::Waiting.set(settings, &BASE64.encode(id.0), "")
}

/// The sign-ins that a browser may give a code for.
pub(super) fn brought_waiting(settings: &Settings, headers: &HeaderMap) -> Brought<WaitingId> {
    Cookie::Waiting.brought(settings, headers, |value| {
        Some(WaitingId(BASE64.decode(value).ok()?.try_into().ok()?))
    })
}

/// An answer that sets a cookie besides those it sets already.
pub(super) fn with(response: impl IntoResponse, cookie: Option<HeaderValue>) -> Response {
    let mut response = response.into_response();
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
