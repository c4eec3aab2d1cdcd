//! Man pages, made from the definitions of the command line.

use std::path::Path;

use clap::Command;
use clap_mangen::Man;

use super::{
    failure::{Exit, Failure},
    terminal::print,
};

/// Prints the page of the command itself, or writes the pages of all commands into a directory.
pub fn write(command: Command, directory: Option<&Path>) -> Result<(), Failure> {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    match directory {
        None => print(&render(command)?),
        Some(directory) => write_all(command, directory),
    }
}

fn write_all(command: Command, directory: &Path) -> Result<(), Failure> {
    for subcommand in command.get_subcommands().cloned() {
        write_all(subcommand, directory)?;
    }
    let path = directory.join(Man::new(command.clone()).get_filename());
    std::fs::write(&path, render(command)?).map_err(|error| {
        let message = format!("cannot write the man page {}: {error}", path.display());
        Failure::new(Exit::CannotCreate, message)
    })
}

fn render(command: Command) -> Result<String, Failure> {
    let mut page = Vec::new();
    Man::new(command)
        .manual("mail2fa")
        .source(concat!("mail2fa ", env!("CARGO_PKG_VERSION")))
        .render(&mut page)
        .map_err(|error| Failure::new(Exit::Software, error))?;
    // What follows the options has a heading that says nothing.
    let page = String::from_utf8_lossy(&page).replace("\n.SH EXTRA\n", "\n.SH NOTES\n");
    Ok(unfilled(&page))
}

/// Indented lines are examples and tables: kept as they are, so that no command is broken into
/// two lines.
fn unfilled(page: &str) -> String {
    let mut text = String::with_capacity(page.len());
    let mut kept = false;
    for line in page.lines() {
        if line.starts_with(' ') != kept {
            kept = !kept;
            text.push_str(if kept { ".nf\n" } else { ".fi\n" });
        }
        text.push_str(line);
        text.push('\n');
    }
    if kept {
        text.push_str(".fi\n");
    }
    text
}
