//! One connection to an upstream Dovecot auth, used by any number of requests at once.
//!
//! A task of its own reads the answers; requests are written by whoever makes them. The protocol is
//! `wire::Client`'s. It does not reconnect: that is the pool's, or the login process's, business.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    net::UnixStream,
    sync::{
        mpsc::{self, error::TrySendError},
        oneshot,
    },
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{Dialogue, UpstreamError, dialogue::UNREAD};
use crate::{
    base::{
        Secret,
        limits::{RELAYED_EXCHANGES, UPSTREAM_ANSWER_SECONDS, UPSTREAM_CONNECT_SECONDS},
    },
    sys::duplex::Duplex,
    wire::{Client, ClientEvent, Fields, Greeting, Parameters, RequestError, RequestId},
};

/// A live connection. Closed when the last handle is dropped.
#[derive(Debug)]
pub struct Link {
    shared: Arc<Shared>,
    greeting: Greeting,
}

/// What the upstream says to a request.
#[derive(Debug)]
#[must_use]
pub enum Answer {
    /// OK; it stands only once it is released.
    Accepted(Held),
    /// FAIL, with its fields.
    Refused(Fields),
}

/// An accepted request that is cancelled upstream unless it is released.
#[derive(Debug)]
#[must_use]
pub struct Held {
    request: Open,
    fields: Fields,
}

impl Held {
    pub(super) fn new(request: Open, fields: Fields) -> Self {
        Self { request, fields }
    }

    /// What came with the OK.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The OK stands.
    pub fn release(self) -> Fields {
        let Self { mut request, fields } = self;
        request.cancel = false;
        fields
    }
}

/// A request whose end must be told to the upstream if it is dropped.
#[derive(Debug)]
pub(super) struct Open {
    shared: Arc<Shared>,
    id: RequestId,
    cancel: bool,
}

impl Open {
    /// It has failed: there is nothing to cancel.
    pub(super) fn forget(mut self) {
        self.cancel = false;
    }

    /// Answers a challenge; false if the request has ended.
    pub(super) fn respond(&self, response: &Secret) -> Result<bool, UpstreamError> {
        let mut state = self.shared.lock();
        if state.lost.is_some() {
            drop(state);
            return Err(self.shared.lost());
        }
        match state.client.cont(self.id, response) {
            Err(RequestError::NotInFlight) => return Ok(false),
            answered => answered.map_err(unfit)?,
        }
        drop(state);
        self.shared.wake.notify_one();
        Ok(true)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.cancel {
            let mut state = self.shared.lock();
            state.waiting.remove(&self.id);
            state.client.cancel(self.id);
            drop(state);
            self.shared.wake.notify_one();
        }
    }
}

#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    wake: tokio::sync::Notify,
    /// Cancelled when the connection has ended, by either side.
    ended: CancellationToken,
}

#[derive(Debug)]
struct State {
    client: Client,
    waiting: HashMap<RequestId, Waiter>,
    last_id: RequestId,
    lost: Option<String>,
}

/// The upstream's answer before it is bound to its request.
#[derive(Debug)]
pub(super) enum Verdict {
    Ok(Fields),
    Fail(Fields),
    Cont(Secret),
}

/// Who waits for the upstream.
#[derive(Debug)]
enum Waiter {
    /// Everything was said at once.
    Once(oneshot::Sender<Verdict>),
    /// A mechanism of several rounds.
    Dialogue(mpsc::Sender<Verdict>),
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the connection for everybody who waits on it.
    fn end(&self, why: String) {
        let mut state = self.lock();
        state.lost.get_or_insert(why);
        state.waiting.clear();
        drop(state);
        self.ended.cancel();
    }

    pub(super) fn lost(&self) -> UpstreamError {
        UpstreamError::Lost(self.lock().lost.clone().unwrap_or_else(|| "it was closed".into()))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.shared.ended.cancel();
    }
}

impl Link {
    /// Connects and exchanges the handshake. `cpid` is the process the upstream is to believe it
    /// talks to: a login process's own when its connection is relayed.
    pub async fn connect(path: &Path, minor: u32, cpid: u32) -> Result<Self, UpstreamError> {
        let limit = Duration::from_secs(UPSTREAM_CONNECT_SECONDS);
        let connect = async {
            let stream = UnixStream::connect(path).await.map_err(|error| {
                UpstreamError::Connect { path: path.display().to_string(), why: error.to_string() }
            })?;
            let mut client = Client::new(minor, cpid);
            let mut duplex = Duplex::new(stream);
            let greeting = greet(&mut client, &mut duplex).await?;
            Ok((client, duplex, greeting))
        };
        let (client, duplex, greeting) = timeout(limit, connect)
            .await
            .map_err(|_| UpstreamError::Slow(UPSTREAM_CONNECT_SECONDS))??;
        let state =
            State { client, waiting: HashMap::new(), last_id: RequestId::new(0), lost: None };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            wake: tokio::sync::Notify::new(),
            ended: CancellationToken::new(),
        });
        tokio::spawn(drive(Arc::clone(&shared), duplex));
        Ok(Self { shared, greeting })
    }

    /// What the upstream said of itself.
    pub fn greeting(&self) -> &Greeting {
        &self.greeting
    }

    /// Whether the connection has ended.
    pub fn has_ended(&self) -> bool {
        self.shared.ended.is_cancelled()
    }

    /// Waits until the connection has ended.
    pub async fn ended(&self) {
        self.shared.ended.cancelled().await;
    }

    /// Ends the connection, for everybody who uses it.
    pub fn give_up(&self) {
        self.shared.ended.cancel();
    }

    /// Requests that wait for their answer.
    pub fn in_flight(&self) -> usize {
        self.shared.lock().waiting.len()
    }

    /// An id of the link's own choice, for requests that have none of their own.
    pub fn next_id(&self) -> RequestId {
        let mut state = self.shared.lock();
        state.last_id = state.last_id.following();
        state.last_id
    }

    /// Starts a request of several rounds. `None` is no initial response, which is not an empty one.
    pub fn converse(
        &self,
        id: RequestId,
        mechanism: &str,
        parameters: &Parameters,
        initial_response: Option<&Secret>,
    ) -> Result<Dialogue, UpstreamError> {
        let exchanges = |state: &State| {
            state.waiting.values().filter(|waiter| matches!(waiter, Waiter::Dialogue(_))).count()
        };
        if exchanges(&self.shared.lock()) >= RELAYED_EXCHANGES {
            return Err(UpstreamError::Unfit("too many exchanges are under way".into()));
        }
        let (sender, said) = mpsc::channel(UNREAD);
        let waiter = Waiter::Dialogue(sender);
        let open = self.open(id, mechanism, parameters, initial_response, waiter)?;
        Ok(Dialogue::new(open, Arc::clone(&self.shared), said))
    }

    fn open(
        &self,
        id: RequestId,
        mechanism: &str,
        parameters: &Parameters,
        initial_response: Option<&Secret>,
        waiter: Waiter,
    ) -> Result<Open, UpstreamError> {
        let mut state = self.shared.lock();
        if state.lost.is_some() {
            drop(state);
            return Err(self.shared.lost());
        }
        state.client.auth(id, mechanism, parameters, initial_response).map_err(unfit)?;
        state.waiting.insert(id, waiter);
        drop(state);
        self.shared.wake.notify_one();
        Ok(Open { shared: Arc::clone(&self.shared), id, cancel: true })
    }

    /// Asks. Dropping the future cancels the request upstream.
    pub async fn request(
        &self,
        id: RequestId,
        mechanism: &str,
        parameters: &Parameters,
        initial_response: &Secret,
    ) -> Result<Answer, UpstreamError> {
        let (sender, receiver) = oneshot::channel();
        let waiter = Waiter::Once(sender);
        let mut open = self.open(id, mechanism, parameters, Some(initial_response), waiter)?;
        let limit = Duration::from_secs(UPSTREAM_ANSWER_SECONDS);
        match timeout(limit, receiver).await {
            Ok(Ok(Verdict::Ok(fields))) => Ok(Answer::Accepted(Held { request: open, fields })),
            Ok(Ok(Verdict::Fail(fields))) => {
                open.cancel = false;
                Ok(Answer::Refused(fields))
            }
            // A challenge is told to dialogues only.
            Ok(Ok(Verdict::Cont(_)) | Err(_)) => Err(self.shared.lost()),
            Err(_) => Err(UpstreamError::Slow(UPSTREAM_ANSWER_SECONDS)),
        }
    }
}

/// Why the machine took no request.
fn unfit(error: RequestError) -> UpstreamError {
    match error {
        RequestError::Exhausted => UpstreamError::WornOut,
        error => UpstreamError::Unfit(error.to_string()),
    }
}

/// Reads the upstream's handshake.
async fn greet(client: &mut Client, duplex: &mut Duplex) -> Result<Greeting, UpstreamError> {
    let lost = |why: String| UpstreamError::Lost(why);
    let mut buffer = [0; 4_096];
    duplex.send(client.take_output()).map_err(|error| lost(error.to_string()))?;
    loop {
        match client.poll().map_err(|fatal| lost(fatal.to_string()))? {
            Some(ClientEvent::Greeting(greeting)) => return Ok(greeting),
            Some(ClientEvent::Ok { .. } | ClientEvent::Fail { .. } | ClientEvent::Cont { .. }) => {}
            None => {
                let room = client.room().min(buffer.len());
                let slice = buffer.get_mut(..room).unwrap_or_default();
                match duplex.read(slice).await.map_err(|error| lost(error.to_string()))? {
                    0 => return Err(lost("it was closed during the handshake".into())),
                    count => client.receive(slice.get(..count).unwrap_or_default()),
                }
            }
        }
    }
}

/// Carries bytes between the socket and the machine until either ends.
async fn drive(shared: Arc<Shared>, mut duplex: Duplex) {
    let mut buffer = zeroize::Zeroizing::new(vec![0; 8_192]);
    let why = loop {
        let output = shared.lock().client.take_output();
        if !output.is_empty()
            && let Err(error) = duplex.send(output)
        {
            break error.to_string();
        }
        let room = shared.lock().client.room().min(buffer.len());
        let slice = buffer.get_mut(..room).unwrap_or_default();
        tokio::select! {
            read = duplex.read(slice) => match read {
                Ok(0) => break "Dovecot closed it".into(),
                Ok(count) => {
                    if let Err(fatal) = take(&shared, slice.get(..count).unwrap_or_default()) {
                        break fatal;
                    }
                }
                Err(error) => break error.to_string(),
            },
            () = shared.wake.notified() => {}
            () = shared.ended.cancelled() => {
                // What is withdrawn because we go is still told, if the socket takes it.
                let _ = duplex.send(shared.lock().client.take_output());
                break "it was given up".into();
            }
        }
    };
    shared.end(why);
}

/// Hands the answers in these bytes to those who wait for them.
fn take(shared: &Shared, bytes: &[u8]) -> Result<(), String> {
    let mut state = shared.lock();
    state.client.receive(bytes);
    loop {
        let (id, verdict) = match state.client.poll().map_err(|fatal| fatal.to_string())? {
            None => return Ok(()),
            Some(ClientEvent::Ok { id, fields }) => (id, Verdict::Ok(fields)),
            Some(ClientEvent::Fail { id, fields }) => (id, Verdict::Fail(fields)),
            Some(ClientEvent::Cont { id, data }) => (id, Verdict::Cont(data)),
            Some(ClientEvent::Greeting(_)) => continue,
        };
        match (verdict, state.waiting.remove(&id)) {
            // PLAIN and EXTERNAL say everything at once: a challenge means that the upstream
            // does not understand us.
            (Verdict::Cont(_), Some(Waiter::Once(_))) => {
                return Err("it asked for more than PLAIN has to say".into());
            }
            (verdict, Some(Waiter::Dialogue(sender))) => {
                let goes_on = matches!(verdict, Verdict::Cont(_));
                match sender.try_send(verdict) {
                    Err(TrySendError::Full(_)) => {
                        return Err("it asks again and again without an answer".into());
                    }
                    Ok(()) if goes_on => {
                        state.waiting.insert(id, Waiter::Dialogue(sender));
                    }
                    // Nobody there any more means that `Open` has already cancelled the request.
                    Ok(()) | Err(TrySendError::Closed(_)) => {}
                }
            }
            (verdict, Some(Waiter::Once(sender))) => {
                let _ = sender.send(verdict);
            }
            (_, None) => {}
        }
    }
}
