//! How long somebody who is kept waiting has to wait, for whoever may be told.
//!
//! At the doors nobody may: a refusal there is like any other. Whether it was the password or the code that
//! was not looked at makes no difference: the limits of codes are among those of the first question, so its
//! wait is the longer one.

use std::time::Duration;

use super::authenticate::Authenticator;
use crate::{
    base::NetAddress,
    decision::throttle::{Admission, Owner, admit},
};

impl Authenticator {
    /// Until there is room for one more try of this name from there, if nobody else takes it; `None` if
    /// there is room now, or nobody can say.
    pub async fn wait(&self, typed: &[u8], from: NetAddress) -> Option<Duration> {
        let policy = self.policy();
        let throttle = policy.throttle.as_ref()?;
        let mailbox = policy.names.canonical(typed).ok()?;
        let now = self.clock.now().ok()?;
        let found = self.store.load(&mailbox).await.ok()?;
        let owner = found.map(|found| Owner { mailbox, since: found.value.created });
        let keys = throttle.keys_for(owner.as_ref(), from);
        let view = self.counters.view(throttle, &keys, now).await.ok()?;
        match admit(throttle, &view, now) {
            Admission::Go => None,
            Admission::Throttled { retry_after, limit: _ } => Some(retry_after),
        }
    }
}
