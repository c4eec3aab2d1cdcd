//! Request ids and protocol versions.

use std::fmt;

/// The id of one authentication on one connection: a 32-bit number its client chose.
///
/// # Security
///
/// A number may be used again once it was answered or cancelled. So that a late verdict on the
/// first use can never hit the second, the server role gives each use a mark of its own: two ids
/// are equal only when number and mark are. Answer with the id that came in the event; one made with
/// [`RequestId::new`] carries no mark and fits the client role only.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId {
    number: u32,
    mark: u64,
}

impl RequestId {
    /// An id for a request of one's own. Dovecot 2.4 ends connections that use 0.
    pub const fn new(number: u32) -> Self {
        Self { number, mark: 0 }
    }

    pub(super) const fn marked(number: u32, mark: u64) -> Self {
        Self { number, mark }
    }

    /// The number on the wire.
    pub const fn number(self) -> u32 {
        self.number
    }

    pub(super) const fn mark(self) -> u64 {
        self.mark
    }

    /// The id to use after this one; never 0.
    #[must_use]
    pub const fn following(self) -> Self {
        match self.number.checked_add(1) {
            Some(number) => Self::new(number),
            None => Self::new(1),
        }
    }
}

impl From<u32> for RequestId {
    fn from(number: u32) -> Self {
        Self::new(number)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number.fmt(f)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({})", self.number)
    }
}

/// The version one side announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProtocolVersion {
    /// Must be [`ProtocolVersion::MAJOR`].
    pub major: u32,
    /// Known are 0 (what Postfix and Exim send) to 4; a higher one is compatible by definition.
    pub minor: u32,
}

impl ProtocolVersion {
    /// The only major version there is.
    pub const MAJOR: u32 = 1;
    /// The highest minor version spoken here (Dovecot 2.4.4).
    pub const MINOR: u32 = 4;
    /// From this minor version on, `resp=` with nothing behind it is an empty initial response;
    /// before, it is none at all.
    pub const EMPTY_RESPONSE: u32 = 2;
    /// From this minor version on, CANCEL is answered with CANCELLED.
    pub const CANCELLED: u32 = 4;

    /// Version 1 with this minor number.
    pub const fn minor(minor: u32) -> Self {
        Self { major: Self::MAJOR, minor }
    }

    pub(super) const fn has_empty_response(self) -> bool {
        self.minor >= Self::EMPTY_RESPONSE
    }

    pub(super) const fn has_cancelled(self) -> bool {
        self.minor >= Self::CANCELLED
    }
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_never_follows_into_zero() {
        assert_eq!(RequestId::new(u32::MAX).following(), RequestId::new(1));
        assert_eq!(RequestId::new(7).following().number(), 8);
    }

    #[test]
    fn two_uses_of_a_number_differ() {
        assert_ne!(RequestId::marked(1, 1), RequestId::marked(1, 2));
    }
}
