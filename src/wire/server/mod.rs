//! The server's side of a connection: towards Dovecot's login processes, Postfix and Exim.
//!
//! Bytes in, events and bytes out. The driver passes what it reads to [`Server::receive`], calls
//! [`Server::poll`] until it answers `None`, and writes what [`Server::take_output`] gives. Each
//! attempt it is handed, and each rejection, it answers once with [`Server::accept`] or
//! [`Server::refuse`], in any order. The machine decides nothing about credentials and knows no time.
//!
//! ```text
//!  VERSION ──▶ CPID ──▶ ready ──▶ AUTH ─┬─▶ Attempt ───▶ accept ▶ OK
//!                                       ├─▶ Rejected ──▶ refuse ▶ FAIL
//!                        CONT ▲ ┌───────┼─▶ collecting (challenge sent)
//!                             └─┘       └─▶ Relay ─┬─▶ accept, refuse
//!                                           ▲      └─▶ challenge ▶ CONT, awaiting
//!                                           └── Response ◀── CONT ─┘
//!                                            CANCEL, in any state ▶ Cancelled, no answer
//! ```
//!
//! A mechanism that the upstream decides is handed out at once (Relay): the driver passes its challenges
//! down with [`Server::challenge`], and each response comes out as an event of its own.
//!
//! # Security
//!
//! One request never touches another: ids are per connection, each is answered at most once, and
//! an answer fits only the use of the number that it was made for. Nothing but [`Server::accept`]
//! writes OK. Requests, parameters, lines and output are bounded.

mod machine;
mod relaying;

use zeroize::Zeroizing;

use super::{
    error::Fatal,
    field::Fields,
    greeting::Greeting,
    ids::{ProtocolVersion, RequestId},
    parameters::Parameters,
    reply::FailCode,
    sasl::{Mechanism, PlainCredentials, Rejection},
    side::Side,
};
use crate::base::{RelayedMechanism, Secret, limits::LINE_BYTES};
use machine::{FAIL, Machine, OK};

/// What happened.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum ServerEvent {
    /// VERSION and CPID are there. AUTH before that is fatal.
    Handshake {
        /// The client's version.
        version: ProtocolVersion,
        /// The client's process id, not 0.
        cpid: u32,
    },
    /// Credentials to judge: answer with accept or refuse.
    Attempt(Attempt),
    /// A request that the upstream decides. Answer with accept or refuse, after any number of
    /// challenges.
    Relay(RelayStart),
    /// The mail client's response to the last challenge of such a request.
    Response {
        /// Which request.
        id: RequestId,
        /// The response, decoded.
        response: Secret,
    },
    /// A request that cannot succeed; nothing was sent yet, or challenges only: answer with refuse. It may be
    /// one that was handed out with Relay, which ends with this.
    Rejected {
        /// Which request.
        id: RequestId,
        /// The mechanism's name, fit for a log.
        mechanism: String,
        /// What the peer says about its client.
        parameters: Parameters,
        /// Why, for the log only.
        why: Rejection,
    },
    /// A request is gone; answers for it are refused from now on. It may be one that was handed
    /// out, one that was rejected, or one whose credentials were never complete.
    Cancelled(RequestId),
}

/// A complete authentication request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Which request.
    pub id: RequestId,
    /// How the credentials came.
    pub mechanism: Mechanism,
    /// What the peer says about its client.
    pub parameters: Parameters,
    /// The credentials.
    pub credentials: PlainCredentials,
}

/// The beginning of an exchange that the upstream decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayStart {
    /// Which request.
    pub id: RequestId,
    /// Which mechanism.
    pub mechanism: RelayedMechanism,
    /// What the peer says about its client.
    pub parameters: Parameters,
    /// The initial response, decoded; `None` if there is none, which is not the same as an empty one.
    pub response: Option<Secret>,
}

/// Why an answer was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// Never asked, already answered, or cancelled. Nothing is to be done.
    #[error("no such request waits for an answer")]
    NotPending,
    /// The line of OK or of a challenge would be over the limit. The request still waits: refuse it.
    #[error("the answer is longer than {LINE_BYTES} bytes with its end")]
    TooLong,
}

/// The server's side of one connection.
#[derive(Debug, Default)]
pub struct Server {
    side: Side<Machine>,
}

impl Server {
    /// A new connection. Nothing is sent before [`greet`](Self::greet).
    pub fn new() -> Self {
        Self::default()
    }

    /// How many bytes [`receive`](Self::receive) takes now. At least `LINE_BYTES` whenever
    /// [`poll`](Self::poll) answered `None` and the greeting is out.
    pub fn room(&self) -> usize {
        self.side.room()
    }

    /// Takes bytes that were read, at most [`room`](Self::room); more are fatal.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.side.receive(bytes);
    }

    /// The next event; `None` when more bytes are needed. Before [`greet`](Self::greet) only the
    /// handshake is read.
    pub fn poll(&mut self) -> Result<Option<ServerEvent>, Fatal> {
        self.side.poll()
    }

    /// Queues the server's handshake and sets what is offered: PLAIN, LOGIN and what can be relayed, where the
    /// greeting names them. It may come before anything was received, as Exim needs it.
    pub fn greet(&mut self, greeting: &Greeting) {
        self.side.machine.greet(greeting);
    }

    /// Answers OK.
    pub fn accept(&mut self, id: RequestId, fields: &Fields) -> Result<(), AnswerError> {
        self.side.machine.answer(OK, id, fields)
    }

    /// Passes a challenge of the upstream on, for a request that came out as [`ServerEvent::Relay`] and
    /// has no other challenge open.
    pub fn challenge(&mut self, id: RequestId, challenge: &Secret) -> Result<(), AnswerError> {
        self.side.machine.challenge(id, challenge)
    }

    /// Answers FAIL. Fields that do not fit a line are left out, `temp_fail` then says so.
    pub fn refuse(&mut self, id: RequestId, fields: &Fields) -> Result<(), AnswerError> {
        match self.side.machine.answer(FAIL, id, fields) {
            Err(AnswerError::TooLong) => {
                self.side.machine.answer(FAIL, id, &FailCode::TempFail.into_fields())
            }
            result @ (Ok(()) | Err(AnswerError::NotPending)) => result,
        }
    }

    /// Takes what is to be written.
    pub fn take_output(&mut self) -> Zeroizing<Vec<u8>> {
        self.side.machine.output.take()
    }

    /// Bytes that wait to be written.
    pub fn output_len(&self) -> usize {
        self.side.machine.output.len()
    }

    /// Requests that were started and neither answered nor cancelled.
    pub fn pending(&self) -> usize {
        self.side.machine.pending()
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
