//! Accepts connections, and goes on doing so whatever happens.
//!
//! # Security
//!
//! The accept loop must not end on a bad accept (CVE-2026-49232), nor spin when the process is out of
//! descriptors. A place is taken before a connection is accepted, so that a flood waits in the
//! kernel's queue and not in our memory.

use std::{io, sync::Arc, time::Duration};

use tokio::{
    net::{UnixListener, UnixStream},
    sync::Semaphore,
};
use tokio_util::task::TaskTracker;

use super::{
    connection::serve,
    door::{ConnectionError, Door, Shared},
};
use crate::sys::{accept::is_passing, socket::peer_credentials};

/// How long to wait when the machine is out of something an accept needs.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// Serves a listener until the daemon stops. Connections are tasks of `tasks`, so that a drain can
/// wait for them.
pub async fn run<D: Door>(
    listener: UnixListener,
    door: Arc<D>,
    shared: Shared,
    connections: usize,
    tasks: TaskTracker,
) {
    let places = Arc::new(Semaphore::new(connections));
    loop {
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            () = shared.stopping.cancelled() => return,
        };
        // The semaphore is never closed.
        let Ok(place) = place else { return };
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    bad_accept(&shared, &error).await;
                    continue;
                }
            },
            () = shared.stopping.cancelled() => return,
        };
        let (door, shared) = (Arc::clone(&door), shared.clone());
        tasks.spawn(async move {
            connection(stream, &*door, &shared).await;
            drop(place);
        });
    }
}

async fn connection<D: Door>(stream: UnixStream, door: &D, shared: &Shared) {
    let name = &*shared.name;
    match peer_credentials(&stream) {
        Ok(peer) => tracing::debug!(listener = name, %peer, "connected"),
        Err(error) => tracing::debug!(listener = name, %error, "connected by an unknown peer"),
    }
    match serve(stream, door, shared).await {
        Ok(()) => tracing::debug!(listener = name, "disconnected"),
        Err(ConnectionError::Io(error)) => {
            tracing::debug!(listener = name, %error, "connection lost");
        }
        Err(error) => tracing::warn!(listener = name, %error, "connection ended"),
    }
}

/// What a failed accept means: nothing for the next one, or that the machine is out of something.
async fn bad_accept(shared: &Shared, error: &io::Error) {
    if is_passing(error) {
        return;
    }
    tracing::warn!(listener = &*shared.name, %error, "cannot accept connections for now");
    tokio::time::sleep(EXHAUSTED_PAUSE).await;
}
