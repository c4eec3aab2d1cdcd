//! Where `tests/setup` puts what is not a Debian package.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

/// `$MAIL2FA_PEER_CACHE`, or a folder below the build folder.
pub fn folder() -> PathBuf {
    std::env::var_os("MAIL2FA_PEER_CACHE").map_or_else(
        || {
            std::env::var_os("CARGO_TARGET_DIR")
                .map_or_else(
                    || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"),
                    PathBuf::from,
                )
                .join("peers")
        },
        PathBuf::from,
    )
}

/// A file or folder in it.
///
/// # Errors
/// When it is not there, with the option of `tests/setup` that gets it.
pub fn find(path: &str, option: &str) -> Result<PathBuf> {
    let found = folder().join(path);
    ensure!(
        found.exists(),
        "{} is missing: run tests/run, or tests/setup {option} alone",
        found.display()
    );
    Ok(std::fs::canonicalize(found)?)
}
