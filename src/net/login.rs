//! The `login` door: Dovecot's login processes, relayed one to one.
//!
//! Each connection has an upstream connection of its own, with the login process's CPID, and hands
//! the upstream's SPID, CUID and COOKIE down unchanged; so what the mail process later asks
//! Dovecot's auth for (REQUEST) is found there under the same numbers, and mail2fa needs no master
//! protocol.
//!
//! # Security
//!
//! An upstream OK is held until the decision is made, and withdrawn with CANCEL when it must not
//! stand. Besides PLAIN and LOGIN only what the administrator lists is offered, EXTERNAL never; a `vouch` entry that comes from below is removed.

use std::{
    future::Future,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::{FutureExt, future::BoxFuture};

use super::{
    client::{check_stored, stored_repeatable},
    connection,
    door::{ConnectionError, Door, Handshake, Session, Shared, Talk},
    relay::{self, Upstream},
    translate::{self, Reply, VOUCH},
};
use crate::{
    base::{Mailbox, Secret},
    ports::password::{PasswordAnswer, PasswordHasher, PasswordQuestion, PasswordSource},
    upstream::{Answer, Held, Link, UpstreamError},
    wire::{Attempt, Fields, Greeting, Parameters, RelayStart},
};

/// Who knows the passwords of a `login` door.
#[derive(Clone)]
pub enum Passwords {
    /// The Dovecot behind it.
    Upstream {
        /// What its vouch passdb holds, if it has one: app passwords need it.
        vouch: Option<Secret>,
    },
    /// Our own store; Dovecot takes our word for it when it sees this secret.
    Stored {
        /// Checks.
        hasher: Arc<dyn PasswordHasher>,
        /// What Dovecot's vouch passdb holds.
        vouch: Secret,
    },
}

/// The door.
pub struct LoginDoor {
    shared: Shared,
    upstream: PathBuf,
    passwords: Passwords,
}

impl LoginDoor {
    /// A door in front of the auth socket at `upstream`.
    pub fn new(shared: Shared, upstream: PathBuf, passwords: Passwords) -> Self {
        Self { shared, upstream, passwords }
    }
}

impl Door for LoginDoor {
    type Session = LoginSession;

    async fn greeting(&self) -> Option<Greeting> {
        None
    }

    async fn open(&self, peer: Handshake) -> Result<LoginSession, ConnectionError> {
        let link = Link::connect(&self.upstream, peer.minor, peer.cpid).await?;
        Ok(LoginSession { shared: self.shared.clone(), passwords: self.passwords.clone(), link })
    }
}

/// One login process and its upstream.
pub struct LoginSession {
    shared: Shared,
    passwords: Passwords,
    link: Link,
}

impl Session for LoginSession {
    fn greeting(&self) -> Option<Greeting> {
        let mut greeting = self.link.greeting().clone();
        greeting.retain_supported(&self.shared.authenticator.relayed_mechanisms());
        Some(greeting)
    }

    fn login(self: &Arc<Self>, attempt: Attempt) -> BoxFuture<'static, Reply> {
        let session = Arc::clone(self);
        async move { session.decide(attempt).await }.boxed()
    }

    fn relay(self: &Arc<Self>, start: RelayStart, talk: Talk) -> BoxFuture<'static, Reply> {
        let session = Arc::clone(self);
        async move {
            relay::decide(&session.shared, Some(Upstream::Own(&session.link)), start, talk).await
        }
        .boxed()
    }

    fn ended(&self) -> impl Future<Output = ()> + Send {
        self.link.ended()
    }
}

impl LoginSession {
    async fn decide(&self, attempt: Attempt) -> Reply {
        let source = Relayed { session: self, attempt: &attempt, held: Mutex::default() };
        let outcome = connection::decide(&self.shared, &attempt, &source).await;
        // Whatever else the outcome is, dropping the source withdraws the upstream's OK.
        let fields = outcome.is_accepted().then(|| source.release()).flatten();
        translate::reply(&outcome, &attempt.credentials.authcid, fields)
    }
}

/// One relayed login: the upstream's OK is in `held` until the decision is made.
struct Relayed<'a> {
    session: &'a LoginSession,
    attempt: &'a Attempt,
    held: Mutex<Option<Held>>,
}

impl Relayed<'_> {
    fn release(&self) -> Option<Fields> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).take().map(Held::release)
    }

    async fn ask(
        &self,
        mechanism: &str,
        parameters: &Parameters,
        message: &Secret,
    ) -> Result<PasswordAnswer, UpstreamError> {
        let link = &self.session.link;
        let answer = link.request(self.attempt.id, mechanism, parameters, message).await;
        if matches!(answer, Err(UpstreamError::WornOut)) {
            // The login process connects anew, and so do we.
            link.give_up();
        }
        Ok(match answer? {
            Answer::Accepted(held) => {
                let right = translate::right_of(held.fields());
                *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
                right
            }
            Answer::Refused(fields) => translate::refusal_of(&fields),
        })
    }

    /// Everything the login process said, without what only we may say.
    fn parameters(&self) -> Parameters {
        translate::own_parameters(&self.attempt.parameters)
    }

    /// Forwards the password part; Dovecot checks it, once.
    async fn forward(&self, question: &PasswordQuestion) -> PasswordAnswer {
        let message = translate::plain(question);
        let parameters = translate::asked_with(&self.parameters(), question.counted);
        or_unavailable(self.ask("PLAIN", &parameters, &message).await)
    }

    /// Tells Dovecot that the mailbox is authenticated (SASL EXTERNAL, RFC 4422 appendix A).
    async fn vouch(&self, mailbox: &Mailbox, secret: &Secret) -> PasswordAnswer {
        let mut parameters = self.parameters();
        for key in ["valid-client-cert", "cert_username"] {
            parameters.remove(key);
        }
        let mut forwarded = parameters.forwarded();
        forwarded.push(VOUCH, Some(secret.expose().to_vec()));
        parameters.set_forwarded(&forwarded);
        parameters.push("valid-client-cert", None);
        parameters.push("cert_username", Some(mailbox.as_str().as_bytes().to_vec()));
        or_unavailable(self.ask("EXTERNAL", &parameters, &Secret::from_slice(b"")).await)
    }
}

impl PasswordSource for Relayed<'_> {
    fn check<'a>(&'a self, question: &'a PasswordQuestion) -> BoxFuture<'a, PasswordAnswer> {
        match &self.session.passwords {
            Passwords::Upstream { .. } => self.forward(question).boxed(),
            Passwords::Stored { hasher, .. } => check_stored(&**hasher, question).boxed(),
        }
    }

    fn repeatable(&self) -> Option<Secret> {
        match &self.session.passwords {
            // The mail process fetches the result of this very request from it, with all its fields.
            Passwords::Upstream { .. } => None,
            Passwords::Stored { .. } => Some(stored_repeatable()),
        }
    }

    fn establish<'a>(&'a self, mailbox: &'a Mailbox) -> BoxFuture<'a, PasswordAnswer> {
        match &self.session.passwords {
            Passwords::Upstream { vouch: Some(vouch) } | Passwords::Stored { vouch, .. } => {
                self.vouch(mailbox, vouch).boxed()
            }
            // It has not seen this login, and nothing that it would believe can be said.
            Passwords::Upstream { vouch: None } => {
                let why = "passwords.vouch_secret_file is not set: without it app passwords do \
                           not open what Dovecot serves";
                std::future::ready(PasswordAnswer::Unavailable(why.into())).boxed()
            }
        }
    }
}

fn or_unavailable(answer: Result<PasswordAnswer, UpstreamError>) -> PasswordAnswer {
    answer.unwrap_or_else(|error| PasswordAnswer::Unavailable(error.to_string()))
}
