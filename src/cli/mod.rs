//! The command line: arguments, prompts, output, exit codes.
//!
//! Layer 6. It asks the running daemon, or works on the store itself when none runs; what is
//! done is in `service::admin` either way.

mod app_password;
mod arguments;
mod audit;
mod backend;
mod doctor;
mod failure;
mod mailbox;
mod manual;
mod notice;
mod panel;
mod policy;
mod qr;
mod recovery;
mod session;
mod setup;
mod store;
mod terminal;
mod text;
mod token;
mod totp;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use arguments::{Cli, Command};
use backend::Backend;
use failure::{Exit, Failure};

/// Does what the command line of this process says.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A reader that has gone is no mistake of the command line.
            let _ = error.print();
            return if error.use_stderr() {
                ExitCode::from(Exit::Usage as u8)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    match dispatch(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let (code, message) = failure.end();
            if let Some(message) = message {
                use std::io::Write;
                // Nobody is left to be told if this fails.
                let _ = writeln!(std::io::stderr(), "{message}");
            }
            ExitCode::from(code)
        }
    }
}

fn dispatch(cli: Cli) -> Result<(), Failure> {
    let Cli { config, json, command } = cli;
    crate::runtime::harden()
        .map_err(|errno| Failure::new(Exit::System, format!("hardening the process: {errno}")))?;
    match command {
        Command::Init(options) => setup::init(&options, &config, json),
        Command::Serve => Ok(crate::runtime::serve(&config)?),
        Command::Config(command) => setup::config(&command, &config, json),
        Command::Mailbox(command) => {
            mailbox::run(command, &mut Backend::new(setup::load(&config)?), json)
        }
        Command::Totp(command) => {
            totp::run(command, &mut Backend::new(setup::load(&config)?), json)
        }
        Command::AppPassword(command) => {
            app_password::run(command, &mut Backend::new(setup::load(&config)?), json)
        }
        Command::RecoveryCodes(command) => {
            recovery::run(command, &mut Backend::new(setup::load(&config)?), json)
        }
        Command::Session(command) => {
            session::run(command, &mut Backend::new(setup::load(&config)?), json)
        }
        Command::Panel(command) => panel::run(command, setup::load(&config)?, json),
        Command::Lock { mailbox } => {
            mailbox::lock(mailbox, &mut Backend::new(setup::load(&config)?), json)
        }
        Command::Unlock { mailbox } => {
            mailbox::unlock(mailbox, &mut Backend::new(setup::load(&config)?), json)
        }
        Command::Audit(options) => {
            audit::run(options, &mut Backend::new(setup::load(&config)?), json)
        }
        Command::Policy(command) => {
            policy::run(command, &mut Backend::new(setup::load(&config)?), json)
        }
        Command::Token(command) => {
            token::run(command, &mut Backend::new(setup::load(&config)?), json)
        }
        Command::Openapi => terminal::print(crate::api::document().as_str()),
        Command::Notice(command) => notice::run(command, &config, json),
        Command::Store(command) => store::run(command, &setup::load(&config)?, json),
        Command::Doctor(options) => doctor::run(options, setup::load(&config)?, json),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "mail2fa", &mut script);
            terminal::print(&String::from_utf8_lossy(&script))
        }
        Command::Man { directory } => manual::write(Cli::command(), directory.as_deref()),
    }
}
