//! `doveadm auth test -a SOCKET`: Dovecot's own client of its auth protocol.

use std::path::Path;

use anyhow::{Context, Result};

use super::{Login, lines};
use crate::answer::{Answer, Verdict};
use crate::dovecot::Dovecot;

/// Asks the auth socket. `more` are parameters such as `service=smtp` or `rip=192.0.2.1`.
///
/// # Errors
/// When doveadm cannot be started.
pub fn auth_test(
    dovecot: &Dovecot,
    socket: &Path,
    login: Login<'_>,
    more: &[&str],
) -> Result<Answer> {
    let socket = socket.to_str().context("a path that is no text")?;
    let mut arguments = vec!["auth", "test", "-a", socket];
    for parameter in more {
        arguments.extend_from_slice(&["-x", parameter]);
    }
    arguments.extend_from_slice(&[login.name, login.password]);
    let output = lines::run(&mut dovecot.doveadm(&arguments)?, "")?;
    let text = lines::text(&output);
    // The exit status is the same for a refusal and for a socket that is not there.
    let said = lines::last(&text, |line| {
        line.starts_with("passdb: ") || line.contains("cmd auth test: user ")
    });
    let verdict = match (&said, output.status.success()) {
        (Some(_), true) => Verdict::In,
        (Some(_), false) if text.contains("code=temp_fail") => Verdict::Unavailable,
        (Some(_), false) => Verdict::Refused,
        (None, _) => Verdict::Broken,
    };
    let words = said.or_else(|| lines::last(&text, |line| !line.is_empty())).unwrap_or_default();
    Ok(Answer::new(verdict, words, text))
}
