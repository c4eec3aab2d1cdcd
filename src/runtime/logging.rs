//! The log: journal, JSON or plain text, with levels that can be changed while the daemon runs.

use std::io::{self, IsTerminal};

use tracing_subscriber::{
    Layer, Registry, filter::Targets, fmt, layer::SubscriberExt, reload, util::SubscriberInitExt,
};

use super::log_writer::{Flush, LogWriter};
use crate::config::{LogConfig, LogTarget};

/// Changes the levels later.
pub struct LogHandle {
    filter: reload::Handle<Targets, Registry>,
    has_fields: bool,
}

/// To be dropped last: writes the lines that have gathered. The journal needs none.
#[must_use]
pub struct LogEnd {
    _flush: Option<Flush>,
}

impl LogHandle {
    /// Whether the log keeps fields apart from the message.
    pub fn has_fields(&self) -> bool {
        self.has_fields
    }

    /// From now on these levels count.
    pub fn set_level(&self, level: &str) -> io::Result<()> {
        self.filter.reload(targets(level)?).map_err(io::Error::other)
    }
}

/// Starts the log. Once per process.
pub fn start(config: &LogConfig) -> io::Result<(LogHandle, LogEnd)> {
    let (filter, handle) = reload::Layer::new(targets(&config.level)?);
    let registry = tracing_subscriber::registry().with(filter);
    let target = resolve(config.target);
    let (started, flush) = match target {
        LogTarget::Journald => {
            let journal = tracing_journald::layer()?.with_syslog_identifier("mail2fa".into());
            (registry.with(journal).try_init(), None)
        }
        LogTarget::Json => {
            let writer = LogWriter::start()?;
            let flush = writer.flush_at_end();
            let json = fmt::layer().json().flatten_event(true).with_writer(writer);
            (registry.with(json).try_init(), Some(flush))
        }
        LogTarget::Plain | LogTarget::Auto => {
            let writer = LogWriter::start()?;
            let flush = writer.flush_at_end();
            let plain = fmt::layer().with_writer(writer).with_ansi(io::stderr().is_terminal());
            (registry.with(plain.boxed()).try_init(), Some(flush))
        }
    };
    started.map_err(io::Error::other)?;
    let has_fields = matches!(target, LogTarget::Journald | LogTarget::Json);
    Ok((LogHandle { filter: handle, has_fields }, LogEnd { _flush: flush }))
}

/// What `Auto` means here: the journal when standard error is a stream of it.
fn resolve(target: LogTarget) -> LogTarget {
    match target {
        LogTarget::Auto if stderr_is_journal() => LogTarget::Journald,
        LogTarget::Auto => LogTarget::Plain,
        chosen => chosen,
    }
}

/// `JOURNAL_STREAM` holds device and inode of the journal's stream (systemd.exec(5)); only when
/// standard error is that very file is it the journal.
fn stderr_is_journal() -> bool {
    let Ok(stat) = nix::sys::stat::fstat(io::stderr()) else { return false };
    std::env::var("JOURNAL_STREAM")
        .is_ok_and(|stream| stream == format!("{}:{}", stat.st_dev, stat.st_ino))
}

fn targets(level: &str) -> io::Result<Targets> {
    level.parse().map_err(io::Error::other)
}
