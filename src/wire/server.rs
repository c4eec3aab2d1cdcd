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
//!                        CONT ▲ ┌───────┴─▶ collecting (challenge sent)
//!                             └─┘            CANCEL, in any state ▶ Cancelled, no answer
//! ```
//!
//! # Security
//!
//! One request never touches another: ids are per connection, each is answered at most once, and
//! an answer fits only the use of the number that it was made for. Nothing but [`Server::accept`]
//! writes OK. Requests, parameters, lines and output are bounded.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    mem,
};

use zeroize::Zeroizing;

use super::{
    command::{Auth, Command},
    error::Fatal,
    field::Fields,
    frame::Framer,
    greeting::Greeting,
    ids::{ProtocolVersion, RequestId},
    parameters::Parameters,
    reply::{FailCode, Reply, encode_answer},
    sasl::{self, Exchange, Mechanism, PlainCredentials, Rejection, Step},
    wiped::Wiped,
};
use crate::base::{
    Secret,
    limits::{LINE_BYTES, OUTPUT_BYTES, PENDING_REQUESTS},
};

/// Requests that may wait for the driver, the rejected ones included. Beyond
/// [`PENDING_REQUESTS`] new ones are rejected, beyond this the connection ends.
const TRACKED_REQUESTS: usize = 2 * PENDING_REQUESTS;

/// Characters of a mechanism's name that are kept for the log.
const MECHANISM_CHARS: usize = 32;

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
    /// A request that cannot succeed; nothing was sent yet: answer with refuse.
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

/// Why an answer was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// Never asked, already answered, or cancelled. Nothing is to be done.
    #[error("no such request waits for an answer")]
    NotPending,
    /// The OK line would be over the limit. The request still waits: refuse it.
    #[error("the answer is longer than {LINE_BYTES} bytes")]
    TooLong,
}

/// The server's side of one connection.
#[derive(Debug, Default)]
pub struct Server {
    framer: Framer,
    machine: Machine,
    fatal: Option<Fatal>,
}

impl Server {
    /// A new connection. Nothing is sent before [`greet`](Self::greet).
    pub fn new() -> Self {
        Self::default()
    }

    /// How many bytes [`receive`](Self::receive) takes now. At least `LINE_BYTES` whenever
    /// [`poll`](Self::poll) answered `None` and the greeting is out.
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

    /// The next event; `None` when more bytes are needed. Before [`greet`](Self::greet) only the
    /// handshake is read.
    pub fn poll(&mut self) -> Result<Option<ServerEvent>, Fatal> {
        if let Some(fatal) = self.fatal {
            return Err(fatal);
        }
        let result = self.step();
        if let Err(fatal) = result {
            self.fail(fatal);
        }
        result
    }

    /// Queues the server's handshake and sets what is offered: PLAIN and LOGIN, where the greeting names them. It
    /// may come before anything was received, as Exim needs it.
    pub fn greet(&mut self, greeting: &Greeting) {
        greeting.encode(&mut self.machine.output);
        self.machine.offered = Some(
            greeting
                .mechanisms
                .iter()
                .filter_map(|offer| Mechanism::parse(offer.name.as_bytes()))
                .collect(),
        );
    }

    /// Answers OK.
    pub fn accept(&mut self, id: RequestId, fields: &Fields) -> Result<(), AnswerError> {
        self.machine.answer(b"OK\t", id, fields)
    }

    /// Answers FAIL. Fields that do not fit a line are left out, `temp_fail` then says so.
    pub fn refuse(&mut self, id: RequestId, fields: &Fields) -> Result<(), AnswerError> {
        match self.machine.answer(b"FAIL\t", id, fields) {
            Err(AnswerError::TooLong) => {
                self.machine.answer(b"FAIL\t", id, &FailCode::TempFail.into_fields())
            }
            result @ (Ok(()) | Err(AnswerError::NotPending)) => result,
        }
    }

    /// Takes what is to be written.
    pub fn take_output(&mut self) -> Zeroizing<Vec<u8>> {
        self.machine.output.take()
    }

    /// Bytes that wait to be written.
    pub fn output_len(&self) -> usize {
        self.machine.output.len()
    }

    /// Requests that were started and neither answered nor cancelled.
    pub fn pending(&self) -> usize {
        self.machine.requests.len()
    }

    fn step(&mut self) -> Result<Option<ServerEvent>, Fatal> {
        if self.machine.output.len() > OUTPUT_BYTES {
            return Err(Fatal::OutputFull);
        }
        while self.machine.reads_on() {
            let Some(line) = self.framer.next_line()? else {
                return Ok(None);
            };
            if let Some(event) = self.machine.handle(Command::parse(line)?)? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    fn fail(&mut self, fatal: Fatal) {
        self.fatal = Some(fatal);
        self.framer.clear();
        self.machine.requests.clear();
    }
}

/// How far the client's handshake is.
#[derive(Clone, Copy, Debug, Default)]
enum Phase {
    #[default]
    Version,
    ProcessId(ProtocolVersion),
    Ready(ProtocolVersion),
}

#[derive(Debug)]
struct Request {
    mark: u64,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// A challenge was sent.
    Collecting(Box<Collecting>),
    /// The driver has it.
    HandedOut,
}

#[derive(Debug)]
struct Collecting {
    mechanism: Mechanism,
    parameters: Parameters,
    exchange: Exchange,
}

#[derive(Debug, Default)]
struct Machine {
    phase: Phase,
    offered: Option<Vec<Mechanism>>,
    requests: BTreeMap<u32, Request>,
    marks: u64,
    output: Wiped,
}

impl Machine {
    fn reads_on(&self) -> bool {
        match self.phase {
            Phase::Version | Phase::ProcessId(_) => true,
            Phase::Ready(_) => self.offered.is_some(),
        }
    }

    fn handle(&mut self, command: Command) -> Result<Option<ServerEvent>, Fatal> {
        match (self.phase, command) {
            (Phase::Version, Command::Version(version)) => {
                if version.major != ProtocolVersion::MAJOR {
                    return Err(Fatal::MajorVersion(version.major));
                }
                self.phase = Phase::ProcessId(version);
                Ok(None)
            }
            (
                Phase::Version,
                Command::ClientPid(_)
                | Command::Auth(_)
                | Command::Cont { .. }
                | Command::Cancel(_),
            ) => Err(Fatal::VersionExpected),
            (Phase::ProcessId(version), Command::ClientPid(cpid)) => {
                self.phase = Phase::Ready(version);
                Ok(Some(ServerEvent::Handshake { version, cpid }))
            }
            (
                Phase::ProcessId(_),
                Command::Version(_) | Command::Auth(_) | Command::Cont { .. } | Command::Cancel(_),
            )
            | (Phase::Ready(_), Command::Version(_) | Command::ClientPid(_)) => {
                Err(Fatal::HandshakeExpected)
            }
            (Phase::Ready(version), Command::Auth(auth)) => self.begin(version, auth),
            (Phase::Ready(_), Command::Cont { id, response }) => {
                Ok(self.resume(id.number(), &response))
            }
            (Phase::Ready(version), Command::Cancel(id)) => Ok(self.cancel(version, id.number())),
        }
    }

    fn begin(
        &mut self,
        version: ProtocolVersion,
        auth: Auth,
    ) -> Result<Option<ServerEvent>, Fatal> {
        let number = auth.id.number();
        if self.requests.contains_key(&number) {
            return Err(Fatal::DuplicateId);
        }
        if self.requests.len() >= TRACKED_REQUESTS {
            return Err(Fatal::TooManyRequests);
        }
        let crowded = self.requests.len() >= PENDING_REQUESTS;
        self.marks += 1;
        let id = RequestId::marked(number, self.marks);
        self.requests.insert(number, Request { mark: self.marks, stage: Stage::HandedOut });

        let mechanism = Mechanism::parse(&auth.mechanism)
            .filter(|mechanism| self.offered.as_ref().is_some_and(|all| all.contains(mechanism)));
        let step = match mechanism {
            _ if crowded => Err(Rejection::TooManyPending),
            None => Err(Rejection::Mechanism),
            Some(mechanism) => initial_response(version, auth.response.as_ref()).map(|initial| {
                (mechanism, Exchange::start(mechanism, initial.as_ref().map(Secret::expose)))
            }),
        };
        Ok(match step {
            Ok((mechanism, step)) => self.advance(id, mechanism, auth.parameters, step),
            Err(why) => {
                let mechanism = printable(&auth.mechanism);
                Some(ServerEvent::Rejected { id, mechanism, parameters: auth.parameters, why })
            }
        })
    }

    fn resume(&mut self, number: u32, response: &Secret) -> Option<ServerEvent> {
        let Some(request) = self.requests.get_mut(&number) else {
            // Never asked, or answered and gone: as Dovecot does, every CONT has its answer.
            self.fail_unasked(RequestId::new(number));
            return None;
        };
        let id = RequestId::marked(number, request.mark);
        match mem::replace(&mut request.stage, Stage::HandedOut) {
            Stage::Collecting(collecting) => {
                let Collecting { mechanism, parameters, exchange } = *collecting;
                let step = match sasl::decode(response.expose()) {
                    Ok(response) => exchange.step(response.expose()),
                    Err(why) => Step::Rejected(why),
                };
                self.advance(id, mechanism, parameters, step)
            }
            Stage::HandedOut => {
                // Nobody asked for more: the request ends here, so that it has one answer.
                self.requests.remove(&number);
                self.fail_unasked(id);
                Some(ServerEvent::Cancelled(id))
            }
        }
    }

    fn advance(
        &mut self,
        id: RequestId,
        mechanism: Mechanism,
        parameters: Parameters,
        step: Step,
    ) -> Option<ServerEvent> {
        match step {
            Step::Challenge(exchange, challenge) => {
                Reply::Cont { id, challenge: sasl::encode(challenge) }.encode(&mut self.output);
                if let Some(request) = self.requests.get_mut(&id.number()) {
                    let collecting = Collecting { mechanism, parameters, exchange };
                    request.stage = Stage::Collecting(Box::new(collecting));
                }
                None
            }
            Step::Credentials(credentials) => {
                Some(ServerEvent::Attempt(Attempt { id, mechanism, parameters, credentials }))
            }
            Step::Rejected(why) => Some(ServerEvent::Rejected {
                id,
                mechanism: mechanism.name().to_owned(),
                parameters,
                why,
            }),
        }
    }

    fn cancel(&mut self, version: ProtocolVersion, number: u32) -> Option<ServerEvent> {
        if version.has_cancelled() {
            Reply::Cancelled(RequestId::new(number)).encode(&mut self.output);
        }
        let request = self.requests.remove(&number)?;
        Some(ServerEvent::Cancelled(RequestId::marked(number, request.mark)))
    }

    fn answer(&mut self, verb: &[u8], id: RequestId, fields: &Fields) -> Result<(), AnswerError> {
        let Entry::Occupied(entry) = self.requests.entry(id.number()) else {
            return Err(AnswerError::NotPending);
        };
        match (&entry.get().stage, entry.get().mark == id.mark()) {
            (Stage::HandedOut, true) => {}
            (Stage::HandedOut, false) | (Stage::Collecting(_), _) => {
                return Err(AnswerError::NotPending);
            }
        }
        let before = self.output.len();
        encode_answer(&mut self.output, verb, id, fields);
        // The line end does not count.
        if self.output.len() - before > LINE_BYTES + 1 {
            self.output.truncate(before);
            return Err(AnswerError::TooLong);
        }
        entry.remove();
        Ok(())
    }

    fn fail_unasked(&mut self, id: RequestId) {
        encode_answer(&mut self.output, b"FAIL\t", id, &FailCode::TempFail.into_fields());
    }
}

/// The initial response, decoded. Behind `resp=` nothing, or `=` alone, is an empty response; before 1.2
/// nothing is none at all, because Exim sends `resp=` when its client sent none.
fn initial_response(
    version: ProtocolVersion,
    response: Option<&Secret>,
) -> Result<Option<Secret>, Rejection> {
    match response.map(Secret::expose) {
        None => Ok(None),
        Some([]) if !version.has_empty_response() => Ok(None),
        Some([] | b"=") => Ok(Some(Secret::from_slice(b""))),
        Some(text) => sasl::decode(text).map(Some),
    }
}

fn printable(name: &[u8]) -> String {
    name.iter()
        .take(MECHANISM_CHARS)
        .map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '?' })
        .collect()
}

#[cfg(test)]
mod tests;
