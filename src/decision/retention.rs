//! How long and how much of what happened is kept.

/// How long and how much is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrailPolicy {
    /// Seconds for which login events are kept; `None`: none are.
    pub logins: Option<u64>,
    /// Seconds for which changes are kept; `None`: for ever.
    pub changes: Option<u64>,
    /// Seconds for which a program with the bare password is remembered; `None`: none is.
    pub programs: Option<u64>,
    /// Most login events of each kind, those with the right password and others.
    pub total: u64,
    /// Most login events of each kind of one mailbox and day.
    pub per_mailbox: u32,
}

impl Default for TrailPolicy {
    fn default() -> Self {
        Self {
            logins: Some(30 * 86_400),
            changes: None,
            programs: Some(90 * 86_400),
            total: 1_000_000,
            per_mailbox: 1_000,
        }
    }
}
