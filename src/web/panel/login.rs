//! Logging in, in one or two steps, and out; choosing a language.
//!
//! # Security
//!
//! All refusals are one page and leave at the common moment, whatever was wrong. What was typed into the
//! password field is never shown again. A sign-in makes a new session whatever the browser brought.

use axum::{
    Form,
    extract::rejection::FormRejection,
    http::{HeaderMap, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use serde::Deserialize;
use tokio::time::Instant;

use super::field;
use crate::{
    base::{Mailbox, Secret, refusal::leaves_after},
    service::owner::{SignIn, WaitingId},
    web::{
        cookie::{self, Cookie},
        form::{Bare, OwnerForm},
        page::{self, Frame, Message, refused},
        visitor::{LANGUAGE_COOKIE, Visitor},
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

/// The language switch.
#[derive(Deserialize)]
pub(super) struct LanguageForm {
    tag: String,
    #[serde(default)]
    back: String,
}

/// Longest path that the language switch goes back to.
const BACK_BYTES: usize = 64;

pub(super) async fn show(visitor: Visitor, headers: HeaderMap) -> Response {
    let tickets = cookie::brought_tickets(visitor.settings(), &headers);
    let name = match visitor.session(tickets).await {
        // Who came by a link may give the password that it went without.
        Ok(Some(visit)) if visit.by_link().is_some() => Some(visit.mailbox),
        Ok(Some(_)) => return visitor.to("").into_response(),
        Ok(None) | Err(_) => None,
    };
    login_page(&visitor, name.as_ref().map_or("", Mailbox::as_str), None).into_response()
}

pub(super) async fn submit(
    visitor: Visitor,
    headers: HeaderMap,
    form: Result<Form<LoginForm>, FormRejection>,
) -> Response {
    let arrived = Instant::now();
    let form = match form {
        Ok(Form(form)) => form,
        Err(rejection) => return not_ours(&visitor, rejection),
    };
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
        outcome => answer(&visitor, &headers, outcome).await,
    }
}

pub(super) async fn show_code(visitor: Visitor, headers: HeaderMap) -> Response {
    match waiting(&visitor, &headers) {
        Some(id) if visitor.panel.owner.is_waiting(id) => code_page(&visitor, None).into_response(),
        _ => visitor.to("login").into_response(),
    }
}

/// The sign-in that a code is given for: the one that waits. Of two that wait nobody can say which was planted, so both
/// have to start again. So has each of too many: the visitor's may be among those that were not looked at.
fn waiting(visitor: &Visitor, headers: &HeaderMap) -> Option<WaitingId> {
    let owner = &visitor.panel.owner;
    let brought = cookie::brought_waiting(visitor.settings(), headers);
    let mut waiting = brought.seen.iter().filter(|id| owner.is_waiting(**id));
    match (waiting.next(), waiting.next()) {
        (Some(only), None) if !brought.too_many => Some(*only),
        (Some(_), _) => {
            for id in &brought.seen {
                owner.start_again(*id);
            }
            brought.seen.first().copied()
        }
        (None, _) => brought.seen.first().copied(),
    }
}

pub(super) async fn submit_code(
    visitor: Visitor,
    headers: HeaderMap,
    form: Result<Form<CodeForm>, FormRejection>,
) -> Response {
    let arrived = Instant::now();
    let form = match form {
        Ok(Form(form)) => form,
        Err(rejection) => return not_ours(&visitor, rejection),
    };
    let Some(id) = waiting(&visitor, &headers) else {
        return visitor.to("login").into_response();
    };
    let code = field::typed(form.code);
    match visitor.panel.owner.sign_in_with_code(id, code, visitor.from).await {
        SignIn::Refused(_) => {
            hold_back(&visitor, arrived).await;
            refused(code_page(&visitor, Some(&visitor.texts().get("code-refused"))))
        }
        SignIn::StartAgain => {
            hold_back(&visitor, arrived).await;
            let message = Some(Message::Error(visitor.texts().get("login-again")));
            refused(login_page(&visitor, "", message))
        }
        outcome => answer(&visitor, &headers, outcome).await,
    }
}

pub(super) async fn log_out(form: OwnerForm<Bare>) -> Response {
    let OwnerForm { owner, .. } = form;
    match owner.cases().sign_out([owner.visit.ticket()]).await {
        Ok(()) => {
            let redirect = owner.visitor.done("login", "logged-out");
            cookie::with(redirect, Cookie::Session.clear(owner.visitor.settings()))
        }
        Err(error) => owner.failed(&error),
    }
}

pub(super) async fn choose_language(
    visitor: Visitor,
    form: Result<Form<LanguageForm>, FormRejection>,
) -> Response {
    let form = match form {
        Ok(Form(form)) => form,
        Err(rejection) => return not_ours(&visitor, rejection),
    };
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
    cookie::with(visitor.to(back(&form.back)), cookie)
}

/// A page of ours to go back to: plain words between slashes, so that it leads nowhere else.
fn back(path: &str) -> &str {
    let plain = |b: u8| b.is_ascii_lowercase() || b == b'-' || b == b'/';
    let ours = path.len() <= BACK_BYTES
        && path.bytes().all(plain)
        && !path.starts_with('/')
        && !path.contains("//");
    if ours { path } else { "" }
}

/// A form that no page of ours has sent, or one that is too long.
fn not_ours(visitor: &Visitor, rejection: FormRejection) -> Response {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => rejection.into_response(),
        _ => page::bad_form(visitor),
    }
}

/// What follows a sign-in that was not refused.
async fn answer(visitor: &Visitor, headers: &HeaderMap, outcome: SignIn) -> Response {
    let settings = visitor.settings();
    match outcome {
        SignIn::In(ticket) => {
            visitor.end_others(headers).await;
            let response = cookie::with(visitor.to(""), cookie::ticket(settings, &ticket));
            cookie::with(response, Cookie::Waiting.clear(settings))
        }
        SignIn::CodeRequired(id) => {
            for before in cookie::brought_waiting(settings, headers).seen {
                visitor.panel.owner.start_again(before);
            }
            cookie::with(visitor.to("login/code"), cookie::waiting(settings, id))
        }
        SignIn::Unavailable(why) => page::unavailable(visitor, &why),
        SignIn::Refused(_) | SignIn::StartAgain => visitor.to("login").into_response(),
    }
}

/// A refusal leaves a whole number of delays after its form arrived, like at every other door.
async fn hold_back(visitor: &Visitor, arrived: Instant) {
    let wait = leaves_after(arrived.elapsed(), visitor.panel.owner.refusal_delay());
    if let Some(due) = arrived.checked_add(wait) {
        tokio::time::sleep_until(due).await;
    }
}

fn login_page(visitor: &Visitor, name: &str, message: Option<Message>) -> Markup {
    let texts = visitor.texts();
    let frame = Frame::open(visitor, "login-title").with(message);
    frame.around(&html! {
        form.card method="post" action=(visitor.settings().path("login")) {
            div.field {
            label for="name" { (texts.get("login-name")) }
            input id="name" name="name" type="text" inputmode="email" autocomplete="username"
                autocapitalize="none" spellcheck="false" required autofocus[name.is_empty()]
                maxlength="320" value=(name);
            }
            div.field {
            label for="password" { (texts.get("login-password")) }
            input id="password" name="password" type="password" autocomplete="current-password"
                required autofocus[!name.is_empty()] maxlength="1024";
            }
            div.actions { button.main { (texts.get("log-in")) } }
        }
    })
}

fn code_page(visitor: &Visitor, error: Option<&str>) -> Markup {
    let texts = visitor.texts();
    let frame = Frame::open(visitor, "code-title").with(field::message(texts, error));
    frame.around(&html! {
        form.card method="post" action=(field::action(visitor, "login/code")) {
            (field::challenge(visitor, error, true))
            div.actions {
                button.main { (texts.get("log-in")) }
                a.button href=(visitor.settings().path("login")) { (texts.get("code-other")) }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::back;

    #[test]
    fn the_language_switch_leads_nowhere_else() {
        for ours in ["", "app-passwords/new", "login"] {
            assert_eq!(back(ours), ours);
        }
        let long = "a".repeat(65);
        for other in ["/x", "//evil.example", "a//b", "http:x", "a?b", "a\r\nb", "..", "%2f", &long]
        {
            assert_eq!(back(other), "", "{other}");
        }
    }
}
