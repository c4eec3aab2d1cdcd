//! The command line's end of the control socket. Blocking: a command does one thing at a time.
//!
//! # Security
//!
//! What is asked may hold a password and what is answered a secret. Whoever could put a socket of
//! their own in this place would get them, so its folder must not be open to others. Answers are bounded in
//! size and time.

use std::{
    io::{self, BufRead, BufReader, ErrorKind, Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use zeroize::Zeroizing;

use super::{Envelope, Outcome, Reply, VERSION};
use crate::{
    base::limits::{CONTROL_BYTES, CONTROL_SECONDS},
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
    let mut stream = connect(path)?;
    let before = |source| ClientError::Io { path: path.into(), source };
    let ask = serde_json::to_value(request).map_err(|error| before(error.into()))?;
    let mut line = Zeroizing::new(Vec::with_capacity(4_096));
    serde_json::to_writer(&mut *line, &Envelope { version: VERSION, ask })
        .map_err(|error| before(error.into()))?;
    line.push(b'\n');
    if line.len() > CONTROL_BYTES {
        return Err(ClientError::Refused("the request is too long".into()));
    }
    // A daemon that refuses the peer answers without reading: what it says is still there.
    let sent = stream.write_all(&line);
    let answer = receive(&stream);
    match (sent, answer) {
        (_, Ok(outcome)) => outcome,
        (Err(error), Err(_)) => Err(before(error)),
        (Ok(()), Err(why)) => Err(ClientError::Lost(why)),
    }
}

fn connect(path: &Path) -> Result<UnixStream, ClientError> {
    let stream = UnixStream::connect(path).map_err(|source| match source.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => ClientError::NoDaemon(path.into()),
        ErrorKind::PermissionDenied => ClientError::NotAllowed(path.into()),
        _ => ClientError::Io { path: path.into(), source },
    })?;
    stream
        .set_read_timeout(Some(PATIENCE))
        .and_then(|()| stream.set_write_timeout(Some(PATIENCE)))
        .map_err(|source| ClientError::Io { path: path.into(), source })?;
    Ok(stream)
}

/// The answer, or why there is none.
fn receive(stream: &UnixStream) -> Result<Result<Response, ClientError>, String> {
    let limit = u64::try_from(CONTROL_BYTES).unwrap_or(u64::MAX);
    let mut line = Zeroizing::new(Vec::with_capacity(4_096));
    BufReader::new(stream.take(limit))
        .read_until(b'\n', &mut line)
        .map_err(|error| error.to_string())?;
    if line.is_empty() {
        return Err("it closed the connection".into());
    }
    // The text of a serde error may quote the answer, and so a secret.
    let reply: Reply = serde_json::from_slice(&line)
        .map_err(|_| "the answer is not understood; is the daemon of another version?")?;
    Ok(match reply.outcome {
        Outcome::Ok(response) => Ok(response),
        Outcome::Error(error) => Err(error.into()),
        Outcome::Refused(why) => Err(ClientError::Refused(why)),
    })
}
