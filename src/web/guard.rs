//! Stands before every page: sizes, times, requests of other sites, and the headers of every answer.
//!
//! # Security
//!
//! The policy allows style and script from our own files only, no frames, no plug-ins, and forms that go to
//! us only. Nothing is cached: pages show app passwords and recovery codes. The `Host` header is never used to
//! build an address.

use std::time::Duration;

use axum::{
    Router,
    http::{HeaderName, HeaderValue, StatusCode, header},
};
use tower_http::{
    catch_panic::CatchPanicLayer, csrf::CsrfLayer, limit::RequestBodyLimitLayer,
    set_header::SetResponseHeaderLayer, timeout::TimeoutLayer,
};

use super::Settings;
use crate::base::limits::{HTTP_REQUEST_SECONDS, WEB_BODY_BYTES};

/// Headers of every answer.
const HEADERS: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
         form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    ),
];

/// A year, as browsers want it.
const HSTS: &str = "max-age=31536000";

/// Puts the guard before the pages.
pub(super) fn before(pages: Router, settings: &Settings) -> Router {
    let limit = Duration::from_secs(HTTP_REQUEST_SECONDS);
    let mut guarded = pages
        .layer(CsrfLayer::new())
        .layer(RequestBodyLimitLayer::new(WEB_BODY_BYTES))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, limit))
        .layer(CatchPanicLayer::new())
        .layer(SetResponseHeaderLayer::if_not_present(
            header::CACHE_CONTROL,
            HeaderValue::from_static("no-store"),
        ));
    for (name, value) in HEADERS {
        let value = HeaderValue::from_static(value);
        guarded = guarded.layer(SetResponseHeaderLayer::overriding(name, value));
    }
    if settings.https {
        let value = HeaderValue::from_static(HSTS);
        let name = header::STRICT_TRANSPORT_SECURITY;
        guarded = guarded.layer(SetResponseHeaderLayer::overriding(name, value));
    }
    guarded
}
