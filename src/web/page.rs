//! The frame of every page: head, header with the menu, messages, footer with the languages.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use fluent_bundle::FluentArgs;
use maud::{DOCTYPE, Markup, html};

use super::visitor::Visitor;
use crate::service::owner::Visit;

/// An entry of the menu: its path, and the id of its text.
const MENU: [(&str, &str); 4] = [
    ("", "menu-factor"),
    ("app-passwords", "menu-app-passwords"),
    ("sign-ins", "menu-sign-ins"),
    ("recovery-codes", "menu-recovery-codes"),
];

/// What a page says before its content.
pub(super) enum Message {
    /// Something was done.
    Done(String),
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

impl Frame<'_> {
    /// The whole page.
    pub fn around(&self, content: &Markup) -> Markup {
        let (texts, settings) = (self.visitor.texts(), self.visitor.settings());
        let title = texts.get(self.title);
        html! {
            (DOCTYPE)
            html lang=(texts.tag) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="robots" content="noindex";
                    title { (title) " – " (settings.name) }
                    link rel="stylesheet" href=(settings.path("panel.css"));
                    script src=(settings.path("panel.js")) defer {}
                }
                body {
                    a.skip href="#content" { (texts.get("skip-to-content")) }
                    header { (self.header()) }
                    main id="content" tabindex="-1" {
                        h1 { (title) }
                        @match &self.message {
                            Some(Message::Done(text)) => p.message.done role="status" { (text) },
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
            p.name { (settings.name) }
            @if let Some(visit) = self.visit {
                nav aria-label=(texts.get("menu")) {
                    ul {
                        @for (path, id) in MENU {
                            @let current = (path == self.entry).then_some("page");
                            li { a href=(settings.path(path)) aria-current=[current] { (texts.get(id)) } }
                        }
                    }
                }
                form.logout method="post" action=(settings.path("logout")) {
                    (self.form_token(visit))
                    span.who { (visit.mailbox) }
                    button { (texts.get("log-out")) }
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
        html! {
            form.languages method="post" action=(self.visitor.settings().path("language")) {
                p { (texts.get("choose-language")) }
                @for (tag, name) in self.visitor.panel.languages.names() {
                    @let current = (tag == here).then_some("true");
                    button name="tag" value=(tag) lang=(tag) aria-current=[current] { (name) }
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
    let message = Some(Message::Error(visitor.texts().get("unavailable")));
    let frame = Frame { visitor, visit: None, title: "unavailable-title", entry: "-", message };
    (StatusCode::SERVICE_UNAVAILABLE, frame.around(&html! {})).into_response()
}
