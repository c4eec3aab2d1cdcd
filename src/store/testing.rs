//! What the unit tests of this room share.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::{Rng, clock::RngError};

/// Bytes that differ each time and are the same in each run.
pub(crate) struct CountingRng {
    state: AtomicU64,
    broken: bool,
}

impl CountingRng {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: AtomicU64::new(seed << 32), broken: false }
    }

    pub(crate) fn broken() -> Self {
        Self { state: AtomicU64::new(0), broken: true }
    }
}

impl Rng for CountingRng {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RngError> {
        if self.broken {
            return Err(RngError);
        }
        for chunk in buffer.chunks_mut(8) {
            // splitmix64
            let mut z = self.state.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            chunk.copy_from_slice(&z.to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}
