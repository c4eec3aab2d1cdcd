//! What the owner of a mailbox does about it: sign in to the User Panel, switch 2-factor authentication
//! on and off, look after app passwords, recovery codes and sign-ins.
//!
//! It knows no HTTP and no page. Who may in is decided by the machine that decides every login
//! ([`Authenticator`]); changes are the administrator's ([`Admin`]), behind the code that allows them.
//!
//! # Security
//!
//! Every method but those that sign in or follow a link asks for a [`Visit`], which only [`Owner::visit`] makes, of a
//! session that lives. What weakens a mailbox or shows something once asks for a fresh code as well,
//! unless there is no second factor. Nothing here shows a secret that was shown before. A session that was
//! opened by a link makes no app password, with or without a code: whoever made the link could have
//! followed it, and have switched the factor on.

mod browsers;
mod changes;
mod link;
mod session;
mod shown;
mod sign_in;
#[cfg(test)]
mod tests;
mod waiting;

use std::{sync::Arc, time::Duration};

pub use browsers::BrowserView;
pub use changes::RecoveryLeft;
pub use session::{Ticket, Visit};
pub use shown::{Shown, ShownKind};
pub use sign_in::SignIn;
pub use waiting::WaitingId;

use super::{
    admin::{Admin, AdminError},
    authenticate::Authenticator,
};
use crate::{
    base::Current,
    decision::{panel::PanelPolicy, refusal::Refusal},
    ports::{password::PasswordSources, store::StoreError},
};

/// The use-cases, with what they need.
pub struct Owner {
    authenticator: Arc<Authenticator>,
    parts: Current<Parts>,
    waiting: waiting::Waiting,
    shown: shown::OnScreen,
}

/// What a reload of the configuration may replace.
pub struct Parts {
    /// The administrator's use-cases.
    pub admin: Arc<Admin>,
    /// Who knows passwords.
    pub passwords: Arc<dyn PasswordSources>,
    /// How long a panel session lives.
    pub policy: PanelPolicy,
    /// The common moment of refusals: one leaves a whole number of these after it was asked.
    pub refusal_delay: Duration,
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OwnerError {
    /// The code that was asked is not right.
    #[error("the code was refused: {}", .0.as_str())]
    Code(Refusal),
    /// The session has ended meanwhile.
    #[error("the session has ended")]
    Ended,
    /// The session was opened by a link, and for this somebody has to give the password.
    #[error("a session by link cannot do this")]
    NeedsPassword,
    /// Nobody can say now; nothing was changed.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// The change itself cannot be done.
    #[error(transparent)]
    Change(#[from] AdminError),
}

impl From<StoreError> for OwnerError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl Owner {
    /// Over the one that decides logins, and what may be replaced later.
    pub fn new(authenticator: Arc<Authenticator>, parts: Parts) -> Self {
        Self {
            authenticator,
            parts: Current::new(parts),
            waiting: waiting::Waiting::default(),
            shown: shown::OnScreen::default(),
        }
    }

    /// What is asked from now on is done with these.
    pub fn replace(&self, parts: Parts) {
        self.parts.set(parts);
    }

    /// How long a refused sign-in is held back, at least.
    pub fn refusal_delay(&self) -> Duration {
        self.parts().refusal_delay
    }

    fn parts(&self) -> Arc<Parts> {
        self.parts.get()
    }

    fn admin(&self) -> Arc<Admin> {
        Arc::clone(&self.parts().admin)
    }
}
