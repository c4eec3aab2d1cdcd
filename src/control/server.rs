//! The daemon's end of the control socket.
//!
//! # Security
//!
//! A peer is looked at before it is read: root or the daemon's own user, or it is refused. One
//! line of bounded size is read in bounded time, of a bounded number of peers, and wiped.

use std::{io, os::unix::net::UnixListener as StdListener, path::Path, sync::Arc, time::Duration};

use nix::unistd::geteuid;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::{Semaphore, watch},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use zeroize::Zeroizing;

use super::{Outcome, Reply, VERSION, read_request};
use crate::{
    base::{
        PeerCredentials,
        limits::{CONTROL_BYTES, CONTROL_CONNECTIONS, CONTROL_SECONDS},
    },
    service::admin::Admin,
    sys::socket::{self, Access, BindError, peer_credentials},
};

/// Owner only; the peer's user is checked besides.
const MODE: u32 = 0o600;
/// Pause after an accept that failed for want of something.
const PAUSE: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(CONTROL_SECONDS);

/// Makes the control socket.
///
/// # Errors
///
/// As [`socket::bind`].
pub fn bind(path: &Path) -> Result<StdListener, BindError> {
    socket::bind(path, &Access { owner: None, group: None, mode: MODE })
}

/// Serves the control socket until `stopping`, then finishes what was asked. Each request is done
/// by the [`Admin`] that is current then, so that a reload can replace it.
///
/// # Errors
///
/// Only if the socket cannot be watched at all.
pub async fn serve(
    listener: StdListener,
    admin: watch::Receiver<Arc<Admin>>,
    stopping: CancellationToken,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = UnixListener::from_std(listener)?;
    let places = Arc::new(Semaphore::new(CONTROL_CONNECTIONS));
    let tasks = TaskTracker::new();
    while !stopping.is_cancelled() {
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopping.cancelled() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let (admin, stopping) = (admin.clone(), stopping.clone());
                tasks.spawn(async move {
                    connection(stream, &admin, &stopping).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "control: cannot accept a connection");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    tasks.close();
    tasks.wait().await;
    Ok(())
}

async fn connection(
    mut stream: UnixStream,
    admin: &watch::Receiver<Arc<Admin>>,
    stopping: &CancellationToken,
) {
    let outcome = match peer_credentials(&stream) {
        Ok(peer) if may_ask(peer) => answer(&mut stream, admin, stopping, peer).await,
        Ok(peer) => {
            tracing::warn!(%peer, "control: refused a peer that is neither root nor this user");
            Some(Outcome::Refused("only root and the daemon's user may ask".into()))
        }
        Err(error) => {
            tracing::warn!(%error, "control: refused a peer that cannot be told");
            None
        }
    };
    if let Some(outcome) = outcome {
        write(&mut stream, outcome).await;
    }
}

fn may_ask(peer: PeerCredentials) -> bool {
    peer.uid == 0 || peer.uid == geteuid().as_raw()
}

/// Reads one request and does it. `None` if the peer went away, or the daemon stops before the
/// request is there; one that is there is done.
async fn answer(
    stream: &mut UnixStream,
    admin: &watch::Receiver<Arc<Admin>>,
    stopping: &CancellationToken,
    peer: PeerCredentials,
) -> Option<Outcome> {
    let read = tokio::select! {
        read = timeout(PATIENCE, read_line(stream)) => read,
        () = stopping.cancelled() => return None,
    };
    let line = match read {
        Ok(Ok(Some(line))) => line,
        Ok(Ok(None) | Err(_)) => return None,
        Err(_) => return Some(Outcome::Refused("nothing was asked in time".into())),
    };
    let request = match line.strip_suffix(b"\n") {
        Some(line) => read_request(line),
        None => Err(format!("a request is one line of at most {CONTROL_BYTES} bytes")),
    };
    let request = match request {
        Ok(request) => request,
        Err(why) => {
            tracing::warn!(%peer, %why, "control: a request was not understood");
            return Some(Outcome::Refused(why));
        }
    };
    let current = Arc::clone(&admin.borrow());
    Some(match current.handle(request, &peer.to_string()).await {
        Ok(response) => Outcome::Ok(response),
        Err(error) => Outcome::Error(error),
    })
}

/// One line with its newline, or what came before the end or the limit.
async fn read_line(stream: &mut UnixStream) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut line = Zeroizing::new(Vec::with_capacity(4_096));
    let limit = u64::try_from(CONTROL_BYTES).unwrap_or(u64::MAX);
    BufReader::new(stream.take(limit)).read_until(b'\n', &mut line).await?;
    Ok((!line.is_empty()).then_some(line))
}

async fn write(stream: &mut UnixStream, outcome: Outcome) {
    let reply = Reply { version: VERSION, outcome };
    let line = match serde_json::to_vec(&reply) {
        Ok(line) => Zeroizing::new(line),
        Err(error) => {
            tracing::error!(%error, "control: an answer cannot be written down");
            return;
        }
    };
    let sent = timeout(PATIENCE, async {
        stream.write_all(&line).await?;
        stream.write_all(b"\n").await?;
        stream.shutdown().await
    });
    if !matches!(sent.await, Ok(Ok(()))) {
        tracing::warn!("control: the peer did not take its answer; what it asked was done");
    }
}
