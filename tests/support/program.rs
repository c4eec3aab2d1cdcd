//! A small program that a test writes and somebody runs.

use std::path::Path;

use crate::fed::fed;

/// Writes a program for the shell.
///
/// Not by this process: whatever another test starts at that moment has the file open for writing until it runs, and
/// the system does not run a file that somebody may write (execve(2), `ETXTBSY`).
pub fn write(path: &Path, lines: &str) {
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "cat > \"$1\" && chmod 0755 \"$1\"", "sh"]).arg(path);
    let written = fed(&mut shell, &format!("#!/bin/sh\n{lines}\n"));
    assert!(written.status.success(), "{written:?}");
}
