//! An exchange that the upstream decides: its messages go up and down unchanged, its OK is held until
//! the names in it are judged.
//!
//! # Security
//!
//! What a mail client says here is a token or a ticket: it is in `Secret`, and in no log. Dropping the
//! exchange, for whatever reason, withdraws it upstream.

use std::{
    future,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::FutureExt;
use tokio::{sync::Mutex as AsyncMutex, time::timeout};

use super::{
    door::{Shared, Talk},
    translate::{self, Reply},
};
use crate::{
    base::{
        Mailbox,
        limits::{LOGIN_SECONDS, RELAYED_RESPONSE_SECONDS},
    },
    decision::outcome::Outcome,
    ports::{
        BoxFuture,
        audit::LoginResult,
        password::{PasswordAnswer, PasswordQuestion, PasswordSource},
    },
    upstream::{Answer, Dialogue, Held, Link, Pool, Said, UpstreamError},
    wire::RelayStart,
};

/// Whom to ask.
#[derive(Clone, Copy)]
pub(super) enum Upstream<'a> {
    /// The one behind this very connection, under the request's own number.
    Own(&'a Link),
    /// A shared one.
    Pool(&'a Pool),
}

/// Decides one login within [`LOGIN_SECONDS`].
pub(super) async fn decide(
    shared: &Shared,
    upstream: Option<Upstream<'_>>,
    start: RelayStart,
    talk: Talk,
) -> Reply {
    let name = start.mechanism.name();
    let circumstances = translate::circumstances(&shared.name, name, &start.parameters);
    let request = translate::relayed_request(&start);
    let source = Exchange { upstream, start, talk: AsyncMutex::new(talk), held: Mutex::default() };
    let login = shared.authenticator.authenticate_relayed(request, &circumstances, &source);
    let limit = Duration::from_secs(LOGIN_SECONDS);
    let outcome = timeout(limit, login).await.unwrap_or_else(|_| {
        let why = "the login took too long";
        shared.authenticator.undecided(b"", &circumstances, LoginResult::Unavailable(why));
        Outcome::Unavailable(why.into())
    });
    // Whatever else the outcome is, dropping the source withdraws the upstream's OK.
    let fields = outcome.is_accepted().then(|| source.into_held()).flatten().map(Held::release);
    // No name was typed; which one the upstream knows is not told with a refusal.
    translate::reply(&outcome, b"", fields)
}

/// One exchange under way.
struct Exchange<'a> {
    upstream: Option<Upstream<'a>>,
    start: RelayStart,
    talk: AsyncMutex<Talk>,
    held: Mutex<Option<Held>>,
}

impl Exchange<'_> {
    fn into_held(self) -> Option<Held> {
        self.held.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    async fn begin(&self, counted: bool) -> Result<Dialogue, UpstreamError> {
        let RelayStart { id, mechanism, parameters, response } = &self.start;
        let parameters = translate::asked_with(&translate::own_parameters(parameters), counted);
        let (name, response) = (mechanism.name(), response.as_ref());
        match self.upstream {
            // It was not offered.
            None => Err(UpstreamError::Unfit("there is none".into())),
            Some(Upstream::Own(link)) => {
                let dialogue = link.converse(*id, name, &parameters, response);
                if matches!(dialogue, Err(UpstreamError::WornOut)) {
                    // The login process connects anew, and so do we.
                    link.give_up();
                }
                dialogue
            }
            Some(Upstream::Pool(pool)) => pool.converse(name, &parameters, response).await,
        }
    }

    async fn carry(&self, counted: bool) -> Result<PasswordAnswer, UpstreamError> {
        let mut dialogue = self.begin(counted).await?;
        let mut talk = self.talk.lock().await;
        let patience = Duration::from_secs(RELAYED_RESPONSE_SECONDS);
        loop {
            match dialogue.next().await? {
                Said::Challenge(challenge) => {
                    if talk.challenges.send((talk.id, challenge)).await.is_err() {
                        return Ok(gone());
                    }
                }
                Said::Answer(answer) => return Ok(self.hold(answer)),
            }
            tokio::select! {
                biased;
                // It may lose its patience with the mail client.
                said = dialogue.next() => match said? {
                    Said::Answer(answer) => return Ok(self.hold(answer)),
                    Said::Challenge(_) => return Err(UpstreamError::Disorder(TWICE)),
                },
                response = timeout(patience, talk.responses.recv()) => match response {
                    Ok(Some(response)) => dialogue.respond(&response)?,
                    Ok(None) => return Ok(gone()),
                    Err(_) => {
                        let why = "the mail client did not answer a challenge";
                        return Ok(PasswordAnswer::Unavailable(why.into()));
                    }
                },
            }
        }
    }

    fn hold(&self, answer: Answer) -> PasswordAnswer {
        match answer {
            Answer::Accepted(held) => {
                let right = translate::right_of(held.fields());
                *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
                right
            }
            Answer::Refused(fields) => translate::refusal_of(&fields),
        }
    }
}

const TWICE: &str = "it asked twice without an answer";

fn gone() -> PasswordAnswer {
    PasswordAnswer::Unavailable("the exchange was left unfinished".into())
}

impl PasswordSource for Exchange<'_> {
    fn check<'a>(&'a self, _question: &'a PasswordQuestion) -> BoxFuture<'a, PasswordAnswer> {
        let why = "a relayed mechanism has no password";
        future::ready(PasswordAnswer::Unavailable(why.into())).boxed()
    }

    fn relay(&self, counted: bool) -> BoxFuture<'_, PasswordAnswer> {
        async move {
            let answer = self.carry(counted).await;
            answer.unwrap_or_else(|error| PasswordAnswer::Unavailable(error.to_string()))
        }
        .boxed()
    }

    fn establish<'a>(&'a self, _mailbox: &'a Mailbox) -> BoxFuture<'a, PasswordAnswer> {
        let why = "a relayed mechanism is not vouched for";
        future::ready(PasswordAnswer::Unavailable(why.into())).boxed()
    }
}
