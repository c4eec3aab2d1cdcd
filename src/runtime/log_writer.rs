//! Log lines on their way to standard error: gathered in memory, written by a thread of their own.
//!
//! A login must not wait for its log, whatever is at the other end of it: a pipe that nobody reads, a
//! slow disk. Lines are therefore appended to a bounded buffer, and the thread writes what has
//! gathered every few milliseconds; warnings and errors at once. When the buffer is full, lines are
//! dropped, counted, and the count is written as soon as there is room again.
//!
//! A process that is killed loses the lines of the last [`LINGER`]. A daemon that ends on its own writes
//! everything first: see [`Flush`].

use std::{
    io::{self, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

use crate::base::limits::LOG_BUFFER_BYTES;

/// How long lines gather. A line costs a wake-up only when none was written for that long.
const LINGER: Duration = Duration::from_millis(10);

/// Where the lines go.
type Sink = Box<dyn Write + Send>;

/// Takes lines; cheap to clone.
#[derive(Clone)]
pub(super) struct LogWriter {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    wake: Condvar,
    /// Held while writing, so that lines stay in order.
    out: Mutex<Out>,
}

struct Out {
    sink: Sink,
    /// Changes places with `State::pending`, so that neither is allocated anew each time.
    lines: Vec<u8>,
}

#[derive(Default)]
struct State {
    pending: Vec<u8>,
    lost: u64,
    urgent: bool,
    /// The daemon is ending: lines are written by whoever has them.
    direct: bool,
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LogWriter {
    /// Starts the thread that writes to standard error.
    pub(super) fn start() -> io::Result<Self> {
        Self::with_sink(Box::new(io::stderr()))
    }

    fn with_sink(sink: Sink) -> io::Result<Self> {
        let writer = Self::idle(sink);
        let shared = Arc::clone(&writer.shared);
        std::thread::Builder::new().name("log".into()).spawn(move || shared.run())?;
        Ok(writer)
    }

    fn idle(sink: Sink) -> Self {
        let shared = Shared {
            state: Mutex::default(),
            wake: Condvar::new(),
            out: Mutex::new(Out { sink, lines: Vec::new() }),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Writes everything when it is dropped, and from then on each line at once.
    pub(super) fn flush_at_end(&self) -> Flush {
        Flush { shared: Arc::clone(&self.shared) }
    }
}

/// Writes what has gathered when it is dropped.
#[must_use]
pub(super) struct Flush {
    shared: Arc<Shared>,
}

impl Drop for Flush {
    fn drop(&mut self) {
        lock(&self.shared.state).direct = true;
        self.shared.write_pending();
    }
}

impl Shared {
    fn take_line(&self, line: &[u8], urgent: bool) {
        let mut state = lock(&self.state);
        if state.pending.len() + line.len() > LOG_BUFFER_BYTES {
            state.lost += 1;
            return;
        }
        let wake = state.pending.is_empty() || (urgent && !state.urgent);
        state.pending.extend_from_slice(line);
        state.urgent |= urgent;
        let direct = state.direct;
        drop(state);
        if direct {
            self.write_pending();
        } else if wake {
            self.wake.notify_one();
        }
    }

    fn run(&self) {
        loop {
            let state = lock(&self.state);
            let waited = self.wake.wait_while(state, |state| state.pending.is_empty());
            let state = waited.unwrap_or_else(PoisonError::into_inner);
            // Let more lines gather, unless one is urgent.
            drop(self.wake.wait_timeout_while(state, LINGER, |state| !state.urgent));
            self.write_pending();
        }
    }

    fn write_pending(&self) {
        let mut out = lock(&self.out);
        let Out { sink, lines } = &mut *out;
        let lost = {
            let mut state = lock(&self.state);
            state.urgent = false;
            std::mem::swap(&mut state.pending, lines);
            std::mem::take(&mut state.lost)
        };
        // There is nobody to whom a log that cannot be written could be told.
        let _ = sink.write_all(lines);
        if lost > 0 {
            let _ = writeln!(
                sink,
                "mail2fa: {lost} log lines were lost: the log is not taken fast enough"
            );
        }
        let _ = sink.flush();
        lines.clear();
    }
}

/// One event's way into the buffer: the formatter writes a whole line with one call.
pub(super) struct Line<'a> {
    shared: &'a Shared,
    urgent: bool,
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.shared.take_line(line, self.urgent);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { shared: &self.shared, urgent: true }
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Line<'a> {
        Line { shared: &self.shared, urgent: *meta.level() <= Level::WARN }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            lock(&self.0).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Written {
        fn text(&self) -> String {
            String::from_utf8(lock(&self.0).clone()).unwrap()
        }
    }

    #[test]
    fn the_end_writes_everything_in_order() {
        let written = Written::default();
        // No thread: only the end can have written it.
        let writer = LogWriter::idle(Box::new(written.clone()));
        let end = writer.flush_at_end();
        writer.make_writer().write_all(b"first\n").unwrap();
        writer.make_writer().write_all(b"second\n").unwrap();
        assert_eq!(written.text(), "");
        drop(end);
        assert_eq!(written.text(), "first\nsecond\n");
        writer.make_writer().write_all(b"third\n").unwrap();
        assert_eq!(written.text(), "first\nsecond\nthird\n");
    }

    #[test]
    fn lines_beyond_the_bound_are_counted_and_told() {
        let written = Written::default();
        let writer = LogWriter::idle(Box::new(written.clone()));
        let line = vec![b'x'; LOG_BUFFER_BYTES];
        writer.shared.take_line(&line, false);
        writer.shared.take_line(b"lost\n", false);
        writer.shared.take_line(b"lost too\n", true);
        writer.shared.write_pending();
        writer.shared.take_line(b"again\n", false);
        writer.shared.write_pending();
        let text = written.text();
        let rest = text.trim_start_matches('x');
        assert_eq!(
            rest,
            "mail2fa: 2 log lines were lost: the log is not taken fast enough\nagain\n"
        );
    }

    #[test]
    fn the_thread_writes_on_its_own() {
        struct Told(std::sync::mpsc::Sender<Vec<u8>>);
        impl Write for Told {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.send(bytes.to_vec()).map_err(io::Error::other)?;
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (sender, receiver) = std::sync::mpsc::channel();
        let writer = LogWriter::with_sink(Box::new(Told(sender))).unwrap();
        for urgent in [false, true, false] {
            writer.shared.take_line(b"line\n", urgent);
            assert_eq!(receiver.recv().unwrap(), b"line\n");
        }
    }
}
