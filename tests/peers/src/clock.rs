//! A clock for mail2fa that a test moves ahead by hours.
//!
//! libfaketime is loaded into the daemon and adds the number in a file to the time of day that the
//! daemon is told. The time that timeouts go by (`CLOCK_MONOTONIC`) is left alone, so nothing
//! waits longer or shorter than usual. All other programs keep the real time.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};

use crate::codes;
use crate::folder::Folder;

/// libfaketime leaves files in /dev/shm behind when its program is killed: it gets a /dev/shm of its
/// own, which goes with the process.
const ENTER: &str = "mount -t tmpfs tmpfs /dev/shm && exec \"$@\"";

/// How far the time is ahead of the real one.
#[derive(Debug)]
pub struct Clock {
    library: PathBuf,
    file: PathBuf,
    ahead_seconds: AtomicU64,
}

impl Clock {
    /// A clock that shows the real time.
    ///
    /// # Errors
    /// When libfaketime is not installed.
    pub fn new(folder: &Folder) -> Result<Self> {
        let clock = Self {
            library: library()?,
            file: folder.path().join("ahead"),
            ahead_seconds: AtomicU64::new(0),
        };
        clock.write(0)?;
        Ok(clock)
    }

    /// Moves the time ahead.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn forward(&self, seconds: u64) -> Result<()> {
        let before = self.ahead_seconds.fetch_add(seconds, Ordering::SeqCst);
        self.write(before + seconds)
    }

    /// Unix time in seconds, as this clock shows it.
    pub fn now_seconds(&self) -> u64 {
        codes::now_seconds() + self.ahead_seconds.load(Ordering::SeqCst)
    }

    /// The same command, under this clock.
    pub(crate) fn over(&self, command: &Command) -> Command {
        let mut inside = Command::new("unshare");
        inside.args(["--mount", "--propagation", "private", "/bin/sh", "-c", ENTER, "enter"]);
        inside.args(["env", "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1"]);
        inside.arg(setting("FAKETIME_TIMESTAMP_FILE", &self.file));
        inside.arg(setting("LD_PRELOAD", &self.library));
        inside.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                inside.env(name, value);
            }
        }
        inside
    }

    /// A new file each time, so that nobody reads half of it.
    fn write(&self, seconds: u64) -> Result<()> {
        let new = self.file.with_extension("new");
        std::fs::write(&new, format!("+{seconds}\n"))?;
        std::fs::rename(&new, &self.file)?;
        Ok(())
    }
}

fn setting(name: &str, path: &Path) -> std::ffi::OsString {
    let mut text = std::ffi::OsString::from(name);
    text.push("=");
    text.push(path);
    text
}

/// Debian puts it below the folder of the machine's kind.
fn library() -> Result<PathBuf> {
    std::fs::read_dir("/usr/lib")?
        .flatten()
        .map(|entry| entry.path().join("faketime/libfaketimeMT.so.1"))
        .find(|path| path.exists())
        .context("libfaketime is missing: run tests/run")
}
