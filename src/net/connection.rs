//! One connection of a mail server's program, from handshake to end, whichever kind of door.
//!
//! It reads lines through `wire::Server`, runs the logins side by side, and writes each answer
//! once. What a login means and where the password is checked is the door's business.
//!
//! # Security
//!
//! A login that is cancelled, or whose peer goes away, is dropped: an upstream OK it may have held
//! is withdrawn by that. Everything that can pile up is bounded: lines and requests by
//! `wire::Server`, unread answers by `Duplex`, the time to the handshake here.

use std::{future::Future, io, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use tokio::{net::UnixStream, time::Instant};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::{
    logins::Logins,
    relay::Talk,
    translate::{self, Reply},
};
use crate::{
    base::limits::{HANDSHAKE_SECONDS, LOGIN_SECONDS},
    decision::outcome::Outcome,
    ports::{audit::LoginResult, password::PasswordSource},
    service::authenticate::Authenticator,
    sys::duplex::Duplex,
    wire::{Attempt, Fatal, Greeting, RelayStart, Server, ServerEvent},
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
    Upstream(#[from] crate::upstream::UpstreamError),
    /// The upstream went away.
    #[error("Dovecot's auth closed its side")]
    UpstreamEnded,
}

/// Serves one connection to its end.
pub async fn serve<D: Door>(
    stream: UnixStream,
    door: &D,
    shared: &Shared,
) -> Result<(), ConnectionError> {
    let mut wire = Wire {
        duplex: Duplex::new(stream),
        server: Server::new(),
        buffer: Zeroizing::new(vec![0; 4_096]),
    };
    if let Some(greeting) = door.greeting().await {
        wire.server.greet(&greeting);
        wire.write()?;
    }
    let limit = Duration::from_secs(HANDSHAKE_SECONDS);
    let handshake = tokio::select! {
        done = tokio::time::timeout(limit, wire.handshake()) => match done {
            Ok(Ok(Some(handshake))) => handshake,
            Ok(Ok(None)) => return Ok(()),
            Ok(Err(error)) => return Err(error),
            Err(_) => return Err(ConnectionError::Silent),
        },
        () = shared.stopping.cancelled() => return Ok(()),
    };
    let session = Arc::new(door.open(handshake).await?);
    if let Some(greeting) = session.greeting() {
        wire.server.greet(&greeting);
        wire.write()?;
    }
    let logins = Logins::new(Arc::clone(&session), shared.clone());
    run(wire, logins, &*session, &shared.stopping).await
}

/// The socket and the protocol machine.
struct Wire {
    duplex: Duplex,
    server: Server,
    buffer: Zeroizing<Vec<u8>>,
}

impl Wire {
    /// Reads once; `false` at the end of the stream.
    async fn read(&mut self) -> io::Result<bool> {
        let room = self.server.room().min(self.buffer.len());
        let slice = self.buffer.get_mut(..room).unwrap_or_default();
        let count = self.duplex.read(slice).await?;
        self.server.receive(slice.get(..count).unwrap_or_default());
        Ok(count > 0)
    }

    fn write(&mut self) -> io::Result<()> {
        if self.server.output_len() == 0 {
            return Ok(());
        }
        self.duplex.send(self.server.take_output())
    }

    /// `None` when the peer closed without a word.
    async fn handshake(&mut self) -> Result<Option<Handshake>, ConnectionError> {
        loop {
            if let Some(ServerEvent::Handshake { version, cpid }) = self.server.poll()? {
                return Ok(Some(Handshake { minor: version.minor, cpid }));
            }
            if !self.read().await? {
                return Ok(None);
            }
        }
    }
}

/// The loop of a connection after its handshake.
async fn run<S: Session>(
    mut wire: Wire,
    mut logins: Logins<S>,
    session: &S,
    stopping: &CancellationToken,
) -> Result<(), ConnectionError> {
    let mut draining = false;
    // Made once: each one is an entry in a list that all connections share.
    let (stopped, ended) = (stopping.cancelled(), session.ended());
    tokio::pin!(stopped, ended);
    loop {
        if !draining {
            logins.take(&mut wire.server)?;
        }
        wire.write()?;
        if draining && logins.is_idle() {
            wire.duplex.flush().await?;
            return Ok(());
        }
        let due = logins.next_refusal();
        tokio::select! {
            // In this order, so that logins which were cancelled are gone before more are read:
            // a peer that only starts and cancels would else pile them up.
            biased;
            () = &mut stopped, if !draining => {
                draining = true;
                logins.hang_up();
            }
            () = &mut ended => return Err(ConnectionError::UpstreamEnded),
            next = logins.due() => logins.settle(&mut wire.server, next),
            () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                logins.release(&mut wire.server);
            }
            read = wire.read(), if !draining => {
                if !read? {
                    return Ok(());
                }
            }
        }
    }
}

/// Decides one login within [`LOGIN_SECONDS`].
pub(super) async fn decide(
    shared: &Shared,
    attempt: &Attempt,
    source: &dyn PasswordSource,
) -> Outcome {
    let name = attempt.mechanism.name();
    let circumstances = translate::circumstances(&shared.name, name, &attempt.parameters);
    let request = translate::request(attempt);
    let login = shared.authenticator.authenticate(request, &circumstances, source);
    let limit = Duration::from_secs(LOGIN_SECONDS);
    if let Ok(outcome) = tokio::time::timeout(limit, login).await {
        return outcome;
    }
    let why = "the login took too long";
    let typed = &attempt.credentials.authcid;
    shared.authenticator.undecided(typed, &circumstances, LoginResult::Unavailable(why));
    Outcome::Unavailable(why.into())
}
