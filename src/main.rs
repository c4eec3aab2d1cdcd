//! The `mail2fa` program: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    mail2fa::cli::run()
}
