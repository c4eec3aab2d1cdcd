//! Recovery codes: how many are left, a new set, and the set on the screen until it is kept.
//!
//! # Security
//!
//! Codes are shown to the session that made them, as a page and as a file, until it says that they are kept.

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use serde::Deserialize;

use super::{factor, field, when};
use crate::{
    base::limits::STEP_SECONDS,
    service::{
        admin::{AdminError, Disclosed},
        owner::{OwnerError, RecoveryLeft, Shown, ShownKind},
    },
    web::{
        form::OwnerForm,
        page::{Frame, Message, refused, with},
        visitor::Owner,
    },
};

/// The code.
#[derive(Deserialize)]
pub(super) struct CodeForm {
    code: String,
}

/// The tick.
#[derive(Deserialize)]
pub(super) struct KeptForm {
    kept: Option<String>,
}

/// The set on the screen.
struct Set {
    codes: Vec<Disclosed>,
    drift_steps: i64,
    first: bool,
}

pub(super) async fn show(owner: Owner) -> Response {
    match owner.cases().recovery_codes(&owner.visit).await {
        Ok(left) => page(&owner, Some(left)).into_response(),
        Err(OwnerError::Change(AdminError::AlreadyOff { .. })) => {
            page(&owner, None).into_response()
        }
        Err(error) => owner.failed(&error),
    }
}

fn page(owner: &Owner, left: Option<RecoveryLeft>) -> Markup {
    let texts = owner.texts();
    let path = |path| owner.visitor.settings().path(path);
    Frame::of(owner, "recovery-title", "recovery-codes").around(&html! {
        section.card {
            p { (texts.get("recovery-text")) }
            @if let Some(left) = left {
                p.figure { (texts.fill("recovery-left", &factor::left(left))) }
                p.hint { (texts.get("recovery-new-text")) }
                div.actions {
                    a.button.main href=(path("recovery-codes/new")) {
                        (texts.get("recovery-new"))
                    }
                }
            } @else {
                p.figure { (texts.get("recovery-off")) }
                p { a href=(path("")) { (texts.get("recovery-off-link")) } }
            }
        }
    })
}

pub(super) async fn ask(owner: Owner) -> Response {
    match owner.cases().recovery_codes(&owner.visit).await {
        Ok(_) => ask_page(&owner, None).into_response(),
        Err(OwnerError::Change(AdminError::AlreadyOff { .. })) => {
            owner.visitor.to("recovery-codes").into_response()
        }
        Err(error) => owner.failed(&error),
    }
}

fn ask_page(owner: &Owner, error: Option<&str>) -> Markup {
    let texts = owner.texts();
    let path = |path| owner.visitor.settings().path(path);
    let frame = Frame::of(owner, "recovery-new-title", "recovery-codes");
    frame.with(field::message(texts, error)).around(&html! {
        section.card {
            p { (texts.get("recovery-new-text")) }
            form method="post" action=(field::action(&owner.visitor, "recovery-codes/new")) {
                (field::token(owner))
                (field::challenge(&owner.visitor, error, true))
                div.actions {
                    button.main { (texts.get("recovery-new")) }
                    a.button href=(path("recovery-codes")) { (texts.get("cancel-button")) }
                }
            }
        }
    })
}

pub(super) async fn make(form: OwnerForm<CodeForm>) -> Response {
    let OwnerForm { owner, fields } = form;
    let shown = || owner.visitor.to("recovery-codes/shown").into_response();
    let code = field::typed(fields.code);
    let error = match owner.cases().new_recovery_codes(&owner.visit, code).await {
        Ok(()) => return shown(),
        Err(error) => error,
    };
    match field::explain(owner.texts(), &error) {
        // The form was sent twice: the code was used for the set that is on the screen.
        Some(_) if set(&owner).is_some() => shown(),
        Some(text) => refused(ask_page(&owner, Some(&text))),
        None => owner.failed(&error),
    }
}

fn set(owner: &Owner) -> Option<Set> {
    match owner.cases().shown(&owner.visit, ShownKind::RecoveryCodes) {
        Some(Shown::RecoveryCodes { codes, drift_steps, first }) => {
            Some(Set { codes, drift_steps, first })
        }
        _ => None,
    }
}

pub(super) async fn shown(owner: Owner) -> Response {
    match set(&owner) {
        Some(set) => shown_page(&owner, &set, None).into_response(),
        None => owner.visitor.to("recovery-codes").into_response(),
    }
}

pub(super) async fn kept(form: OwnerForm<KeptForm>) -> Response {
    let OwnerForm { owner, fields } = form;
    let Some(set) = set(&owner) else { return owner.visitor.to("").into_response() };
    if fields.kept.is_none() {
        let text = owner.texts().get("codes-kept-missing");
        return refused(shown_page(&owner, &set, Some(&text)));
    }
    owner.cases().put_away(&owner.visit, ShownKind::RecoveryCodes);
    if set.first {
        owner.visitor.done("", "enabled").into_response()
    } else {
        owner.visitor.to("recovery-codes").into_response()
    }
}

/// The set as a file, as long as it is on the screen.
pub(super) async fn download(owner: Owner) -> Response {
    let Some(set) = set(&owner) else {
        return owner.visitor.to("recovery-codes").into_response();
    };
    let texts = owner.texts();
    let mailbox = with("mailbox", owner.visit.mailbox.as_str());
    let mut file = zeroize::Zeroizing::new(format!("{}\n\n", texts.fill("codes-file", &mailbox)));
    for code in &set.codes {
        file.push_str(code.expose());
        file.push('\n');
    }
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"recovery-codes.txt\""),
    ];
    (headers, file.to_string()).into_response()
}

fn shown_page(owner: &Owner, set: &Set, error: Option<&str>) -> Markup {
    let texts = owner.texts();
    let path = |path| owner.visitor.settings().path(path);
    let message = match (error, set.first) {
        (Some(_), _) => Some(Message::Error(texts.get("form-refused"))),
        (None, true) => Some(Message::Done(texts.get("codes-enabled"))),
        (None, false) => None,
    };
    let frame = Frame::of(owner, "codes-title", "recovery-codes").with(message);
    frame.around(&html! {
        @if set.drift_steps != 0 { (drift(owner, set.drift_steps)) }
        section.card {
            p.screen-only { (texts.get("codes-text")) }
            p.print-only { (texts.fill("codes-file", &with("mailbox", owner.visit.mailbox.as_str()))) }
            // Of two sets on paper the newer one counts.
            @if let Some(now) = owner.cases().time() { p.print-only { (when::day(now.seconds())) } }
            ol.codes { @for code in &set.codes { li { code { (code.expose()) } } } }
            div.actions {
                a.button href=(path("recovery-codes/recovery-codes.txt")) download="" {
                    (texts.get("codes-download"))
                }
                button type="button" hidden data-print { (texts.get("codes-print")) }
            }
            form method="post" action=(path("recovery-codes/shown")) {
                (field::token(owner))
                div.field {
                    @if let Some(text) = error { p.wrong id="kept-error" { (text) } }
                    label.tick {
                        input type="checkbox" name="kept" value="yes" required
                            aria-invalid=[error.map(|_| "true")]
                            aria-describedby=[error.map(|_| "kept-error")];
                        span { (texts.get("codes-kept")) }
                    }
                }
                div.actions { button.main { (texts.get("continue-button")) } }
            }
        }
    })
}

/// How far the phone's clock is off.
fn drift(owner: &Owner, steps: i64) -> Markup {
    let seconds = steps.unsigned_abs().saturating_mul(STEP_SECONDS);
    let id = if steps < 0 { "drift-slow" } else { "drift-fast" };
    html! { p.message.warning role="status" { (owner.texts().fill(id, &with("seconds", seconds))) } }
}
