//! `mail2fa session …`

use std::io::IsTerminal;

use serde::Serialize;

use super::{
    arguments::SessionCommand,
    backend::Backend,
    failure::Failure,
    terminal::{print, print_json},
    text::{time, unexpected, used},
};
use crate::service::admin::{Request, Response, SessionView};

/// Runs one of the commands.
pub fn run(command: SessionCommand, backend: &mut Backend, json: bool) -> Result<(), Failure> {
    match command {
        SessionCommand::List { mailbox } => list(mailbox, backend, json),
        SessionCommand::Revoke { mailbox, all_sign_ins: true, .. } => {
            tell(&backend.ask(Request::SignInsEnd { mailbox })?, json)
        }
        SessionCommand::Revoke { mailbox, id, .. } => {
            // Without an id all are ended; the command line has asked for `--all` then.
            tell(&backend.ask(Request::SessionRevoke { mailbox, id })?, json)
        }
    }
}

fn list(mailbox: String, backend: &mut Backend, json: bool) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct List<'a> {
        mailbox: &'a str,
        sessions: &'a [SessionView],
    }
    let response = backend.ask(Request::SessionList { mailbox })?;
    let Response::Sessions { mailbox, sessions } = &response else {
        return Err(unexpected());
    };
    if json {
        return print_json(&List { mailbox, sessions });
    }
    let mut text = String::new();
    if std::io::stdout().is_terminal() {
        text.push_str(&row("ID", "ENDS", "OPENED", "LAST USE", Some("WEBMAIL")));
    }
    for session in sessions {
        text.push_str(&row(
            &session.id.to_string(),
            &time(session.ends),
            &used(Some(&session.opened)),
            &used(Some(&session.last_use)),
            session.webmail.as_deref(),
        ));
    }
    print(&text)
}

fn row(id: &str, ends: &str, opened: &str, last: &str, webmail: Option<&str>) -> String {
    match webmail {
        None => format!("{id:<5} {ends:<21} {opened:<45} {last}\n"),
        Some(webmail) => format!("{id:<5} {ends:<21} {opened:<45} {last:<45} {webmail}\n"),
    }
}

fn tell(response: &Response, json: bool) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Revoked<'a> {
        mailbox: &'a str,
        revoked: usize,
    }
    let Response::SessionsRevoked { mailbox, count } = response else {
        return Err(unexpected());
    };
    if json {
        return print_json(&Revoked { mailbox, revoked: *count });
    }
    let ended = if *count == 1 { "1 session".to_owned() } else { format!("{count} sessions") };
    print(&format!("{ended} of {mailbox} ended\n"))
}
