//! What the server side knows of its requests, and what each command does to them.
//!
//! [`Server`](super::Server) feeds it parsed lines; it does no framing and holds no socket.
//!
//! # Security
//!
//! A request leaves the table at the moment its answer is written or it is cancelled, so there is
//! no way to answer it twice. A request that is still collecting its credentials can't be answered at all.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    mem,
};

use super::{AnswerError, Attempt, RelayStart, ServerEvent, relaying::Relaying};
use crate::{
    base::{
        RelayedMechanism, Secret,
        limits::{LINE_BYTES, OUTPUT_BYTES, PENDING_REQUESTS},
    },
    wire::{
        command::{Auth, Command},
        error::Fatal,
        field::Fields,
        greeting::Greeting,
        ids::{ProtocolVersion, RequestId},
        parameters::Parameters,
        reply::{FailCode, Reply, encode_answer},
        sasl::{self, Exchange, Mechanism, Rejection, Step},
        side,
        wiped::{TooLong, Wiped},
    },
};

/// Requests that may wait for the driver, the rejected ones included. Beyond
/// [`PENDING_REQUESTS`] new ones are rejected, beyond this the connection ends.
pub(super) const TRACKED_REQUESTS: usize = 2 * PENDING_REQUESTS;

/// The verbs of answers, with their TAB.
pub(super) const OK: &[u8] = b"OK\t";
pub(super) const FAIL: &[u8] = b"FAIL\t";

/// Characters of a mechanism's name that are kept for the log.
const MECHANISM_CHARS: usize = 32;

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
    /// The driver has it, and the upstream decides; a challenge of its may have been sent.
    Relaying(Box<Relaying>),
}

#[derive(Debug)]
struct Collecting {
    mechanism: Mechanism,
    parameters: Parameters,
    exchange: Exchange,
}

/// A mechanism that is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offered {
    /// We read its messages.
    Read(Mechanism),
    /// We hand them on.
    Relayed(RelayedMechanism),
}

impl Offered {
    fn parse(name: &[u8]) -> Option<Self> {
        let relayed = || RelayedMechanism::parse(name).map(Self::Relayed);
        Mechanism::parse(name).map(Self::Read).or_else(relayed)
    }
}

#[derive(Debug, Default)]
pub(super) struct Machine {
    phase: Phase,
    offered: Option<Vec<Offered>>,
    requests: BTreeMap<u32, Request>,
    marks: u64,
    /// What waits to be written.
    pub(super) output: Wiped,
}

impl side::Machine for Machine {
    type Event = ServerEvent;

    /// Not before it is said what is offered, and not for a peer that does not read the answers.
    fn reads_on(&self) -> Result<bool, Fatal> {
        if self.output.len() > OUTPUT_BYTES {
            return Err(Fatal::OutputFull);
        }
        Ok(match self.phase {
            Phase::Version | Phase::ProcessId(_) => true,
            Phase::Ready(_) => self.offered.is_some(),
        })
    }

    fn handle(&mut self, line: &[u8]) -> Result<Option<ServerEvent>, Fatal> {
        self.take(Command::parse(line)?)
    }

    fn close(&mut self) {
        self.requests.clear();
    }
}

impl Machine {
    /// Queues the server's handshake and sets what is offered.
    pub(super) fn greet(&mut self, greeting: &Greeting) {
        greeting.encode(&mut self.output);
        self.offered = Some(
            greeting
                .mechanisms
                .iter()
                .filter_map(|offer| Offered::parse(offer.name.as_bytes()))
                .collect(),
        );
    }

    /// Requests that were started and neither answered nor cancelled.
    pub(super) fn pending(&self) -> usize {
        self.requests.len()
    }

    fn take(&mut self, command: Command) -> Result<Option<ServerEvent>, Fatal> {
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

        let mechanism = Offered::parse(&auth.mechanism)
            .filter(|mechanism| self.offered.as_ref().is_some_and(|all| all.contains(mechanism)));
        let begun = match mechanism {
            _ if crowded => Err(Rejection::TooManyPending),
            None => Err(Rejection::Mechanism),
            Some(mechanism) => initial_response(version, auth.response.as_ref())
                .map(|initial| (mechanism, initial)),
        };
        Ok(match begun {
            Ok((Offered::Read(mechanism), initial)) => {
                let step = Exchange::start(mechanism, initial.as_ref().map(Secret::expose));
                self.advance(id, mechanism, auth.parameters, step)
            }
            Ok((Offered::Relayed(mechanism), response)) => {
                let parameters = auth.parameters;
                let relaying = Relaying::new(mechanism, parameters.clone(), response.as_ref());
                self.stand(id, Stage::Relaying(Box::new(relaying)));
                let start = RelayStart { id, mechanism, parameters, response };
                Some(ServerEvent::Relay(start))
            }
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
            Stage::Relaying(relaying) if relaying.awaiting => {
                Some(self.relay(id, relaying, response))
            }
            Stage::HandedOut | Stage::Relaying(_) => {
                // Nobody asked for more: the request ends here, so that it has one answer.
                self.requests.remove(&number);
                self.fail_unasked(id);
                Some(ServerEvent::Cancelled(id))
            }
        }
    }

    /// Hands a response on to whoever decides, or ends the exchange: it is then a rejected request,
    /// which the driver has.
    fn relay(
        &mut self,
        id: RequestId,
        mut relaying: Box<Relaying>,
        response: &Secret,
    ) -> ServerEvent {
        let response = sasl::decode(response.expose())
            .and_then(|response| relaying.take(&response).map(|()| response));
        match response {
            Ok(response) => {
                self.stand(id, Stage::Relaying(relaying));
                ServerEvent::Response { id, response }
            }
            Err(why) => {
                let Relaying { mechanism, parameters, .. } = *relaying;
                let mechanism = mechanism.name().to_owned();
                ServerEvent::Rejected { id, mechanism, parameters, why }
            }
        }
    }

    fn stand(&mut self, id: RequestId, stage: Stage) {
        if let Some(request) = self.requests.get_mut(&id.number()) {
            request.stage = stage;
        }
    }

    /// Passes a challenge of the upstream on.
    pub(super) fn challenge(
        &mut self,
        id: RequestId,
        challenge: &Secret,
    ) -> Result<(), AnswerError> {
        let Some(request) = self.requests.get_mut(&id.number()).filter(|r| r.mark == id.mark())
        else {
            return Err(AnswerError::NotPending);
        };
        match &mut request.stage {
            Stage::Relaying(relaying) if !relaying.awaiting => {
                let reply = Reply::Cont { id, challenge: sasl::encode(challenge.expose()) };
                self.output
                    .at_most(LINE_BYTES, |output| reply.encode(output))
                    .map_err(|TooLong| AnswerError::TooLong)?;
                relaying.awaiting = true;
                Ok(())
            }
            Stage::Relaying(_) | Stage::Collecting(_) | Stage::HandedOut => {
                Err(AnswerError::NotPending)
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
                let collecting = Collecting { mechanism, parameters, exchange };
                self.stand(id, Stage::Collecting(Box::new(collecting)));
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

    /// Writes OK or FAIL (`verb`, with its TAB) for a request that the driver has. An exchange that waits
    /// for the mail client can only fail.
    pub(super) fn answer(
        &mut self,
        verb: &[u8],
        id: RequestId,
        fields: &Fields,
    ) -> Result<(), AnswerError> {
        let Entry::Occupied(entry) = self.requests.entry(id.number()) else {
            return Err(AnswerError::NotPending);
        };
        let answerable = match &entry.get().stage {
            Stage::HandedOut => true,
            Stage::Relaying(relaying) => !relaying.awaiting || verb == FAIL,
            Stage::Collecting(_) => false,
        };
        if !answerable || entry.get().mark != id.mark() {
            return Err(AnswerError::NotPending);
        }
        // With its end: Dovecot counts it.
        self.output
            .at_most(LINE_BYTES, |output| encode_answer(output, verb, id, fields))
            .map_err(|TooLong| AnswerError::TooLong)?;
        entry.remove();
        Ok(())
    }

    fn fail_unasked(&mut self, id: RequestId) {
        encode_answer(&mut self.output, FAIL, id, &FailCode::TempFail.into_fields());
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
