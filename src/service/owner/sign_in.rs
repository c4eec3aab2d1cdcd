//! Signing in to the panel: the password, then the code where one is asked.
//!
//! # Security
//!
//! "Code required" says that the password is right, which cannot be avoided where the code is asked after
//! it; guesses before that are counted like at every other door. Everything else is one refusal.

use std::sync::Arc;

use super::{
    Owner, OwnerError, Ticket, WaitingId,
    waiting::{ID_BYTES, Typed},
};
use crate::{
    base::{NetAddress, Secret, Service, UnixMillis},
    decision::{flow::Credential, outcome::Outcome, refusal::Refusal},
    service::{authenticate::Circumstances, standing::Before},
};

/// The listener's name in the log.
const LISTENER: &str = "panel";

/// What became of a sign-in.
#[derive(Debug)]
#[must_use]
pub enum SignIn {
    /// In. The ticket is new, whatever the browser had before.
    In(Ticket),
    /// The password is right; a code is asked.
    CodeRequired(WaitingId),
    /// Not in. The reason is for the log; a page says the same for all of them.
    Refused(Refusal),
    /// It took too long to give the code, or too many were wrong: from the start again.
    StartAgain,
    /// Nobody can say now.
    Unavailable(String),
}

impl Owner {
    /// With name and password, as typed.
    pub async fn sign_in(&self, name: &[u8], password: Secret, from: NetAddress) -> SignIn {
        let typed = Typed { name: name.to_vec(), password };
        let before = match self.admin().before(&typed.name).await {
            Ok(before) => before,
            Err(error) => return SignIn::Unavailable(error.to_string()),
        };
        match self.ask(&typed, None, from).await {
            Outcome::Refused(Refusal::MissingCode) => self.wait_for_code(typed),
            outcome => self.answer(outcome, before, from).await,
        }
    }

    /// With the code that was asked.
    pub async fn sign_in_with_code(
        &self,
        id: WaitingId,
        factor: Secret,
        from: NetAddress,
    ) -> SignIn {
        let now = match self.now() {
            Ok(now) => now,
            Err(why) => return SignIn::Unavailable(why),
        };
        let Some(typed) = self.waiting.attempt(id, now) else { return SignIn::StartAgain };
        let before = match self.admin().before(&typed.name).await {
            Ok(before) => before,
            Err(error) => return SignIn::Unavailable(error.to_string()),
        };
        let outcome = self.ask(&typed, Some(factor), from).await;
        if outcome.is_accepted() {
            self.waiting.forget(id);
        }
        self.answer(outcome, before, from).await
    }

    /// Whether somebody who was asked for a code may still give it.
    pub fn is_waiting(&self, id: WaitingId) -> bool {
        self.now().is_ok_and(|now| self.waiting.waits(id, now))
    }

    /// Forgets a sign-in that waits for its code.
    pub fn start_again(&self, id: WaitingId) {
        self.waiting.forget(id);
    }

    async fn ask(&self, typed: &Typed, factor: Option<Secret>, from: NetAddress) -> Outcome {
        let passwords = Arc::clone(&self.parts().passwords);
        let credential = Credential::Apart { password: typed.password.clone(), factor };
        self.authenticator
            .ask_form(&*passwords, &typed.name, credential, &circumstances(from))
            .await
    }

    fn wait_for_code(&self, typed: Typed) -> SignIn {
        let mut id = [0; ID_BYTES];
        let now = match (self.admin().rng.fill(&mut id), self.now()) {
            (Ok(()), Ok(now)) => now,
            (Err(error), _) => return SignIn::Unavailable(error.to_string()),
            (_, Err(why)) => return SignIn::Unavailable(why),
        };
        self.waiting.keep(WaitingId(id), typed, now);
        SignIn::CodeRequired(WaitingId(id))
    }

    async fn answer(&self, outcome: Outcome, before: Option<Before>, from: NetAddress) -> SignIn {
        let accepted = match outcome {
            Outcome::Accepted(accepted) => accepted,
            Outcome::Refused(refusal) => return SignIn::Refused(refusal),
            Outcome::Unavailable(why) => return SignIn::Unavailable(why),
        };
        let opened = match self.admin().proved(&accepted, before).await {
            Ok(Some(proved)) => self.open(&proved.mailbox, from, proved.standing).await,
            Ok(None) => Err(OwnerError::Ended),
            Err(error) => Err(error.into()),
        };
        match opened {
            Ok(ticket) => SignIn::In(ticket),
            Err(error) => SignIn::Unavailable(error.to_string()),
        }
    }

    /// The time, for pages that tell how long a code is good.
    pub fn time(&self) -> Option<UnixMillis> {
        self.now().ok()
    }

    pub(super) fn now(&self) -> Result<UnixMillis, String> {
        self.admin().clock.now().map_err(|error| error.to_string())
    }
}

/// What the log says of a sign-in to the panel.
pub(super) fn circumstances(from: NetAddress) -> Circumstances {
    Circumstances::of_form(LISTENER, Service::Panel, from)
}
