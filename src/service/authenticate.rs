//! The use-case "log in": drives the decision machine over the ports and tells the log.
//!
//! It decides nothing itself. It knows neither the socket the login came through nor the store
//! behind the port.

use std::sync::Arc;

use super::{
    counters::Counters,
    recent::{Recent, Remembering},
    whose::{Typed, Whose},
};
use crate::{
    base::{Clock, Current, Mailbox, NetAddress, Secret, Service, UnixMillis},
    decision::{
        digest::CredentialKey,
        flow::{BurnAnswer, Count, Effect, Flow, Input, Next, Policy, Request, Write},
        names::Identity,
        outcome::{Method, Outcome},
        proof::SignedIn,
        refusal::Refusal,
        throttle::ThrottlePolicy,
    },
    ports::{
        BoxFuture,
        audit::{LoginEvent, LoginLog, LoginResult},
        notice::{Notice, Notifier, Origin, Silent, What},
        password::{PasswordAnswer, PasswordQuestion, PasswordSource},
        store::{Change, Commit, Expect, Since, Store, StoreError},
    },
};

/// What is known of a login besides its names and credential; for the log, and for policy.
#[derive(Clone, Debug)]
pub struct Circumstances {
    /// The name of the listener it came through.
    pub listener: Arc<str>,
    /// For which service.
    pub service: Service,
    /// From where, as the peer says.
    pub remote: NetAddress,
    /// The SASL mechanism as named by the peer.
    pub mechanism: Box<str>,
    /// The mail server's session id.
    pub session: Option<Box<str>>,
    /// What the mail program says of itself (IMAP ID).
    pub client: Option<Box<str>>,
}

/// Decides logins.
pub struct Authenticator {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    log: Arc<dyn LoginLog>,
    policy: Current<Policy>,
    pub(super) counters: Counters,
    recent: Recent,
    notifier: Arc<dyn Notifier>,
}

impl Authenticator {
    /// Over a store, a clock and a log; the policy can be replaced later. Owners are told nothing
    /// until [`Self::telling`] says by whom.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        log: Arc<dyn LoginLog>,
        policy: Policy,
    ) -> Self {
        let counters = Counters::new(Arc::clone(&store));
        let policy = Current::new(policy);
        let (recent, notifier) = (Recent::new(None), Arc::new(Silent));
        Self { store, clock, log, policy, counters, recent, notifier }
    }

    /// Remembers passwords that were found right, as far as the policy lets it, under a key that is random
    /// and of this process only.
    #[must_use]
    pub fn remembering(self, key: CredentialKey) -> Self {
        Self { recent: Recent::new(Some(key)), ..self }
    }

    /// Has owners told what they should know of logins.
    #[must_use]
    pub fn telling(self, notifier: Arc<dyn Notifier>) -> Self {
        Self { notifier, ..self }
    }

    /// Logins that start from now on are decided by this policy.
    pub fn set_policy(&self, policy: Policy) {
        self.policy.set(policy);
        self.recent.forget();
    }

    pub(super) fn policy(&self) -> Arc<Policy> {
        self.policy.get()
    }

    /// Decides one login and logs the decision.
    ///
    /// Dropping the future abandons the login: nothing is accepted, a code may be burned, and a
    /// password that was being checked counts as wrong.
    pub async fn authenticate(
        &self,
        request: Request,
        circumstances: &Circumstances,
        source: &dyn PasswordSource,
    ) -> Outcome {
        let (recent, era) = (&self.recent, self.recent.era());
        let source = &Remembering { source, recent, clock: &*self.clock, era };
        let policy = self.policy();
        let identity = policy.names.identify(&request.authzid, &request.authcid);
        let typed = Typed::of(&request);
        let (decided, started) = match self.clock.now() {
            Ok(now) => {
                let throttle = policy.throttle.clone().unwrap_or_default();
                let next = Flow::start(request, Arc::clone(&policy), now);
                (self.run(next, source, circumstances, &throttle, now).await, Some(now))
            }
            Err(error) => ((Outcome::Unavailable(error.to_string()), false), None),
        };
        let whose = match &identity {
            Ok(identity) => {
                let (outcome, recorded) = (&decided.0, decided.1);
                self.whose(&policy, identity, &typed, (outcome, recorded), started).await
            }
            Err(_) => Whose::typed(&policy, typed.name()),
        };
        let (outcome, _) = decided;
        self.tell(&whose, circumstances, Told::from(&outcome), started);
        if let (Ok(identity), Some(at)) = (&identity, started) {
            self.tell_owner(identity, circumstances, &outcome, at);
        }
        outcome
    }

    /// Asks somebody who is at the User Panel for a fresh code, and logs what came of it.
    pub async fn challenge(
        &self,
        live: SignedIn,
        mailbox: Mailbox,
        factor: Secret,
        circumstances: &Circumstances,
    ) -> Outcome {
        let policy = self.policy();
        let identity = Identity::Own(mailbox.clone());
        let (outcome, started) = match self.clock.now() {
            Ok(now) => {
                let throttle = policy.throttle.clone().unwrap_or_default();
                let next =
                    Flow::challenge(live, mailbox, factor, circumstances.remote, policy, now);
                (self.run(next, &Nobody, circumstances, &throttle, now).await.0, Some(now))
            }
            Err(error) => (Outcome::Unavailable(error.to_string()), None),
        };
        self.tell(&Whose::known(&identity), circumstances, Told::from(&outcome), started);
        if let Some(at) = started {
            self.tell_owner(&identity, circumstances, &outcome, at);
        }
        outcome
    }

    /// Tells the owner of the mailbox whose factor was judged what only the owner can judge. The
    /// decision stands; nothing here waits or fails.
    fn tell_owner(
        &self,
        identity: &Identity,
        circumstances: &Circumstances,
        outcome: &Outcome,
        at: UnixMillis,
    ) {
        let Circumstances { service, remote, .. } = circumstances;
        let origin = || Origin { service: service.clone(), address: *remote };
        let what = match outcome {
            Outcome::Accepted(accepted) => match accepted.method() {
                Method::PasswordAndRecoveryCode | Method::PanelAndRecoveryCode => {
                    What::RecoveryCodeUsed(origin())
                }
                Method::Password
                | Method::PasswordAndCode
                | Method::PasswordAndSession
                | Method::AppPassword
                | Method::WebmailToken
                | Method::PanelAndCode
                | Method::ExemptNetwork
                | Method::Mechanism
                | Method::MechanismAndFactorElsewhere => return,
            },
            Outcome::Refused(Refusal::WrongCode) => What::WrongCode(origin()),
            Outcome::Refused(_) | Outcome::Unavailable(_) => return,
        };
        let mailbox = match identity {
            Identity::Own(mailbox) => mailbox,
            Identity::Master { user, target: _ } => user,
        };
        self.notifier.notify(Notice { mailbox: mailbox.clone(), at, what });
    }

    /// Logs a login that never came to a decision: malformed, timed out.
    pub fn undecided(&self, typed: &[u8], circumstances: &Circumstances, why: LoginResult<'_>) {
        let told = Told { result: why, would_refuse: None };
        self.tell(&Whose::typed(&self.policy(), typed), circumstances, told, None);
    }

    /// Whether the store would take a write; for health checks and the watchdog.
    pub async fn ping(&self) -> Result<(), String> {
        self.store.ping().await.map_err(|error| error.to_string())
    }

    /// Performs what the machine asks for. With the outcome comes whether the one who authenticates has a
    /// record.
    pub(super) async fn run(
        &self,
        mut next: Next,
        source: &dyn PasswordSource,
        circumstances: &Circumstances,
        throttle: &ThrottlePolicy,
        now: UnixMillis,
    ) -> (Outcome, bool) {
        let mut gate = None;
        // What is loaded first is the record of the one who authenticates.
        let mut recorded = None;
        loop {
            let (flow, effect) = match next {
                Next::Finish(outcome) => {
                    drop(gate);
                    return (outcome, recorded.unwrap_or(false));
                }
                Next::Perform(flow, effect) => (flow, effect),
            };
            let input = match effect {
                Effect::Load(mailbox) => {
                    let found = self.store.load(&mailbox).await;
                    recorded.get_or_insert(matches!(found, Ok(Some(_))));
                    Input::Loaded(found.map_err(|error| error.to_string()))
                }
                Effect::CheckPassword(question) => {
                    let mut abandoned = self.abandoned(&flow, throttle, now);
                    let answer = source.check(&question).await;
                    abandoned.counted = None;
                    Input::Password(answer)
                }
                Effect::Relay { counted } => {
                    let mut abandoned = self.abandoned(&flow, throttle, now);
                    let answer = source.relay(counted).await;
                    abandoned.counted = None;
                    Input::Relayed(answer)
                }
                Effect::Establish(mailbox) => Input::Established(source.establish(&mailbox).await),
                Effect::Relook(mailbox, version) => {
                    match self.store.load_since(&mailbox, version).await {
                        Ok(Since::Same) => Input::Same,
                        Ok(Since::Changed(record)) => Input::Loaded(Ok(record)),
                        Err(error) => Input::Loaded(Err(error.to_string())),
                    }
                }
                Effect::Burn(write, count) => {
                    let mut spent = self.spent(&flow, &write, circumstances, now);
                    let burned = match count {
                        None => self.store.commit(vec![change(write)]).await,
                        Some(count) => {
                            let write = change(write);
                            self.counters.commit_and_count(throttle, write, &count, now).await
                        }
                    };
                    // Known: what comes of it tells the owner. Of a write whose outcome is not known the
                    // owner is told at once.
                    if !matches!(burned, Err(StoreError::Ambiguous(_))) {
                        spent.notice = None;
                    }
                    Input::Burned(answer(burned))
                }
                Effect::Touch(write) => {
                    Input::Touched(answer(self.store.commit(vec![change(write)]).await))
                }
                Effect::Counters(keys) => {
                    let view = self.counters.view(throttle, &keys, now).await;
                    Input::Counters(view.map_err(|error| error.to_string()))
                }
                Effect::CodeCounters(mailbox, keys) => {
                    // Held until this login is over.
                    gate = Some(self.counters.enter(&mailbox).await);
                    let view = self.counters.view(throttle, &keys, now).await;
                    Input::Counters(view.map_err(|error| error.to_string()))
                }
                Effect::Count(count) => {
                    let counted = self.counters.count(throttle, &count, now).await;
                    Input::Counted(counted.map_err(|error| error.to_string()))
                }
            };
            next = flow.step(input);
        }
    }

    /// What the owner is told if this login ends while a recovery code is being used up.
    fn spent(
        &self,
        flow: &Flow,
        write: &Write,
        circumstances: &Circumstances,
        at: UnixMillis,
    ) -> Spent<'_> {
        let Circumstances { service, remote, .. } = circumstances;
        let origin = || Origin { service: service.clone(), address: *remote };
        let notice = flow.spends_recovery_code().then(|| Notice {
            mailbox: write.mailbox.clone(),
            at,
            what: What::RecoveryCodeUsed(origin()),
        });
        Spent { notifier: self.notifier.as_ref(), notice }
    }

    fn abandoned<'a>(
        &'a self,
        flow: &Flow,
        throttle: &'a ThrottlePolicy,
        now: UnixMillis,
    ) -> Abandoned<'a> {
        Abandoned { counters: &self.counters, throttle, counted: flow.if_abandoned(), now }
    }

    pub(super) fn tell(
        &self,
        whose: &Whose<'_>,
        circumstances: &Circumstances,
        told: Told<'_>,
        started: Option<UnixMillis>,
    ) {
        let duration_ms = match (started, self.clock.now()) {
            (Some(from), Ok(to)) => to.millis().saturating_sub(from.millis()),
            _ => 0,
        };
        self.log.login(&LoginEvent {
            mailbox: &whose.mailbox,
            typed: whose.typed,
            target: whose.target.as_deref(),
            listener: &circumstances.listener,
            service: &circumstances.service,
            remote: circumstances.remote,
            mechanism: &circumstances.mechanism,
            session: circumstances.session.as_deref(),
            client: circumstances.client.as_deref(),
            result: told.result,
            would_refuse: told.would_refuse,
            duration_ms,
        });
    }
}

/// The password source of a challenge: it asks for none.
struct Nobody;

impl PasswordSource for Nobody {
    fn check<'a>(&'a self, _: &'a PasswordQuestion) -> BoxFuture<'a, PasswordAnswer> {
        Box::pin(async { PasswordAnswer::Unavailable("no password was to be checked".into()) })
    }

    fn establish<'a>(&'a self, _: &'a Mailbox) -> BoxFuture<'a, PasswordAnswer> {
        Box::pin(async { PasswordAnswer::Unavailable("nobody was to be told".into()) })
    }
}

fn change(write: Write) -> Change {
    let Write { mailbox, expect, record } = write;
    Change::Mailbox { mailbox, expect: Expect::Version(expect), record: Some(record) }
}

fn answer(commit: Result<Commit, StoreError>) -> BurnAnswer {
    match commit {
        Ok(Commit::Done(_)) => BurnAnswer::Burned,
        Ok(Commit::Conflict) => BurnAnswer::Conflict,
        Err(error) => BurnAnswer::Unavailable(error.to_string()),
    }
}

/// A login whose password is being checked; when it is dropped meanwhile, that is counted.
struct Abandoned<'a> {
    counters: &'a Counters,
    throttle: &'a ThrottlePolicy,
    counted: Option<Count>,
    now: UnixMillis,
}

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        if let Some(count) = self.counted.take() {
            self.counters.count_abandoned(self.throttle, &count, self.now);
        }
    }
}

/// A login that is using a recovery code up; when it is dropped meanwhile, or nobody knows whether the
/// code is gone, its owner is told.
struct Spent<'a> {
    notifier: &'a dyn Notifier,
    notice: Option<Notice>,
}

impl Drop for Spent<'_> {
    fn drop(&mut self) {
        if let Some(notice) = self.notice.take() {
            self.notifier.notify(notice);
        }
    }
}

/// What the log is told of an outcome.
#[derive(Clone, Copy)]
pub(super) struct Told<'a> {
    result: LoginResult<'a>,
    would_refuse: Option<Refusal>,
}

impl<'a> From<&'a Outcome> for Told<'a> {
    fn from(outcome: &'a Outcome) -> Self {
        match outcome {
            Outcome::Accepted(accepted) => Self {
                result: LoginResult::Accepted(accepted.method()),
                would_refuse: accepted.would_refuse(),
            },
            Outcome::Refused(refusal) => {
                Self { result: LoginResult::Refused(*refusal), would_refuse: None }
            }
            Outcome::Unavailable(why) => {
                Self { result: LoginResult::Unavailable(why), would_refuse: None }
            }
        }
    }
}

/// A refusal that was made before the decision machine was asked.
pub const MALFORMED: LoginResult<'static> = LoginResult::Refused(Refusal::Malformed);
