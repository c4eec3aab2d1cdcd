//! Errors as they are answered: RFC 9457 problems, and from a problem back to the error.
//!
//! An [`AdminError`] becomes `urn:mail2fa:` and its tag, with its fields beside it, so that nothing is
//! lost on the way; `refusal` has their statuses and titles.
//!
//! # Security
//!
//! A problem never quotes the request, but for names that were checked.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use super::{fields::FieldError, refusal::Refusal};
use crate::service::admin::AdminError;

/// The beginning of each type.
pub(super) const URN: &str = "urn:mail2fa:";

/// What a problem is sent as.
pub(super) const MEDIA: &str = "application/problem+json";

/// Seconds after which it is worth while to try again.
const RETRY: &str = "1";

/// What is wrong with a request before it is one of `service::admin`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub status: StatusCode,
    pub word: &'static str,
    pub title: &'static str,
    pub detail: &'static str,
}

macro_rules! problems {
    ($($name:ident: $status:ident $word:literal $title:literal, $detail:literal;)*) => {
        impl Problem {
            $(pub const $name: Self = Self {
                status: StatusCode::$status, word: $word, title: $title, detail: $detail,
            };)*
        }
    };
}

problems! {
    NO_PATH: NOT_FOUND "no-such-path" "There is nothing here",
        "the daemon does not know this request; is it of another version? /v1/openapi.json says what it knows";
    NO_METHOD: METHOD_NOT_ALLOWED "method-not-allowed" "Not this method",
        "the header Allow says which methods this path has";
    BROKEN: INTERNAL_SERVER_ERROR "bug" "A bug in mail2fa", "it was told in the log; look whether it happened";
    NO_WEBMAIL: NOT_FOUND "no-webmail" "No such webmail",
        "no webmail of this name is configured, or nobody can be asked for passwords: see [[webmail]]";
    OTHER_TOKEN: FORBIDDEN "other-token" "Another token's webmail",
        "[[webmail]] names another API token for this webmail";
    ADDRESS: UNPROCESSABLE_ENTITY "bad-address" "Not an address",
        "browser is the address of the browser, such as 203.0.113.7";
    LATE: GATEWAY_TIMEOUT "too-late" "No answer in time",
        "it took too long, and may or may not have happened: look before trying again";
    TOKEN: UNAUTHORIZED "unauthorized" "No good token",
        "this needs a token that is known and not over: Authorization: Bearer m2f_...";
    TRIES: TOO_MANY_REQUESTS "wrong-tokens" "Too many wrong tokens",
        "this token is not known, or over, like too many from its network before; a good one is served at any time";
    PEER: FORBIDDEN "not-allowed" "Not for this user", "only root and the daemon's user may ask";
    JSON: BAD_REQUEST "not-json" "Not a JSON object", "the body must be one JSON object";
    EMPTY: BAD_REQUEST "no-body" "No body here", "this operation takes no body";
    FIELDS: BAD_REQUEST "bad-fields" "Not the fields of this operation",
        "a field is missing, not known, or of another type: see errors; /v1/openapi.json says what is asked for";
    QUERY: BAD_REQUEST "bad-query" "Not the parameters of this operation",
        "a parameter is not known, there twice, or no number; /v1/openapi.json says what may be asked";
    PATH: BAD_REQUEST "bad-path" "Not a path of this operation",
        "a part of the path is no number or no percent-encoded UTF-8";
    SLOW: REQUEST_TIMEOUT "too-slow" "Too slow", "the body was not there in time";
    LARGE: PAYLOAD_TOO_LARGE "too-large" "Too large", "a body has at most 65536 bytes";
    MEDIA: UNSUPPORTED_MEDIA_TYPE "media-type" "Not JSON", "a body is sent as application/json";
}

impl Problem {
    /// The response, with what is wrong with single fields, if that is known.
    pub fn with_errors(self, errors: &[FieldError]) -> Response {
        let Self { status, word, title, detail } = self;
        let mut body = json!({
            "type": format!("{URN}{word}"), "title": title, "status": status.as_u16(), "detail": detail,
        });
        if let (Some(body), false) = (body.as_object_mut(), errors.is_empty()) {
            body.insert("errors".into(), json!(errors));
        }
        let mut response = respond(status, MEDIA, body.to_string());
        if status == StatusCode::UNAUTHORIZED {
            let value = HeaderValue::from_static("Bearer realm=\"mail2fa\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
        }
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.with_errors(&[])
    }
}

/// A body with its type.
pub(super) fn respond(status: StatusCode, media: &'static str, body: impl Into<Body>) -> Response {
    let mut response = (status, body.into()).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    response
}

/// The problem of an error.
pub(super) fn problem(error: &AdminError) -> Response {
    let kind = Refusal::of(error);
    let status = kind.status();
    let mut fields = match serde_json::to_value(error) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) | Err(_) => Map::new(),
    };
    fields.remove("error");
    fields.insert("type".into(), format!("{URN}{}", kind.word()).into());
    fields.insert("title".into(), kind.title().into());
    fields.insert("status".into(), status.as_u16().into());
    fields.insert("detail".into(), error.to_string().into());
    let mut response = respond(status, MEDIA, Value::Object(fields).to_string());
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY));
    }
    response
}

/// What a problem says to whoever asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// An error that is known here.
    Error(AdminError),
    /// Anything else, in words for people: one of those above, or a type of a newer daemon.
    Words(String),
}

/// What a problem says; `None` if it is none. The type alone counts as known: of the rest RFC 9457 asks for nothing.
pub(super) fn told(body: &[u8]) -> Option<Told> {
    let mut fields: Map<String, Value> = serde_json::from_slice(body).ok()?;
    let mut word = |name: &str| match fields.remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let (kind, title, detail) = (word("type"), word("title"), word("detail"));
    fields.remove("status");
    if let Some(tag) = kind.as_deref().and_then(|kind| kind.strip_prefix(URN)) {
        fields.insert("error".into(), tag.replace('-', "_").into());
        if let Ok(error) = serde_json::from_value(Value::Object(fields)) {
            return Some(Told::Error(error));
        }
    }
    match (detail.or(title), kind) {
        (Some(words), Some(kind)) => Some(Told::Words(format!("{words} ({kind})"))),
        (Some(words), None) => Some(Told::Words(words)),
        (None, kind) => kind.map(Told::Words),
    }
}
