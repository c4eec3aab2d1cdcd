//! The sign-ins of mail programs and to this panel that live: see them, end one, end all.
//!
//! # Security
//!
//! Forms come by `OwnerForm`; a number or name that is not one of the mailbox's ends nothing.

use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::{field, when};
use crate::{
    base::limits::PANEL_BROWSERS,
    service::{
        admin::{AdminError, SessionView},
        owner::{BrowserView, OwnerError},
    },
    web::{
        form::{Bare, OwnerForm},
        page::{Frame, with},
        visitor::Owner,
    },
};

/// Which one.
#[derive(Deserialize)]
pub(super) struct EndForm {
    id: u64,
}

/// Which browser.
#[derive(Deserialize)]
pub(super) struct EndBrowserForm {
    id: String,
}

pub(super) async fn show(owner: Owner) -> Response {
    let (programs, browsers) =
        (owner.cases().sessions(&owner.visit).await, owner.cases().browsers(&owner.visit).await);
    match (programs, browsers) {
        (Ok(programs), Ok(browsers)) => page(&owner, &programs, &browsers).into_response(),
        (Err(error), _) | (_, Err(error)) => owner.failed(&error),
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

pub(super) async fn end_browser(form: OwnerForm<EndBrowserForm>) -> Response {
    let OwnerForm { owner, fields } = form;
    match owner.cases().end_browser(&owner.visit, &fields.id).await {
        Ok(()) => owner.visitor.done("sign-ins", "browser-ended").into_response(),
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

fn page(owner: &Owner, programs: &[SessionView], browsers: &[BrowserView]) -> Markup {
    let texts = owner.texts();
    let path = |path| owner.visitor.settings().path(path);
    Frame::of(owner, "sign-ins-title", "sign-ins").around(&html! {
        p #programs { (texts.get("sign-ins-text")) }
        @if programs.is_empty() { p.card.empty { (texts.get("sign-ins-none")) } }
        ul.list aria-labelledby="programs" {
            @for session in programs {
                li.card { (program(owner, session)) }
            }
        }
        p #browsers { (texts.get("browsers-text")) }
        ul.list aria-labelledby="browsers" {
            @for view in browsers.iter().take(PANEL_BROWSERS) {
                li.card { (browser(owner, view)) }
            }
        }
        @if browsers.len() > PANEL_BROWSERS {
            p { (texts.fill("browsers-more", &with("count", PANEL_BROWSERS))) }
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

fn program(owner: &Owner, session: &SessionView) -> Markup {
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

fn browser(owner: &Owner, view: &BrowserView) -> Markup {
    let texts = owner.texts();
    let title = format!("browser-{}", view.id);
    html! {
        div.titled {
            h2 id=(title) { (texts.get(if view.own { "browser-own" } else { "browser-other" })) }
            @if !view.own {
                form method="post" action=(owner.visitor.settings().path("sign-ins/end-browser")) {
                    (field::token(owner))
                    button.small name="id" value=(view.id) aria-describedby=(title) {
                        (texts.get("sign-in-end"))
                    }
                }
            }
        }
        @if view.by_link { p { (texts.get("browser-by-link")) } }
        dl {
            dt { (texts.get("sign-in-opened")) }
            dd { (when::seen(&view.opened)) }
            dt { (texts.get("last-used")) }
            dd { (when::at(view.last_use)) }
            dt { (texts.get("sign-in-ends")) }
            dd { (when::at(view.ends)) }
        }
    }
}
