//! One login at a time looks at a code of a mailbox.
//!
//! A gate exists while somebody is at it, so there are never more of them than logins, and nobody
//! has to look for the ones that are no longer needed.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::lock::{Mutex as Lock, OwnedMutexGuard};

use crate::base::Mailbox;

/// The gates of all mailboxes.
#[derive(Clone, Default)]
pub(super) struct Gates(Arc<Mutex<HashMap<Mailbox, Gate>>>);

#[derive(Default)]
struct Gate {
    lock: Arc<Lock<()>>,
    /// How many are waiting or inside.
    present: usize,
}

/// Somebody waiting at a gate, or inside; the next one comes in when it goes.
pub(super) struct Entered {
    gates: Gates,
    mailbox: Mailbox,
    inside: Option<OwnedMutexGuard<()>>,
}

impl Gates {
    /// Waits until nobody else is inside.
    pub(super) async fn enter(&self, mailbox: &Mailbox) -> Entered {
        let lock = {
            let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let gate = gates.entry(mailbox.clone()).or_default();
            gate.present += 1;
            Arc::clone(&gate.lock)
        };
        // Made before the wait: who gives up waiting has left as well.
        let mut entered = Entered { gates: self.clone(), mailbox: mailbox.clone(), inside: None };
        entered.inside = Some(lock.lock_owned().await);
        entered
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.inside = None;
        let mut gates = self.gates.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gate) = gates.get_mut(&self.mailbox) {
            gate.present -= 1;
            if gate.present == 0 {
                gates.remove(&self.mailbox);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll};

    use futures_util::{FutureExt, task::noop_waker};

    use super::*;

    #[test]
    fn one_is_inside_and_a_gate_goes_with_the_last_who_is_at_it() {
        let gates = Gates::default();
        let (alice, bob) =
            (Mailbox::new("alice@example.org").unwrap(), Mailbox::new("bob@example.org").unwrap());
        let waker = noop_waker();
        let mut context = Context::from_waker(&waker);
        let first = gates.enter(&alice).now_or_never().unwrap();
        let other = gates.enter(&bob).now_or_never().unwrap();
        let mut second = Box::pin(gates.enter(&alice));
        let mut third = Box::pin(gates.enter(&alice));
        assert!(second.poll_unpin(&mut context).is_pending());
        assert!(third.poll_unpin(&mut context).is_pending());
        drop(first);
        // Who gives up makes room for the one behind.
        drop(second);
        let Poll::Ready(third) = third.poll_unpin(&mut context) else { panic!("nobody is inside") };
        assert!(gates.enter(&alice).now_or_never().is_none());
        assert_eq!(gates.len(), 2);
        drop((third, other));
        assert_eq!(gates.len(), 0);
    }
}
