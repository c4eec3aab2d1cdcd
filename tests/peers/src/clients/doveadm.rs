//! `doveadm auth test -a SOCKET`: Dovecot's own client of its auth protocol.

use std::path::Path;

use anyhow::{Context, Result};

use super::{Login, lines};
use crate::answer::{Answer, Verdict};
use crate::dovecot::Dovecot;

/// doveadm's exit status for a refused login (EX_NOPERM).
const NO_PERMISSION: i32 = 77;
/// doveadm's exit status for "not now" (EX_TEMPFAIL).
const TEMPORARY: i32 = 75;

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
    let words = lines::last(&text, |line| line.contains("auth"))
        .or_else(|| lines::last(&text, |line| !line.is_empty()))
        .unwrap_or_default();
    let verdict = match output.status.code() {
        Some(0) => Verdict::In,
        Some(NO_PERMISSION) => Verdict::Refused,
        Some(TEMPORARY) => Verdict::Unavailable,
        _ => Verdict::Broken,
    };
    Ok(Answer::new(verdict, words, text))
}
