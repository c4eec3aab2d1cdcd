//! Finding the line of a conversation that decided.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result};

/// Runs a command to its end, with `input` on its standard input.
pub(crate) fn run(command: &mut Command, input: &str) -> Result<Output> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| {
            format!("cannot start {}: run tests/run", command.get_program().display())
        })?;
    if let Some(mut pipe) = child.stdin.take() {
        // A client that does not read its input closes the pipe early.
        let _ = pipe.write_all(input.as_bytes());
    }
    Ok(child.wait_with_output()?)
}

/// Both outputs as one text.
pub(super) fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stderr),
        String::from_utf8_lossy(&output.stdout)
    )
}

/// The last line for which `wanted` holds, without its line end.
pub(super) fn last(text: &str, wanted: impl Fn(&str) -> bool) -> Option<String> {
    text.lines().rev().map(str::trim_end).find(|line| wanted(line)).map(str::to_owned)
}
