//! `mail2fa app-password …`

use std::io::IsTerminal;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{
    backend::Backend,
    failure::{Exit, Failure},
    terminal::{print, print_json},
    text::{date, listed, time, unexpected, used},
};
use crate::{
    runtime::compose,
    service::admin::{AppPasswordView, Disclosed, NewAppPassword, Request, Response},
};

/// `app-password`
#[derive(Debug, Subcommand)]
pub enum AppPasswordCommand {
    /// Make an app password; it is shown this once.
    ///
    /// It is typed in place of password and code, and opens the mailbox for the services and from the
    /// networks that it is for. It works whether or not 2-factor authentication is on.
    #[command(
        after_help = "Examples:\n  mail2fa app-password add alice@example.org \"phone\"\n  mail2fa \
                      app-password add alice@example.org \"printer\" --service smtp --network \
                      192.0.2.0/24 --expires 1year"
    )]
    Add(NewAppPasswordOptions),
    /// List the app passwords of a mailbox; never the secret part.
    List {
        /// Name.
        mailbox: String,
    },
    /// End an app password.
    Revoke {
        /// Name.
        mailbox: String,
        /// The four characters that it begins with.
        id: String,
    },
}

/// `app-password add`
#[derive(Debug, Args)]
pub struct NewAppPasswordOptions {
    /// Name of the mailbox.
    pub mailbox: String,
    /// What to call the app password: the program or machine it is for.
    pub name: String,
    /// A service it opens: imap, pop3, sieve or smtp; several times for several. All if not given.
    #[arg(long = "service", value_name = "SERVICE", value_delimiter = ',')]
    pub services: Vec<String>,
    /// A network it may be used from, such as 192.0.2.0/24; several times for several. Any if not
    /// given.
    #[arg(long = "network", value_name = "NETWORK", value_delimiter = ',')]
    pub networks: Vec<String>,
    /// When it ends: after a while, such as 90d, or on a date, such as 2027-01-31.
    #[arg(long, value_name = "WHEN")]
    pub expires: Option<String>,
}

/// Runs one of the commands.
pub fn run(command: AppPasswordCommand, backend: &mut Backend, json: bool) -> Result<(), Failure> {
    match command {
        AppPasswordCommand::Add(options) => add(options, backend, json),
        AppPasswordCommand::List { mailbox } => list(mailbox, backend, json),
        AppPasswordCommand::Revoke { mailbox, id } => revoke(mailbox, id, backend, json),
    }
}

fn revoke(mailbox: String, id: String, backend: &mut Backend, json: bool) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Revoked<'a> {
        mailbox: &'a str,
        id: &'a str,
    }
    let response = backend.ask(Request::AppPasswordRevoke { mailbox, id })?;
    let Response::AppPasswordRevoked { mailbox, id } = &response else {
        return Err(unexpected());
    };
    if json {
        return print_json(&Revoked { mailbox, id });
    }
    print(&format!("the app password {id} of {mailbox} opens nothing any more\n"))
}

fn add(options: NewAppPasswordOptions, backend: &mut Backend, json: bool) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Added<'a> {
        mailbox: &'a str,
        id: &'a str,
        password: &'a Disclosed,
    }
    let NewAppPasswordOptions { mailbox, name, services, networks, expires } = options;
    let expires = expires.as_deref().map(|when| end("an app password", when)).transpose()?;
    let wanted = NewAppPassword { name, services, networks, expires };
    let response = backend.ask(Request::AppPasswordAdd { mailbox, wanted })?;
    let Response::AppPassword { mailbox, id, password } = &response else {
        return Err(unexpected());
    };
    if json {
        return print_json(&Added { mailbox, id, password });
    }
    print(&format!(
        "App password {id} of {mailbox}, to be typed in place of password and code:\n\n    \
         {}\n\nIt is not shown again. Dashes and the case of letters do not matter.\n",
        password.expose()
    ))?;
    if backend.vouches() {
        return Ok(());
    }
    print(
        "It opens nothing behind Dovecot yet: passwords.vouch_secret_file is not set (see \
         dovecot-2.3-store.conf, dovecot-2.4-store.conf).\n",
    )
}

fn list(mailbox: String, backend: &mut Backend, json: bool) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct List<'a> {
        mailbox: &'a str,
        app_passwords: &'a [AppPasswordView],
    }
    let response = backend.ask(Request::AppPasswordList { mailbox })?;
    let Response::AppPasswords { mailbox, app_passwords } = &response else {
        return Err(unexpected());
    };
    if json {
        return print_json(&List { mailbox, app_passwords });
    }
    let mut text = String::new();
    if std::io::stdout().is_terminal() {
        text.push_str(&row("ID", "NAME", "SERVICES", "NETWORKS", "ENDS", "LAST USE"));
    }
    for app in app_passwords {
        text.push_str(&row(
            &app.id,
            &app.name,
            &listed(&app.services, "all"),
            &listed(&app.networks, "any"),
            &app.expires.map_or_else(|| "never".to_owned(), time),
            &used(app.last_use.as_ref()),
        ));
    }
    print(&text)
}

fn row(id: &str, name: &str, services: &str, networks: &str, ends: &str, last: &str) -> String {
    format!("{id:<5} {name:<20} {services:<20} {networks:<20} {ends:<21} {last}\n")
}

/// When something ends: after a while, `90d`, or on a date.
pub fn end(what: &str, text: &str) -> Result<u64, Failure> {
    let wrong = || {
        let what = format!(
            "{what} ends after a while, such as 90d or 1year, or on a date, 2027-01-31 or \
             2027-01-31T12:00:00Z"
        );
        Failure::new(Exit::Usage, what)
    };
    if let Ok(after) = humantime::parse_duration(text) {
        let now = compose::clock().now().map_err(|error| Failure::new(Exit::System, error))?;
        return Ok(now.seconds().saturating_add(after.as_secs()));
    }
    date(text).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends() {
        assert_eq!(end("it", "2005-03-18T01:58:29Z").unwrap(), 1_111_111_109);
        assert_eq!(end("it", "2005-03-18").unwrap(), 1_111_104_000);
        let day = end("it", "1d").unwrap();
        assert!(end("it", "2d").unwrap() - day >= 86_400);
        for wrong in ["", "soon", "2005-13-01", "90"] {
            assert!(end("it", wrong).is_err(), "{wrong}");
        }
    }
}
