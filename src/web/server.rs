//! Takes connections for the web pages and the API, over TCP or a Unix socket.
//!
//! axum's own server has no limit on how long a client may take for its headers, so connections are
//! hyper's, with one.
//!
//! # Security
//!
//! A place is taken before a connection is accepted, headers must be there in time and are bounded in
//! number and size, and a connection that does nothing is closed. A slow client costs a place, not a thread.

use std::{convert::Infallible, io, net::IpAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::Request,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

use crate::{
    base::{
        PeerCredentials,
        limits::{
            WEB_CONNECTIONS, WEB_HEADER_BYTES, WEB_HEADER_SECONDS, WEB_HEADERS, WEB_REQUEST_SECONDS,
        },
    },
    sys::socket::peer_credentials,
};

/// Pause after an accept that failed for want of something.
const PAUSE: Duration = Duration::from_millis(100);

/// How long a connection is kept for further requests.
const CONNECTION_LIFE: Duration = Duration::from_secs(300);

/// How long the request that runs then may take.
const LAST_REQUEST: Duration = Duration::from_secs(WEB_REQUEST_SECONDS);

/// Where connections come from.
pub enum Listener {
    /// The network, or loopback with a proxy before it.
    Tcp(TcpListener),
    /// A proxy on this machine.
    Unix(UnixListener),
}

/// Who is at the other end of a connection; an extension of each of its requests.
#[derive(Clone, Copy, Debug)]
pub enum Peer {
    /// Of TCP.
    Address(IpAddr),
    /// Of a Unix socket, if the system says.
    Process(Option<PeerCredentials>),
}

/// Serves until `stopping`, then lets the requests that run come to an end.
pub async fn serve(
    listener: Listener,
    router: Router,
    stopping: CancellationToken,
    tasks: TaskTracker,
) {
    let places = Arc::new(Semaphore::new(WEB_CONNECTIONS));
    loop {
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            () = stopping.cancelled() => return,
        };
        // The semaphore is never closed.
        let Ok(place) = place else { return };
        let accepted = tokio::select! {
            accepted = accept(&listener) => accepted,
            () = stopping.cancelled() => return,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "web: cannot accept a connection");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let service =
            Service { router: router.clone(), peer, place: Arc::new(place), tasks: tasks.clone() };
        tasks.spawn(connection(stream, service, stopping.clone()));
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

async fn accept(listener: &Listener) -> io::Result<(Box<dyn Stream>, Peer)> {
    match listener {
        Listener::Tcp(listener) => {
            let (stream, address) = listener.accept().await?;
            let _ = stream.set_nodelay(true);
            Ok((Box::new(stream), Peer::Address(address.ip().to_canonical())))
        }
        Listener::Unix(listener) => {
            let (stream, _) = listener.accept().await?;
            let peer = Peer::Process(peer_credentials(&stream).ok());
            Ok((Box::new(stream), peer))
        }
    }
}

/// What answers the requests of a connection.
struct Service {
    router: Router,
    peer: Peer,
    /// Taken until the last request is answered.
    place: Arc<OwnedSemaphorePermit>,
    tasks: TaskTracker,
}

impl Service {
    /// Answers a request in a task of its own: what a form has begun is brought to its end, also when the
    /// browser goes away. A code is not used up for nothing then.
    async fn answer(&self, request: hyper::Request<Incoming>) -> Result<Response, Infallible> {
        let mut request: Request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(self.peer);
        let (router, place) = (self.router.clone(), Arc::clone(&self.place));
        let answering = self.tasks.spawn(async move {
            let Ok(response) = router.oneshot(request).await;
            drop(place);
            response
        });
        // Only a runtime that ends does not answer.
        Ok(answering.await.unwrap_or_else(|_| StatusCode::SERVICE_UNAVAILABLE.into_response()))
    }
}

async fn connection(stream: Box<dyn Stream>, service: Service, stopping: CancellationToken) {
    let service = Arc::new(service);
    let service = tower::service_fn(move |request: hyper::Request<Incoming>| {
        let service = Arc::clone(&service);
        async move { service.answer(request).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(WEB_HEADER_SECONDS))
        .max_headers(WEB_HEADERS)
        .max_header_size(WEB_HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => Ok(ended),
        () = tokio::time::sleep(CONNECTION_LIFE) => {
            connection.as_mut().graceful_shutdown();
            timeout(LAST_REQUEST, connection).await
        }
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            timeout(LAST_REQUEST, connection).await
        }
    };
    if let Ok(Err(error)) = ended {
        tracing::debug!(%error, "web: a connection ended");
    }
}
