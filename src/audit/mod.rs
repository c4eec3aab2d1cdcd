//! The audit port on the log: one line per login decision, in a documented form.
//!
//! Layer 4. The form is described in docs/operation.md and is part of the interface: fail2ban
//! filters are written against it.
//!
//! # Security
//!
//! The mailbox may be what an attacker typed. It goes out as a quoted, escaped string, so that it can
//! neither end the line nor imitate another field.

use crate::ports::audit::{LoginEvent, LoginLog, LoginResult};

/// Writes login decisions through `tracing`, target `mail2fa::login`.
#[derive(Debug, Default)]
pub struct TracingLog;

impl LoginLog for TracingLog {
    fn login(&self, event: &LoginEvent<'_>) {
        let (result, reason) = match event.result {
            LoginResult::Accepted(method) => ("accepted", method.as_str()),
            LoginResult::Refused(refusal) => ("refused", refusal.as_str()),
            LoginResult::Unavailable(_) => ("unavailable", "temp_fail"),
        };
        // One call for each level: tracing fixes the level at the place of the call.
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    target: "mail2fa::login",
                    result,
                    reason,
                    mailbox = ?event.mailbox,
                    target_mailbox = event.target.map(tracing::field::debug),
                    service = event.service.as_str(),
                    rip = %event.remote,
                    listener = event.listener,
                    method = ?event.mechanism,
                    session = event.session.map(tracing::field::debug),
                    duration_ms = event.duration_ms,
                    "login"
                )
            };
        }
        match event.result {
            LoginResult::Accepted(_) | LoginResult::Refused(_) => line!(info),
            LoginResult::Unavailable(why) => {
                tracing::warn!(target: "mail2fa::login", why, "login could not be decided");
                line!(warn);
            }
        }
    }
}
