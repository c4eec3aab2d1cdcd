//! The `mail2fa` program: everything is in the library.

fn main() {}
