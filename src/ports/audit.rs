//! The audit port: every login decision is told here, once, with its reason.

use crate::{
    base::{NetAddress, Service},
    decision::{outcome::Method, refusal::Refusal},
};

/// One decided login. No field holds anything secret; `mailbox` may hold what somebody typed
/// into the name field.
#[derive(Clone, Debug)]
pub struct LoginEvent<'a> {
    /// The authenticating user: canonical, or as typed if that is not possible.
    pub mailbox: &'a str,
    /// Whether `mailbox` is only what was typed.
    pub typed: bool,
    /// The opened mailbox, where a master user opens somebody else's.
    pub target: Option<&'a str>,
    /// Which door.
    pub listener: &'a str,
    /// For which service.
    pub service: &'a Service,
    /// From where, as the peer says.
    pub remote: NetAddress,
    /// The SASL mechanism, as named by the peer.
    pub mechanism: &'a str,
    /// The mail server's session id, if it gave one.
    pub session: Option<&'a str>,
    /// What the mail program says of itself, if the mail server passes it on.
    pub client: Option<&'a str>,
    /// What was decided and why.
    pub result: LoginResult<'a>,
    /// Why the rules of enforcement would have refused it, if they were not in a dry run.
    pub would_refuse: Option<Refusal>,
    /// From arrival to decision, milliseconds. A refusal is held back after that.
    pub duration_ms: u64,
}

/// What was decided and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginResult<'a> {
    /// In.
    Accepted(Method),
    /// Not in.
    Refused(Refusal),
    /// No decision; what was missing.
    Unavailable(&'a str),
}

/// Where login decisions are told.
pub trait LoginLog: Send + Sync {
    /// Must not block and must not fail: a login does not wait for its log.
    fn login(&self, event: &LoginEvent<'_>);
}
