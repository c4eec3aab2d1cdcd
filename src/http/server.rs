//! Serves connections: places, time limits, and requests that are brought to their end.
//!
//! axum's own server has no limit on how long a client may take for its headers, so connections are
//! hyper's, with one.
//!
//! # Security
//!
//! A place is taken before a connection is accepted, headers must be there in time and are bounded in
//! number and size, and a connection that does nothing is closed. A TLS handshake has its own limit, with
//! the place taken. A slow client costs a place, not a thread.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::Request,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tokio_rustls::server::TlsStream;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

use super::{
    body,
    listener::{Listener, Peer, Stream},
    sound::is_sound,
    tls::Tls,
};
use crate::{
    base::limits::{
        HTTP_CONNECTION_SECONDS, HTTP_CONNECTIONS, HTTP_HEADER_BYTES, HTTP_HEADER_SECONDS,
        HTTP_HEADERS, HTTP_REQUEST_SECONDS, TLS_HANDSHAKE_SECONDS,
    },
    sys::accept::is_passing,
};

/// Pause after an accept that failed for want of something.
const PAUSE: Duration = Duration::from_millis(100);

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(TLS_HANDSHAKE_SECONDS);

/// How long a connection is kept for further requests.
const CONNECTION_LIFE: Duration = Duration::from_secs(HTTP_CONNECTION_SECONDS);

/// How long the request that runs then may take.
const LAST_REQUEST: Duration = Duration::from_secs(HTTP_REQUEST_SECONDS);

/// What answers connections, and until when.
pub struct Server {
    name: &'static str,
    router: Router,
    tls: Option<Tls>,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

impl Server {
    /// A server that logs under this name, answers by the router until `stopping`, and does so in tasks of
    /// `tasks`, so that an end can wait for them.
    pub fn new(
        name: &'static str,
        router: Router,
        stopping: CancellationToken,
        tasks: TaskTracker,
    ) -> Self {
        Self { name, router, tls: None, stopping, tasks }
    }

    /// The same, with each connection in TLS.
    #[must_use]
    pub fn with_tls(self, tls: Tls) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// Serves until it is to stop, then lets the requests that run come to an end.
    pub async fn serve(self, listener: Listener) {
        let places = Arc::new(Semaphore::new(HTTP_CONNECTIONS));
        loop {
            let place = tokio::select! {
                place = Arc::clone(&places).acquire_owned() => place,
                () = self.stopping.cancelled() => return,
            };
            // The semaphore is never closed.
            let Ok(place) = place else { return };
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.stopping.cancelled() => return,
            };
            match accepted {
                Ok((stream, peer)) => self.start(stream, peer, place),
                Err(error) if is_passing(&error) => {}
                Err(error) => {
                    let server = self.name;
                    tracing::warn!(server, %error, "cannot accept connections for now");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn start(&self, stream: Box<dyn Stream>, peer: Peer, place: OwnedSemaphorePermit) {
        let service = Service {
            router: self.router.clone(),
            peer,
            place: Arc::new(place),
            tasks: self.tasks.clone(),
        };
        let (name, tls, stopping) = (self.name, self.tls.clone(), self.stopping.clone());
        self.tasks.spawn(async move {
            let ended = match tls {
                None => connection(stream, service, stopping).await,
                Some(tls) => match handshake(&tls, stream, &stopping).await {
                    Ok(stream) => connection(Box::new(stream), service, stopping).await,
                    Err(error) => Err(error),
                },
            };
            if let Err(error) = ended {
                tracing::debug!(server = name, %error, "a connection ended");
            }
        });
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
        if !is_sound(request.version(), request.headers()) {
            // Where the next request begins is not known.
            let close = [(header::CONNECTION, "close")];
            return Ok((StatusCode::BAD_REQUEST, close).into_response());
        }
        let (request, rest) = body::share(request);
        let mut request: Request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(self.peer);
        let (router, place) = (self.router.clone(), Arc::clone(&self.place));
        let answering = self.tasks.spawn(async move {
            let Ok(response) = router.oneshot(request).await;
            rest.discard().await;
            drop(place);
            response
        });
        // Only a runtime that ends does not answer.
        Ok(answering.await.unwrap_or_else(|_| StatusCode::SERVICE_UNAVAILABLE.into_response()))
    }
}

/// Why a connection ended before its time.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("no TLS: {0}")]
    Handshake(io::Error),
    #[error("no TLS handshake within {TLS_HANDSHAKE_SECONDS} s")]
    Slow,
    #[error("stopping")]
    Stopping,
    #[error("{0}")]
    Http(#[from] hyper::Error),
}

/// Makes TLS of a connection. What is not TLS, or not in time, is hung up on.
async fn handshake(
    tls: &Tls,
    stream: Box<dyn Stream>,
    stopping: &CancellationToken,
) -> Result<TlsStream<Box<dyn Stream>>, Ended> {
    tokio::select! {
        done = timeout(HANDSHAKE, tls.accept(stream)) => match done {
            Ok(done) => done.map_err(Ended::Handshake),
            Err(_) => Err(Ended::Slow),
        },
        () = stopping.cancelled() => Err(Ended::Stopping),
    }
}

async fn connection(
    stream: Box<dyn Stream>,
    service: Service,
    stopping: CancellationToken,
) -> Result<(), Ended> {
    let service = Arc::new(service);
    let service = tower::service_fn(move |request: hyper::Request<Incoming>| {
        let service = Arc::clone(&service);
        async move { service.answer(request).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // Who has said all and waits (`nc -N`) is answered.
        .half_close(true)
        .header_read_timeout(Duration::from_secs(HTTP_HEADER_SECONDS))
        .max_headers(HTTP_HEADERS)
        .max_header_size(HTTP_HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => return Ok(ended?),
        () = tokio::time::sleep(CONNECTION_LIFE) => {
            connection.as_mut().graceful_shutdown();
            timeout(LAST_REQUEST, connection).await
        }
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            timeout(LAST_REQUEST, connection).await
        }
    };
    // What takes even longer is cut off.
    Ok(ended.unwrap_or(Ok(()))?)
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{UnixListener, UnixStream},
        sync::oneshot,
    };

    use super::*;

    #[tokio::test]
    async fn who_has_said_all_is_answered_however_long_it_takes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("http");
        let listener = Listener::Unix(UnixListener::bind(&path).unwrap());
        let (begun, is_begun) = oneshot::channel();
        let (go_on, goes_on) = oneshot::channel::<()>();
        let once = Arc::new(std::sync::Mutex::new(Some((begun, goes_on))));
        let slow = get(move || async move {
            let (begun, goes_on) = once.lock().unwrap().take().unwrap();
            begun.send(()).unwrap();
            goes_on.await.unwrap();
            "said"
        });
        let (stopping, tasks) = (CancellationToken::new(), TaskTracker::new());
        let router = Router::new().route("/", slow);
        let server = Server::new("test", router, stopping.clone(), tasks.clone());
        tasks.spawn(server.serve(listener));

        let mut client = UnixStream::connect(&path).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        is_begun.await.unwrap();
        client.shutdown().await.unwrap();
        // Long enough for the end of what is sent to be seen.
        tokio::time::sleep(Duration::from_millis(100)).await;
        go_on.send(()).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer:?}");
        assert!(answer.ends_with("\r\n\r\nsaid"), "{answer:?}");

        stopping.cancel();
        tasks.close();
        tasks.wait().await;
    }

    #[tokio::test]
    async fn who_says_nothing_more_holds_no_place() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("http");
        let listener = Listener::Unix(UnixListener::bind(&path).unwrap());
        let (stopping, tasks) = (CancellationToken::new(), TaskTracker::new());
        let router = Router::new().route("/", get(async || "said"));
        let server = Server::new("test", router, stopping.clone(), tasks.clone());
        tasks.spawn(server.serve(listener));
        let length = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nx";
        for said in ["", "GET / HT", "GET / HTTP/1.1\r\nhost: x\r\n\r\n", length] {
            let mut client = UnixStream::connect(&path).await.unwrap();
            client.write_all(said.as_bytes()).await.unwrap();
            client.shutdown().await.unwrap();
            // Only a connection that is closed ends what is read, well before any limit of time.
            let mut answer = String::new();
            let reading = client.read_to_string(&mut answer);
            timeout(LAST_REQUEST / 2, reading).await.unwrap().unwrap();
        }
        stopping.cancel();
        tasks.close();
        tasks.wait().await;
    }
}
