//! `mail2fa totp …`

use std::io::IsTerminal;

use clap::Subcommand;
use serde::Serialize;

use super::{
    backend::Backend,
    failure::Failure,
    mailbox::tell,
    qr::{self, Style},
    recovery,
    terminal::{Sure, code, confirm, is_interactive, print, print_json},
    text::{in_fours, on_off, time, unexpected},
};
use crate::{
    base::{SecretText, limits::STEP_SECONDS},
    service::{
        admin::{AdminError, Disclosed, Enrolment, Request, Response},
        trail::WrongCodes,
    },
};

/// `totp`
#[derive(Debug, Subcommand)]
pub enum TotpCommand {
    /// Start an enrolment: show a new secret as a QR code.
    ///
    /// The secret is shown this once. 2-factor authentication is on when a code of the app has
    /// been given, here at the prompt or with `mail2fa totp confirm`, within 15 minutes.
    #[command(
        after_help = "Examples:\n  mail2fa totp enable alice@example.org\n  mail2fa --json totp \
                      enable alice@example.org"
    )]
    Enable {
        /// Name.
        mailbox: String,
    },
    /// Confirm an enrolment with a code: 2-factor authentication is on from then.
    ///
    /// The code that confirms is used up; the next login needs the next one. Ten recovery codes are
    /// shown, this once.
    #[command(after_help = "Example:\n  mail2fa totp confirm alice@example.org 189145")]
    Confirm {
        /// Name.
        mailbox: String,
        /// The six digits that the app shows; asked for, or read from standard input, if not
        /// given.
        code: Option<String>,
    },
    /// Switch 2-factor authentication off, and drop a started enrolment.
    ///
    /// Recovery codes and sessions end; app passwords stay.
    Disable {
        /// Name.
        mailbox: String,
        #[command(flatten)]
        sure: Sure,
    },
    /// Start the move to a new phone: show another secret.
    ///
    /// The old phone's codes count until one of the new phone has been given.
    Move {
        /// Name.
        mailbox: String,
    },
    /// Look whether a code of the new phone is right; nothing is replaced.
    CheckMove {
        /// Name.
        mailbox: String,
        /// The six digits that the new phone shows; asked for if not given.
        code: Option<String>,
    },
    /// Replace the secret by that of the new phone.
    ///
    /// Sessions end; recovery codes and app passwords stay.
    #[command(after_help = "Example:\n  mail2fa totp finish-move alice@example.org 189145")]
    FinishMove {
        /// Name.
        mailbox: String,
        /// The six digits that the new phone shows; asked for if not given.
        code: Option<String>,
    },
    /// Show whether 2-factor authentication is on.
    Status {
        /// Name.
        mailbox: String,
    },
}

/// Runs one of the commands.
pub fn run(command: TotpCommand, backend: &mut Backend, json: bool) -> Result<(), Failure> {
    match command {
        TotpCommand::Enable { mailbox } => enable(mailbox, backend, json),
        TotpCommand::Confirm { mailbox, code: given } => {
            let given = given_code(given)?;
            let response = backend.ask(Request::TotpConfirm { mailbox, code: given })?;
            tell_confirmed(&response, json)
        }
        TotpCommand::Disable { mailbox, sure } => {
            let question = format!(
                "Switch 2-factor authentication off for {mailbox:?} (it opens with its password \
                 alone then)?"
            );
            confirm(&question, sure)?;
            tell(&backend.ask(Request::TotpDisable { mailbox })?, json)
        }
        TotpCommand::Move { mailbox } => start_move(mailbox, backend, json),
        TotpCommand::CheckMove { mailbox, code: given } => {
            let request = Request::TotpMoveCheck { mailbox, code: given_code(given)? };
            tell_move(&backend.ask(request)?, json)
        }
        TotpCommand::FinishMove { mailbox, code: given } => {
            let request = Request::TotpMoveConfirm { mailbox, code: given_code(given)? };
            tell_move(&backend.ask(request)?, json)
        }
        TotpCommand::Status { mailbox } => status(mailbox, backend, json),
    }
}

fn given_code(given: Option<String>) -> Result<Disclosed, Failure> {
    match given {
        Some(text) => Ok(Disclosed::new(SecretText::new(text))),
        None => code("Code that the app shows now: "),
    }
}

fn start_move(mailbox: String, backend: &mut Backend, json: bool) -> Result<(), Failure> {
    let Response::Enrolment(enrolment) = backend.ask(Request::TotpMove { mailbox })? else {
        return Err(unexpected());
    };
    if json {
        return print_json(&enrolment);
    }
    print(&sheet(&enrolment, "The old one counts until a")?)?;
    print(&format!("Next: mail2fa totp finish-move {} CODE\n", enrolment.mailbox))
}

fn tell_move(response: &Response, json: bool) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Moved<'a> {
        mailbox: &'a str,
        moved: bool,
    }
    let (mailbox, moved) = match response {
        Response::MoveChecked { mailbox } => (mailbox, false),
        Response::Moved { mailbox, .. } => (mailbox, true),
        _ => return Err(unexpected()),
    };
    if json {
        return print_json(&Moved { mailbox, moved });
    }
    if moved {
        print(&format!("the new phone's codes count for {mailbox} now, the old one's no more\n"))
    } else {
        print(&format!(
            "this code is right; `mail2fa totp finish-move {mailbox} CODE` replaces the old phone\n"
        ))
    }
}

fn enable(mailbox: String, backend: &mut Backend, json: bool) -> Result<(), Failure> {
    let Response::Enrolment(enrolment) = backend.ask(Request::TotpEnable { mailbox })? else {
        return Err(unexpected());
    };
    if json {
        return print_json(&enrolment);
    }
    print(&sheet(&enrolment, "2-factor authentication is not on yet: it is as soon as a")?)?;
    let mailbox = &enrolment.mailbox;
    if backend.passwords_are_dovecots() {
        print(
            "mail2fa cannot know whether Dovecot has a mailbox of this name: see that it does.\n",
        )?;
    }
    if is_interactive() {
        return ask_until_right(mailbox, backend);
    }
    print(&format!("Next: mail2fa totp confirm {mailbox} CODE\n"))
}

/// What is shown once.
fn sheet(enrolment: &Enrolment, state: &str) -> Result<String, Failure> {
    let coloured = std::io::stdout().is_terminal();
    let style = if coloured { Style::Coloured } else { Style::Plain };
    let uri = enrolment.otpauth_uri.expose();
    Ok(format!(
        "Scan this with the authenticator app of {mailbox}:\n\n{qr}\n\
         Or type this secret into the app (time-based, 6 digits):\n\n    {secret}\n\n\
         Or open this address on the phone:\n\n    {uri}\n\n\
         The secret is not shown again. {state}\n\
         code of the app has been given, until {until}.\n",
        mailbox = enrolment.mailbox,
        qr = qr::draw(uri, style)?,
        secret = in_fours(enrolment.secret.expose()),
        until = time(enrolment.expires),
    ))
}

/// Asks for the confirming code until it is right, or somebody gives up.
fn ask_until_right(mailbox: &str, backend: &mut Backend) -> Result<(), Failure> {
    loop {
        let given = code("\nCode that the app shows now (Enter: later): ")?;
        if given.expose().trim().is_empty() {
            return print(&format!("Later: mail2fa totp confirm {mailbox} CODE\n"));
        }
        let request = Request::TotpConfirm { mailbox: mailbox.to_owned(), code: given };
        match backend.ask(request) {
            Ok(response) => return tell_confirmed(&response, false),
            Err(Failure::Admin(error @ (AdminError::WrongCode { .. } | AdminError::BadCode))) => {
                print(&format!("{error}\n"))?;
            }
            Err(failure) => return Err(failure),
        }
    }
}

fn tell_confirmed(response: &Response, json: bool) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Confirmed<'a> {
        mailbox: &'a str,
        enabled: bool,
        drift_seconds: i64,
        recovery_codes: &'a [Disclosed],
    }
    let Response::Confirmed { mailbox, drift_steps, recovery_codes } = response else {
        return Err(unexpected());
    };
    let drift_seconds = drift_steps.saturating_mul(STEP_SECONDS.cast_signed());
    if json {
        return print_json(&Confirmed { mailbox, enabled: true, drift_seconds, recovery_codes });
    }
    print(&format!(
        "2-factor authentication is on for {mailbox}. This code is used up: log in with the\n\
         password and the next code behind it, as one string (T9D3K!px189145).\n"
    ))?;
    print(&format!("\n{}", recovery::sheet(mailbox, recovery_codes)))?;
    match drift_steps.signum() {
        0 => Ok(()),
        sign => {
            let (seconds, way) = (drift_seconds.abs(), if sign < 0 { "behind" } else { "ahead" });
            print(&format!(
                "The phone's clock may be up to {seconds} seconds {way} of the server's: let both \
                 set their time from the network.\n"
            ))
        }
    }
}

fn status(mailbox: String, backend: &mut Backend, json: bool) -> Result<(), Failure> {
    let Response::Totp(view) = backend.ask(Request::TotpStatus { mailbox })? else {
        return Err(unexpected());
    };
    if json {
        return print_json(&view);
    }
    let mut text = format!(
        "mailbox:    {}\n2-factor:   {}\n",
        view.mailbox,
        on_off(Some(view.enabled), view.since)
    );
    let last = view.last_used.map(|last| format!("last code:  {}\n", time(last)));
    let until = view
        .pending_until
        .map(|until| format!("enrolment:  waits for its code until {}\n", time(until)));
    let wrong = view.wrong_codes.map(|wrong| {
        let WrongCodes { count, first, last } = wrong;
        let (first, last) = (time(first), time(last));
        format!("wrong code: {count} with the right password, from {first} to {last}\n")
    });
    text.extend([last, until, wrong].into_iter().flatten());
    print(&text)
}
