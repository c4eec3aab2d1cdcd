//! `mail2fa session …`

use std::io::IsTerminal;

use clap::Subcommand;
use serde::Serialize;

use super::{
    backend::Backend,
    failure::Failure,
    terminal::{print, print_json},
    text::{time, unexpected, used},
};
use crate::service::admin::{Request, Response, SessionView};

/// `session`
#[derive(Debug, Subcommand)]
pub enum SessionCommand {
    /// List the sessions of a mailbox that live.
    List {
        /// Name.
        mailbox: String,
    },
    /// End one session, or all: the next login needs a new code.
    ///
    /// Connections that are open already stay open: they are Dovecot's (`doveadm kick`).
    #[command(
        after_help = "Examples:\n  mail2fa session revoke alice@example.org 3\n  mail2fa session \
                      revoke alice@example.org --all"
    )]
    Revoke {
        /// Name.
        mailbox: String,
        /// Number of the session, from the list.
        #[arg(required_unless_present_any = ["all", "all_sign_ins"])]
        id: Option<u64>,
        /// All of them.
        #[arg(long, conflicts_with = "id")]
        all: bool,
        /// All of them, and all sign-ins to the User Panel.
        #[arg(long, conflicts_with_all = ["id", "all"])]
        all_sign_ins: bool,
    },
}

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
