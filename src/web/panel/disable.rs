//! From Enabled to Disabled, with a fresh code or a recovery code.
//!
//! # Security
//!
//! The code is asked and used up by `service::owner`; this page only passes it on.

use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::field;
use crate::{
    service::{admin::AdminError, owner::OwnerError},
    web::{
        page::{Frame, refused},
        repeat::LastForm,
        visitor::Owner,
    },
};

/// The code.
#[derive(Deserialize)]
pub(super) struct CodeForm {
    code: String,
}

pub(super) async fn show(owner: Owner) -> Response {
    match owner.cases().factor(&owner.visit).await {
        Ok(factor) if factor.enabled => page(&owner, None).await.into_response(),
        Ok(_) => owner.visitor.done("", "unchanged").into_response(),
        Err(error) => owner.failed(&error),
    }
}

pub(super) async fn submit(form: LastForm<CodeForm>) -> Response {
    let (owner, fields, turn) = form.split();
    let error = match owner.cases().disable(&owner.visit, field::typed(fields.code)).await {
        Ok(ticket) => return turn.renewed(&owner, "?done=disabled", ticket),
        Err(OwnerError::Change(AdminError::AlreadyOff { .. })) => {
            return owner.visitor.done("", "unchanged").into_response();
        }
        Err(error) => error,
    };
    match field::explain(owner.texts(), &error) {
        Some(text) => refused(page(&owner, Some(&text)).await),
        None => owner.failed(&error),
    }
}

async fn page(owner: &Owner, error: Option<&str>) -> Markup {
    let texts = owner.texts();
    // What cannot be told now does not stand in the way.
    let required = owner.cases().policy(&owner.visit).await.is_ok_and(|policy| policy.required);
    let frame = Frame::of(owner, "disable-title", "").with(field::message(texts, error));
    frame.around(&html! {
        section.card {
            p { (texts.get("disable-text")) }
            @if required { p.message.warning { (texts.get("disable-required")) } }
            form method="post" action=(field::action(&owner.visitor, "factor/disable")) {
                (field::token(owner))
                (field::challenge(&owner.visitor, error, true))
                div.actions {
                    button.main.danger { (texts.get("save-button")) }
                    a.button href=(owner.visitor.settings().path("")) {
                        (texts.get("cancel-button"))
                    }
                }
            }
        }
    })
}
