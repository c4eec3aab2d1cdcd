//! App passwords: the list, a new one, the new one on the screen, revoking.
//!
//! # Security
//!
//! A form comes by `OwnerForm`. Names are checked here to say it at the field, and by `service::admin` to be
//! sure. The app password itself is in no address and no field that is sent back.

use axum::{
    extract::Query,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use serde::Deserialize;

use super::{field, programs, when};
use crate::{
    base::limits::APP_PASSWORD_NAME_BYTES,
    service::{
        admin::{AdminError, AppPasswordView, NewAppPassword},
        owner::{OwnerError, Shown, ShownKind},
    },
    web::{
        form::{Bare, OwnerForm},
        page::{Frame, Message, refused, with},
        visitor::Owner,
    },
};

/// Seconds of a day.
const DAY: u64 = 86_400;

/// How long one may live, days, and the id of the text. The first one stands for ever.
const LIVES: [(&str, &str); 4] = [
    ("", "app-expires-never"),
    ("30", "app-expires-month"),
    ("90", "app-expires-quarter"),
    ("365", "app-expires-year"),
];

/// What a new one is to be for.
#[derive(Default, Deserialize)]
pub(super) struct NewForm {
    name: String,
    imap: Option<String>,
    pop3: Option<String>,
    smtp: Option<String>,
    sieve: Option<String>,
    #[serde(default)]
    expires: String,
    #[serde(default)]
    code: String,
}

/// Which one.
#[derive(Deserialize)]
pub(super) struct Named {
    #[serde(default)]
    id: String,
}

/// What is wrong with which field.
#[derive(Default)]
struct Wrong {
    name: Option<String>,
    code: Option<String>,
    whole: Option<String>,
}

impl NewForm {
    fn services(&self) -> [(&'static str, bool); 4] {
        [
            ("imap", self.imap.is_some()),
            ("smtp", self.smtp.is_some()),
            ("pop3", self.pop3.is_some()),
            ("sieve", self.sieve.is_some()),
        ]
    }

    /// What is asked of the administrator's use-case.
    fn wanted(&self, now: Option<u64>) -> NewAppPassword {
        let chosen = self.services().into_iter().filter(|(_, chosen)| *chosen);
        let days = self.expires.parse::<u64>().ok().filter(|days| *days <= 3_650);
        NewAppPassword {
            name: self.name.trim().to_owned(),
            services: chosen.map(|(service, _)| service.to_owned()).collect(),
            networks: Vec::new(),
            expires: now.zip(days).map(|(now, days)| now.saturating_add(days * DAY)),
        }
    }

    /// Whether the name can be one, as `service::admin` will find.
    fn has_good_name(&self) -> bool {
        let name = self.name.trim();
        let odd = |c: char| c.is_control() || c == '"' || c == '\\';
        !name.is_empty() && name.len() <= APP_PASSWORD_NAME_BYTES && !name.chars().any(odd)
    }
}

pub(super) async fn show(owner: Owner) -> Response {
    match owner.cases().app_passwords(&owner.visit).await {
        Ok(list) => list_page(&owner, &list).into_response(),
        Err(error) => owner.failed(&error),
    }
}

fn list_page(owner: &Owner, list: &[AppPasswordView]) -> Markup {
    let texts = owner.texts();
    let path = |path| owner.visitor.settings().path(path);
    let waits = owner.cases().shown(&owner.visit, ShownKind::AppPassword).is_some();
    Frame::of(owner, "app-title", "app-passwords").around(&html! {
        p { (texts.get("app-text")) }
        @if waits {
            p.message.warning {
                (texts.get("app-waits")) " "
                a href=(path("app-passwords/shown")) { (texts.get("app-waits-link")) }
            }
        }
        div.actions {
            a.button.main href=(path("app-passwords/new")) { (texts.get("app-add")) }
        }
        @if list.is_empty() { p.card.empty { (texts.get("app-none")) } }
        ul.list { @for app in list { li.card { (one(owner, app)) } } }
    })
}

fn one(owner: &Owner, app: &AppPasswordView) -> Markup {
    let texts = owner.texts();
    let now = owner.cases().time().map_or(0, crate::base::UnixMillis::seconds);
    let ended = app.expires.is_some_and(|end| end <= now);
    let revoke = format!("app-passwords/revoke?id={}", app.id);
    html! {
        div.titled {
            h2 id=(format!("app-{}", app.id)) {
                (app.name)
                @if ended { " " span.tag { (texts.get("app-ended")) } }
            }
            a.button.small href=(owner.visitor.settings().path(&revoke))
                aria-describedby=(format!("app-{}", app.id)) { (texts.get("app-revoke")) }
        }
        dl {
            dt { (texts.get("app-services")) }
            dd { (when::services(texts, &app.services)) }
            @if !app.networks.is_empty() {
                dt { (texts.get("app-networks")) }
                dd { (app.networks.join(", ")) }
            }
            dt { (texts.get("app-begins")) }
            dd { code { (app.id) "…" } }
            dt { (texts.get("app-created")) }
            dd { (when::at(app.created)) }
            dt { (texts.get("last-used")) }
            dd {
                @match &app.last_use {
                    Some(noted) => (when::used(texts, noted)),
                    None => (texts.get("never-used")),
                }
            }
            dt { (texts.get("app-expires")) }
            dd {
                @match app.expires {
                    Some(end) => (when::day(end)),
                    None => (texts.get("app-expires-never")),
                }
            }
        }
    }
}

/// In place of the form, for who came by a link.
fn password_page(owner: &Owner) -> Response {
    let texts = owner.texts();
    let page = Frame::of(owner, "app-new-title", "app-passwords").around(&html! {
        section.card {
            p { (texts.get("app-needs-password")) }
            div.actions {
                a.button.main href=(owner.visitor.settings().path("login")) {
                    (texts.get("app-needs-password-link"))
                }
            }
        }
    });
    (StatusCode::FORBIDDEN, page).into_response()
}

pub(super) async fn ask(owner: Owner) -> Response {
    if owner.visit.by_link().is_some() {
        return password_page(&owner);
    }
    new_page(&owner, &NewForm::default(), &Wrong::default()).await.into_response()
}

pub(super) async fn make(form: OwnerForm<NewForm>) -> Response {
    let OwnerForm { owner, mut fields } = form;
    if !fields.has_good_name() {
        let most = with("most", APP_PASSWORD_NAME_BYTES);
        let name = Some(owner.texts().fill("app-name-wrong", &most));
        return refused(new_page(&owner, &fields, &Wrong { name, ..Wrong::default() }).await);
    }
    let code = field::typed(std::mem::take(&mut fields.code));
    let now = owner.cases().time().map(crate::base::UnixMillis::seconds);
    let wanted = fields.wanted(now);
    let error = match owner.cases().add_app_password(&owner.visit, wanted, code).await {
        Ok(()) => return owner.visitor.to("app-passwords/shown").into_response(),
        Err(error) => error,
    };
    if error == OwnerError::NeedsPassword {
        return password_page(&owner);
    }
    let text = field::explain(owner.texts(), &error);
    let wrong = match error {
        OwnerError::Code(_) => Wrong { code: text, ..Wrong::default() },
        _ => Wrong { whole: text, ..Wrong::default() },
    };
    if wrong.code.is_none() && wrong.whole.is_none() {
        return owner.failed(&error);
    }
    refused(new_page(&owner, &fields, &wrong).await)
}

async fn new_page(owner: &Owner, typed: &NewForm, wrong: &Wrong) -> Markup {
    let texts = owner.texts();
    let path = |path| owner.visitor.settings().path(path);
    // If that cannot be said now, a code is asked for; the form will tell.
    let enrolled = owner.cases().factor(&owner.visit).await.is_ok_and(|factor| factor.enabled);
    let refusal = wrong.name.as_ref().or(wrong.code.as_ref()).map(|_| texts.get("form-refused"));
    let message = wrong.whole.clone().or(refusal).map(Message::Error);
    let name_error = wrong.name.as_deref();
    let described = if name_error.is_some() { "name-error name-hint" } else { "name-hint" };
    Frame::of(owner, "app-new-title", "app-passwords").with(message).around(&html! {
        form.card method="post" action=(field::action(&owner.visitor, "app-passwords/new")) {
            (field::token(owner))
            div.field {
                label for="name" { (texts.get("app-name")) }
                p.hint id="name-hint" { (texts.get("app-name-hint")) }
                @if let Some(text) = name_error { p.wrong id="name-error" { (text) } }
                input id="name" name="name" type="text" value=(typed.name) required
                    autocomplete="off" maxlength=(APP_PASSWORD_NAME_BYTES)
                    autofocus[wrong.code.is_none()] aria-describedby=(described)
                    aria-invalid=[name_error.map(|_| "true")];
            }
            fieldset {
                legend { (texts.get("app-services")) }
                p.hint { (texts.get("app-services-hint")) }
                @for (service, chosen) in typed.services() {
                    label.tick {
                        input type="checkbox" name=(service) value="yes" checked[chosen];
                        span { (when::service(texts, service)) }
                    }
                }
            }
            div.field {
                label for="expires" { (texts.get("app-expires")) }
                select id="expires" name="expires" {
                    @for (days, id) in LIVES {
                        option value=(days) selected[days == typed.expires] { (texts.get(id)) }
                    }
                }
            }
            @if enrolled {
                (field::challenge(&owner.visitor, wrong.code.as_deref(), wrong.code.is_some()))
            }
            div.actions {
                button.main { (texts.get("app-make")) }
                a.button href=(path("app-passwords")) { (texts.get("cancel-button")) }
            }
        }
    })
}

pub(super) async fn shown(owner: Owner) -> Response {
    let Some(Shown::AppPassword { name, services, password }) =
        owner.cases().shown(&owner.visit, ShownKind::AppPassword)
    else {
        return owner.visitor.to("app-passwords").into_response();
    };
    let texts = owner.texts();
    let path = |path| owner.visitor.settings().path(path);
    let page = Frame::of(&owner, "app-shown-title", "app-passwords").around(&html! {
        section.card {
            p { (texts.fill("app-shown-text", &with("name", name.as_str()))) }
            p.copy {
                code id="app-password" { (password.expose()) }
                button type="button" hidden data-copy="app-password"
                    data-done=(texts.get("copy-done")) { (texts.get("copy-button")) }
            }
            p.hint { (texts.get("app-shown-once")) }
            dl {
                dt { (texts.get("app-user")) }
                dd { (owner.visit.mailbox) }
                dt { (texts.get("app-services")) }
                dd { (when::services(texts, &services)) }
            }
            form method="post" action=(path("app-passwords/shown")) {
                (field::token(&owner))
                div.actions { button.main { (texts.get("app-kept")) } }
            }
        }
        (programs::instructions(texts))
    });
    page.into_response()
}

pub(super) async fn kept(form: OwnerForm<Bare>) -> Response {
    let OwnerForm { owner, .. } = form;
    owner.cases().put_away(&owner.visit, ShownKind::AppPassword);
    owner.visitor.to("app-passwords").into_response()
}

pub(super) async fn ask_revoke(owner: Owner, Query(Named { id }): Query<Named>) -> Response {
    let list = match owner.cases().app_passwords(&owner.visit).await {
        Ok(list) => list,
        Err(error) => return owner.failed(&error),
    };
    let Some(app) = list.iter().find(|app| app.id == id) else {
        return owner.visitor.to("app-passwords").into_response();
    };
    let texts = owner.texts();
    let path = |path| owner.visitor.settings().path(path);
    let page = Frame::of(&owner, "app-revoke-title", "app-passwords").around(&html! {
        section.card {
            p { (texts.fill("app-revoke-text", &with("name", app.name.as_str()))) }
            form method="post" action=(path("app-passwords/revoke")) {
                (field::token(&owner))
                input type="hidden" name="id" value=(app.id);
                div.actions {
                    button.main.danger { (texts.get("app-revoke")) }
                    a.button href=(path("app-passwords")) { (texts.get("cancel-button")) }
                }
            }
        }
    });
    page.into_response()
}

pub(super) async fn revoke(form: OwnerForm<Named>) -> Response {
    let OwnerForm { owner, fields } = form;
    match owner.cases().revoke_app_password(&owner.visit, fields.id).await {
        // One that is not there opens nothing.
        Ok(())
        | Err(OwnerError::Change(
            AdminError::NoAppPassword { .. }
            | AdminError::BadAppPasswordId
            | AdminError::NoRecord { .. },
        )) => owner.visitor.done("app-passwords", "revoked").into_response(),
        Err(error) => owner.failed(&error),
    }
}
