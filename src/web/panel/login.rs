//! Logging in, in one or two steps, and out; choosing a language.
//!
//! # Security
//!
//! All refusals are one page and leave at the common moment, whatever was wrong. What was typed into the
//! password field is never shown again. A sign-in makes a new session whatever the browser brought.

use std::time::Duration;

use axum::{
    Form,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use serde::Deserialize;
use tokio::time::Instant;

use crate::{
    base::Secret,
    service::owner::SignIn,
    web::{
        cookie::{self, Cookie},
        page::{self, Frame, Message},
        visitor::{LANGUAGE_COOKIE, Owner, Visitor},
    },
};

/// Name and password.
#[derive(Deserialize)]
pub(super) struct LoginForm {
    name: String,
    password: String,
}

/// The code.
#[derive(Deserialize)]
pub(super) struct CodeForm {
    code: String,
}

/// A form with nothing but its token.
#[derive(Deserialize)]
pub(super) struct BareForm {
    form: String,
}

/// The language switch.
#[derive(Deserialize)]
pub(super) struct LanguageForm {
    tag: String,
}

pub(super) async fn show(visitor: Visitor) -> Markup {
    login_page(&visitor, "", None)
}

pub(super) async fn submit(visitor: Visitor, Form(form): Form<LoginForm>) -> Response {
    let arrived = Instant::now();
    let LoginForm { name, password } = form;
    let password = Secret::from_vec(password.into_bytes());
    let owner = &visitor.panel.owner;
    let outcome = owner.sign_in(name.trim().as_bytes(), password, visitor.from).await;
    match outcome {
        SignIn::Refused(_) | SignIn::StartAgain => {
            hold_back(&visitor, arrived).await;
            let message = Some(Message::Error(visitor.texts().get("login-refused")));
            refused(login_page(&visitor, name.trim(), message))
        }
        outcome => answer(&visitor, outcome),
    }
}

pub(super) async fn show_code(visitor: Visitor, headers: HeaderMap) -> Response {
    match cookie::brought_waiting(visitor.settings(), &headers) {
        Some(id) if visitor.panel.owner.is_waiting(id) => code_page(&visitor, None).into_response(),
        _ => visitor.to("login").into_response(),
    }
}

pub(super) async fn submit_code(
    visitor: Visitor,
    headers: HeaderMap,
    Form(form): Form<CodeForm>,
) -> Response {
    let arrived = Instant::now();
    let Some(id) = cookie::brought_waiting(visitor.settings(), &headers) else {
        return visitor.to("login").into_response();
    };
    let code = Secret::from_vec(form.code.into_bytes());
    match visitor.panel.owner.sign_in_with_code(id, code, visitor.from).await {
        SignIn::Refused(_) => {
            hold_back(&visitor, arrived).await;
            let message = Some(Message::Error(visitor.texts().get("code-refused")));
            refused(code_page(&visitor, message))
        }
        SignIn::StartAgain => {
            hold_back(&visitor, arrived).await;
            let message = Some(Message::Error(visitor.texts().get("login-again")));
            refused(login_page(&visitor, "", message))
        }
        outcome => answer(&visitor, outcome),
    }
}

pub(super) async fn log_out(owner: Owner, Form(form): Form<BareForm>) -> Response {
    let Owner { visitor, visit } = owner;
    let panel = &visitor.panel;
    if !panel.owner.is_form_of(&visit, &form.form) {
        return visitor.to("").into_response();
    }
    match panel.owner.sign_out(visit.ticket()).await {
        Ok(()) => with_cookie(visitor.to("login"), Cookie::Session.clear(visitor.settings())),
        Err(error) => page::unavailable(&visitor, &error.to_string()),
    }
}

pub(super) async fn choose_language(visitor: Visitor, Form(form): Form<LanguageForm>) -> Response {
    let settings = visitor.settings();
    let known = visitor.panel.languages.names().into_keys().find(|tag| *tag == form.tag);
    let cookie = known.and_then(|tag| {
        let secure = if settings.https { "; Secure" } else { "" };
        let (base, year) = (&settings.base, 365 * 86_400);
        HeaderValue::from_str(&format!(
            "{LANGUAGE_COOKIE}={tag}; Path={base}; Max-Age={year}; SameSite=Lax{secure}"
        ))
        .ok()
    });
    with_cookie(visitor.to(""), cookie)
}

/// What follows a sign-in that was not refused.
fn answer(visitor: &Visitor, outcome: SignIn) -> Response {
    let settings = visitor.settings();
    match outcome {
        SignIn::In(ticket) => {
            let response = with_cookie(visitor.to(""), cookie::ticket(settings, &ticket));
            with_cookie(response, Cookie::Waiting.clear(settings))
        }
        SignIn::CodeRequired(id) => {
            with_cookie(visitor.to("login/code"), cookie::waiting(settings, id))
        }
        SignIn::Unavailable(why) => page::unavailable(visitor, &why),
        SignIn::Refused(_) | SignIn::StartAgain => visitor.to("login").into_response(),
    }
}

/// A refusal leaves a whole number of delays after its form arrived, like at every other door.
async fn hold_back(visitor: &Visitor, arrived: Instant) {
    let delay = visitor.settings().refusal_delay;
    if delay.is_zero() {
        return;
    }
    let delays = arrived.elapsed().as_nanos() / delay.as_nanos() + 1;
    let delays = u32::try_from(delays).unwrap_or(u32::MAX);
    tokio::time::sleep_until(arrived + delay.checked_mul(delays).unwrap_or(Duration::MAX)).await;
}

fn refused(page: Markup) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, page).into_response()
}

fn with_cookie(response: impl IntoResponse, cookie: Option<HeaderValue>) -> Response {
    let mut response = response.into_response();
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

fn login_page(visitor: &Visitor, name: &str, message: Option<Message>) -> Markup {
    let texts = visitor.texts();
    let frame = Frame { visitor, visit: None, title: "login-title", entry: "login", message };
    frame.around(&html! {
        form.card method="post" action=(visitor.settings().path("login")) {
            label for="name" { (texts.get("login-name")) }
            input id="name" name="name" type="text" inputmode="email" autocomplete="username"
                autocapitalize="none" spellcheck="false" required autofocus[name.is_empty()]
                maxlength="320" value=(name);
            label for="password" { (texts.get("login-password")) }
            input id="password" name="password" type="password" autocomplete="current-password"
                required autofocus[!name.is_empty()] maxlength="1024";
            button.main { (texts.get("log-in")) }
        }
    })
}

fn code_page(visitor: &Visitor, message: Option<Message>) -> Markup {
    let texts = visitor.texts();
    let frame = Frame { visitor, visit: None, title: "code-title", entry: "login", message };
    frame.around(&html! {
        form.card method="post" action=(visitor.settings().path("login/code")) {
            label for="code" { (texts.get("code-label")) }
            p.hint id="code-hint" { (texts.get("code-hint")) }
            input.code id="code" name="code" type="text" inputmode="numeric"
                autocomplete="one-time-code" aria-describedby="code-hint" required autofocus
                maxlength="16";
            button.main { (texts.get("log-in")) }
            p { a href=(visitor.settings().path("login")) { (texts.get("code-other")) } }
        }
    })
}
