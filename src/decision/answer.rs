//! What the outside answers to the decision's questions, as far as proofs are made of it.

/// The answer of a password source.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum PasswordAnswer {
    /// The password is right.
    Right {
        /// The name the source returned, judged again when it differs from the one that was
        /// asked; `None` when it returned none.
        user: Option<Vec<u8>>,
        /// Whose password it was, where the source says that a master user opened `user`; judged
        /// again as well.
        auth_user: Option<Vec<u8>>,
    },
    /// The password is wrong, or the mailbox unknown, or not allowed in.
    Wrong,
    /// No answer: becomes `temp_fail`.
    Unavailable(String),
}

/// The answer to a compare-and-swap of a mailbox's record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum BurnAnswer {
    /// The record is on disk as this login wrote it.
    Burned,
    /// Somebody else changed the record first; nothing was written.
    Conflict,
    /// It is not known whether anything was written.
    Unavailable(String),
}
