//! From an HTTP request to a request of `service::admin`, and from its answer to an HTTP response.
//!
//! The request is put together from path, query and body by the names of its fields, and read as a whole:
//! what is left over, missing or of another type is refused.
//!
//! # Security
//!
//! Who asks is known before anything of the body is read. It is bounded in size and time, and wiped after use, as
//! answers are (`wiped`).

use std::{sync::Arc, time::Duration};

use axum::{
    body::{self, HttpBody as _},
    extract::{FromRequestParts as _, Query, RawPathParams, Request},
    http::{HeaderMap, StatusCode, header, request},
    response::{IntoResponse as _, Response},
};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{
    Api, Parts,
    door::Shut,
    fields::{Unread, wrong, wrong_among},
    operations::{Body, Operation},
    possible::refusals,
    problem::{Problem, problem, respond},
    refusal::Refusal,
    wiped::Fields,
};
use crate::{
    base::limits::{API_BODY_BYTES, HTTP_HEADER_SECONDS},
    http::Peer,
    service::admin::{self, Access, AdminError},
};

/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(HTTP_HEADER_SECONDS);

/// Answers a request for an operation.
pub(super) async fn answer(operation: &'static Operation, api: Api, request: Request) -> Response {
    let Entered { doers, mut parts, body, .. } = match enter(&api, request).await {
        Ok(entered) => entered,
        Err(shut) => return shut.into_response(),
    };
    let asked = match read(operation, &mut parts, body).await {
        Ok(asked) => asked,
        Err(why) => return why.into_response(),
    };
    let access = match access(&api, &doers, &parts).await {
        Ok(access) => access,
        Err(shut) => return shut.into_response(),
    };
    match doers.admin.handle_for(&access, operation.scope, asked).await {
        Ok(answered) => done(operation, &answered),
        Err(error) => refused(operation, &error),
    }
}

/// The problem of an error. One that the document does not know of this operation is a bug of the table: told in the
/// log, and in tests a panic.
pub(super) fn refused(operation: &Operation, error: &AdminError) -> Response {
    let kind = Refusal::of(error);
    let said = refusals(operation).contains(&kind);
    if !said {
        tracing::error!(
            operation = operation.id,
            ?kind,
            "api: a refusal that is not in the document"
        );
    }
    debug_assert!(said, "{} does not say that it may refuse with {kind:?}", operation.id);
    problem(error)
}

/// A request of somebody who may ask.
pub(super) struct Entered {
    pub doers: Arc<Parts>,
    pub access: Access,
    pub parts: request::Parts,
    pub body: body::Body,
}

/// Looks who asks. Nothing of the body is read.
pub(super) async fn enter(api: &Api, request: Request) -> Result<Entered, Shut> {
    let doers = api.parts.get();
    let (parts, body) = request.into_parts();
    let access = access(api, &doers, &parts).await?;
    Ok(Entered { doers, access, parts, body })
}

/// Who asks, by now. It is looked at again once all of the body is there: while somebody held it back, their token
/// may have ended.
pub(super) async fn access(
    api: &Api,
    doers: &Parts,
    parts: &request::Parts,
) -> Result<Access, Shut> {
    let peer = parts.extensions.get::<Peer>().copied();
    api.door.visitor(peer, &parts.headers, &doers.admin, &api.wrong).await
}

/// The request.
pub(super) async fn read(
    operation: &Operation,
    parts: &mut request::Parts,
    body: body::Body,
) -> Result<admin::Request, Unread> {
    let mut whole = Fields::default();
    in_path(operation, parts, &mut whole.0).await?;
    in_query(operation, parts, &mut whole.0).await?;
    let text = receive(body).await?;
    let typed = match operation.body {
        Body::Empty if text.is_empty() => Fields::default(),
        Body::Empty => return Err(Problem::EMPTY.into()),
        Body::Fields => object(&parts.headers, &text)?,
        Body::Of(field) => object(&parts.headers, &text)?.below(field),
    };
    // What the path says is not said again, and nobody says what is done.
    if typed.0.contains_key("do") || typed.0.keys().any(|key| whole.0.contains_key(key)) {
        return Err(wrong(operation, &typed.0));
    }
    whole.absorb(typed);
    whole.0.insert("do".into(), operation.request.into());
    whole.read().ok_or_else(|| wrong_among(operation, &mut whole.0))
}

async fn in_path(
    operation: &Operation,
    parts: &mut request::Parts,
    whole: &mut Map<String, Value>,
) -> Result<(), Problem> {
    let found = RawPathParams::from_request_parts(parts, &()).await.map_err(|_| Problem::PATH)?;
    for (name, value) in &found {
        whole.insert(name.into(), value_of(operation, name, value).ok_or(Problem::PATH)?);
    }
    Ok(())
}

async fn in_query(
    operation: &Operation,
    parts: &mut request::Parts,
    whole: &mut Map<String, Value>,
) -> Result<(), Problem> {
    let Query(pairs) = Query::<Vec<(String, String)>>::from_request_parts(parts, &())
        .await
        .map_err(|_| Problem::QUERY)?;
    for (name, value) in pairs {
        let value = value_of(operation, &name, &value).ok_or(Problem::QUERY)?;
        if !operation.query.contains(&&*name) || whole.insert(name, value).is_some() {
            return Err(Problem::QUERY);
        }
    }
    if operation.query.contains(&"limit") && !whole.contains_key("limit") {
        whole.insert("limit".into(), operation.page().into());
    }
    Ok(())
}

fn value_of(operation: &Operation, name: &str, text: &str) -> Option<Value> {
    if !operation.is_number(name) {
        return Some(text.into());
    }
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse::<u64>().ok().map(Value::from)).flatten()
}

/// The body, in a buffer that is wiped and does not grow.
pub(super) async fn receive(body: body::Body) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let mut body = Limited::new(body, API_BODY_BYTES);
    let said = body.size_hint().upper().and_then(|size| usize::try_from(size).ok());
    let room = said.unwrap_or(API_BODY_BYTES).min(API_BODY_BYTES);
    let mut text = Zeroizing::new(Vec::with_capacity(room));
    let all = async {
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => text.extend_from_slice(frame.data_ref().map_or(&[], |data| data)),
                Err(error) if error.is::<LengthLimitError>() => return Err(Problem::LARGE),
                Err(_) => return Err(Problem::JSON),
            }
        }
        Ok(())
    };
    tokio::time::timeout(PATIENCE, all).await.map_err(|_| Problem::SLOW)??;
    Ok(text)
}

pub(super) fn object(headers: &HeaderMap, text: &[u8]) -> Result<Fields, Problem> {
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = media.and_then(|media| media.split(';').next()).unwrap_or_default();
    if !media.trim().eq_ignore_ascii_case("application/json") {
        return Err(Problem::MEDIA);
    }
    Fields::parse(text).ok_or(Problem::JSON)
}

/// The response to what was done.
pub(super) fn done(operation: &Operation, answered: &admin::Response) -> Response {
    let status = StatusCode::from_u16(operation.status).unwrap_or(StatusCode::OK);
    let Some(mut fields) = Fields::of(answered) else { return Problem::BROKEN.into_response() };
    let tag = fields.0.remove("answer");
    if tag.as_ref().and_then(Value::as_str) != Some(operation.answer) {
        tracing::error!(operation = operation.id, "api: an answer of another kind");
        return Problem::BROKEN.into_response();
    }
    match fields.text() {
        Some(text) => respond(status, "application/json", text),
        None => Problem::BROKEN.into_response(),
    }
}
