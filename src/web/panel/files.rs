//! Style, script and the host's picture.
//!
//! # Security
//!
//! The host's colours are `#rrggbb` and nothing else by then (`config/panel.rs`), so that they can stand in
//! a style sheet. The picture is served with a policy of its own: an SVG that is opened by itself must not
//! run scripts.

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};

use crate::web::{Panel, page, visitor::Visitor};

const STYLE: &str = include_str!("../style.css");
const SCRIPT: &str = include_str!("../script.js");

/// Their addresses say no version, so they are asked for again after a while.
const CACHED: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "public, max-age=3600")];

pub(super) async fn style(State(panel): State<Panel>) -> impl IntoResponse {
    let coloured = |colour: &Option<String>, which: &str| match colour {
        Some(colour) => format!("@media {which}{{:root{{--accent:{colour}}}}}\n"),
        None => String::new(),
    };
    let light = coloured(&panel.settings.accent, "not (prefers-color-scheme:dark)");
    let dark = coloured(&panel.settings.accent_dark, "(prefers-color-scheme:dark)");
    let style = format!("{STYLE}{light}{dark}");
    (CACHED, [(header::CONTENT_TYPE, "text/css; charset=utf-8")], style)
}

pub(super) async fn script() -> impl IntoResponse {
    (CACHED, [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], SCRIPT)
}

pub(super) async fn logo(visitor: Visitor) -> Response {
    let Some((kind, picture)) = visitor.settings().logo.clone() else {
        return page::not_found(visitor).await;
    };
    picture_response(kind, picture)
}

fn picture_response(kind: &'static str, picture: Bytes) -> Response {
    (CACHED, [(header::CONTENT_TYPE, HeaderValue::from_static(kind))], picture).into_response()
}
