//! A form that is sent twice, and whose first sending ended the session that sent both: 2-factor authentication
//! switched on or off, a new phone.
//!
//! Somebody pressed the button twice, and the browser shows the answer to the second sending only. That
//! one gets the answer of the first, new session included, so that nobody is logged out in front of
//! recovery codes that were never seen.
//!
//! # Security
//!
//! For some seconds, to whom has the very session that sent the form, and sends the very same form: with the
//! code that was right, and with the form's token. Whoever has all that could have sent it first. Forms
//! without a code are not among these. The session is over by then, so guesses at the code are counted
//! nowhere else: after two other forms the answer is forgotten. A session has one place, so that it pushes
//! out nobody else's form, and no ticket is kept longer than it may be asked for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::{FromRequest, FromRequestParts, Request},
    response::{IntoResponse, Response},
};
use serde::de::DeserializeOwned;
use subtle::ConstantTimeEq;
use tokio::{
    sync::OwnedMutexGuard,
    time::{Duration, Instant, sleep_until},
};

use super::{
    Panel,
    cookie::{self, brought_tickets},
    form::{OwnerForm, Token, read},
    visitor::{Owner, Visitor},
};
use crate::{
    base::{
        Secret,
        limits::{PANEL_REPEAT_MISSES, PANEL_REPEAT_SECONDS, PANEL_REPEATS},
    },
    service::owner::Ticket,
};

/// What the first sending was answered.
#[derive(Clone)]
struct Answer {
    path: String,
    ticket: Ticket,
}

/// Held by one sending, while the next one waits.
type Queue = Arc<tokio::sync::Mutex<()>>;

struct Entry {
    sender: Ticket,
    form: Secret,
    queue: Queue,
    since: Instant,
    /// There once the form has ended its session.
    answer: Option<Answer>,
    /// Other forms that the session sent since then.
    misses: usize,
}

/// The forms of the last seconds, one for each session, the oldest first.
#[derive(Default)]
pub(super) struct Repeats(Mutex<Vec<Entry>>);

/// How long an entry lives.
const LIFE: Duration = Duration::from_secs(PANEL_REPEAT_SECONDS);

impl Repeats {
    /// The entries that live. The others are wiped.
    fn living(&self) -> MutexGuard<'_, Vec<Entry>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|entry| entry.since.elapsed() < LIFE);
        all
    }

    /// Where a form waits that carries the token of the session that sends it. None for a form that comes after
    /// another one has ended the session.
    fn of_sender(&self, sender: &Ticket, form: &Secret) -> Option<Queue> {
        let mut all = self.living();
        if let Some(entry) = all.iter_mut().find(|entry| is_same(&entry.sender, sender)) {
            if entry.is_of(form) {
                return Some(Arc::clone(&entry.queue));
            }
            if entry.answer.is_some() {
                entry.misses = entry.misses.saturating_add(1);
                if entry.misses >= PANEL_REPEAT_MISSES {
                    entry.answer = None;
                }
                return None;
            }
        }
        all.retain(|entry| !is_same(&entry.sender, sender));
        if all.len() >= PANEL_REPEATS {
            // Rather one of the same mailbox than somebody else's.
            let own = all.iter().position(|entry| entry.sender.mailbox == sender.mailbox);
            all.remove(own.unwrap_or(0));
        }
        let queue = Queue::default();
        all.push(Entry {
            sender: sender.clone(),
            form: form.clone(),
            queue: Arc::clone(&queue),
            since: Instant::now(),
            answer: None,
            misses: 0,
        });
        Some(queue)
    }

    /// Where a form waits whose token is another session's: perhaps the sender has the new one already.
    fn of_anybody(&self, form: &Secret) -> Option<Queue> {
        let all = self.living();
        all.iter().find(|entry| entry.is_of(form)).map(|entry| Arc::clone(&entry.queue))
    }

    /// The answer to the form of this queue, for the session that sent it or the one it was answered with.
    fn answer(&self, queue: &Queue, ticket: &Ticket) -> Option<Answer> {
        let all = self.living();
        let entry = all.iter().find(|entry| Arc::ptr_eq(&entry.queue, queue))?;
        let answer = entry.answer.as_ref()?;
        let may = is_same(&entry.sender, ticket) || is_same(&answer.ticket, ticket);
        may.then(|| answer.clone())
    }

    /// Keeps an answer for its time.
    fn keep(self: &Arc<Self>, queue: &Queue, answer: Answer) {
        let mut all = self.living();
        let Some(entry) = all.iter_mut().find(|entry| Arc::ptr_eq(&entry.queue, queue)) else {
            return;
        };
        entry.answer = Some(answer);
        let (repeats, end) = (Arc::downgrade(self), entry.since + LIFE);
        tokio::spawn(async move {
            sleep_until(end).await;
            if let Some(repeats) = repeats.upgrade() {
                drop(repeats.living());
            }
        });
    }
}

impl Entry {
    fn is_of(&self, form: &Secret) -> bool {
        self.form.expose().ct_eq(form.expose()).into()
    }
}

fn is_same(one: &Ticket, other: &Ticket) -> bool {
    one.mailbox == other.mailbox && bool::from(one.token.ct_eq(&*other.token))
}

/// A form whose success ends the session that sends it.
pub(super) struct LastForm<T> {
    /// Who.
    pub owner: Owner,
    /// The fields.
    pub fields: T,
    turn: Turn,
}

impl<T> LastForm<T> {
    /// The turn of this sending, to be taken once it is known how it ends.
    pub fn split(self) -> (Owner, T, Turn) {
        (self.owner, self.fields, self.turn)
    }
}

/// Holds back a second sending until it is dropped.
pub(super) struct Turn(Option<Held>);

struct Held {
    repeats: Arc<Repeats>,
    queue: Queue,
    _first: OwnedMutexGuard<()>,
}

impl Turn {
    /// The redirect after it was done, with a new session; also for a second sending.
    pub fn renewed(self, owner: &Owner, path: &str, ticket: Ticket) -> Response {
        let response = owner.renewed(path, &ticket);
        if let Some(held) = self.0 {
            held.repeats.keep(&held.queue, Answer { path: path.to_owned(), ticket });
        }
        response
    }
}

impl<T: DeserializeOwned> FromRequest<Panel> for LastForm<T> {
    type Rejection = Response;

    async fn from_request(request: Request, panel: &Panel) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let Ok(visitor) = Visitor::from_request_parts(&mut parts, panel).await;
        let body = Bytes::from_request(Request::from_parts(parts.clone(), body), &())
            .await
            .map_err(IntoResponse::into_response)?;
        let brought = brought_tickets(&panel.settings, &parts.headers);
        let tickets = if brought.too_many { Vec::new() } else { brought.seen };
        let token = read::<Token>(&parts, &body).await;
        let mut turn = Turn(None);
        if let (Some(Token { form }), Some(repeats)) =
            (token, parts.extensions.get::<Arc<Repeats>>())
        {
            let sent = Secret::from_vec([parts.uri.path().as_bytes(), b" ", &body].concat());
            let sender = tickets.iter().find(|one| panel.owner.is_form_of_ticket(one, &form));
            let queue = match sender {
                Some(sender) => repeats.of_sender(sender, &sent),
                None if tickets.is_empty() => None,
                None => repeats.of_anybody(&sent),
            };
            if let Some(queue) = queue {
                let first = Arc::clone(&queue).lock_owned().await;
                if let Some(answer) = tickets.iter().find_map(|one| repeats.answer(&queue, one)) {
                    let redirect = visitor.to(&answer.path);
                    let cookie = cookie::ticket(&panel.settings, &answer.ticket);
                    return Err(cookie::with(redirect, cookie));
                }
                turn = Turn(Some(Held { repeats: Arc::clone(repeats), queue, _first: first }));
            }
        }
        let request = Request::from_parts(parts, Body::from(body));
        let OwnerForm { owner, fields } = OwnerForm::from_request(request, panel).await?;
        Ok(Self { owner, fields, turn })
    }
}

/// What the pages need for it.
pub(super) fn extension() -> Extension<Arc<Repeats>> {
    Extension(Arc::new(Repeats::default()))
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::base::Mailbox;

    fn ticket(name: &str, number: usize) -> Ticket {
        let mut token = Zeroizing::new([0; 32]);
        token[..8].copy_from_slice(&number.to_be_bytes());
        Ticket { mailbox: Mailbox::from_bytes(name.as_bytes()).unwrap(), token }
    }

    fn form(number: usize) -> Secret {
        Secret::from_vec(format!("path body={number}").into_bytes())
    }

    /// The first form of this session, which ended it.
    fn answered(repeats: &Arc<Repeats>, sender: &Ticket) -> Queue {
        let queue = repeats.of_sender(sender, &form(0)).unwrap();
        assert!(repeats.answer(&queue, sender).is_none(), "nothing is done yet");
        repeats.keep(&queue, Answer { path: String::new(), ticket: ticket("new@example.org", 0) });
        queue
    }

    /// Whether this session gets that answer for the same form.
    fn is_answered(repeats: &Repeats, sender: &Ticket) -> bool {
        let queue = repeats.of_sender(sender, &form(0));
        queue.is_some_and(|queue| repeats.answer(&queue, sender).is_some())
    }

    #[tokio::test]
    async fn after_two_other_forms_the_answer_is_forgotten() {
        let (repeats, sender) = (Arc::new(Repeats::default()), ticket("a@example.org", 1));
        let queue = answered(&repeats, &sender);
        assert!(is_answered(&repeats, &sender) && is_answered(&repeats, &sender));
        assert!(repeats.of_sender(&sender, &form(1)).is_none());
        assert!(is_answered(&repeats, &sender), "one may be another button");
        assert!(repeats.of_sender(&sender, &form(2)).is_none());
        assert!(!is_answered(&repeats, &sender));
        assert!(repeats.answer(&queue, &sender).is_none(), "nor for one that has waited");
    }

    #[tokio::test]
    async fn a_session_has_one_place_and_only_its_own_form_gets_it() {
        let (repeats, sender) = (Arc::new(Repeats::default()), ticket("a@example.org", 1));
        let first = repeats.of_sender(&sender, &form(0)).unwrap();
        assert!(Arc::ptr_eq(&first, &repeats.of_sender(&sender, &form(0)).unwrap()));
        assert!(Arc::ptr_eq(&first, &repeats.of_anybody(&form(0)).unwrap()));
        assert!(repeats.of_anybody(&form(1)).is_none(), "strangers make none");
        assert_eq!(repeats.0.lock().unwrap().len(), 1);
        let queue = answered(&repeats, &sender);
        assert!(repeats.answer(&queue, &ticket("new@example.org", 0)).is_some());
        assert!(repeats.answer(&queue, &ticket("a@example.org", 2)).is_none());
        let others = ticket("b@example.org", 1);
        for number in 0..=PANEL_REPEATS {
            repeats.of_sender(&others, &form(number)).unwrap();
        }
        assert_eq!(repeats.0.lock().unwrap().len(), 2);
        assert!(is_answered(&repeats, &sender), "others push out their own");
        for number in 0..=PANEL_REPEATS {
            repeats.of_sender(&ticket("b@example.org", number), &form(0)).unwrap();
        }
        assert_eq!(repeats.0.lock().unwrap().len(), PANEL_REPEATS);
        assert!(is_answered(&repeats, &sender), "also with many sessions");
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_kept_longer_than_it_may_be_asked_for() {
        let (repeats, sender) = (Arc::new(Repeats::default()), ticket("a@example.org", 1));
        answered(&repeats, &sender);
        tokio::time::sleep(LIFE.saturating_sub(Duration::from_millis(1))).await;
        assert!(is_answered(&repeats, &sender));
        tokio::time::sleep(Duration::from_millis(2)).await;
        assert!(repeats.0.lock().unwrap().is_empty(), "also when nobody asks");
        // Nor what never was answered, once somebody asks.
        repeats.of_sender(&sender, &form(0)).unwrap();
        tokio::time::sleep(LIFE).await;
        assert!(repeats.of_anybody(&form(0)).is_none() && repeats.0.lock().unwrap().is_empty());
    }
}
