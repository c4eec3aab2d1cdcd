//! `mail2fa token …`

use std::io::IsTerminal;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{
    app_password::end,
    backend::Backend,
    failure::Failure,
    terminal::{print, print_json},
    text::{listed, time, unexpected},
};
use crate::service::admin::{Disclosed, NewToken, Request, Response, TokenView};

/// `token`
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token; it is shown this once.
    ///
    /// A program brings it in the header "Authorization: Bearer ..." to the place that api.listen
    /// names. No token can make tokens.
    #[command(after_help = "Examples:\n  mail2fa token add hosting-panel --scope mailboxes:read \
                      --scope totp:read,totp:write --domain example.org\n  mail2fa token add \
                      backup --scope audit:read --expires 90d")]
    Add(NewTokenOptions),
    /// List the tokens; never their secret part.
    List,
    /// End a token.
    Revoke {
        /// Its name.
        name: String,
    },
}

/// `token add`
#[derive(Debug, Args)]
pub struct NewTokenOptions {
    /// What to call the token; the audit trail shows it.
    pub name: String,
    /// What it may do, such as totp:read (docs/api.md has all); several times for several. `*` is everything.
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',', required = true)]
    pub scopes: Vec<String>,
    /// A domain whose mailboxes it is for; several times for several. Any if not given.
    #[arg(long = "domain", value_name = "DOMAIN", value_delimiter = ',')]
    pub domains: Vec<String>,
    /// When it ends: after a while, such as 90d, or on a date, such as 2027-01-31.
    #[arg(long, value_name = "WHEN")]
    pub expires: Option<String>,
}

/// Runs one of the commands.
pub fn run(command: TokenCommand, backend: &mut Backend, json: bool) -> Result<(), Failure> {
    match command {
        TokenCommand::Add(options) => add(options, backend, json),
        TokenCommand::List => list(backend, json),
        TokenCommand::Revoke { name } => revoke(name, backend, json),
    }
}

fn add(options: NewTokenOptions, backend: &mut Backend, json: bool) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Added<'a> {
        name: &'a str,
        id: &'a str,
        token: &'a Disclosed,
    }
    let NewTokenOptions { name, scopes, domains, expires } = options;
    let expires = expires.as_deref().map(|when| end("a token", when)).transpose()?;
    let wanted = NewToken { name, scopes, domains, expires };
    let response = backend.ask(Request::TokenAdd { wanted })?;
    let Response::TokenAdded { name, id, token } = &response else { return Err(unexpected()) };
    if json {
        return print_json(&Added { name, id, token });
    }
    print(&format!(
        "Token {name}, for the header \"Authorization: Bearer ...\":\n\n    {}\n\nIt is not shown \
         again.\n",
        token.expose()
    ))
}

fn list(backend: &mut Backend, json: bool) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct List<'a> {
        tokens: &'a [TokenView],
    }
    let response = backend.ask(Request::TokenList)?;
    let Response::Tokens { tokens } = &response else { return Err(unexpected()) };
    if json {
        return print_json(&List { tokens });
    }
    let mut text = String::new();
    if std::io::stdout().is_terminal() {
        text.push_str(&row("NAME", "DOMAINS", "ENDS", "LAST USE", "SCOPES"));
    }
    let moment = |at: Option<u64>| at.map_or_else(|| "never".to_owned(), time);
    for token in tokens {
        text.push_str(&row(
            &token.name,
            &listed(&token.domains, "any"),
            &moment(token.expires),
            &moment(token.last_used),
            &listed(&token.scopes, "none"),
        ));
    }
    print(&text)
}

fn row(name: &str, domains: &str, ends: &str, last: &str, scopes: &str) -> String {
    format!("{name:<20} {domains:<20} {ends:<21} {last:<21} {scopes}\n")
}

fn revoke(name: String, backend: &mut Backend, json: bool) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Revoked<'a> {
        name: &'a str,
    }
    let response = backend.ask(Request::TokenRevoke { name })?;
    let Response::TokenRevoked { name } = &response else { return Err(unexpected()) };
    if json {
        return print_json(&Revoked { name });
    }
    print(&format!("the token {name} opens nothing any more\n"))
}
