//! Waiting for something to become true, with an end.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How long anything may take that normally takes less than a second. Generous, because the
/// machine may be busy with other tests.
pub const PATIENCE: Duration = Duration::from_secs(90);

const STEP: Duration = Duration::from_millis(20);

/// Asks `probe` again and again until it gives a value.
///
/// # Errors
/// When [`PATIENCE`] is over; `what` says what was waited for.
pub fn until<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(found) = probe() {
            return Ok(found);
        }
        if start.elapsed() > PATIENCE {
            bail!("waited {} s in vain for {what}", PATIENCE.as_secs());
        }
        sleep(STEP);
    }
}

/// Waits until the file holds `text`.
///
/// # Errors
/// As [`until`].
pub fn until_file_has(file: &Path, text: &str) -> Result<()> {
    until(&format!("\"{text}\" in {}", file.display()), || {
        let bytes = std::fs::read(file).ok()?;
        String::from_utf8_lossy(&bytes).contains(text).then_some(())
    })
}
