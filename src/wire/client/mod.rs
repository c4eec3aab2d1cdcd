//! The client's side of a connection: towards an upstream Dovecot.
//!
//! Bytes in, events and bytes out. VERSION and CPID are queued at once, because Dovecot 2.4 says
//! nothing but VERSION before it has them. After [`ClientEvent::Greeting`] requests may be made,
//! many at a time, each under an id of the caller's choice.
//!
//! # Security
//!
//! An answer reaches the request it was made for or nobody. After CANCEL Dovecot may still send an
//! answer that was on its way (also after CANCELLED), so the number of a request that was cancelled
//! while unanswered cannot be used again until that answer came. Answers to unknown or cancelled
//! requests are dropped. What is sent holds passwords; the output buffer is wiped.

mod machine;

use zeroize::Zeroizing;

use super::{
    error::Fatal, field::Fields, greeting::Greeting, ids::RequestId, parameters::Parameters,
    side::Side,
};
use crate::base::{Secret, limits::LINE_BYTES};
use machine::Machine;

/// What happened.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum ClientEvent {
    /// The server's handshake is complete; requests may be made.
    Greeting(Greeting),
    /// The request succeeded.
    Ok {
        /// As it was given to [`Client::auth`].
        id: RequestId,
        /// Everything behind the id.
        fields: Fields,
    },
    /// The request failed; see [`FailCode::of`](super::FailCode::of).
    Fail {
        /// As it was given to [`Client::auth`].
        id: RequestId,
        /// Everything behind the id.
        fields: Fields,
    },
    /// The mechanism goes on: answer with [`Client::cont`] or [`Client::cancel`].
    Cont {
        /// As it was given to [`Client::auth`].
        id: RequestId,
        /// The challenge, decoded.
        data: Secret,
    },
}

/// Why a request was not sent. Nothing was queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// No greeting yet, or the connection is over.
    #[error("the upstream connection takes no requests")]
    NotReady,
    /// The id is 0.
    #[error("the request id is 0")]
    IdZero,
    /// The number is in use, or was cancelled and may still be answered.
    #[error("the request id is in use")]
    IdInUse,
    /// No such request is under way.
    #[error("no such request is under way")]
    NotInFlight,
    /// As many requests are under way as the limit.
    #[error("too many requests are under way")]
    TooMany,
    /// Too many cancelled requests are unanswered: a new connection is needed.
    #[error("too many cancelled requests are unanswered")]
    Exhausted,
    /// The line would be over the limit.
    #[error("the request is longer than {LINE_BYTES} bytes with its end")]
    TooLong,
}

/// The client's side of one connection.
#[derive(Debug)]
pub struct Client {
    side: Side<Machine>,
}

impl Client {
    /// A new connection that announces version `1.minor` and this process id, and queues both.
    pub fn new(minor: u32, cpid: u32) -> Self {
        Self { side: Side::new(Machine::new(minor, cpid)) }
    }

    /// How many bytes [`receive`](Self::receive) takes now; at least `LINE_BYTES` after
    /// [`poll`](Self::poll) answered `None`.
    pub fn room(&self) -> usize {
        self.side.room()
    }

    /// Takes bytes that were read, at most [`room`](Self::room); more are fatal.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.side.receive(bytes);
    }

    /// The next event; `None` when more bytes are needed.
    pub fn poll(&mut self) -> Result<Option<ClientEvent>, Fatal> {
        self.side.poll()
    }

    /// Starts a request. `initial_response` is the plain SASL message; `None` sends no `resp=`.
    pub fn auth(
        &mut self,
        id: RequestId,
        mechanism: &str,
        parameters: &Parameters,
        initial_response: Option<&Secret>,
    ) -> Result<(), RequestError> {
        self.side.machine.auth(id, mechanism, parameters, initial_response)
    }

    /// Answers a challenge; `data` is the plain SASL message.
    pub fn cont(&mut self, id: RequestId, data: &Secret) -> Result<(), RequestError> {
        self.side.machine.cont(id, data)
    }

    /// Withdraws a request, answered or not. An OK that is withdrawn cannot be fetched by a mail
    /// process any more. No event follows.
    pub fn cancel(&mut self, id: RequestId) {
        self.side.machine.cancel(id);
    }

    /// Takes what is to be written. It holds passwords.
    pub fn take_output(&mut self) -> Zeroizing<Vec<u8>> {
        self.side.machine.output.take()
    }

    /// Bytes that wait to be written.
    pub fn output_len(&self) -> usize {
        self.side.machine.output.len()
    }

    /// Requests under way.
    pub fn in_flight(&self) -> usize {
        self.side.machine.in_flight()
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
