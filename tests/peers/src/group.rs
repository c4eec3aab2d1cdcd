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

/// How long a server may take to stop after SIGTERM before it is killed: longer than mail2fa gives the logins, the
/// notices and the trail that it finishes first (src/base/limits.rs).
const STOP_PATIENCE: Duration = Duration::from_secs(45);

/// How long its children may outlive it.
const CHILD_PATIENCE: Duration = Duration::from_secs(2);

const POLL: Duration = Duration::from_millis(10);

/// A running process group. Dropping it stops all of it.
#[derive(Debug)]
pub struct Group {
    folder: Arc<Folder>,
    child: Child,
    id: Pid,
    master: Option<Pid>,
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
        Ok(Self { folder: Arc::clone(folder), child, id, master: None, status: None })
    }

    /// Names the process that does the work and that stops it all on SIGTERM, when it is not the
    /// leader and has left the group for one of its own.
    pub fn adopt(&mut self, master: i32) {
        self.master = Some(Pid::from_raw(master));
        self.folder.add_group(master);
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

    /// Sends a signal to the working process alone.
    ///
    /// # Errors
    /// When it is gone.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        kill(self.worker(), signal).context("the process is gone")
    }

    /// Ends the whole group at once, as a crash would.
    pub fn kill(mut self) {
        self.signal_all(Signal::SIGKILL);
        self.wait_until_gone(STOP_PATIENCE);
    }

    /// Stops the working process with SIGTERM and then, as systemd does, whatever it left behind.
    /// Gives the leader's exit status.
    pub fn stop(mut self) -> Option<ExitStatus> {
        self.stop_in_place(STOP_PATIENCE, CHILD_PATIENCE);
        self.status
    }

    fn stop_in_place(&mut self, leader: Duration, children: Duration) {
        if self.ended().is_none() {
            let _ = kill(self.worker(), Signal::SIGTERM);
        }
        let start = Instant::now();
        while self.ended().is_none() && start.elapsed() < leader {
            sleep(POLL);
        }
        if !self.wait_until_gone(children) {
            self.signal_all(Signal::SIGKILL);
            self.wait_until_gone(STOP_PATIENCE);
        }
        for group in self.groups() {
            self.folder.forget_group(group.as_raw());
        }
    }

    fn worker(&self) -> Pid {
        self.master.unwrap_or(self.id)
    }

    fn groups(&self) -> impl Iterator<Item = Pid> + use<> {
        [Some(self.id), self.master].into_iter().flatten()
    }

    fn signal_all(&self, signal: Signal) {
        for group in self.groups() {
            let _ = killpg(group, signal);
        }
    }

    fn wait_until_gone(&mut self, patience: Duration) -> bool {
        let start = Instant::now();
        while start.elapsed() < patience {
            // The leader stays a zombie, and with it the group, until it is waited for.
            if self.ended().is_some() && self.groups().all(|group| killpg(group, None).is_err()) {
                return true;
            }
            sleep(POLL);
        }
        false
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Nobody looks any more: Dovecot's own way of stopping takes three seconds.
        self.stop_in_place(POLL * 20, POLL * 20);
    }
}
