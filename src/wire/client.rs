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

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::{
    command::{Auth, Command},
    error::Fatal,
    field::Fields,
    frame::Framer,
    greeting::Greeting,
    ids::{ProtocolVersion, RequestId},
    parameters::Parameters,
    reply::{FailCode, Reply},
    sasl,
    wiped::Wiped,
};
use crate::base::{
    Secret,
    limits::{AUTH_PARAMETERS, LINE_BYTES, PENDING_REQUESTS},
};

/// Lines of a server's handshake, unknown ones included.
const HANDSHAKE_LINES: usize = 2 * AUTH_PARAMETERS;

/// Numbers of cancelled requests that may be remembered.
const RETIRED_REQUESTS: usize = 16 * PENDING_REQUESTS;

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
    /// The request failed; see [`FailCode::of`].
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
    #[error("the request is longer than {LINE_BYTES} bytes")]
    TooLong,
}

/// The client's side of one connection.
#[derive(Debug)]
pub struct Client {
    framer: Framer,
    machine: Machine,
    fatal: Option<Fatal>,
}

impl Client {
    /// A new connection that announces version `1.minor` and this process id, and queues both.
    pub fn new(minor: u32, cpid: u32) -> Self {
        let version = ProtocolVersion::minor(minor);
        let mut output = Wiped::new();
        Command::Version(version).encode(&mut output);
        Command::ClientPid(cpid).encode(&mut output);
        let machine = Machine {
            ours: version,
            phase: Phase::Version,
            requests: BTreeMap::new(),
            in_flight: 0,
            output,
        };
        Self { framer: Framer::new(), machine, fatal: None }
    }

    /// How many bytes [`receive`](Self::receive) takes now; at least `LINE_BYTES` after
    /// [`poll`](Self::poll) answered `None`.
    pub fn room(&self) -> usize {
        self.framer.room()
    }

    /// Takes bytes that were read, at most [`room`](Self::room); more are fatal.
    pub fn receive(&mut self, bytes: &[u8]) {
        if self.fatal.is_none()
            && let Err(error) = self.framer.push(bytes)
        {
            self.fail(error.into());
        }
    }

    /// The next event; `None` when more bytes are needed.
    pub fn poll(&mut self) -> Result<Option<ClientEvent>, Fatal> {
        if let Some(fatal) = self.fatal {
            return Err(fatal);
        }
        let result = self.step();
        if let Err(fatal) = result {
            self.fail(fatal);
        }
        result
    }

    /// Starts a request. `initial_response` is the plain SASL message; `None` sends no `resp=`.
    pub fn auth(
        &mut self,
        id: RequestId,
        mechanism: &str,
        parameters: &Parameters,
        initial_response: Option<&Secret>,
    ) -> Result<(), RequestError> {
        self.machine.auth(id, mechanism, parameters, initial_response)
    }

    /// Answers a challenge; `data` is the plain SASL message.
    pub fn cont(&mut self, id: RequestId, data: &Secret) -> Result<(), RequestError> {
        match self.machine.requests.get(&id.number()) {
            Some(Track::InFlight(known)) if *known == id => {}
            Some(Track::InFlight(_) | Track::Retired { .. }) | None => {
                return Err(RequestError::NotInFlight);
            }
        }
        let command = Command::Cont { id, response: sasl::encode(data.expose()) };
        self.machine.send(&command)
    }

    /// Withdraws a request, answered or not. An OK that is withdrawn cannot be fetched by a mail
    /// process any more. No event follows.
    pub fn cancel(&mut self, id: RequestId) {
        self.machine.cancel(id);
    }

    /// Takes what is to be written. It holds passwords.
    pub fn take_output(&mut self) -> Zeroizing<Vec<u8>> {
        self.machine.output.take()
    }

    /// Bytes that wait to be written.
    pub fn output_len(&self) -> usize {
        self.machine.output.len()
    }

    /// Requests under way.
    pub fn in_flight(&self) -> usize {
        self.machine.in_flight
    }

    fn step(&mut self) -> Result<Option<ClientEvent>, Fatal> {
        while let Some(line) = self.framer.next_line()? {
            if let Some(event) = self.machine.handle(Reply::parse(line)?)? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    fn fail(&mut self, fatal: Fatal) {
        self.fatal = Some(fatal);
        self.framer.clear();
        self.machine.close();
    }
}

/// How far the server's handshake is.
#[derive(Debug)]
enum Phase {
    Version,
    Lines { greeting: Box<Greeting>, lines: usize },
    Ready(ProtocolVersion),
    Closed,
}

/// What is known of a number.
#[derive(Clone, Copy, Debug)]
enum Track {
    InFlight(RequestId),
    /// Cancelled. The number is free again when neither is due.
    Retired {
        /// OK or FAIL may still come.
        answer: bool,
        /// CANCELLED will come.
        confirmation: bool,
    },
}

#[derive(Debug)]
struct Machine {
    ours: ProtocolVersion,
    phase: Phase,
    requests: BTreeMap<u32, Track>,
    in_flight: usize,
    output: Wiped,
}

impl Machine {
    fn auth(
        &mut self,
        id: RequestId,
        mechanism: &str,
        parameters: &Parameters,
        initial_response: Option<&Secret>,
    ) -> Result<(), RequestError> {
        let Phase::Ready(_) = self.phase else {
            return Err(RequestError::NotReady);
        };
        if id.number() == 0 {
            return Err(RequestError::IdZero);
        }
        if self.requests.contains_key(&id.number()) {
            return Err(RequestError::IdInUse);
        }
        if self.in_flight >= PENDING_REQUESTS {
            return Err(RequestError::TooMany);
        }
        if self.requests.len() - self.in_flight >= RETIRED_REQUESTS {
            return Err(RequestError::Exhausted);
        }
        let response = initial_response.map(|message| {
            if message.is_empty() && !self.ours.has_empty_response() {
                // Before 1.2 `resp=` with nothing behind it means that there is no response.
                Secret::from_slice(b"=")
            } else {
                sasl::encode(message.expose())
            }
        });
        let mechanism = mechanism.as_bytes().to_vec();
        self.send(&Command::Auth(Auth {
            id,
            mechanism,
            parameters: parameters.clone(),
            response,
        }))?;
        self.requests.insert(id.number(), Track::InFlight(id));
        self.in_flight += 1;
        Ok(())
    }

    fn send(&mut self, command: &Command) -> Result<(), RequestError> {
        let before = self.output.len();
        command.encode(&mut self.output);
        // The line end does not count.
        if self.output.len() - before > LINE_BYTES + 1 {
            self.output.truncate(before);
            return Err(RequestError::TooLong);
        }
        Ok(())
    }

    fn cancel(&mut self, id: RequestId) {
        let Phase::Ready(theirs) = self.phase else {
            return;
        };
        let confirmation = self.ours.has_cancelled() && theirs.has_cancelled();
        let answer = match self.requests.get(&id.number()) {
            // Either this request was cancelled before, or the number has another use now.
            Some(Track::Retired { .. }) => return,
            Some(Track::InFlight(known)) if *known != id => return,
            Some(Track::InFlight(_)) => {
                self.in_flight -= 1;
                true
            }
            None => false,
        };
        if answer || confirmation {
            self.requests.insert(id.number(), Track::Retired { answer, confirmation });
        }
        Command::Cancel(id).encode(&mut self.output);
    }

    fn close(&mut self) {
        self.phase = Phase::Closed;
        self.requests.clear();
        self.in_flight = 0;
        self.output.release();
    }

    fn handle(&mut self, reply: Reply) -> Result<Option<ClientEvent>, Fatal> {
        match &mut self.phase {
            Phase::Version => match reply {
                Reply::Version(version) if version.major == ProtocolVersion::MAJOR => {
                    let greeting = Box::new(Greeting::offering(version, &[]));
                    self.phase = Phase::Lines { greeting, lines: 0 };
                    Ok(None)
                }
                Reply::Version(version) => Err(Fatal::MajorVersion(version.major)),
                Reply::Mechanism(_)
                | Reply::ServerPid(_)
                | Reply::ConnectionId(_)
                | Reply::Cookie(_)
                | Reply::Done
                | Reply::Ok { .. }
                | Reply::Fail { .. }
                | Reply::Cont { .. }
                | Reply::Cancelled(_)
                | Reply::Unknown => Err(Fatal::VersionExpected),
            },
            Phase::Lines { greeting, lines } => {
                *lines += 1;
                if *lines > HANDSHAKE_LINES {
                    return Err(Fatal::HandshakeTooLong);
                }
                if collect(greeting, reply)? == Handshake::Unfinished {
                    return Ok(None);
                }
                let greeting = greeting.as_ref().clone();
                self.phase = Phase::Ready(greeting.version);
                Ok(Some(ClientEvent::Greeting(greeting)))
            }
            Phase::Ready(_) => self.answer(reply),
            Phase::Closed => Ok(None),
        }
    }

    fn answer(&mut self, reply: Reply) -> Result<Option<ClientEvent>, Fatal> {
        match reply {
            Reply::Ok { id, fields } => {
                Ok(self.finish(id.number()).map(|id| ClientEvent::Ok { id, fields }))
            }
            Reply::Fail { id, fields } => {
                Ok(self.finish(id.number()).map(|id| ClientEvent::Fail { id, fields }))
            }
            Reply::Cont { id, challenge } => match self.requests.get(&id.number()) {
                Some(Track::InFlight(id)) => {
                    let data =
                        sasl::decode(challenge.expose()).map_err(|_| Fatal::ChallengeMalformed)?;
                    Ok(Some(ClientEvent::Cont { id: *id, data }))
                }
                Some(Track::Retired { .. }) | None => Ok(None),
            },
            Reply::Cancelled(id) => Ok(self.confirm(id.number())),
            Reply::Version(_)
            | Reply::Mechanism(_)
            | Reply::ServerPid(_)
            | Reply::ConnectionId(_)
            | Reply::Cookie(_)
            | Reply::Done => Err(Fatal::HandshakeExpected),
            Reply::Unknown => Err(Fatal::UnknownCommand),
        }
    }

    /// OK or FAIL came. Gives the id if somebody waits for it.
    fn finish(&mut self, number: u32) -> Option<RequestId> {
        match self.requests.get(&number).copied()? {
            Track::InFlight(id) => {
                self.requests.remove(&number);
                self.in_flight -= 1;
                Some(id)
            }
            Track::Retired { confirmation, answer: _ } => {
                self.retire(number, false, confirmation);
                None
            }
        }
    }

    /// CANCELLED came. For a request that was not cancelled from here it is a failure without a verdict.
    fn confirm(&mut self, number: u32) -> Option<ClientEvent> {
        match self.requests.get(&number).copied()? {
            Track::InFlight(id) => {
                // An answer may come behind it, as behind a CANCEL of our own.
                self.in_flight -= 1;
                self.retire(number, true, false);
                Some(ClientEvent::Fail { id, fields: FailCode::TempFail.into_fields() })
            }
            Track::Retired { answer, confirmation: _ } => {
                self.retire(number, answer, false);
                None
            }
        }
    }

    fn retire(&mut self, number: u32, answer: bool, confirmation: bool) {
        if answer || confirmation {
            self.requests.insert(number, Track::Retired { answer, confirmation });
        } else {
            self.requests.remove(&number);
        }
    }
}

#[derive(PartialEq, Eq)]
enum Handshake {
    Unfinished,
    Finished,
}

/// Takes one line of the handshake. Unknown ones are skipped, as Postfix and Exim do.
fn collect(greeting: &mut Greeting, reply: Reply) -> Result<Handshake, Fatal> {
    match reply {
        Reply::Mechanism(offer) => greeting.mechanisms.push(offer),
        Reply::ServerPid(pid) => once(&mut greeting.spid, pid)?,
        Reply::ConnectionId(id) => once(&mut greeting.cuid, id)?,
        Reply::Cookie(cookie) => once(&mut greeting.cookie, cookie)?,
        Reply::Unknown => {}
        Reply::Done if greeting.mechanisms.is_empty() => return Err(Fatal::NoMechanism),
        Reply::Done => return Ok(Handshake::Finished),
        Reply::Version(_)
        | Reply::Ok { .. }
        | Reply::Fail { .. }
        | Reply::Cont { .. }
        | Reply::Cancelled(_) => return Err(Fatal::HandshakeExpected),
    }
    Ok(Handshake::Unfinished)
}

fn once<T>(place: &mut Option<T>, value: T) -> Result<(), Fatal> {
    if place.replace(value).is_some() { Err(Fatal::HandshakeMalformed) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
