//! Into the panel by a one-time link: a page that names the mailbox, and a button.
//!
//! # Security
//!
//! Opening the address does nothing, because scanners of mail and browsers that guess ahead open
//! addresses; the button does. It is a form of our own page, which the guard lets no other site send, and
//! it says whose mailbox it is: who is sent a link of somebody else's mailbox sees that, and need not go
//! on. The session is new whatever the browser brought. The address is never sent on
//! (`Referrer-Policy`), and is worth nothing afterwards. Until then, at most a minute, whoever reads the log of the web
//! server before us has it too.

use axum::{
    Form,
    extract::{Query, rejection::FormRejection},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use maud::html;
use serde::Deserialize;

use crate::{
    base::Mailbox,
    web::{
        cookie::{self, Cookie},
        page::{self, Frame, Message},
        visitor::Visitor,
    },
};

/// What the link carries. It stands behind the question mark, which web servers write to their access logs unless
/// told otherwise (docs/panel.md says how), and then in the body, which they do not.
#[derive(Deserialize)]
pub(super) struct Link {
    #[serde(default)]
    t: String,
}

pub(super) async fn show(visitor: Visitor, Query(Link { t: link }): Query<Link>) -> Response {
    match visitor.panel.owner.look_at_link(&link).await {
        Ok(Some(mailbox)) => ask(&visitor, &link, &mailbox),
        Ok(None) => gone(&visitor),
        Err(error) => page::unavailable(&visitor, &error.to_string()),
    }
}

pub(super) async fn follow(
    visitor: Visitor,
    headers: HeaderMap,
    form: Result<Form<Link>, FormRejection>,
) -> Response {
    let Ok(Form(Link { t: link })) = form else { return page::bad_form(&visitor) };
    let settings = visitor.settings();
    let ticket = match visitor.panel.owner.follow_link(&link, visitor.from).await {
        Ok(Some(ticket)) => ticket,
        Ok(None) => return gone(&visitor),
        Err(error) => return page::unavailable(&visitor, &error.to_string()),
    };
    visitor.end_others(&headers).await;
    let response = cookie::with(visitor.to(""), cookie::ticket(settings, &ticket));
    cookie::with(response, Cookie::Waiting.clear(settings))
}

fn ask(visitor: &Visitor, link: &str, mailbox: &Mailbox) -> Response {
    let texts = visitor.texts();
    let frame = Frame::open(visitor, "link-title");
    let page = frame.around(&html! {
        form.card method="post" action=(visitor.settings().path("link")) {
            input type="hidden" name="t" value=(link);
            p { (texts.get("link-text")) }
            p { strong { (mailbox) } }
            p.hint { (texts.get("link-not-yours")) }
            div.actions { button.main { (texts.get("continue-button")) } }
        }
    });
    page.into_response()
}

/// Used, too old, or of a mailbox that was changed since: nobody is told which.
fn gone(visitor: &Visitor) -> Response {
    let texts = visitor.texts();
    let message = Some(Message::Error(texts.get("link-gone")));
    let page = Frame::open(visitor, "link-gone-title").with(message).around(&html! {
        p { a href=(visitor.settings().path("")) { (texts.get("to-the-start")) } }
    });
    (StatusCode::GONE, page).into_response()
}
