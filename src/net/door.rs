//! What a kind of door is, and what each connection at one has.
//!
//! The doors themselves are `client` and `login`; a connection is driven by `connection`.

use std::{future::Future, io, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::translate::Reply;
use crate::{
    base::{Secret, limits::HANDSHAKE_SECONDS},
    config::TempFail,
    service::authenticate::Authenticator,
    upstream::UpstreamError,
    wire::{Attempt, Fatal, Greeting, RelayStart, RequestId},
};

/// What the connections of one listener share.
#[derive(Clone)]
pub struct Shared {
    /// The listener's name.
    pub name: Arc<str>,
    /// Decides.
    pub authenticator: Arc<Authenticator>,
    /// How long refusals are held back.
    pub refusal_delay: Duration,
    /// How a peer hears that no decision was possible.
    pub temp_fail: TempFail,
    /// Cancelled when the daemon stops: running logins are finished, no new ones are taken.
    pub stopping: CancellationToken,
}

/// A kind of door: what it offers and how it decides a login.
pub trait Door: Send + Sync + 'static {
    /// What one connection needs of its own, made once the peer has said who it is.
    type Session: Session;

    /// The greeting that can be sent before the peer has said anything, if there is one.
    fn greeting(&self) -> impl Future<Output = Option<Greeting>> + Send;

    /// The peer has said who it is.
    fn open(
        &self,
        peer: Handshake,
    ) -> impl Future<Output = Result<Self::Session, ConnectionError>> + Send;
}

/// One connection's view of its door.
pub trait Session: Send + Sync + 'static {
    /// The greeting, where the door could not know it before.
    fn greeting(&self) -> Option<Greeting>;

    /// Decides one login.
    fn login(self: &Arc<Self>, attempt: Attempt) -> BoxFuture<'static, Reply>;

    /// Decides one login by a mechanism that is handed to the upstream.
    fn relay(self: &Arc<Self>, start: RelayStart, talk: Talk) -> BoxFuture<'static, Reply>;

    /// Ends when the connection cannot go on.
    fn ended(&self) -> impl Future<Output = ()> + Send;
}

/// What a peer says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Handshake {
    /// The protocol's minor version it speaks.
    pub minor: u32,
    /// Its process.
    pub cpid: u32,
}

/// Why a connection ended before its peer closed it.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// The socket failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The peer broke the protocol.
    #[error("the peer broke the protocol: {0}")]
    Protocol(#[from] Fatal),
    /// The peer said nothing for too long.
    #[error("no handshake within {HANDSHAKE_SECONDS} s")]
    Silent,
    /// The upstream is not there.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// The upstream went away.
    #[error("Dovecot's auth closed its side")]
    UpstreamEnded,
}

/// Our side of a mail client's exchange: challenges go out, responses come in.
#[derive(Debug)]
pub struct Talk {
    /// Which request.
    pub id: RequestId,
    /// Where challenges go; the connection takes those of all its exchanges.
    pub challenges: mpsc::Sender<(RequestId, Secret)>,
    /// Where the responses to them come from.
    pub responses: mpsc::Receiver<Secret>,
}
