//! From Disabled to Enabled: before you start, the secret to scan, the first code.
//!
//! # Security
//!
//! The secret is shown to the session that started the enrolment. Whether a code is right is judged by
//! `service::admin`, which counts wrong ones.

use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    field::{self, CodeField},
    secret, when,
};
use crate::{
    base::SecretText,
    service::{
        admin::{AdminError, Enrolment},
        owner::{OwnerError, Shown, ShownKind},
        trail::Program,
    },
    web::{
        form::{Bare, OwnerForm},
        language::Texts,
        page::{Frame, refused},
        repeat::LastForm,
        visitor::Owner,
    },
};

/// The first code.
#[derive(Deserialize)]
pub(super) struct ChallengeForm {
    challenge: String,
}

pub(super) async fn before(owner: Owner) -> Response {
    match owner.cases().factor(&owner.visit).await {
        Ok(factor) if factor.enabled => return owner.visitor.done("", "unchanged").into_response(),
        Ok(_) => {}
        Err(error) => return owner.failed(&error),
    }
    match owner.cases().programs(&owner.visit).await {
        Ok(programs) => before_page(&owner, &programs).into_response(),
        Err(error) => owner.failed(&error),
    }
}

fn before_page(owner: &Owner, programs: &[Program]) -> Markup {
    let texts = owner.texts();
    let path = |path| owner.visitor.settings().path(path);
    Frame::of(owner, "before-title", "").around(&html! {
        ol.steps {
            li.card {
                h2 { (texts.get("before-app")) }
                p { (texts.get("before-app-text")) }
                p.hint { (texts.get("before-app-names")) }
            }
            li.card {
                h2 { (texts.get("before-clock")) }
                p { (texts.get("before-clock-text")) }
            }
            li.card {
                h2 { (texts.get("before-programs")) }
                p { (texts.get("before-programs-text")) }
                @if !programs.is_empty() {
                    p { (texts.get("before-programs-seen")) }
                    ul { @for program in programs { li { (seen(texts, program)) } } }
                }
                p { a href=(path("app-passwords")) { (texts.get("before-programs-link")) } }
            }
        }
        form method="post" action=(path("factor/begin")) {
            (field::token(owner))
            div.actions {
                button.main { (texts.get("next-button")) }
                a.button href=(path("")) { (texts.get("cancel-button")) }
            }
        }
    })
}

/// A program that uses the bare password today.
fn seen(texts: &Texts, program: &Program) -> Markup {
    html! {
        @match &program.program {
            Some(name) => { (name) " · " (when::service(texts, &program.service)) },
            None => (when::service(texts, &program.service)),
        }
        @if let Some(network) = &program.network { " · " span.address { (network) } }
        " · " (texts.get("last-used")) " " (when::at(program.last))
    }
}

pub(super) async fn begin(form: OwnerForm<Bare>) -> Response {
    let OwnerForm { owner, .. } = form;
    match owner.cases().begin_enrolment(&owner.visit).await {
        Ok(()) => owner.visitor.to("factor/scan").into_response(),
        Err(error) => answer(&owner, &error),
    }
}

/// Another secret in place of the one that is shown.
pub(super) async fn again(form: OwnerForm<Bare>) -> Response {
    form.owner.cases().put_away(&form.owner.visit, ShownKind::Enrolment);
    begin(form).await
}

pub(super) async fn scan(owner: Owner) -> Response {
    match shown(&owner) {
        Some(enrolment) => scan_page(&owner, &enrolment, None).into_response(),
        // Its time is over, or it was never there: from the start.
        None => owner.visitor.to("factor/before").into_response(),
    }
}

fn shown(owner: &Owner) -> Option<Enrolment> {
    match owner.cases().shown(&owner.visit, ShownKind::Enrolment) {
        Some(Shown::Enrolment(enrolment)) => Some(enrolment),
        _ => None,
    }
}

pub(super) async fn confirm(form: LastForm<ChallengeForm>) -> Response {
    let (owner, fields, turn) = form.split();
    let code = SecretText::new(fields.challenge.split_whitespace().collect());
    let error = match owner.cases().confirm_enrolment(&owner.visit, code).await {
        Ok(ticket) => return turn.renewed(&owner, "recovery-codes/shown", ticket),
        Err(error) => error,
    };
    match (field::explain(owner.texts(), &error), shown(&owner)) {
        (Some(text), Some(enrolment)) => refused(scan_page(&owner, &enrolment, Some(&text))),
        _ => answer(&owner, &error),
    }
}

/// Where somebody goes for whom the field cannot say it.
fn answer(owner: &Owner, error: &OwnerError) -> Response {
    match error {
        OwnerError::Change(AdminError::AlreadyOn { .. } | AdminError::EnrolmentOff { .. }) => {
            owner.visitor.done("", "unchanged").into_response()
        }
        OwnerError::Change(
            AdminError::EnrolmentDropped { .. } | AdminError::NoEnrolment { .. },
        ) => {
            owner.cases().put_away(&owner.visit, ShownKind::Enrolment);
            refused(dropped_page(owner, "factor/before"))
        }
        other => owner.failed(other),
    }
}

/// Too many wrong codes, or too late.
pub(super) fn dropped_page(owner: &Owner, again: &str) -> Markup {
    let texts = owner.texts();
    Frame::of(owner, "dropped-title", "").around(&html! {
        section.card {
            p { (texts.get("dropped-text")) }
            div.actions {
                a.button.main href=(owner.visitor.settings().path(again)) {
                    (texts.get("start-again"))
                }
            }
        }
    })
}

fn scan_page(owner: &Owner, enrolment: &Enrolment, error: Option<&str>) -> Markup {
    let texts = owner.texts();
    let path = |path| owner.visitor.settings().path(path);
    let challenge = CodeField {
        name: "challenge",
        label: "challenge-label",
        hint: "challenge-hint",
        first: error.is_some(),
        error,
    };
    let frame = Frame::of(owner, "scan-title", "").with(field::message(texts, error));
    frame.around(&html! {
        section.card {
            h2 { (texts.get("scan-step")) }
            (secret::show(texts, enrolment))
        }
        section.card {
            h2 { (texts.get("challenge-step")) }
            form method="post" action=(path("factor/scan")) {
                (field::token(owner))
                (challenge.digits(texts))
                (field::seconds_left(&owner.visitor))
                div.actions {
                    button.main { (texts.get("save-button")) }
                    a.button href=(path("")) { (texts.get("cancel-button")) }
                }
            }
        }
        form.quiet method="post" action=(path("factor/again")) {
            (field::token(owner))
            p.hint { (texts.get("scan-again-hint")) }
            button { (texts.get("scan-again")) }
        }
    })
}
