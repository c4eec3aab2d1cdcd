//! `mail2fa panel …`

use clap::Subcommand;
use serde::Serialize;

use super::{
    backend::Backend,
    failure::{Exit, Failure},
    terminal::{print, print_json},
    text::{time, unexpected},
};
use crate::{
    config::{Config, PanelConfig},
    service::admin::{Request, Response},
};

/// `panel`
#[derive(Debug, Subcommand)]
pub enum PanelCommand {
    /// Make a one-time link to the User Panel of a mailbox: good for a minute, and once.
    ///
    /// Whoever follows it is in that panel without a password. They can switch 2-factor authentication on,
    /// and with a code off, but make no app passwords. The audit trail names who made the link.
    #[command(after_help = "Example:\n  mail2fa panel link alice@example.org")]
    Link {
        /// Name.
        mailbox: String,
    },
}

/// Runs one of the commands.
pub fn run(command: PanelCommand, config: Config, json: bool) -> Result<(), Failure> {
    let PanelCommand::Link { mailbox } = command;
    let Some(panel) = config.panel.clone() else {
        let message = "there is no panel to lead to: panel.listen is not set";
        return Err(Failure::new(Exit::Config, message));
    };
    link(mailbox, &panel, &mut Backend::new(config), json)
}

fn link(
    mailbox: String,
    panel: &PanelConfig,
    backend: &mut Backend,
    json: bool,
) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Made<'a> {
        mailbox: &'a str,
        link: &'a str,
        expires: u64,
    }
    let response = backend.ask(Request::PanelLink { mailbox })?;
    let Response::PanelLink { mailbox, link, expires, .. } = &response else {
        return Err(unexpected());
    };
    let address = panel.link(link.expose());
    if json {
        return print_json(&Made { mailbox, link: &address, expires: *expires });
    }
    let hint = match panel.origin {
        Some(_) => "",
        None => "; set panel.origin to see the whole address, with the host",
    };
    print(&format!(
        "{address}\n\nOpens the panel of {mailbox} once, until {}{hint}.\n",
        time(*expires)
    ))
}
