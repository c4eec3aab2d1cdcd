//! What both sides of a connection are made of: bytes are cut into lines, each line goes to the side's
//! machine, and what is fatal ends it for good.
//!
//! It knows no command and no reply: those are the machines'.
//!
//! # Security
//!
//! After something fatal nothing more is read, what was received is wiped, and every further
//! question has the same answer: a connection is never resynchronised.

use super::{error::Fatal, frame::Framer};

/// What a side makes of the lines it is sent.
pub(super) trait Machine {
    /// What comes of a line.
    type Event;

    /// Whether the next line may be looked at now.
    fn reads_on(&self) -> Result<bool, Fatal>;

    /// Takes one line, without its end.
    fn handle(&mut self, line: &[u8]) -> Result<Option<Self::Event>, Fatal>;

    /// Forgets all requests: the connection is over.
    fn close(&mut self);
}

/// One side of one connection.
#[derive(Debug, Default)]
pub(super) struct Side<M> {
    framer: Framer,
    fatal: Option<Fatal>,
    /// What it makes of lines.
    pub(super) machine: M,
}

impl<M: Machine> Side<M> {
    /// A new connection.
    pub(super) fn new(machine: M) -> Self {
        Self { framer: Framer::new(), fatal: None, machine }
    }

    /// How many bytes [`Side::receive`] takes now.
    pub(super) fn room(&self) -> usize {
        self.framer.room()
    }

    /// Takes bytes that were read, at most [`Side::room`]; more are fatal.
    pub(super) fn receive(&mut self, bytes: &[u8]) {
        if self.fatal.is_none()
            && let Err(error) = self.framer.push(bytes)
        {
            self.end(error.into());
        }
    }

    /// The next event; `None` when more bytes are needed, or the machine does not read on.
    pub(super) fn poll(&mut self) -> Result<Option<M::Event>, Fatal> {
        if let Some(fatal) = self.fatal {
            return Err(fatal);
        }
        let result = self.step();
        if let Err(fatal) = result {
            self.end(fatal);
        }
        result
    }

    fn step(&mut self) -> Result<Option<M::Event>, Fatal> {
        while self.machine.reads_on()? {
            let Some(line) = self.framer.next_line()? else {
                return Ok(None);
            };
            if let Some(event) = self.machine.handle(line)? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    fn end(&mut self, fatal: Fatal) {
        self.fatal = Some(fatal);
        self.framer.clear();
        self.machine.close();
    }
}
