//! Talking to whoever runs a command: output that survives a closed pipe, questions, passwords.
//!
//! # Security
//!
//! A password comes from a prompt without echo or from standard input, never from an argument:
//! those are visible to every user of the machine.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use clap::{ArgAction, Args};
use serde::Serialize;
use zeroize::Zeroizing;

use super::failure::{Exit, Failure};
use crate::{
    base::{SecretText, limits::HASH_BYTES},
    service::admin::{Disclosed, NewPassword},
};

/// Where a password comes from.
#[derive(Clone, Copy, Debug, Args)]
pub struct PasswordFrom {
    /// Read the password from the first line of standard input, also on a terminal.
    #[arg(long, action = ArgAction::SetTrue)]
    pub password_stdin: bool,
    /// Read a ready-made hash, {SCHEME} in front, from the first line of standard input.
    #[arg(long, action = ArgAction::SetTrue, conflicts_with = "password_stdin")]
    pub hash_stdin: bool,
}

/// Whether to ask first.
#[derive(Clone, Copy, Debug, Args)]
pub struct Sure {
    /// Do it without asking; needed where nobody can be asked.
    #[arg(long, short)]
    pub yes: bool,
}

/// Writes to standard output.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| Failure::output(&error))
}

/// Writes one JSON document.
pub fn print_json<T: Serialize>(value: &T) -> Result<(), Failure> {
    let mut text = Zeroizing::new(Vec::with_capacity(4_096));
    serde_json::to_writer_pretty(&mut *text, value)
        .map_err(|error| Failure::new(Exit::Software, error))?;
    text.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&text).and_then(|()| out.flush()).map_err(|error| Failure::output(&error))
}

/// Whether somebody sits in front of it: questions can be asked.
pub fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Asks yes or no, unless it was said beforehand.
pub fn confirm(question: &str, sure: Sure) -> Result<(), Failure> {
    if sure.yes {
        return Ok(());
    }
    if !is_interactive() {
        let message = format!("{question} Nobody can be asked here: add --yes if it is meant");
        return Err(Failure::new(Exit::Usage, message));
    }
    print(&format!("{question} [y/N] "))?;
    match read_line()?.expose().trim() {
        "y" | "Y" | "yes" | "Yes" => Ok(()),
        _ => Err(Failure::Declined),
    }
}

/// A new password or hash.
pub fn new_password(from: PasswordFrom) -> Result<NewPassword, Failure> {
    if from.hash_stdin {
        return Ok(NewPassword::Hash(Disclosed::new(read_line()?)));
    }
    if from.password_stdin || !io::stdin().is_terminal() {
        return Ok(NewPassword::Clear(Disclosed::new(read_line()?)));
    }
    let first = hidden("New password: ")?;
    let second = hidden("Again: ")?;
    if first != second {
        return Err(Failure::new(Exit::Data, "the two passwords differ; nothing was changed"));
    }
    Ok(NewPassword::Clear(Disclosed::new(first)))
}

/// A code: from a prompt on a terminal, otherwise the first line of standard input.
pub fn code(prompt: &str) -> Result<Disclosed, Failure> {
    if is_interactive() {
        print(prompt)?;
    }
    read_line().map(Disclosed::new)
}

fn hidden(prompt: &str) -> Result<SecretText, Failure> {
    rpassword::prompt_password(prompt)
        .map(SecretText::new)
        .map_err(|error| Failure::new(Exit::Io, format!("cannot read the password: {error}")))
}

/// The first line of standard input without its end.
fn read_line() -> Result<SecretText, Failure> {
    let limit = u64::try_from(HASH_BYTES + 2).unwrap_or(u64::MAX);
    let mut line = Zeroizing::new(Vec::with_capacity(HASH_BYTES + 2));
    io::stdin()
        .lock()
        .take(limit)
        .read_until(b'\n', &mut line)
        .map_err(|error| Failure::new(Exit::Io, format!("cannot read standard input: {error}")))?;
    let text = line.strip_suffix(b"\n").unwrap_or(&line);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    std::str::from_utf8(text)
        .map(|text| SecretText::new(text.to_owned()))
        .map_err(|_| Failure::new(Exit::Data, "standard input is not UTF-8 text"))
}
