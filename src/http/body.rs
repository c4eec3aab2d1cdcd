//! Bodies of requests, and what is left of one that nobody reads.
//!
//! A request that is refused is often refused by its headers. If its connection were closed while its body
//! is still on the way, the system would throw the answer away with it: the browser would see a broken
//! connection, and a web server in between would say 502. So the rest is read first.
//!
//! # Security
//!
//! The rest is thrown away as it comes, up to a size and for a short time. A client that waits for our word
//! before it sends (`Expect`) is not asked to.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{body::Bytes, http::header};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::timeout;

use crate::base::limits::{HTTP_REST_BYTES, HTTP_REST_SECONDS};

/// How long the rest may take.
const PATIENCE: Duration = Duration::from_secs(HTTP_REST_SECONDS);

type Inner = Arc<Mutex<Incoming>>;

/// A body as the router gets it.
pub(super) struct Shared(Inner);

/// What will be left of it.
pub(super) struct Rest(Option<Inner>);

/// Parts a request from the rest of its body.
pub(super) fn share(request: hyper::Request<Incoming>) -> (hyper::Request<Shared>, Rest) {
    let waits = request.headers().contains_key(header::EXPECT);
    let (parts, body) = request.into_parts();
    let inner = Arc::new(Mutex::new(body));
    let rest = Rest((!waits).then(|| Arc::clone(&inner)));
    (hyper::Request::from_parts(parts, Shared(inner)), rest)
}

impl Rest {
    /// Reads what nobody has read. The router must be done with the body.
    pub(super) async fn discard(self) {
        let Some(mut body) = self.0.map(Shared) else { return };
        let mut bytes = 0_usize;
        let reading = async {
            while let Some(Ok(frame)) =
                poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await
            {
                bytes = bytes.saturating_add(frame.data_ref().map_or(0, Bytes::len));
                if bytes > HTTP_REST_BYTES {
                    return;
                }
            }
        };
        // Who takes longer loses the answer.
        let _ = timeout(PATIENCE, reading).await;
    }
}

impl Shared {
    fn with<T>(&self, ask: impl FnOnce(&mut Incoming) -> T) -> T {
        ask(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Body for Shared {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.with(|body| Pin::new(body).poll_frame(context))
    }

    fn is_end_stream(&self) -> bool {
        self.with(|body| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.with(|body| body.size_hint())
    }
}
