//! `mail2fa recovery-codes …`

use clap::Subcommand;
use serde::Serialize;

use super::{
    backend::Backend,
    failure::Failure,
    terminal::{print, print_json},
    text::unexpected,
};
use crate::service::admin::{Disclosed, Request, Response};

/// `recovery-codes`
#[derive(Debug, Subcommand)]
pub enum RecoveryCommand {
    /// Make a new set of ten recovery codes; the old set is worth nothing then.
    ///
    /// They are shown this once. 2-factor authentication must be on.
    New {
        /// Name.
        mailbox: String,
    },
    /// Show how many recovery codes are left.
    Left {
        /// Name.
        mailbox: String,
    },
}

/// Runs one of the commands.
pub fn run(command: RecoveryCommand, backend: &mut Backend, json: bool) -> Result<(), Failure> {
    match command {
        RecoveryCommand::New { mailbox } => new(mailbox, backend, json),
        RecoveryCommand::Left { mailbox } => left(mailbox, backend, json),
    }
}

fn new(mailbox: String, backend: &mut Backend, json: bool) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Set<'a> {
        mailbox: &'a str,
        recovery_codes: &'a [Disclosed],
    }
    let response = backend.ask(Request::RecoveryCodesNew { mailbox })?;
    let Response::RecoveryCodes { mailbox, recovery_codes } = &response else {
        return Err(unexpected());
    };
    if json {
        return print_json(&Set { mailbox, recovery_codes });
    }
    print(&sheet(mailbox, recovery_codes))?;
    print("Codes of an earlier set are worth nothing now.\n")
}

fn left(mailbox: String, backend: &mut Backend, json: bool) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Count<'a> {
        mailbox: &'a str,
        left: usize,
        of: usize,
    }
    let response = backend.ask(Request::RecoveryCodesLeft { mailbox })?;
    let Response::RecoveryLeft { mailbox, left, of } = &response else {
        return Err(unexpected());
    };
    let (left, of) = (*left, *of);
    if json {
        return print_json(&Count { mailbox, left, of });
    }
    print(&format!("{mailbox} has {left} of {of} recovery codes left\n"))
}

/// What is shown once.
pub fn sheet(mailbox: &str, codes: &[Disclosed]) -> String {
    let mut text = format!(
        "Recovery codes of {mailbox}, each good for one login in place of a code (password and\n\
         recovery code, as one string), for when the phone is lost:\n\n"
    );
    for pair in codes.chunks(2) {
        let pair: Vec<&str> = pair.iter().map(Disclosed::expose).collect();
        text.extend(["    ", &pair.join("    "), "\n"]);
    }
    text.push_str("\nThey are not shown again: keep them on paper.\n");
    text
}
