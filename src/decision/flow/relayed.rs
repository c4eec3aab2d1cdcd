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
        enforcement::{Permit, Protection, Ruling},
        names::{Identity, NameError},
        outcome::{Accepted, Outcome},
        place::Use,
        proof::{FactorElsewhere, MechanismRight, NoFactorAsked, NotRight, PasswordSuffices},
        record::{MailboxRecord, Versioned},
        refusal::Refusal,
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
    /// The host that connected, which may have passed `remote` on; mostly `remote` itself.
    pub via: NetAddress,
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
    Judging(Box<Claim>, (Mailbox, Role)),
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
    /// What the rules would refuse if this were not a dry run.
    would_refuse: Option<Refusal>,
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
        (!keys.is_empty()).then_some(Count { keys, event: Event::WrongPassword(TOKEN) })
    }

    /// Takes the result of the effect that was performed.
    pub(super) fn step(self, state: State, input: Input) -> Next {
        match (state, input) {
            (State::Admitting, Input::Counters(Ok(view))) => self.admitted(&view),
            (State::Asking, Input::Relayed(answer)) => self.answered(answer),
            (State::Judging(claim, (name, role)), Input::Loaded(Ok(record))) => {
                self.judge(*claim, &name, role, record.as_ref())
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
        self.look(Box::new(Claim { right, identity, user, waiting, would_refuse: None }))
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
                let load = Effect::Load(mailbox.clone());
                self.perform(State::Judging(claim, (mailbox, role)), load)
            }
            None => unavailable("the authenticating user was not looked at"),
        }
    }

    fn judge(
        self,
        mut claim: Claim,
        name: &Mailbox,
        role: Role,
        seen: Option<&Versioned<MailboxRecord>>,
    ) -> Next {
        let record = seen.map(|seen| &seen.value);
        if record.is_some_and(|record| record.locked.is_some()) {
            return refuse(Refusal::Locked);
        }
        if record.is_none() && self.policy.passwords == Passwords::Stored {
            // There is no such mailbox.
            return refuse(Refusal::WrongPassword);
        }
        let ruling = self.ruling(name, record);
        match role {
            Role::MasterTarget => {
                let factor = self.elsewhere().is_some();
                match ruling.as_target(factor, self.policy.names.master_without_factor) {
                    Ok(permit) => claim.would_refuse = permit.would_refuse(),
                    Err(refusal) => return refuse(refusal),
                }
                self.look(Box::new(claim))
            }
            Role::Authenticating => match self.standing(&ruling) {
                Ok((standing, permit)) => accept(claim, standing, permit),
                Err(refusal) => refuse(refusal),
            },
        }
    }

    fn elsewhere(&self) -> Option<FactorElsewhere> {
        FactorElsewhere::from_policy(&self.policy.mechanisms, self.request.mechanism)
    }

    /// What the rules say of a mailbox. An exempt network is for passwords.
    fn ruling(&self, mailbox: &Mailbox, record: Option<&MailboxRecord>) -> Ruling {
        let RelayedRequest { service, remote, via, mechanism: _ } = &self.request;
        let arrival = Use { at: self.arrival, from: *remote, service: service.clone() };
        self.policy.enforcement.ruling(mailbox, record, &arrival, *via).without_exemption()
    }

    /// Why this mailbox needs no code, or why it is not opened. The one place where that is asked for
    /// mechanisms that cannot carry one.
    fn standing(&self, ruling: &Ruling) -> Result<(Standing, Permit), Refusal> {
        match (ruling.protection(), self.elsewhere()) {
            (Protection::Missing | Protection::Enrolled, Some(elsewhere)) => {
                Ok((Standing::Elsewhere(elsewhere), ruling.full()?))
            }
            (Protection::Enrolled, None) => Err(Refusal::MechanismWithoutFactor),
            (Protection::Free, _) | (Protection::Missing, None) => {
                match PasswordSuffices::from_ruling(ruling)? {
                    (PasswordSuffices::NoFactorAsked(proof), permit) => {
                        Ok((Standing::NotAsked(proof), permit))
                    }
                    (PasswordSuffices::NetworkExempt(_), _) => Err(Refusal::MechanismWithoutFactor),
                }
            }
        }
    }

    fn perform(self, state: State, effect: Effect) -> Next {
        Next::Perform(Flow(Course::Relayed(self, state)), effect)
    }
}

fn accept(claim: Claim, standing: Standing, permit: Permit) -> Next {
    let Claim { right, identity, user, would_refuse, waiting: _ } = claim;
    let accepted = match standing {
        Standing::NotAsked(proof) => Accepted::by_mechanism(identity, Some(user), right, proof),
        Standing::Elsewhere(proof) => {
            Accepted::by_mechanism_and_factor_elsewhere(identity, Some(user), right, proof)
        }
    };
    let would_refuse = would_refuse.or(permit.would_refuse());
    Next::Finish(Outcome::Accepted(accepted.noting(would_refuse)))
}
