//! What a client was told, in its own words.

use std::fmt;

/// What became of a login, as the client saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// Logged in, and what was asked for after the login was done.
    In,
    /// Refused for good: wrong credentials.
    Refused,
    /// The server said that it cannot tell now.
    Unavailable,
    /// Neither: no connection, a protocol error, a client that failed for another reason.
    Broken,
}

/// A verdict with the line that proves it.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The outcome.
    pub verdict: Verdict,
    /// The line of the conversation that decided.
    pub words: String,
    /// Everything the client printed, the mail it fetched included.
    pub output: String,
}

impl Answer {
    /// An answer from its parts.
    #[must_use]
    pub fn new(verdict: Verdict, words: impl Into<String>, output: impl Into<String>) -> Self {
        Self { verdict, words: words.into(), output: output.into() }
    }

    /// Panics with the whole conversation unless the client got in.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "mostly only the check is wanted")]
    pub fn must_be_in(self, what: &str) -> Self {
        self.must_be(Verdict::In, what)
    }

    /// Panics with the whole conversation unless the client was refused.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "mostly only the check is wanted")]
    pub fn must_be_refused(self, what: &str) -> Self {
        self.must_be(Verdict::Refused, what)
    }

    /// Panics with the whole conversation unless the server said "not now".
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "mostly only the check is wanted")]
    pub fn must_be_unavailable(self, what: &str) -> Self {
        self.must_be(Verdict::Unavailable, what)
    }

    #[track_caller]
    fn must_be(self, wanted: Verdict, what: &str) -> Self {
        assert!(
            self.verdict == wanted,
            "{what}: wanted {wanted:?}, got {:?} ({})\n{}",
            self.verdict,
            self.words,
            self.output
        );
        self
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}: {}", self.verdict, self.words)
    }
}
