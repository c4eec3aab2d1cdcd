//! Recent activity: logins and changes in plain words, and what to do.
//!
//! # Security
//!
//! The owner sees what concerns the own mailbox. Texts of strangers (names of programs) are clean when they are
//! written and escaped here; the place in the address is read by `service::trail` and by nobody else.

use axum::{
    extract::Query,
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use serde::Deserialize;

use super::when;
use crate::{
    ports::event::{EventKind, TrailEvent},
    service::{admin::AdminError, owner::OwnerError},
    web::{
        language::Texts,
        page::{Frame, with},
        visitor::Owner,
    },
};

/// Where a page begins.
#[derive(Deserialize)]
pub(super) struct From {
    before: Option<String>,
}

/// How an event looks.
#[derive(Clone, Copy)]
enum Mood {
    Good,
    Neutral,
    Bad,
    /// Somebody else may know the password.
    Alarming,
}

pub(super) async fn show(owner: Owner, Query(From { before }): Query<From>) -> Response {
    match owner.cases().activity(&owner.visit, before).await {
        Ok((events, next)) => page(&owner, &events, next.as_deref()).into_response(),
        Err(OwnerError::Change(AdminError::BadCursor)) => {
            owner.visitor.to("activity").into_response()
        }
        Err(error) => owner.failed(&error),
    }
}

fn page(owner: &Owner, events: &[TrailEvent], next: Option<&str>) -> Markup {
    let texts = owner.texts();
    let older = next.map(|next| format!("activity?before={next}"));
    Frame::of(owner, "activity-title", "activity").around(&html! {
        p { (texts.get("activity-text")) }
        @if events.is_empty() { p.card.empty { (texts.get("activity-none")) } }
        @if !events.is_empty() { ul.list.events { @for event in events { (one(texts, event)) } } }
        @if let Some(older) = older {
            p { a.button href=(owner.visitor.settings().path(&older)) { (texts.get("activity-older")) } }
        }
    })
}

fn one(texts: &Texts, event: &TrailEvent) -> Markup {
    let (id, mood) = words(event);
    let class = match mood {
        Mood::Good => Some("good"),
        Mood::Neutral => None,
        Mood::Bad => Some("bad"),
        Mood::Alarming => Some("alarming"),
    };
    html! {
        li class=[class] {
            p.what { (texts.fill(id, &with("count", event.count.unwrap_or_default()))) }
            p.hint {
                (when::at(event.at / 1_000))
                @if event.time_unknown { " " (texts.get("event-or-later")) }
                @if let Some(service) = &event.service { " · " (when::service(texts, service)) }
                @if let Some(client) = &event.client { " · " (client) }
                @if let Some(from) = &event.from { " · " span.address { (from) } }
                @if event.kind == EventKind::Change { " · " (texts.get(by(event))) }
            }
            @if matches!(mood, Mood::Alarming) { p.advice { (texts.get("event-advice")) } }
        }
    }
}

/// Who changed something. Of administrators it says no more than that.
fn by(event: &TrailEvent) -> &'static str {
    match event.by.as_deref() {
        Some(by) if by.starts_with("owner ") => "event-by-owner",
        _ => "event-by-administrator",
    }
}

/// What happened, and how it is to be taken.
fn words(event: &TrailEvent) -> (&'static str, Mood) {
    match event.kind {
        EventKind::Change => change(event),
        EventKind::Lost | EventKind::More => ("event-more", Mood::Neutral),
        EventKind::Login => match event.result.as_deref() {
            Some("accepted") => accepted(event.reason.as_deref().unwrap_or_default()),
            Some("refused") => refused(event),
            _ => ("event-unavailable", Mood::Neutral),
        },
    }
}

fn accepted(reason: &str) -> (&'static str, Mood) {
    match reason {
        "password" => ("event-password", Mood::Good),
        "password+code" => ("event-code", Mood::Good),
        "password+recovery_code" => ("event-recovery", Mood::Good),
        "password+session" => ("event-session", Mood::Good),
        "app_password" => ("event-app-password", Mood::Good),
        "webmail_token" => ("event-webmail-token", Mood::Good),
        "panel+code" => ("event-panel-code", Mood::Neutral),
        "panel+recovery_code" => ("event-panel-recovery", Mood::Neutral),
        _ => ("event-accepted", Mood::Good),
    }
}

fn refused(event: &TrailEvent) -> (&'static str, Mood) {
    match event.reason.as_deref().unwrap_or_default() {
        // The first of the two steps of a login to the panel.
        "missing_code" if event.service.as_deref() == Some("panel") => {
            ("event-panel-password", Mood::Neutral)
        }
        "missing_code" if event.service.as_deref() == Some("webmail") => {
            ("event-webmail-password", Mood::Neutral)
        }
        "webmail_token_ended" => ("event-webmail-ended", Mood::Neutral),
        "wrong_password" => ("event-wrong-password", Mood::Bad),
        "missing_code" => ("event-missing-code", Mood::Bad),
        "wrong_code" => ("event-wrong-code", Mood::Alarming),
        "used_code" => ("event-used-code", Mood::Alarming),
        "throttled" => ("event-throttled", Mood::Bad),
        "locked" => ("event-locked", Mood::Bad),
        "app_password_wrong" => ("event-app-wrong", Mood::Bad),
        "app_password_expired" => ("event-app-expired", Mood::Bad),
        "app_password_out_of_scope" => ("event-app-scope", Mood::Bad),
        _ => ("event-refused", Mood::Bad),
    }
}

fn change(event: &TrailEvent) -> (&'static str, Mood) {
    // Of these actions the detail says what came out.
    let unhappy = event.detail.is_some();
    let id = match event.action.as_deref().unwrap_or_default() {
        "totp confirm" | "totp finish-move" if unhappy => "event-confirm-wrong",
        "totp confirm" => "event-enabled",
        "totp disable" => "event-disabled",
        "totp enable" | "totp move" => "event-started",
        "totp check-move" => "event-confirm-wrong",
        "totp finish-move" => "event-moved",
        "app-password add" => "event-app-added",
        "app-password revoke" => "event-app-revoked",
        "recovery-codes new" => "event-recovery-new",
        "session revoke" => "event-session-ended",
        "sign-ins end" => "event-all-ended",
        "panel link" if unhappy => "event-link-followed",
        "panel link" => "event-link-made",
        "webmail log-out" => "event-webmail-left",
        "mailbox password" => "event-password-set",
        "mailbox lock" => "event-lock",
        "mailbox unlock" => "event-unlock",
        "policy set" => "event-policy",
        _ => "event-changed",
    };
    (id, Mood::Neutral)
}
