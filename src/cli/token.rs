//! `mail2fa token …`

use std::io::IsTerminal;

use serde::Serialize;

use super::{
    app_password::end,
    arguments::{NewTokenOptions, TokenCommand},
    backend::Backend,
    failure::Failure,
    terminal::{print, print_json},
    text::{listed, time, unexpected},
};
use crate::service::admin::{Disclosed, NewToken, Request, Response, TokenView};

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
