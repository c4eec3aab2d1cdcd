//! `mail2fa mailbox …`

use std::io::IsTerminal;

use serde::Serialize;

use super::{
    arguments::MailboxCommand,
    backend::Backend,
    failure::{Exit, Failure},
    terminal::{confirm, new_password, print, print_json},
    text::{on_off, time, unexpected},
};
use crate::{
    base::limits::ADMIN_PAGE,
    service::admin::{MailboxView, Request, Response},
};

/// Runs one of the commands.
pub fn run(command: MailboxCommand, backend: &mut Backend, json: bool) -> Result<(), Failure> {
    match command {
        MailboxCommand::List => list(backend, json),
        MailboxCommand::Show { mailbox } => show(mailbox, backend, json),
        MailboxCommand::Add { mailbox, from } => {
            let password = new_password(from)?;
            tell(&backend.ask(Request::MailboxAdd { mailbox, password })?, json)
        }
        MailboxCommand::Password { mailbox, from } => {
            let password = new_password(from)?;
            tell(&backend.ask(Request::MailboxPassword { mailbox, password })?, json)
        }
        MailboxCommand::Rename { mailbox, new_name } => {
            tell(&backend.ask(Request::MailboxRename { mailbox, to: new_name })?, json)
        }
        MailboxCommand::Remove { mailbox, sure } => {
            let what = if backend.passwords_are_dovecots() {
                "the mailbox itself is Dovecot's and will open with its password alone"
            } else {
                "its password and second factor are lost"
            };
            confirm(&format!("Remove {mailbox:?} ({what})?"), sure)?;
            tell(&backend.ask(Request::MailboxRemove { mailbox })?, json)
        }
    }
}

/// What was changed, in words or as JSON.
pub fn tell(response: &Response, json: bool) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Changed<'a> {
        mailbox: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        renamed_from: Option<&'a str>,
    }
    let (mailbox, renamed_from, words) = match response {
        Response::Added { mailbox } => (mailbox, None, "was made"),
        Response::PasswordSet { mailbox } => (mailbox, None, "has its new password"),
        Response::Renamed { mailbox, from } => (mailbox, Some(from.as_str()), "is its name now"),
        Response::Removed { mailbox } => (mailbox, None, "was removed"),
        Response::Disabled { mailbox } => (mailbox, None, "opens without a code now"),
        Response::Mailboxes { .. }
        | Response::Mailbox(_)
        | Response::Enrolment(_)
        | Response::Confirmed { .. }
        | Response::Totp(_) => return Err(unexpected()),
    };
    if json {
        print_json(&Changed { mailbox, renamed_from })
    } else {
        print(&format!("{mailbox} {words}\n"))
    }
}

fn show(mailbox: String, backend: &mut Backend, json: bool) -> Result<(), Failure> {
    let Response::Mailbox(view) = backend.ask(Request::MailboxShow { mailbox })? else {
        return Err(unexpected());
    };
    if json {
        return print_json(&view);
    }
    let password = match (view.password, &view.scheme) {
        (true, Some(scheme)) => format!("hash of scheme {scheme}"),
        (true, None) => "hash".to_owned(),
        (false, _) => "not here (Dovecot's)".to_owned(),
    };
    print(&format!(
        "mailbox:   {}\n2-factor:  {}\npassword:  {password}\nrecorded:  {}\n",
        view.mailbox,
        on_off(view.totp, view.totp_since),
        view.created.map_or_else(|| "unknown".to_owned(), time),
    ))
}

/// Page by page, so that millions need no memory. As JSON it is one array, one line a mailbox.
fn list(backend: &mut Backend, json: bool) -> Result<(), Failure> {
    if json {
        print("[")?;
    } else if std::io::stdout().is_terminal() {
        print(&format!("{:<44} {:<9} {}\n", "MAILBOX", "2-FACTOR", "PASSWORD"))?;
    }
    let (mut after, mut first, mut problems) = (None, true, 0_usize);
    loop {
        let Response::Mailboxes { mailboxes, next } =
            backend.ask(Request::MailboxList { after, limit: ADMIN_PAGE })?
        else {
            return Err(unexpected());
        };
        let mut page = String::new();
        for view in &mailboxes {
            problems += usize::from(view.problem.is_some());
            if json {
                let view = serde_json::to_string(view)
                    .map_err(|error| Failure::new(Exit::Software, error))?;
                page.push_str(if first { "\n" } else { ",\n" });
                page.push_str(&view);
                first = false;
            } else {
                page.push_str(&row(view));
            }
        }
        print(&page)?;
        match next {
            Some(last) => after = Some(last),
            None => break,
        }
    }
    if json {
        print("\n]\n")?;
    }
    match problems {
        0 => Ok(()),
        count => Err(Failure::new(Exit::Io, format!("records that cannot be read: {count}"))),
    }
}

fn row(view: &MailboxView) -> String {
    let totp = match view.totp {
        Some(true) => "on",
        Some(false) => "off",
        None => "?",
    };
    let password = match (&view.problem, &view.scheme) {
        (Some(problem), _) => problem.as_str(),
        (None, Some(scheme)) => scheme,
        (None, None) => "-",
    };
    format!("{:<44} {totp:<9} {password}\n", view.mailbox)
}
