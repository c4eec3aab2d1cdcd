//! What the server side keeps of an exchange that the upstream decides, and its bounds.

use crate::{
    base::{
        RelayedMechanism, Secret,
        limits::{RELAYED_BYTES, RELAYED_ROUNDS},
    },
    wire::{parameters::Parameters, sasl::Rejection},
};

/// One such exchange.
#[derive(Debug)]
pub(super) struct Relaying {
    pub mechanism: RelayedMechanism,
    /// For the log, should it end here.
    pub parameters: Parameters,
    /// Whether the mail client was asked for more.
    pub awaiting: bool,
    rounds: usize,
    bytes: usize,
}

impl Relaying {
    /// Begins with the initial response, if there is one.
    pub fn new(
        mechanism: RelayedMechanism,
        parameters: Parameters,
        initial: Option<&Secret>,
    ) -> Self {
        let bytes = initial.map_or(0, Secret::len);
        Self { mechanism, parameters, awaiting: false, rounds: 0, bytes }
    }

    /// Counts a response that was asked for.
    pub fn take(&mut self, response: &Secret) -> Result<(), Rejection> {
        self.awaiting = false;
        self.rounds += 1;
        self.bytes = self.bytes.saturating_add(response.len());
        if self.rounds > RELAYED_ROUNDS || self.bytes > RELAYED_BYTES {
            return Err(Rejection::TooLong);
        }
        Ok(())
    }
}
