//! A form that is sent twice, and whose first sending ended the session that sent both: 2-factor authentication
//! switched on or off, a new phone.
//!
//! Somebody pressed the button twice, and the browser shows the answer to the second sending only. That
//! one gets the answer of the first, new session included, so that nobody is logged out in front of
//! recovery codes that were never seen.
//!
//! # Security
//!
//! For some seconds, to whom has the very session that sent the form, and sends the very same form: with the
//! code that was right, and with the form's token. Whoever has all that could have sent it first. Forms
//! without a code are not among these.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::{FromRequest, FromRequestParts, Request},
    response::{IntoResponse, Response},
};
use serde::de::DeserializeOwned;
use subtle::ConstantTimeEq;
use tokio::{
    sync::OwnedMutexGuard,
    time::{Duration, Instant},
};

use super::{
    Panel,
    cookie::{self, brought_ticket},
    form::{OwnerForm, Token, read},
    visitor::{Owner, Visitor},
};
use crate::{
    base::{
        Secret,
        limits::{PANEL_REPEAT_SECONDS, PANEL_REPEATS},
    },
    service::owner::Ticket,
};

/// What the first sending was answered.
struct Answer {
    path: String,
    ticket: Ticket,
}

/// Filled by the first sending, while the second one waits.
type Slot = Arc<tokio::sync::Mutex<Option<Answer>>>;

struct Entry {
    form: Secret,
    slot: Slot,
    since: Instant,
}

/// The forms of the last seconds.
#[derive(Default)]
pub(super) struct Repeats(Mutex<Vec<Entry>>);

impl Repeats {
    /// The slot of a form; a new one only where `make` says so. When there are too many the oldest leaves.
    fn slot(&self, form: &Secret, make: bool) -> Option<Slot> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let life = Duration::from_secs(PANEL_REPEAT_SECONDS);
        all.retain(|entry| entry.since.elapsed() < life);
        let same = |entry: &&Entry| bool::from(entry.form.expose().ct_eq(form.expose()));
        if let Some(entry) = all.iter().find(same) {
            return Some(Arc::clone(&entry.slot));
        }
        if !make {
            return None;
        }
        if all.len() >= PANEL_REPEATS {
            all.remove(0);
        }
        let slot = Slot::default();
        let since = Instant::now();
        all.push(Entry { form: form.clone(), slot: Arc::clone(&slot), since });
        Some(slot)
    }
}

/// A form whose success ends the session that sends it.
pub(super) struct LastForm<T> {
    /// Who.
    pub owner: Owner,
    /// The fields.
    pub fields: T,
    turn: Option<OwnedMutexGuard<Option<Answer>>>,
}

impl<T> LastForm<T> {
    /// The turn of this sending, to be taken once it is known how it ends.
    pub fn split(self) -> (Owner, T, Turn) {
        (self.owner, self.fields, Turn(self.turn))
    }
}

/// Holds back a second sending until it is dropped.
pub(super) struct Turn(Option<OwnedMutexGuard<Option<Answer>>>);

impl Turn {
    /// The redirect after it was done, with a new session; also for a second sending.
    pub fn renewed(self, owner: &Owner, path: &str, ticket: Ticket) -> Response {
        let response = owner.renewed(path, &ticket);
        if let Some(mut slot) = self.0 {
            *slot = Some(Answer { path: path.to_owned(), ticket });
        }
        response
    }
}

impl<T: DeserializeOwned> FromRequest<Panel> for LastForm<T> {
    type Rejection = Response;

    async fn from_request(request: Request, panel: &Panel) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let Ok(visitor) = Visitor::from_request_parts(&mut parts, panel).await;
        let body = Bytes::from_request(Request::from_parts(parts.clone(), body), &())
            .await
            .map_err(IntoResponse::into_response)?;
        let ticket = brought_ticket(&panel.settings, &parts.headers);
        let token = read::<Token>(&parts, &body).await;
        let mut turn = None;
        if let (Some(ticket), Some(Token { form })) = (ticket, token) {
            let own = panel.owner.is_form_of_ticket(&ticket, &form);
            let sent = [parts.uri.path().as_bytes(), b" ", &body].concat();
            let repeats = parts.extensions.get::<Arc<Repeats>>();
            if let Some(slot) = repeats.and_then(|all| all.slot(&Secret::from_vec(sent), own)) {
                let slot = slot.lock_owned().await;
                if let Some(answer) = slot.as_ref().filter(|a| own || a.ticket == ticket) {
                    let redirect = visitor.to(&answer.path);
                    let cookie = cookie::ticket(&panel.settings, &answer.ticket);
                    return Err(cookie::with(redirect, cookie));
                }
                turn = Some(slot);
            }
        }
        let request = Request::from_parts(parts, Body::from(body));
        let OwnerForm { owner, fields } = OwnerForm::from_request(request, panel).await?;
        Ok(Self { owner, fields, turn })
    }
}

/// What the pages need for it.
pub(super) fn extension() -> Extension<Arc<Repeats>> {
    Extension(Arc::new(Repeats::default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_form_has_the_same_slot_and_there_are_so_many() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let _inside = runtime.enter();
        let repeats = Repeats::default();
        let form = |number: usize| Secret::from_vec(format!("path body={number}").into_bytes());
        let first = repeats.slot(&form(0), true).unwrap();
        assert!(Arc::ptr_eq(&first, &repeats.slot(&form(0), false).unwrap()));
        assert!(repeats.slot(&form(1), false).is_none(), "strangers make none");
        for number in 1..=PANEL_REPEATS {
            repeats.slot(&form(number), true).unwrap();
        }
        assert!(repeats.slot(&form(0), false).is_none(), "pushed out");
        assert_eq!(repeats.0.lock().unwrap().len(), PANEL_REPEATS);
    }
}
