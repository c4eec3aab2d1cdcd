//! A new phone: scan a new secret, then a code of the old phone and one of the new.
//!
//! # Security
//!
//! Both codes are judged by `service::owner`; this page passes them on and says which one was wrong, to somebody
//! who is signed in.

use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    enrol::dropped_page,
    field::{self, CodeField},
    secret,
};
use crate::{
    base::SecretText,
    service::{
        admin::{AdminError, Enrolment},
        owner::{OwnerError, Shown, ShownKind},
    },
    web::{
        form::{Bare, OwnerForm},
        page::{Frame, refused},
        repeat::LastForm,
        visitor::Owner,
    },
};

/// Both codes.
#[derive(Deserialize)]
pub(super) struct CodesForm {
    /// Of the old phone.
    code: String,
    /// Of the new one.
    challenge: String,
}

/// What was wrong with which of them.
#[derive(Default)]
struct Wrong {
    old: Option<String>,
    new: Option<String>,
}

pub(super) async fn before(owner: Owner) -> Response {
    match owner.cases().factor(&owner.visit).await {
        Ok(factor) if factor.enabled => before_page(&owner).into_response(),
        Ok(_) => owner.visitor.to("").into_response(),
        Err(error) => owner.failed(&error),
    }
}

fn before_page(owner: &Owner) -> Markup {
    let texts = owner.texts();
    let path = |path| owner.visitor.settings().path(path);
    Frame::of(owner, "phone-title", "").around(&html! {
        section.card {
            p { (texts.get("phone-text")) }
            p.hint { (texts.get("phone-lost")) }
            form method="post" action=(path("phone/begin")) {
                (field::token(owner))
                div.actions {
                    button.main { (texts.get("next-button")) }
                    a.button href=(path("")) { (texts.get("cancel-button")) }
                }
            }
        }
    })
}

pub(super) async fn begin(form: OwnerForm<Bare>) -> Response {
    let OwnerForm { owner, .. } = form;
    match owner.cases().begin_move(&owner.visit).await {
        Ok(()) => owner.visitor.to("phone/scan").into_response(),
        Err(error) => answer(&owner, &error),
    }
}

/// Another secret in place of the one that is shown.
pub(super) async fn again(form: OwnerForm<Bare>) -> Response {
    form.owner.cases().put_away(&form.owner.visit, ShownKind::NewPhone);
    begin(form).await
}

pub(super) async fn scan(owner: Owner) -> Response {
    match shown(&owner) {
        Some(enrolment) => scan_page(&owner, &enrolment, &Wrong::default()).into_response(),
        None => owner.visitor.to("phone").into_response(),
    }
}

fn shown(owner: &Owner) -> Option<Enrolment> {
    match owner.cases().shown(&owner.visit, ShownKind::NewPhone) {
        Some(Shown::NewPhone(enrolment)) => Some(enrolment),
        _ => None,
    }
}

pub(super) async fn confirm(form: LastForm<CodesForm>) -> Response {
    let (owner, fields, turn) = form.split();
    let new = SecretText::new(fields.challenge.split_whitespace().collect());
    let old = field::typed(fields.code);
    let error = match owner.cases().confirm_move(&owner.visit, old, new).await {
        Ok((drift, ticket)) => {
            let path = match drift {
                0 => "?done=moved",
                ..0 => "?done=moved-slow",
                1.. => "?done=moved-fast",
            };
            return turn.renewed(&owner, path, ticket);
        }
        Err(error) => error,
    };
    let text = field::explain(owner.texts(), &error);
    let wrong = match error {
        OwnerError::Code(_) => Wrong { old: text, new: None },
        _ => Wrong { old: None, new: text },
    };
    match shown(&owner) {
        Some(enrolment) if wrong.old.is_some() || wrong.new.is_some() => {
            refused(scan_page(&owner, &enrolment, &wrong))
        }
        _ => answer(&owner, &error),
    }
}

fn answer(owner: &Owner, error: &OwnerError) -> Response {
    match error {
        OwnerError::Change(AdminError::AlreadyOff { .. }) => owner.visitor.to("").into_response(),
        OwnerError::Change(
            AdminError::EnrolmentDropped { .. } | AdminError::NoEnrolment { .. },
        ) => {
            owner.cases().put_away(&owner.visit, ShownKind::NewPhone);
            refused(dropped_page(owner, "phone"))
        }
        other => owner.failed(other),
    }
}

fn scan_page(owner: &Owner, enrolment: &Enrolment, wrong: &Wrong) -> Markup {
    let texts = owner.texts();
    let path = |path| owner.visitor.settings().path(path);
    let (old, new) = (wrong.old.as_deref(), wrong.new.as_deref());
    let challenge = CodeField {
        name: "challenge",
        label: "phone-new-label",
        hint: "challenge-hint",
        first: new.is_some(),
        error: new,
    };
    let frame = Frame::of(owner, "phone-title", "").with(field::message(texts, old.or(new)));
    frame.around(&html! {
        section.card {
            h2 { (texts.get("phone-scan-step")) }
            (secret::show(texts, enrolment))
        }
        form.card method="post" action=(field::action(&owner.visitor, "phone/scan")) {
            h2 { (texts.get("phone-codes-step")) }
            (field::token(owner))
            p { (texts.get("phone-codes-text")) }
            (challenge.digits(texts))
            h3 { (texts.get("phone-old-step")) }
            (field::challenge(&owner.visitor, old, old.is_some()))
            div.actions {
                button.main { (texts.get("save-button")) }
                a.button href=(path("")) { (texts.get("cancel-button")) }
            }
        }
        form.quiet method="post" action=(path("phone/again")) {
            (field::token(owner))
            p.hint { (texts.get("scan-again-hint")) }
            button { (texts.get("scan-again")) }
        }
    })
}
