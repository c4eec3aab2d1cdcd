//! `mail2fa doctor`: what is wrong with the doors, and what somebody has to look at.

use std::{fmt::Write as _, path::PathBuf};

use clap::{Args, ValueHint};
use serde::Serialize;

use super::{
    backend::{Backend, runtime},
    failure::{Exit, Failure},
    terminal::{print, print_json},
};
use crate::{
    config::Config,
    runtime::doctor::{self, Finding, Servers, State},
    service::admin::Request,
};

/// `doctor`
#[derive(Debug, Args)]
pub struct DoctorOptions {
    /// Dovecot's configuration file, if it is not the usual one.
    #[arg(long = "dovecot-config", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub dovecot: Option<PathBuf>,
    /// Postfix's configuration folder, if it is not the usual one.
    #[arg(long = "postfix-config", value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub postfix: Option<PathBuf>,
    /// Exim's configuration file, if it is not the usual one.
    #[arg(long = "exim-config", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub exim: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report<'a> {
    sound: bool,
    findings: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    check: &'a str,
    about: &'a str,
    state: &'static str,
    what: &'a str,
}

impl<'a> Row<'a> {
    fn of(finding: &'a Finding) -> Self {
        let Finding { check, about, state, what } = finding;
        Self { check, about, state: word(*state), what }
    }
}

/// Looks at everything and says what was found.
pub fn run(options: DoctorOptions, config: Config, json: bool) -> Result<(), Failure> {
    let DoctorOptions { dovecot, postfix, exim } = options;
    let servers = Servers { dovecot, postfix, exim };
    let mut found = runtime()?.block_on(doctor::examine(&config, &servers));
    // Last: where no daemon runs this process becomes the user that owns the store.
    found.push(store(&mut Backend::new(config)));
    let bad = found.iter().filter(|finding| finding.state == State::Bad).count();
    if json {
        print_json(&Report { sound: bad == 0, findings: found.iter().map(Row::of).collect() })?;
    } else {
        print(&table(&found))?;
    }
    match bad {
        0 => Ok(()),
        1 => Err(Failure::new(Exit::Unavailable, "one thing is wrong, see above")),
        _ => Err(Failure::new(Exit::Unavailable, format!("{bad} things are wrong, see above"))),
    }
}

fn table(found: &[Finding]) -> String {
    let mut text = String::new();
    for Finding { check, about, state, what } in found {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:<5} {check} {about}: {what}", word(*state));
    }
    text
}

fn word(state: State) -> &'static str {
    match state {
        State::Good => "good",
        State::Look => "look",
        State::Bad => "bad",
    }
}

/// Whether the daemon answers, or else the store opens.
fn store(backend: &mut Backend) -> Finding {
    let question = || Request::PolicyShow { mailbox: None };
    let finding = |about: &str, state, what: String| Finding {
        check: "daemon",
        about: about.into(),
        state,
        what,
    };
    match backend.ask_daemon(&question()) {
        Ok(Some(_)) => finding("control", State::Good, "answers".into()),
        Err(error) => finding("control", State::Bad, error.to_string()),
        Ok(None) => match backend.ask(question()) {
            Ok(_) => finding("control", State::Bad, "does not run; the store can be opened".into()),
            Err(error) => {
                finding("control", State::Bad, format!("does not run, and the store: {error}"))
            }
        },
    }
}
