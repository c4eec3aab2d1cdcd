//! Codes of an authenticator app, from oathtool.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};

use crate::clock::Clock;

/// Seconds that a code lives.
const STEP_SECONDS: u64 = 30;

/// A step that ends sooner than this is not used at the edge of the window: the login might come
/// too late on a busy machine, above all where the code is typed in wrong places first.
const MARGIN_SECONDS: u64 = 15;

/// The authenticator app of one mailbox. It never gives the same code twice, and it uses all of
/// the window of one step to either side, oldest first, so that three codes come without waiting.
#[derive(Debug)]
pub struct Codes {
    secret: String,
    clock: Option<Arc<Clock>>,
    last_step: u64,
}

impl Codes {
    /// An app with the secret in base32.
    pub fn new(secret: impl Into<String>) -> Self {
        Self { secret: secret.into(), clock: None, last_step: 0 }
    }

    /// Goes by another clock than the real one.
    #[must_use]
    pub fn with_clock(mut self, clock: Option<Arc<Clock>>) -> Self {
        self.clock = clock;
        self
    }

    fn now_seconds(&self) -> u64 {
        self.clock.as_ref().map_or_else(now_seconds, |clock| clock.now_seconds())
    }

    /// The secret in base32.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// A code that was not given before and that is good for some seconds to come.
    ///
    /// # Errors
    /// When oathtool fails.
    pub fn fresh(&mut self) -> Result<String> {
        loop {
            let now = self.now_seconds();
            let current = now / STEP_SECONDS;
            let left = STEP_SECONDS - now % STEP_SECONDS;
            let oldest = if left > MARGIN_SECONDS { current - 1 } else { current };
            let step = oldest.max(self.last_step + 1);
            if step <= current + 1 {
                self.last_step = step;
                return self.at(step);
            }
            sleep(Duration::from_secs(1));
        }
    }

    /// The code that the app shows now, which a login may have only once.
    ///
    /// # Errors
    /// When oathtool fails.
    pub fn present(&mut self) -> Result<String> {
        self.last_step = self.now_seconds() / STEP_SECONDS;
        self.at(self.last_step)
    }

    /// The code of a step that lies `steps` away from now, used or not.
    ///
    /// # Errors
    /// When oathtool fails.
    pub fn away(&self, steps: i64) -> Result<String> {
        let current = self.now_seconds() / STEP_SECONDS;
        self.at(current.checked_add_signed(steps).context("before 1970")?)
    }

    /// A code that is wrong now and in all steps near.
    ///
    /// # Errors
    /// When oathtool fails.
    pub fn wrong(&self) -> Result<String> {
        let near: Vec<String> = (-3..=3).map(|steps| self.away(steps)).collect::<Result<_>>()?;
        (0..1_000_000)
            .map(|number| format!("{number:06}"))
            .find(|code| !near.contains(code))
            .context("all codes are right")
    }

    fn at(&self, step: u64) -> Result<String> {
        let mut child = Command::new("oathtool")
            .args(["--totp", "--base32", "--now", &format!("@{}", step * STEP_SECONDS), "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start oathtool: run tests/run")?;
        if let Some(mut pipe) = child.stdin.take() {
            writeln!(pipe, "{}", self.secret)?;
        }
        let output = child.wait_with_output()?;
        ensure!(output.status.success(), "oathtool failed");
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }
}

/// Unix time in seconds.
pub fn now_seconds() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "an authenticator app has the real clock")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}
