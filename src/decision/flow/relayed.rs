//! A mechanism that the upstream decides: a token, a Kerberos ticket. What is left to judge is who
//! came in by it.
//!
//! ```text
//! start ─ not listed ────────────────────────────────────────────────► Finish(Refused)
//!   │
//!   ▼ Counters(networks), where failures are ours to count
//! Admitting ─ too many ──────────────────────────────────────────────► Finish(Refused)
//!   │
//!   ▼ Relay
//! Asking ─ wrong ──► Count, where ours ──► Counting ─────────────────► Finish(Refused)
//!   │    ─ no name came back ────────────────────────────────────────► Finish(Unavailable)
//!   ▼ Load(each name that came back, the authenticating user's last)
//! Judging ─ locked; protected by a factor that was not asked ────────► Finish(Refused)
//!   │
//!   ▼
//! Finish(Accepted)
//! ```
//!
//! # Security
//!
//! Nothing that the client said of its name is looked at: a token may name one mailbox and belong to
//! another. The names in the upstream's OK are judged, after it has come.

use std::{collections::VecDeque, sync::Arc};

use super::{
    Count, Course, Effect, Flow, Input, MISTAKEN, Next, Passwords, Policy, refuse, unavailable,
};
use crate::{
    base::{Mailbox, NetAddress, RelayedMechanism, Service, UnixMillis},
    decision::{
        answer::PasswordAnswer,
        names::{Identity, MasterPolicy, NameError},
        outcome::{Accepted, Outcome, Refusal},
        proof::{FactorElsewhere, MechanismRight, NoFactorAsked, NotRight},
        record::{MailboxRecord, Versioned},
        throttle::{Admission, Event, Fingerprint, Key, View, admit},
    },
};

/// What is remembered of a token: nothing. Counters of networks, the only ones there are here, tell no two
/// failures apart.
const TOKEN: Fingerprint = Fingerprint([0; 16]);

/// A login by a mechanism that the upstream decides.
#[derive(Clone, Debug)]
pub struct RelayedRequest {
    /// Which one.
    pub mechanism: RelayedMechanism,
    /// For which service.
    pub service: Service,
    /// From where, as the peer says.
    pub remote: NetAddress,
}

/// What stays the same from start to end.
#[derive(Debug)]
pub(super) struct Relayed {
    policy: Arc<Policy>,
    request: RelayedRequest,
    arrival: UnixMillis,
    /// The counters of the networks it came from; none if failures are not ours to count.
    counters: Vec<Key>,
}

#[derive(Debug)]
pub(super) enum State {
    Admitting,
    Asking,
    Judging(Box<Claim>, Role),
    /// Only the failure is left to be counted.
    Counting,
}

/// The upstream has said who is there.
#[derive(Debug)]
pub(super) struct Claim {
    right: MechanismRight,
    identity: Identity,
    user: Vec<u8>,
    waiting: VecDeque<(Mailbox, Role)>,
}

/// Why a name is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The mailbox that a master user opens.
    MasterTarget,
    /// The authenticating user; the last look, from which the acceptance is built.
    Authenticating,
}

/// Why no code is needed.
enum Standing {
    /// There is no second factor.
    NotAsked(NoFactorAsked),
    /// Whoever decided the mechanism has asked for one.
    Elsewhere(FactorElsewhere),
}

impl Flow {
    /// Starts a login that arrived at `now` by a mechanism that the upstream decides.
    pub fn start_relayed(request: RelayedRequest, policy: Arc<Policy>, now: UnixMillis) -> Next {
        if !policy.mechanisms.passes(request.mechanism) {
            return refuse(Refusal::Malformed);
        }
        // A token that an upstream refuses is the upstream's to count: nobody knows whose it is.
        let throttle = policy.throttle.as_ref().filter(|_| policy.passwords == Passwords::Stored);
        let counters = throttle.map(|throttle| throttle.keys_for(None, request.remote));
        let counters = counters.unwrap_or_default();
        let relayed = Relayed { policy, request, arrival: now, counters };
        if relayed.counters.is_empty() {
            return relayed.ask();
        }
        let effect = Effect::Counters(relayed.counters.clone());
        relayed.perform(State::Admitting, effect)
    }
}

impl Relayed {
    /// What counts as failed if nobody waits any more for the upstream's answer.
    pub(super) fn if_abandoned(&self, state: &State) -> Option<Count> {
        matches!(state, State::Asking).then(|| self.failure()).flatten()
    }

    /// A failure, and where it is counted; `None` where it is not counted here.
    fn failure(&self) -> Option<Count> {
        let keys = self.counters.clone();
        (!keys.is_empty()).then(|| Count { keys, event: Event::WrongPassword(TOKEN) })
    }

    /// Takes the result of the effect that was performed.
    pub(super) fn step(self, state: State, input: Input) -> Next {
        match (state, input) {
            (State::Admitting, Input::Counters(Ok(view))) => self.admitted(&view),
            (State::Asking, Input::Relayed(answer)) => self.answered(answer),
            (State::Judging(claim, role), Input::Loaded(Ok(record))) => {
                self.judge(*claim, role, record.as_ref())
            }
            (State::Counting, Input::Counted(Ok(()))) => refuse(Refusal::WrongPassword),
            (State::Judging(..), Input::Loaded(Err(why)))
            | (State::Admitting, Input::Counters(Err(why)))
            | (State::Counting, Input::Counted(Err(why))) => unavailable(why),
            (
                State::Admitting | State::Asking | State::Judging(..) | State::Counting,
                Input::Loaded(_)
                | Input::Same
                | Input::Password(_)
                | Input::Relayed(_)
                | Input::Established(_)
                | Input::Burned(_)
                | Input::Touched(_)
                | Input::Counters(_)
                | Input::Counted(_),
            ) => unavailable(MISTAKEN),
        }
    }

    fn admitted(self, view: &View) -> Next {
        let throttle = self.policy.throttle.as_ref();
        match throttle.map_or(Admission::Go, |throttle| admit(throttle, view, self.arrival)) {
            Admission::Go => self.ask(),
            Admission::Throttled { .. } => refuse(Refusal::Throttled),
        }
    }

    fn ask(self) -> Next {
        let counted = !self.counters.is_empty();
        self.perform(State::Asking, Effect::Relay { counted })
    }

    /// The upstream has decided: who is it?
    fn answered(self, answer: PasswordAnswer) -> Next {
        let (right, user, auth_user) = match MechanismRight::from_answer(answer) {
            Ok(proof) => proof,
            Err(NotRight::Wrong) => {
                return match self.failure() {
                    Some(count) => self.perform(State::Counting, Effect::Count(count)),
                    None => refuse(Refusal::WrongPassword),
                };
            }
            Err(NotRight::Unavailable(why)) => return unavailable(why),
        };
        let Some(user) = user else {
            // Nobody knows which mailbox would open, so it cannot be judged.
            return unavailable("the upstream said OK and named no mailbox");
        };
        let Ok(identity) = self.identity(&user, auth_user.as_deref()) else {
            return refuse(Refusal::BadName);
        };
        let mut waiting = VecDeque::new();
        if let Identity::Master { target, user: _ } = &identity {
            waiting.push_back((target.clone(), Role::MasterTarget));
        }
        waiting.push_back((identity.authenticating().clone(), Role::Authenticating));
        self.look(Box::new(Claim { right, identity, user, waiting }))
    }

    /// Who logs in, from the names in the upstream's OK.
    fn identity(&self, user: &[u8], auth_user: Option<&[u8]>) -> Result<Identity, NameError> {
        let names = &self.policy.names;
        let target = names.canonical(user)?;
        let user = auth_user.map(|name| names.canonical(name)).transpose()?;
        Ok(match user {
            Some(user) if user != target => Identity::Master { user, target },
            Some(_) | None => Identity::Own(target),
        })
    }

    fn look(self, mut claim: Box<Claim>) -> Next {
        match claim.waiting.pop_front() {
            Some((mailbox, role)) => {
                self.perform(State::Judging(claim, role), Effect::Load(mailbox))
            }
            None => unavailable("the authenticating user was not looked at"),
        }
    }

    fn judge(self, claim: Claim, role: Role, seen: Option<&Versioned<MailboxRecord>>) -> Next {
        let record = seen.map(|seen| &seen.value);
        if record.is_some_and(|record| record.locked.is_some()) {
            return refuse(Refusal::Locked);
        }
        if record.is_none() && self.policy.passwords == Passwords::Stored {
            // There is no such mailbox.
            return refuse(Refusal::WrongPassword);
        }
        match (role, self.standing(record)) {
            (Role::MasterTarget, None)
                if self.policy.names.master_without_factor == MasterPolicy::Refuse =>
            {
                refuse(Refusal::MasterWithoutFactor)
            }
            (Role::MasterTarget, _) => self.look(Box::new(claim)),
            (Role::Authenticating, None) => refuse(Refusal::MechanismWithoutFactor),
            (Role::Authenticating, Some(standing)) => {
                let Claim { right, identity, user, .. } = claim;
                Next::Finish(Outcome::Accepted(match standing {
                    Standing::NotAsked(proof) => {
                        Accepted::by_mechanism(identity, Some(user), right, proof)
                    }
                    Standing::Elsewhere(proof) => Accepted::by_mechanism_and_factor_elsewhere(
                        identity,
                        Some(user),
                        right,
                        proof,
                    ),
                }))
            }
        }
    }

    /// Why this mailbox needs no code; `None` if it does. The one place where that is asked for
    /// mechanisms that cannot carry one.
    fn standing(&self, record: Option<&MailboxRecord>) -> Option<Standing> {
        let elsewhere =
            || FactorElsewhere::from_policy(&self.policy.mechanisms, self.request.mechanism);
        NoFactorAsked::from_record(record)
            .map(Standing::NotAsked)
            .or_else(|| elsewhere().map(Standing::Elsewhere))
    }

    fn perform(self, state: State, effect: Effect) -> Next {
        Next::Perform(Flow(Course::Relayed(self, state)), effect)
    }
}
