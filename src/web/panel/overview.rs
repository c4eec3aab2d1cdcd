//! The first page: whether 2-factor authentication is on.

use axum::response::{IntoResponse, Response};
use maud::html;

use crate::{
    service::admin::Response as Answer,
    web::{
        page::{self, Frame},
        visitor::Owner,
    },
};

pub(super) async fn show(owner: Owner) -> Response {
    let Owner { visitor, visit } = owner;
    let factor = match visitor.panel.owner.factor(&visit).await {
        Ok(Answer::Totp(factor)) => factor,
        Ok(_) => return page::unavailable(&visitor, "another answer than was asked for"),
        Err(error) => return page::unavailable(&visitor, &error.to_string()),
    };
    let texts = visitor.texts();
    let status = if factor.enabled { "factor-on" } else { "factor-off" };
    let frame = Frame {
        visitor: &visitor,
        visit: Some(&visit),
        title: "factor-title",
        entry: "",
        message: None,
    };
    frame.around(&html! { p { (texts.get(status)) } }).into_response()
}
