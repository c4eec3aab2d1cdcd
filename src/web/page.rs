//! The frame of every page: head, header with the menu, messages, footer with the languages.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use fluent_bundle::FluentArgs;
use maud::{DOCTYPE, Markup, html};

use super::visitor::{Owner, Visitor};
use crate::service::owner::Visit;

/// An entry of the menu: its path, and the id of its text.
const MENU: [(&str, &str); 5] = [
    ("", "menu-factor"),
    ("app-passwords", "menu-app-passwords"),
    ("sign-ins", "menu-sign-ins"),
    ("recovery-codes", "menu-recovery-codes"),
    ("activity", "menu-activity"),
];

/// What a page says before its content.
pub(super) enum Message {
    /// Something was done.
    Done(String),
    /// Something that one should know.
    Note(String),
    /// Something was not done.
    Error(String),
}

/// What a page needs besides its content.
pub(super) struct Frame<'a> {
    /// Who looks at it.
    pub visitor: &'a Visitor,
    /// Whose page it is, once that is known.
    pub visit: Option<&'a Visit>,
    /// The id of its title's text.
    pub title: &'a str,
    /// The path of the menu entry it belongs to.
    pub entry: &'a str,
    /// What is said first.
    pub message: Option<Message>,
}

impl<'a> Frame<'a> {
    /// Of a page that everybody may see.
    pub fn open(visitor: &'a Visitor, title: &'a str) -> Self {
        Self { visitor, visit: None, title, entry: "-", message: None }
    }

    /// Of a page of somebody who is signed in, below an entry of the menu.
    pub fn of(owner: &'a Owner, title: &'a str, entry: &'a str) -> Self {
        let Owner { visitor, visit } = owner;
        Self { visitor, visit: Some(visit), title, entry, message: None }
    }

    /// The same with something to be said first.
    pub fn with(self, message: Option<Message>) -> Self {
        Self { message, ..self }
    }

    /// The whole page.
    pub fn around(&self, content: &Markup) -> Markup {
        let (texts, settings) = (self.visitor.texts(), self.visitor.settings());
        let title = texts.get(self.title);
        let notice = self.visitor.notice();
        let message = self.message.as_ref().or(notice.as_ref());
        let error = matches!(self.message, Some(Message::Error(_)));
        html! {
            (DOCTYPE)
            html lang=(texts.tag) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="robots" content="noindex";
                    title {
                        @if error { (texts.get("error-prefix")) " " }
                        (title) " – " (settings.name)
                    }
                    link rel="stylesheet" href=(settings.path("panel.css"));
                    script src=(settings.path("panel.js")) defer {}
                }
                body class=[self.visit.is_none().then_some("narrow")] {
                    a.skip href="#content" { (texts.get("skip-to-content")) }
                    header { (self.header()) }
                    main id="content" tabindex="-1" {
                        h1 { (title) }
                        @match message {
                            Some(Message::Done(text)) => p.message.done role="status" { (text) },
                            Some(Message::Note(text)) => p.message.warning role="status" { (text) },
                            Some(Message::Error(text)) => p.message.error role="alert" { (text) },
                            None => {},
                        }
                        (content)
                    }
                    footer { (self.languages()) }
                }
            }
        }
    }

    fn header(&self) -> Markup {
        let (texts, settings) = (self.visitor.texts(), self.visitor.settings());
        html! {
            div.top {
                p.brand {
                    a href=(settings.path("")) {
                        @if settings.logo.is_some() {
                            img.logo src=(settings.path("logo")) alt="" height="32";
                        }
                        span { (settings.name) }
                    }
                }
                @if let Some(visit) = self.visit {
                    form.logout method="post" action=(settings.path("logout")) {
                        (self.form_token(visit))
                        span.who title=(visit.mailbox) { (visit.mailbox) }
                        button.small { (texts.get("log-out")) }
                    }
                }
            }
            @if self.visit.is_some() {
                nav aria-label=(texts.get("menu-label")) {
                    ul {
                        @for (path, id) in MENU {
                            @let current = (path == self.entry).then_some("page");
                            li { a href=(settings.path(path)) aria-current=[current] { (texts.get(id)) } }
                        }
                    }
                }
            }
        }
    }

    /// The hidden field that every form of a visitor carries.
    pub fn form_token(&self, visit: &Visit) -> Markup {
        let token = self.visitor.panel.owner.form_token(visit);
        html! { input type="hidden" name="form" value=(token); }
    }

    fn languages(&self) -> Markup {
        let texts = self.visitor.texts();
        let here = texts.tag.to_string();
        let names = self.visitor.panel.languages.names();
        html! {
            // A link is good once, and the switch would lead away from it.
            @if names.len() > 1 && self.visitor.here() != "link" {
                form.languages method="post" action=(self.visitor.settings().path("language")) {
                    input type="hidden" name="back" value=(self.visitor.here());
                    span id="languages" { (texts.get("choose-language")) }
                    ul aria-labelledby="languages" {
                        @for (tag, name) in names {
                            @let current = (tag == here).then_some("true");
                            li {
                                button name="tag" value=(tag) lang=(tag) aria-current=[current] {
                                    (name)
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A text with one place filled.
pub(super) fn with<'a>(
    name: &'a str,
    value: impl Into<fluent_bundle::FluentValue<'a>>,
) -> FluentArgs<'a> {
    let mut arguments = FluentArgs::new();
    arguments.set(name, value);
    arguments
}

/// The page when something that is needed does not answer.
pub(super) fn unavailable(visitor: &Visitor, why: &str) -> Response {
    tracing::warn!(target: "mail2fa::web", why, "a page could not be shown");
    problem(visitor, StatusCode::SERVICE_UNAVAILABLE, "unavailable-title", "unavailable-text")
}

/// The page for a form of an earlier session, or of somebody else.
pub(super) fn stale_form(visitor: &Visitor) -> Response {
    problem(visitor, StatusCode::FORBIDDEN, "stale-title", "stale-text")
}

/// The page for a form that no page of ours has sent.
pub(super) fn bad_form(visitor: &Visitor) -> Response {
    problem(visitor, StatusCode::BAD_REQUEST, "bad-form-title", "bad-form-text")
}

/// The page for an address that there is not.
pub(super) async fn not_found(visitor: Visitor) -> Response {
    problem(&visitor, StatusCode::NOT_FOUND, "not-found-title", "not-found-text")
}

/// The page for a form's address that was opened, and the like.
pub(super) async fn not_allowed(visitor: Visitor) -> Response {
    problem(&visitor, StatusCode::METHOD_NOT_ALLOWED, "not-found-title", "not-found-text")
}

fn problem(visitor: &Visitor, status: StatusCode, title: &str, text: &str) -> Response {
    let texts = visitor.texts();
    let message = Some(Message::Error(texts.get(text)));
    let home = html! {
        p { a href=(visitor.settings().path("")) { (texts.get("to-the-start")) } }
    };
    (status, Frame::open(visitor, title).with(message).around(&home)).into_response()
}

/// A form that was not accepted: the page again, with what is wrong.
pub(super) fn refused(page: Markup) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, page).into_response()
}
