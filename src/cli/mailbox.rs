//! `mail2fa mailbox …`

use std::io::IsTerminal;

use clap::Subcommand;
use serde::Serialize;

use super::{
    backend::Backend,
    failure::{Exit, Failure},
    terminal::{PasswordFrom, Sure, confirm, new_password, print, print_json},
    text::{on_off, time, unexpected},
};
use crate::{
    base::limits::ADMIN_PAGE,
    service::{
        admin::{MailboxView, Request, Response},
        trail::Program,
    },
};

/// `mailbox`
#[derive(Debug, Subcommand)]
pub enum MailboxCommand {
    /// Make a mailbox (passwords.source = "store").
    ///
    /// The password is asked for twice, or read from the first line of standard input; it is
    /// never an argument, since other users can see those.
    #[command(
        after_help = "Examples:\n  mail2fa mailbox add alice@example.org\n  pwgen -s 20 1 | \
                      mail2fa mailbox add alice@example.org --password-stdin\n  doveadm pw -s \
                      SHA512-CRYPT | mail2fa mailbox add alice@example.org --hash-stdin"
    )]
    Add {
        /// Name, such as alice@example.org.
        mailbox: String,
        #[command(flatten)]
        from: PasswordFrom,
    },
    /// List the mailboxes, in the order of their names.
    List,
    /// Show one mailbox; never its password or secret.
    Show {
        /// Name.
        mailbox: String,
    },
    /// Show which programs use the bare password: those that will ask for a code, or fail, when
    /// 2-factor authentication is switched on.
    ///
    /// A mailbox needs no record for it. With `imap_id_retain = yes` Dovecot tells what IMAP
    /// programs call themselves.
    Programs {
        /// Name.
        mailbox: String,
    },
    /// Give a mailbox another password (passwords.source = "store").
    Password {
        /// Name.
        mailbox: String,
        #[command(flatten)]
        from: PasswordFrom,
    },
    /// Give a mailbox another name; password and second factor go with it.
    ///
    /// The authenticator app goes on showing the old name; its codes stay right. App passwords,
    /// recovery codes and sessions are bound to the old name and end with it: make new ones.
    Rename {
        /// Name now.
        mailbox: String,
        /// Name in future.
        new_name: String,
    },
    /// Remove a mailbox with its password and second factor.
    ///
    /// With passwords.source = "dovecot" the mailbox itself is Dovecot's and stays: this switches
    /// its second factor off.
    Remove {
        /// Name.
        mailbox: String,
        #[command(flatten)]
        sure: Sure,
    },
}

/// Runs one of the commands.
pub fn run(command: MailboxCommand, backend: &mut Backend, json: bool) -> Result<(), Failure> {
    match command {
        MailboxCommand::List => list(backend, json),
        MailboxCommand::Show { mailbox } => show(mailbox, backend, json),
        MailboxCommand::Programs { mailbox } => programs(mailbox, backend, json),
        MailboxCommand::Add { mailbox, from } => {
            let password = new_password(from)?;
            tell(&backend.ask(Request::MailboxAdd { mailbox, password })?, json)
        }
        MailboxCommand::Password { mailbox, from } => {
            let password = new_password(from)?;
            tell(&backend.ask(Request::MailboxPassword { mailbox, password })?, json)
        }
        MailboxCommand::Rename { mailbox, new_name } => rename(mailbox, new_name, backend, json),
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
    }
    let (mailbox, words) = match response {
        Response::Added { mailbox } => (mailbox, "was made"),
        Response::PasswordSet { mailbox } => (mailbox, "has its new password"),
        Response::Removed { mailbox } => (mailbox, "was removed"),
        Response::Disabled { mailbox, required: false } => (mailbox, "opens without a code now"),
        Response::Disabled { mailbox, required: true } => (
            mailbox,
            "has no second factor any more and must have one: its password opens nothing (`mail2fa \
             policy show` says why)",
        ),
        Response::Locked { mailbox } => (mailbox, "is locked: nobody gets in"),
        Response::Unlocked { mailbox } => (mailbox, "is not locked any more"),
        Response::Renamed { .. }
        | Response::AppPassword { .. }
        | Response::AppPasswords { .. }
        | Response::AppPasswordRevoked { .. }
        | Response::RecoveryCodes { .. }
        | Response::RecoveryLeft { .. }
        | Response::Sessions { .. }
        | Response::SessionsRevoked { .. }
        | Response::PanelLink { .. }
        | Response::Mailboxes { .. }
        | Response::Programs { .. }
        | Response::Audit { .. }
        | Response::Mailbox(_)
        | Response::Enrolment(_)
        | Response::Confirmed { .. }
        | Response::MoveChecked { .. }
        | Response::Moved { .. }
        | Response::Policy(_)
        | Response::MailboxPolicy(_)
        | Response::PolicySet(_)
        | Response::NoticeSent { .. }
        | Response::TokenAdded { .. }
        | Response::Tokens { .. }
        | Response::TokenRevoked { .. }
        | Response::Health { .. }
        | Response::Totp(_) => return Err(unexpected()),
    };
    if json { print_json(&Changed { mailbox }) } else { print(&format!("{mailbox} {words}\n")) }
}

/// `mail2fa lock`
pub fn lock(mailbox: String, backend: &mut Backend, json: bool) -> Result<(), Failure> {
    tell(&backend.ask(Request::MailboxLock { mailbox })?, json)
}

/// `mail2fa unlock`
pub fn unlock(mailbox: String, backend: &mut Backend, json: bool) -> Result<(), Failure> {
    tell(&backend.ask(Request::MailboxUnlock { mailbox })?, json)
}

fn rename(mailbox: String, to: String, backend: &mut Backend, json: bool) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Rename<'a> {
        mailbox: &'a str,
        renamed_from: &'a str,
        app_passwords_ended: usize,
        recovery_codes_ended: usize,
    }
    let response = backend.ask(Request::MailboxRename { mailbox, to })?;
    let Response::Renamed { mailbox, from, app_passwords, recovery_codes } = &response else {
        return Err(unexpected());
    };
    if json {
        return print_json(&Rename {
            mailbox,
            renamed_from: from,
            app_passwords_ended: *app_passwords,
            recovery_codes_ended: *recovery_codes,
        });
    }
    print(&format!("{mailbox} is its name now\n"))?;
    if *app_passwords > 0 {
        print(&format!(
            "Its app passwords ({app_passwords}) were bound to the old name and ended with it: \
             mail2fa app-password add {mailbox} NAME\n"
        ))?;
    }
    if *recovery_codes > 0 {
        print(&format!(
            "Its recovery codes ({recovery_codes}) ended too: mail2fa recovery-codes new {mailbox}\n"
        ))?;
    }
    Ok(())
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
    let apps = view.app_passwords.map_or_else(|| "unknown".to_owned(), |count| count.to_string());
    let locked = view.locked.map(|since| format!("locked:    since {}\n", time(since)));
    print(&format!(
        "mailbox:   {}\n2-factor:  {}\npassword:  {password}\nprograms:  {apps} app passwords\n\
         recorded:  {}\n{}",
        view.mailbox,
        on_off(view.totp, view.totp_since),
        view.created.map_or_else(|| "unknown".to_owned(), time),
        locked.unwrap_or_default(),
    ))
}

fn programs(mailbox: String, backend: &mut Backend, json: bool) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Inventory<'a> {
        mailbox: &'a str,
        totp: bool,
        programs: &'a [Program],
    }
    let response = backend.ask(Request::MailboxPrograms { mailbox })?;
    let Response::Programs { mailbox, totp, programs } = &response else {
        return Err(unexpected());
    };
    if json {
        return print_json(&Inventory { mailbox, totp: *totp, programs });
    }
    if programs.is_empty() {
        return print(&format!("no program is known to use the bare password of {mailbox}\n"));
    }
    let row =
        |service: &str, program: &str, network: &str, count: &str, first: &str, last: &str| {
            format!("{service:<10} {program:<24} {network:<24} {count:>7}  {first:<21} {last}\n")
        };
    let mut text = String::new();
    if std::io::stdout().is_terminal() {
        text.push_str(&row("SERVICE", "PROGRAM", "NETWORK", "LOGINS", "FIRST", "LAST"));
    }
    for one in programs {
        text.push_str(&row(
            &one.service,
            one.program.as_deref().unwrap_or("-"),
            one.network.as_deref().unwrap_or("-"),
            &one.count.to_string(),
            &time(one.first),
            &time(one.last),
        ));
    }
    print(&text)
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
    let totp = match (view.locked, view.totp) {
        (Some(_), _) => "locked",
        (None, Some(true)) => "on",
        (None, Some(false)) => "off",
        (None, None) => "?",
    };
    let password = match (&view.problem, &view.scheme) {
        (Some(problem), _) => problem.as_str(),
        (None, Some(scheme)) => scheme,
        (None, None) => "-",
    };
    format!("{:<44} {totp:<9} {password}\n", view.mailbox)
}
