//! What the client side knows of its requests, and what each reply does to them.
//!
//! [`Client`](super::Client) feeds it parsed lines; it does no framing and holds no socket.
//!
//! # Security
//!
//! A number stays taken until every reply that Dovecot may still send under it has come: OK or
//! FAIL for a request that was cancelled too late, CANCELLED since 1.4.

use std::collections::BTreeMap;

use super::{ClientEvent, RequestError};
use crate::{
    base::{
        Secret,
        limits::{AUTH_PARAMETERS, LINE_BYTES, PENDING_REQUESTS},
    },
    wire::{
        command::{Auth, Command},
        error::Fatal,
        greeting::Greeting,
        ids::{ProtocolVersion, RequestId},
        parameters::Parameters,
        reply::{FailCode, Reply},
        sasl, side,
        wiped::{TooLong, Wiped},
    },
};

/// Lines of a server's handshake, unknown ones included.
pub(super) const HANDSHAKE_LINES: usize = 2 * AUTH_PARAMETERS;

/// Numbers of cancelled requests that may be remembered.
pub(super) const RETIRED_REQUESTS: usize = 16 * PENDING_REQUESTS;

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
pub(super) struct Machine {
    ours: ProtocolVersion,
    phase: Phase,
    requests: BTreeMap<u32, Track>,
    in_flight: usize,
    /// What waits to be written.
    pub(super) output: Wiped,
}

impl side::Machine for Machine {
    type Event = ClientEvent;

    fn reads_on(&self) -> Result<bool, Fatal> {
        Ok(true)
    }

    fn handle(&mut self, line: &[u8]) -> Result<Option<ClientEvent>, Fatal> {
        self.take(Reply::parse(line)?)
    }

    /// What was to be sent is forgotten too.
    fn close(&mut self) {
        self.phase = Phase::Closed;
        self.requests.clear();
        self.in_flight = 0;
        self.output.release();
    }
}

impl Machine {
    /// Queues VERSION and CPID.
    pub(super) fn new(minor: u32, cpid: u32) -> Self {
        let ours = ProtocolVersion::minor(minor);
        let mut output = Wiped::new();
        Command::Version(ours).encode(&mut output);
        Command::ClientPid(cpid).encode(&mut output);
        Self { ours, phase: Phase::Version, requests: BTreeMap::new(), in_flight: 0, output }
    }

    /// Requests under way.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Answers a challenge.
    pub(super) fn cont(&mut self, id: RequestId, data: &Secret) -> Result<(), RequestError> {
        match self.requests.get(&id.number()) {
            Some(Track::InFlight(known)) if *known == id => {
                self.send(&Command::Cont { id, response: sasl::encode(data.expose()) })
            }
            Some(Track::InFlight(_) | Track::Retired { .. }) | None => {
                Err(RequestError::NotInFlight)
            }
        }
    }

    /// Starts a request.
    pub(super) fn auth(
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
        // With its end: Dovecot counts it, and closes a connection that others use as well.
        self.output
            .at_most(LINE_BYTES, |output| command.encode(output))
            .map_err(|TooLong| RequestError::TooLong)
    }

    /// Withdraws a request.
    pub(super) fn cancel(&mut self, id: RequestId) {
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

    fn take(&mut self, reply: Reply) -> Result<Option<ClientEvent>, Fatal> {
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
