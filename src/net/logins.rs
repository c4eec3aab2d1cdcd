//! The logins of one connection, side by side: each is started, fed, abandoned and answered here.
//!
//! # Security
//!
//! A login that is cancelled or rejected is dropped, and with it what it holds of the upstream. An
//! answer goes to the use of the number that it was made for, or nowhere.

use std::{collections::HashMap, sync::Arc};

use futures_util::{
    FutureExt, StreamExt,
    future::{AbortHandle, Abortable, BoxFuture},
    stream::FuturesUnordered,
};
use tokio::{sync::mpsc, time::Instant};

use super::{
    door::{Session, Shared, Talk},
    refusals::Refusals,
    translate::{self, Reply},
};
use crate::{
    base::{Secret, limits::PENDING_REQUESTS},
    config::TempFail,
    ports::audit::LoginResult,
    service::authenticate::MALFORMED,
    wire::{
        AnswerError, Attempt, Fatal, Fields, Rejection, RelayStart, RequestId, Server, ServerEvent,
    },
};

/// The logins of one connection.
pub(super) struct Logins<S> {
    session: Arc<S>,
    shared: Shared,
    running: FuturesUnordered<BoxFuture<'static, Option<Decided>>>,
    abort: HashMap<RequestId, AbortHandle>,
    refusals: Refusals,
    /// Where mail clients' responses go, of exchanges that the upstream decides.
    responses: HashMap<RequestId, mpsc::Sender<Secret>>,
    /// Where the challenges of all exchanges come from, and a handle for each new one.
    challenges: mpsc::Receiver<(RequestId, Secret)>,
    challenge: mpsc::Sender<(RequestId, Secret)>,
    /// A login is to hear of `temp_fail` by the end of the connection.
    closing: bool,
}

/// A login that waits for its answer.
pub(super) struct Decided {
    id: RequestId,
    arrived: Instant,
    reply: Reply,
}

/// What there is to be done.
pub(super) enum Due {
    /// Answer. `None`: it was abandoned.
    Decided(Option<Decided>),
    /// Pass a challenge on.
    Challenge(RequestId, Secret),
}

impl<S: Session> Logins<S> {
    pub(super) fn new(session: Arc<S>, shared: Shared) -> Self {
        // Each pending request has one challenge at most.
        let (challenge, challenges) = mpsc::channel(PENDING_REQUESTS);
        let refusals = Refusals::new(shared.refusal_delay);
        Self {
            session,
            shared,
            running: FuturesUnordered::new(),
            abort: HashMap::new(),
            refusals,
            responses: HashMap::new(),
            challenges,
            challenge,
            closing: false,
        }
    }

    /// Takes what the machine has read.
    pub(super) fn take(&mut self, server: &mut Server) -> Result<(), Fatal> {
        while let Some(event) = server.poll()? {
            match event {
                ServerEvent::Attempt(attempt) => self.start(attempt),
                ServerEvent::Relay(start) => self.relay(start),
                ServerEvent::Response { id, response } => {
                    // Nobody waits: it was decided without, and its answer is on the way.
                    let _ = self.responses.get(&id).map(|waiting| waiting.try_send(response));
                }
                ServerEvent::Rejected { id, mechanism, parameters, why } => {
                    self.abandon(id);
                    tracing::debug!(listener = &*self.shared.name, %why, "a login was rejected");
                    let circumstances =
                        translate::circumstances(&self.shared.name, &mechanism, &parameters);
                    let (result, reply) = rejected(why);
                    self.shared.authenticator.undecided(b"", &circumstances, result);
                    self.answer(server, Decided { id, arrived: Instant::now(), reply });
                }
                ServerEvent::Cancelled(id) => {
                    self.abandon(id);
                    self.refusals.forget(id);
                }
                ServerEvent::Handshake { .. } => {}
            }
        }
        Ok(())
    }

    /// Ends a login that nobody waits for any more.
    fn abandon(&mut self, id: RequestId) {
        self.responses.remove(&id);
        if let Some(abort) = self.abort.remove(&id) {
            abort.abort();
        }
    }

    fn start(&mut self, attempt: Attempt) {
        let id = attempt.id;
        let login = self.session.login(attempt);
        self.run(id, login);
    }

    fn relay(&mut self, start: RelayStart) {
        let id = start.id;
        let (sender, responses) = mpsc::channel(1);
        self.responses.insert(id, sender);
        let talk = Talk { id, challenges: self.challenge.clone(), responses };
        let login = self.session.relay(start, talk);
        self.run(id, login);
    }

    fn run(&mut self, id: RequestId, login: BoxFuture<'static, Reply>) {
        let (abort, registration) = AbortHandle::new_pair();
        self.abort.insert(id, abort);
        let arrived = Instant::now();
        let login = Abortable::new(login, registration);
        let decided = login.map(move |reply| Some(Decided { id, arrived, reply: reply.ok()? }));
        self.running.push(decided.boxed());
    }

    /// Answers, or holds the refusal back. An id that was cancelled meanwhile is not answered.
    fn answer(&mut self, server: &mut Server, decided: Decided) {
        let Decided { id, arrived, reply } = decided;
        self.abort.remove(&id);
        self.responses.remove(&id);
        let written = match reply {
            Reply::Ok(fields) => match server.accept(id, &fields) {
                // No line holds what Dovecot sent along: the login still needs its one answer.
                Err(AnswerError::TooLong) => self.temp_fail(server, id, &translate::unavailable()),
                sent => sent,
            },
            Reply::TempFail(fields) => self.temp_fail(server, id, &fields),
            Reply::Refused(fields) => {
                let now = Instant::now();
                self.refusals.hold(arrived, now, id, fields);
                Ok(())
            }
        };
        if let Err(error) = written {
            tracing::debug!(listener = &*self.shared.name, %error, "an answer was not sent");
        }
    }

    /// Says that there is no verdict, or leaves that to the end of the connection.
    fn temp_fail(
        &mut self,
        server: &mut Server,
        id: RequestId,
        fields: &Fields,
    ) -> Result<(), AnswerError> {
        match self.shared.temp_fail {
            TempFail::Answer => server.refuse(id, fields),
            TempFail::Close => {
                self.closing = true;
                Ok(())
            }
        }
    }

    /// Whether the connection must end, once the logins that still run are answered.
    pub(super) fn is_closing(&self) -> bool {
        self.closing
    }

    /// Waits for a login that is decided or asks for more; for ever if there is none.
    pub(super) async fn due(&mut self) -> Due {
        tokio::select! {
            biased;
            Some(decided) = self.running.next() => Due::Decided(decided),
            Some((id, challenge)) = self.challenges.recv() => Due::Challenge(id, challenge),
        }
    }

    /// Does what is due.
    pub(super) fn settle(&mut self, server: &mut Server, due: Due) {
        match due {
            Due::Challenge(id, challenge) => self.challenge(server, id, &challenge),
            Due::Decided(decided) => {
                // A challenge that came before an answer goes down before it.
                while let Ok((id, challenge)) = self.challenges.try_recv() {
                    self.challenge(server, id, &challenge);
                }
                self.answer_all(server, decided);
            }
        }
    }

    fn challenge(&mut self, server: &mut Server, id: RequestId, challenge: &Secret) {
        match server.challenge(id, challenge) {
            Err(AnswerError::TooLong) => {
                tracing::warn!(listener = &*self.shared.name, "a challenge fits no line");
                self.abandon(id);
                let reply = translate::temp_fail(b"");
                self.answer(server, Decided { id, arrived: Instant::now(), reply });
            }
            // Not pending: cancelled or rejected meanwhile.
            Ok(()) | Err(AnswerError::NotPending) => {}
        }
    }

    /// Takes no more from mail clients: what waits for a response ends.
    pub(super) fn hang_up(&mut self) {
        self.responses.clear();
    }

    /// When the next refusal leaves.
    pub(super) fn next_refusal(&self) -> Option<Instant> {
        self.refusals.next_due()
    }

    /// Answers `first` and every other login that is decided by now, so that one write carries them
    /// all.
    fn answer_all(&mut self, server: &mut Server, first: Option<Decided>) {
        let mut next = Some(first);
        while let Some(decided) = next {
            if let Some(decided) = decided {
                self.answer(server, decided);
            }
            // This poll leaves no waker behind: the loop polls again before it waits.
            next = self.running.next().now_or_never().flatten();
        }
    }

    /// Lets the refusals go whose moment has come.
    pub(super) fn release(&mut self, server: &mut Server) {
        let now = Instant::now();
        while let Some((id, fields)) = self.refusals.pop(now) {
            // Not pending any more: cancelled meanwhile, and no answer is due.
            let _ = server.refuse(id, &fields);
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.running.is_empty() && self.refusals.is_empty()
    }
}

/// What a request that never became a login is for the log and for the peer. Too many at once say nothing
/// about any password.
fn rejected(why: Rejection) -> (LoginResult<'static>, Reply) {
    match why {
        Rejection::TooManyPending => {
            let result = LoginResult::Unavailable("too many unanswered requests");
            (result, translate::temp_fail(b""))
        }
        Rejection::Mechanism
        | Rejection::Base64
        | Rejection::Aborted
        | Rejection::Malformed
        | Rejection::EmptyName
        | Rejection::ForbiddenInName
        | Rejection::NulInPassword
        | Rejection::TooLong => (MALFORMED, translate::refused(b"")),
    }
}
