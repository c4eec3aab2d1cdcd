//! The pages and where they are.

mod login;
mod overview;

use axum::{
    Router,
    http::{HeaderName, header},
    response::IntoResponse,
    routing::{get, post},
};

use super::Panel;

const STYLE: &str = include_str!("../style.css");
const SCRIPT: &str = include_str!("../script.js");

/// All of them.
pub(super) fn routes() -> Router<Panel> {
    Router::new()
        .route("/", get(overview::show))
        .route("/login", get(login::show).post(login::submit))
        .route("/login/code", get(login::show_code).post(login::submit_code))
        .route("/logout", post(login::log_out))
        .route("/language", post(login::choose_language))
        .route("/panel.css", get(|| async { file("text/css; charset=utf-8", STYLE) }))
        .route("/panel.js", get(|| async { file("text/javascript; charset=utf-8", SCRIPT) }))
}

/// A file of ours. Its address says no version, so it is asked for again after a while.
fn file(kind: &'static str, content: &'static str) -> impl IntoResponse {
    const HEADERS: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "public, max-age=3600")];
    (HEADERS, [(header::CONTENT_TYPE, kind)], content)
}
