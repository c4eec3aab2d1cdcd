//! A value that is replaced as a whole while others use it: what a reload of the configuration may change.

use std::sync::{Arc, PoisonError, RwLock};

/// What counts now. Whoever has taken it out goes on with it, whatever comes after.
#[derive(Debug, Default)]
pub struct Current<T>(RwLock<Arc<T>>);

impl<T> Current<T> {
    /// Begins with a value.
    pub fn new(value: T) -> Self {
        Self(RwLock::new(Arc::new(value)))
    }

    /// The value that counts now.
    pub fn get(&self) -> Arc<T> {
        // Nothing can panic while the lock is held, and a replaced value is whole.
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces it. The old value lives until its last user is done, and is dropped outside the lock.
    pub fn set(&self, value: T) {
        let value = Arc::new(value);
        let old =
            std::mem::replace(&mut *self.0.write().unwrap_or_else(PoisonError::into_inner), value);
        drop(old);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_new_value_counts_and_the_old_one_serves_its_users_to_the_end() {
        let current = Current::new("old".to_owned());
        let user = current.get();
        current.set("new".to_owned());
        assert_eq!((user.as_str(), current.get().as_str()), ("old", "new"));
    }

    #[test]
    fn a_replaced_value_is_dropped_when_its_last_user_is_done() {
        let witness = Arc::new(());
        let current = Current::new(Some(Arc::clone(&witness)));
        let user = current.get();
        current.set(None);
        assert_eq!(Arc::strong_count(&witness), 2);
        drop(user);
        assert_eq!(Arc::strong_count(&witness), 1);
    }

    /// A value whose drop asks the cell that it was in must find it open.
    #[test]
    fn the_old_value_is_dropped_outside_the_lock() {
        struct Asks(Option<std::sync::Weak<Current<Asks>>>);
        impl Drop for Asks {
            fn drop(&mut self) {
                if let Some(cell) = self.0.take().and_then(|cell| cell.upgrade()) {
                    assert!(cell.0.try_read().is_ok(), "still locked");
                }
            }
        }
        let cell = Arc::new_cyclic(|cell| Current::new(Asks(Some(cell.clone()))));
        cell.set(Asks(None));
        assert!(cell.get().0.is_none());
    }
}
