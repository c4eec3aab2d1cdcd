//! The sign-ins of mail programs that live: see them, end one, end all.
//!
//! # Security
//!
//! Forms come by `OwnerForm`; a number that is not one of the mailbox's ends nothing.

use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::{field, when};
use crate::{
    service::{
        admin::{AdminError, SessionView},
        owner::OwnerError,
    },
    web::{
        form::{Bare, OwnerForm},
        page::Frame,
        visitor::Owner,
    },
};

/// Which one.
#[derive(Deserialize)]
pub(super) struct EndForm {
    id: u64,
}

pub(super) async fn show(owner: Owner) -> Response {
    match owner.cases().sessions(&owner.visit).await {
        Ok(sessions) => page(&owner, &sessions).into_response(),
        Err(error) => owner.failed(&error),
    }
}

pub(super) async fn end(form: OwnerForm<EndForm>) -> Response {
    let OwnerForm { owner, fields } = form;
    match owner.cases().end_session(&owner.visit, fields.id).await {
        // One that has ended meanwhile has ended.
        Ok(())
        | Err(OwnerError::Change(AdminError::NoSession { .. } | AdminError::NoRecord { .. })) => {
            owner.visitor.done("sign-ins", "sign-in-ended").into_response()
        }
        Err(error) => owner.failed(&error),
    }
}

pub(super) async fn end_all(form: OwnerForm<Bare>) -> Response {
    let OwnerForm { owner, .. } = form;
    match owner.cases().end_all(&owner.visit).await {
        Ok(ticket) => owner.renewed("sign-ins?done=all-ended", &ticket),
        Err(error) => owner.failed(&error),
    }
}

fn page(owner: &Owner, sessions: &[SessionView]) -> Markup {
    let texts = owner.texts();
    let path = |path| owner.visitor.settings().path(path);
    Frame::of(owner, "sign-ins-title", "sign-ins").around(&html! {
        p { (texts.get("sign-ins-text")) }
        @if sessions.is_empty() { p.card.empty { (texts.get("sign-ins-none")) } }
        ul.list {
            @for session in sessions {
                li.card { (one(owner, session)) }
            }
        }
        section.card {
            h2 { (texts.get("sign-ins-all-title")) }
            p { (texts.get("sign-ins-all-text")) }
            form method="post" action=(path("sign-ins/end-all")) {
                (field::token(owner))
                div.actions { button.danger { (texts.get("sign-ins-all")) } }
            }
        }
    })
}

fn one(owner: &Owner, session: &SessionView) -> Markup {
    let texts = owner.texts();
    let title = format!("sign-in-{}", session.id);
    html! {
        div.titled {
            h2 id=(title) { (when::service(texts, &session.last_use.service)) }
            form method="post" action=(owner.visitor.settings().path("sign-ins/end")) {
                (field::token(owner))
                button.small name="id" value=(session.id) aria-describedby=(title) {
                    (texts.get("sign-in-end"))
                }
            }
        }
        dl {
            @if let Some(webmail) = &session.webmail {
                dt { (texts.get("service-webmail")) }
                dd { (webmail) }
            }
            dt { (texts.get("sign-in-opened")) }
            dd { (when::seen(&session.opened)) }
            dt { (texts.get("last-used")) }
            dd { (when::seen(&session.last_use)) }
            dt { (texts.get("sign-in-ends")) }
            dd { (when::at(session.ends)) }
        }
    }
}
