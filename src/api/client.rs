//! The command line's end of the control socket. Blocking: a command does one thing at a time.
//!
//! # Security
//!
//! What is asked may hold a password and what is answered a secret. Whoever could put a socket of
//! their own in this place would get them, so its folder must not be open to others. Answers are bounded in
//! size and time.

use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    time::Duration,
};

use axum::http::{self, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tokio::{net::UnixStream, time::timeout};

use super::{
    operations::{self, Body, Operation},
    problem::{self, Told},
    wiped::Fields,
};
use crate::{
    base::{
        Mailbox,
        limits::{CONTROL_BYTES, CONTROL_SECONDS},
    },
    service::admin::{AdminError, Request, Response},
};

/// Longer than the daemon's own patience, so that its reason arrives first.
const PATIENCE: Duration = Duration::from_secs(CONTROL_SECONDS * 2);

/// Why the daemon did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No daemon listens there.
    #[error("no daemon listens on {0}")]
    NoDaemon(PathBuf),
    /// The socket cannot be opened by this user.
    #[error("{0}: only root and the daemon's user may use the control socket")]
    NotAllowed(PathBuf),
    /// The daemon understood and did not do it.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// The daemon did not look at it.
    #[error("the daemon refused: {0}")]
    Refused(String),
    /// It could not, for a reason that has no name here.
    #[error("the daemon failed: {0}; look whether it happened before trying again")]
    Failed(String),
    /// The connection failed after the request was sent: it may or may not have been done.
    #[error(
        "the daemon was asked and no whole answer came ({0}); look whether it happened before \
         trying again"
    )]
    Lost(String),
    /// Anything else before the request was sent.
    #[error("{path}: {source}")]
    Io {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Asks the daemon.
///
/// # Errors
///
/// See [`ClientError`]; with [`ClientError::NoDaemon`] nothing was asked of anybody.
pub fn ask(path: &Path, request: &Request) -> Result<Response, ClientError> {
    let io = |source| ClientError::Io { path: path.into(), source };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(io)?;
    runtime.block_on(async {
        let stream = UnixStream::connect(path).await.map_err(|source| match source.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => {
                ClientError::NoDaemon(path.into())
            }
            ErrorKind::PermissionDenied => ClientError::NotAllowed(path.into()),
            _ => ClientError::Io { path: path.into(), source },
        })?;
        let (operation, sent) = written(request)?;
        let answered = timeout(PATIENCE, exchange(stream, sent)).await;
        let (status, body) = answered
            .unwrap_or_else(|_| Err("it took too long".to_owned()))
            .map_err(ClientError::Lost)?;
        understood(operation, status, &body)
    })
}

/// The operation of a request, and the request on the wire.
pub(super) fn written(
    request: &Request,
) -> Result<(&'static Operation, http::Request<Full<Bytes>>), ClientError> {
    let unknown = || ClientError::Refused("this cannot be asked of a daemon".into());
    let mut whole = Fields::of(request).ok_or_else(unknown)?;
    let fields = &mut whole.0;
    fields.retain(|_, value| !value.is_null());
    let tag = fields.remove("do");
    let tag = tag.as_ref().and_then(Value::as_str).ok_or_else(unknown)?;
    let fits = |operation: &&Operation| {
        operation.request == tag && operation.in_path().all(|field| fields.contains_key(field))
    };
    let operation = operations::ALL.iter().find(fits).ok_or_else(unknown)?;
    let mut path = String::new();
    for part in operation.path.split('/').skip(1) {
        path.push('/');
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            None => path.push_str(part),
            Some(field) => path.push_str(&in_path(field, fields.remove(field).as_ref())?),
        }
    }
    for (number, field) in operation.query.iter().enumerate() {
        if let Some(value) = fields.remove(*field) {
            path.push(if number == 0 || !path.contains('?') { '?' } else { '&' });
            path.extend([field, "=", &encoded(&text(&value))]);
        }
    }
    if let Body::Of(field) = operation.body
        && let Some(Value::Object(held)) = fields.remove(field)
    {
        *fields = held;
    }
    let body = if fields.is_empty() { Some(Bytes::new()) } else { whole.text() };
    let sent = http::Request::builder()
        .method(operation.method())
        .uri(path)
        .header(header::HOST, "mail2fa")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(body.ok_or_else(unknown)?))
        .map_err(|_| unknown())?;
    Ok((operation, sent))
}

/// A part of the path. Nothing there would be another path.
fn in_path(field: &str, value: Option<&Value>) -> Result<String, AdminError> {
    let text = value.map(text).unwrap_or_default();
    match (text.is_empty(), field) {
        (false, _) => Ok(encoded(&text)),
        (true, "mailbox") => {
            let why = Mailbox::new("").err().map(|error| error.to_string()).unwrap_or_default();
            Err(AdminError::BadName { why })
        }
        (true, "name") => Err(AdminError::NoToken),
        (true, _) => Err(AdminError::BadAppPasswordId),
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Sends the request; the answer, or why there is none.
async fn exchange(
    stream: UnixStream,
    sent: http::Request<Full<Bytes>>,
) -> Result<(http::StatusCode, Bytes), String> {
    let why = |error: hyper::Error| error.to_string();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(why)?;
    let connection = tokio::spawn(connection);
    let response = sender.send_request(sent).await.map_err(why)?;
    let status = response.status();
    let body = Limited::new(response.into_body(), CONTROL_BYTES).collect().await;
    drop(sender);
    connection.abort();
    Ok((status, body.map_err(|error| error.to_string())?.to_bytes()))
}

/// What was answered.
pub(super) fn understood(
    operation: &Operation,
    status: http::StatusCode,
    body: &[u8],
) -> Result<Response, ClientError> {
    let strange = || {
        ClientError::Lost(
            "the answer is not understood; is the daemon of another version?".to_owned(),
        )
    };
    if !status.is_success() {
        return Err(match problem::told(body) {
            Some(Told::Error(error)) => error.into(),
            Some(Told::Words(words)) if status.is_server_error() => ClientError::Failed(words),
            Some(Told::Words(words)) => ClientError::Refused(words),
            None => strange(),
        });
    }
    let mut fields = Fields::parse(body).ok_or_else(strange)?;
    fields.0.insert("answer".into(), operation.answer.into());
    fields.read().ok_or_else(strange)
}
