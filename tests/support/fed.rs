//! Runs a command with text on its standard input, and waits for its end.

use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
};

/// What it said and how it ended.
pub fn fed(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Closed early when the program does not read: that is its right.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}
