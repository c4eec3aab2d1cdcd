//! The audit port on the log: one line per login decision, in a documented form.
//!
//! Layer 4. The form is described in docs/operation.md and is part of the interface: fail2ban
//! filters are written against it. The line is the message, whatever the log's target; where the log
//! has fields (journal, JSON), they are there as well.
//!
//! # Security
//!
//! The mailbox may be what an attacker typed. It goes out as a quoted, escaped string, so that it
//! can neither end the line nor imitate another field.

use std::{fmt, sync::Arc};

use crate::{
    decision::refusal::Refusal,
    ports::audit::{LoginEvent, LoginLog, LoginResult},
};

/// Writes login decisions through `tracing`, target `mail2fa::login`.
#[derive(Clone, Copy, Debug)]
pub struct TracingLog {
    /// Whether the log has fields.
    pub fields: bool,
}

impl LoginLog for TracingLog {
    fn login(&self, event: &LoginEvent<'_>) {
        let line = Line(event);
        match (event.result, self.fields) {
            (LoginResult::Accepted(_) | LoginResult::Refused(_), false) => {
                tracing::info!(target: "mail2fa::login", "{line}");
            }
            (LoginResult::Accepted(_) | LoginResult::Refused(_), true) => {
                let (result, reason) = words(&event.result);
                tracing::info!(
                    target: "mail2fa::login",
                    result,
                    reason,
                    mailbox = event.mailbox,
                    target_mailbox = event.target,
                    service = event.service.as_str(),
                    rip = %event.remote,
                    listener = event.listener,
                    method = event.mechanism,
                    session = event.session,
                    duration_ms = event.duration_ms,
                    would_refuse = event.would_refuse.map(Refusal::as_str),
                    "{line}"
                );
            }
            (LoginResult::Unavailable(why), _) => {
                tracing::warn!(target: "mail2fa::login", why, "{line}");
            }
        }
    }
}

/// Tells several logs, in this order.
pub struct Everyone(pub Vec<Arc<dyn LoginLog>>);

impl LoginLog for Everyone {
    fn login(&self, event: &LoginEvent<'_>) {
        self.0.iter().for_each(|log| log.login(event));
    }
}

/// The words for result and reason.
fn words(result: &LoginResult<'_>) -> (&'static str, &'static str) {
    match result {
        LoginResult::Accepted(method) => ("accepted", method.as_str()),
        LoginResult::Refused(refusal) => ("refused", refusal.as_str()),
        LoginResult::Unavailable(_) => ("unavailable", "temp_fail"),
    }
}

/// The documented line.
struct Line<'a>(&'a LoginEvent<'a>);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let event = self.0;
        let (result, reason) = words(&event.result);
        write!(f, "login result={result} reason={reason} mailbox={:?}", event.mailbox)?;
        if let Some(target) = event.target {
            write!(f, " target_mailbox={target:?}")?;
        }
        let (service, rip) = (&event.service, event.remote);
        write!(f, " service={service} rip={rip} listener={}", event.listener)?;
        write!(f, " method={:?}", event.mechanism)?;
        if let Some(session) = event.session {
            write!(f, " session={session:?}")?;
        }
        write!(f, " duration_ms={}", event.duration_ms)?;
        match event.would_refuse {
            Some(refusal) => write!(f, " would_refuse={}", refusal.as_str()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::{NetAddress, Service},
        decision::outcome::Method,
    };

    fn event<'a>(
        mailbox: &'a str,
        service: &'a Service,
        result: LoginResult<'a>,
    ) -> LoginEvent<'a> {
        LoginEvent {
            mailbox,
            typed: false,
            target: None,
            listener: "dovecot",
            service,
            remote: NetAddress::parse("192.0.2.7"),
            mechanism: "PLAIN",
            session: Some("oHwJW/5gMJh/AAAB"),
            client: None,
            result,
            would_refuse: None,
            duration_ms: 3,
        }
    }

    #[test]
    fn the_line_of_the_documentation() {
        let refused = LoginResult::Refused(Refusal::WrongCode);
        let line = Line(&event("alice@example.org", &Service::Imap, refused)).to_string();
        assert!(include_str!("../../docs/operation.md").contains(&line), "{line}");
    }

    #[test]
    fn a_typed_name_cannot_write_fields_or_lines() {
        let typed = "x\" rip=203.0.113.9\nlogin result=accepted";
        let accepted = LoginResult::Accepted(Method::Password);
        let line = Line(&event(typed, &Service::Imap, accepted)).to_string();
        assert_eq!(line.lines().count(), 1);
        assert!(line.contains(r#"mailbox="x\" rip=203.0.113.9\nlogin result=accepted" service"#));
    }

    #[test]
    fn every_reason_is_documented() {
        let manual = include_str!("../../docs/operation.md");
        for refusal in Refusal::ALL {
            assert!(manual.contains(&format!("`{}`", refusal.as_str())), "{refusal:?}");
        }
        for method in Method::ALL {
            assert!(
                manual.contains(&format!("| `{}` | accepted |", method.as_str())),
                "{method:?}"
            );
        }
    }
}
