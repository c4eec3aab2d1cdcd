//! The `client` door: Postfix, Exim and every other program that only wants to know whether a login
//! is right. mail2fa answers it itself.
//!
//! It has no master socket: its clients never send REQUEST.

use std::{
    future,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::{FutureExt, future::BoxFuture};

use super::{
    connection,
    door::{ConnectionError, Door, Handshake, Session, Shared, Talk},
    relay::{self, Upstream},
    translate::{self, Reply},
};
use crate::{
    base::{Mailbox, Secret},
    ports::password::{
        FormLogin, PasswordAnswer, PasswordHasher, PasswordQuestion, PasswordSource,
        PasswordSources, Verdict,
    },
    upstream::{Answer, Pool, UpstreamError},
    wire::{
        Attempt, Fields, Greeting, Mechanism, MechanismOffer, Parameters, ProtocolVersion,
        RelayStart,
    },
};

/// Dovecot's own client, which `doveadm auth test` uses, ends the connection when there is no
/// cookie of 16 bytes in hex. It opens nothing: there are no results to fetch here.
const COOKIE: &[u8; 32] = b"00000000000000000000000000000000";

/// Who knows the passwords of a `client` door.
#[derive(Clone)]
pub enum Passwords {
    /// A Dovecot.
    Upstream(Arc<Pool>),
    /// Our own store.
    Stored(Arc<dyn PasswordHasher>),
}

/// The door.
pub struct ClientDoor {
    shared: Shared,
    passwords: Passwords,
    /// Counts connections: each has a CUID of its own.
    connections: std::sync::atomic::AtomicU32,
}

impl ClientDoor {
    /// A door that checks passwords there.
    pub fn new(shared: Shared, passwords: Passwords) -> Self {
        Self { shared, passwords, connections: 0.into() }
    }
}

impl ClientDoor {
    /// What the administrator lists and the upstream really offers. One that cannot be reached has
    /// nothing to offer; PLAIN and LOGIN then say `temp_fail`.
    async fn relayed_offers(&self) -> Vec<MechanismOffer> {
        let listed = self.shared.authenticator.relayed_mechanisms();
        let Passwords::Upstream(pool) = &self.passwords else { return Vec::new() };
        if listed.is_empty() {
            return Vec::new();
        }
        match pool.offers().await {
            Ok(offers) => offers.iter().filter(|offer| offer.is_one_of(&listed)).cloned().collect(),
            Err(error) => {
                tracing::warn!(listener = &*self.shared.name, %error,
                    "the listed mechanisms are not offered to this connection");
                Vec::new()
            }
        }
    }
}

impl Door for ClientDoor {
    type Session = ClientSession;

    async fn greeting(&self) -> Option<Greeting> {
        // Exim waits for all of it before it says a word of its own.
        let number = self.connections.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let version = ProtocolVersion { major: 1, minor: 2 };
        let mut greeting = Greeting::offering(version, &[Mechanism::Plain, Mechanism::Login]);
        greeting.mechanisms.extend(self.relayed_offers().await);
        greeting.spid = Some(std::process::id().to_string().into_bytes());
        greeting.cuid = Some(number.to_string().into_bytes());
        greeting.cookie = Some(Secret::from_slice(COOKIE));
        Some(greeting)
    }

    async fn open(&self, _peer: Handshake) -> Result<ClientSession, ConnectionError> {
        Ok(ClientSession { shared: self.shared.clone(), passwords: self.passwords.clone() })
    }
}

/// One connection of a client; it needs nothing of its own.
pub struct ClientSession {
    shared: Shared,
    passwords: Passwords,
}

impl Session for ClientSession {
    fn greeting(&self) -> Option<Greeting> {
        None
    }

    fn login(self: &Arc<Self>, attempt: Attempt) -> BoxFuture<'static, Reply> {
        let session = Arc::clone(self);
        async move { session.decide(attempt).await }.boxed()
    }

    fn relay(self: &Arc<Self>, start: RelayStart, talk: Talk) -> BoxFuture<'static, Reply> {
        let session = Arc::clone(self);
        async move {
            let upstream = match &session.passwords {
                Passwords::Upstream(pool) => Some(Upstream::Pool(pool)),
                Passwords::Stored(_) => None,
            };
            relay::decide(&session.shared, upstream, start, talk).await
        }
        .boxed()
    }

    fn ended(&self) -> impl Future<Output = ()> + Send {
        future::pending()
    }
}

impl ClientSession {
    async fn decide(&self, attempt: Attempt) -> Reply {
        let Attempt { ref parameters, ref credentials, .. } = attempt;
        let (outcome, fields) = match &self.passwords {
            Passwords::Stored(hasher) => {
                (connection::decide(&self.shared, &attempt, &Stored(&**hasher)).await, None)
            }
            Passwords::Upstream(pool) => {
                let source = Asked { pool, parameters, fields: Mutex::default() };
                let outcome = connection::decide(&self.shared, &attempt, &source).await;
                (outcome, source.into_fields())
            }
        };
        translate::reply(&outcome, &credentials.authcid, fields)
    }
}

impl PasswordSources for Passwords {
    fn for_form(&self, login: &FormLogin<'_>) -> Box<dyn PasswordSource + '_> {
        match self {
            Self::Stored(hasher) => Box::new(Stored(&**hasher)),
            Self::Upstream(pool) => {
                Box::new(AskedByForm { pool, parameters: translate::form_parameters(login) })
            }
        }
    }
}

/// A question of a form to the pooled upstream. What comes with its OK concerns mail programs.
struct AskedByForm<'a> {
    pool: &'a Pool,
    parameters: Parameters,
}

impl PasswordSource for AskedByForm<'_> {
    fn check<'a>(&'a self, question: &'a PasswordQuestion) -> BoxFuture<'a, PasswordAnswer> {
        async move {
            let Self { pool, parameters } = self;
            let asked = Asked { pool, parameters, fields: Mutex::default() };
            asked.check(question).await
        }
        .boxed()
    }

    fn establish<'a>(&'a self, _mailbox: &'a Mailbox) -> BoxFuture<'a, PasswordAnswer> {
        future::ready(PasswordAnswer::Right { user: None, auth_user: None }).boxed()
    }
}

/// Our own passwords; there is nobody to tell.
struct Stored<'a>(&'a dyn PasswordHasher);

impl PasswordSource for Stored<'_> {
    fn check<'a>(&'a self, question: &'a PasswordQuestion) -> BoxFuture<'a, PasswordAnswer> {
        check_stored(self.0, question).boxed()
    }

    fn repeatable(&self) -> Option<Secret> {
        Some(stored_repeatable())
    }

    fn establish<'a>(&'a self, _mailbox: &'a Mailbox) -> BoxFuture<'a, PasswordAnswer> {
        future::ready(PasswordAnswer::Right { user: None, auth_user: None }).boxed()
    }
}

/// Checks a password against its stored hash.
pub(super) async fn check_stored(
    hasher: &dyn PasswordHasher,
    question: &PasswordQuestion,
) -> PasswordAnswer {
    match hasher.verify(&question.password, question.hash.as_ref()).await {
        Ok(Verdict::Right) => PasswordAnswer::Right { user: None, auth_user: None },
        Ok(Verdict::Wrong) => PasswordAnswer::Wrong,
        Err(error) => PasswordAnswer::Unavailable(error.to_string()),
    }
}

/// A stored hash is in the record, and nothing else counts.
pub(super) fn stored_repeatable() -> Secret {
    Secret::from_slice(b"store")
}

/// A question to the pooled upstream, and what came with its OK.
struct Asked<'a> {
    pool: &'a Pool,
    parameters: &'a Parameters,
    fields: Mutex<Option<Fields>>,
}

impl Asked<'_> {
    fn into_fields(self) -> Option<Fields> {
        self.fields.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, question: &PasswordQuestion) -> Result<PasswordAnswer, UpstreamError> {
        let message = translate::plain(question);
        let parameters = translate::asked_with(self.parameters, question.counted);
        let answer = self.pool.request("PLAIN", &parameters, &message).await?;
        Ok(match answer {
            Answer::Accepted(held) => {
                // A client socket has no REQUEST: there is nothing that could be fetched later.
                let fields = held.release();
                let right = translate::right_of(&fields);
                *self.fields.lock().unwrap_or_else(PoisonError::into_inner) = Some(fields);
                right
            }
            Answer::Refused(fields) => translate::refusal_of(&fields),
        })
    }
}

impl PasswordSource for Asked<'_> {
    fn check<'a>(&'a self, question: &'a PasswordQuestion) -> BoxFuture<'a, PasswordAnswer> {
        async move {
            self.ask(question)
                .await
                .unwrap_or_else(|error| PasswordAnswer::Unavailable(error.to_string()))
        }
        .boxed()
    }

    fn repeatable(&self) -> Option<Secret> {
        let came = self.fields.lock().unwrap_or_else(PoisonError::into_inner);
        // More than a name, a password for a proxy perhaps, is for this login only.
        let more = came.iter().flatten().any(|field| field.key != b"user");
        let path = self.pool.path().as_os_str().as_encoded_bytes();
        let told = translate::told(self.parameters).with("upstream", path).encode();
        (!more).then(|| Secret::from_vec(told))
    }

    fn establish<'a>(&'a self, _mailbox: &'a Mailbox) -> BoxFuture<'a, PasswordAnswer> {
        future::ready(PasswordAnswer::Right { user: None, auth_user: None }).boxed()
    }
}
