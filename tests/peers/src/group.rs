//! A server process with all its children, as one process group.

use std::fs::OpenOptions;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use crate::folder::Folder;

/// How long a server may take to stop after SIGTERM before it is killed.
const STOP_PATIENCE: Duration = Duration::from_secs(15);

/// A running process group. Dropping it stops all of it.
#[derive(Debug)]
pub struct Group {
    folder: Arc<Folder>,
    child: Child,
    id: Pid,
    status: Option<ExitStatus>,
}

impl Group {
    /// Starts `command` as the leader of a new process group, so that Ctrl-C in the terminal does
    /// not reach it, with no input and its output appended to `log`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(folder: &Arc<Folder>, mut command: Command, log: &Path) -> Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let id = Pid::from_raw(i32::try_from(child.id())?);
        folder.add_group(id.as_raw());
        Ok(Self { folder: Arc::clone(folder), child, id, status: None })
    }

    /// The process id of the leader.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The exit status, when the leader has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.child.try_wait().ok().flatten();
        }
        self.status
    }

    /// Sends a signal to the leader alone.
    ///
    /// # Errors
    /// When the leader is gone.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        kill(self.id, signal).context("the process is gone")
    }

    /// Ends the whole group at once, as a crash would.
    pub fn kill(mut self) {
        let _ = killpg(self.id, Signal::SIGKILL);
        self.wait_until_gone(STOP_PATIENCE);
    }

    /// Stops the leader with SIGTERM, waits for the group and kills what is left of it. Gives the
    /// leader's exit status.
    pub fn stop(mut self) -> Option<ExitStatus> {
        self.stop_in_place();
        self.status
    }

    fn stop_in_place(&mut self) {
        if self.ended().is_none() {
            let _ = kill(self.id, Signal::SIGTERM);
        }
        if !self.wait_until_gone(STOP_PATIENCE) {
            let _ = killpg(self.id, Signal::SIGKILL);
            self.wait_until_gone(STOP_PATIENCE);
        }
        self.folder.forget_group(self.id.as_raw());
    }

    fn wait_until_gone(&mut self, patience: Duration) -> bool {
        let start = Instant::now();
        while start.elapsed() < patience {
            // The leader stays a zombie, and with it the group, until it is waited for.
            if self.ended().is_some() && killpg(self.id, None).is_err() {
                return true;
            }
            sleep(Duration::from_millis(10));
        }
        false
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.stop_in_place();
    }
}
