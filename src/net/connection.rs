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

use std::{io, sync::Arc, time::Duration};

use tokio::{net::UnixStream, time::Instant};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::{
    door::{ConnectionError, Door, Handshake, Session, Shared},
    logins::Logins,
    translate,
};
use crate::{
    base::limits::{HANDSHAKE_SECONDS, LOGIN_SECONDS},
    decision::outcome::Outcome,
    ports::{audit::LoginResult, password::PasswordSource},
    sys::duplex::Duplex,
    wire::{Attempt, Server, ServerEvent},
};

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
        if !draining && logins.is_closing() {
            draining = true;
            logins.hang_up();
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
