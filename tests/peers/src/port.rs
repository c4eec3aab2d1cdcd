//! Free loopback ports that two test processes never share.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Context, Result, bail};

/// A TCP port on 127.0.0.1 that nobody listened on when it was taken. The UDP port of the same
/// number is held as long as this lives, so that no other instance takes it in the meantime.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _held: UdpSocket,
}

static NEXT: AtomicU16 = AtomicU16::new(0);

impl Port {
    /// Takes a free port from `MAIL2FA_PEER_PORTS` (as `23000-23999`), or from 20000-29999.
    ///
    /// # Errors
    /// When the range is malformed or has no free port.
    pub fn take() -> Result<Self> {
        let (low, high) = range()?;
        let size = high - low + 1;
        let start = u16::try_from(std::process::id() % u32::from(size))?;
        for _ in 0..size {
            let offset = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % size;
            let number = low + offset;
            let Ok(held) = UdpSocket::bind((Ipv4Addr::LOCALHOST, number)) else { continue };
            if TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok() {
                return Ok(Self { number, _held: held });
            }
        }
        bail!("no free port in {low}-{high}")
    }

    /// The number.
    pub fn number(&self) -> u16 {
        self.number
    }
}

fn range() -> Result<(u16, u16)> {
    let Ok(text) = std::env::var("MAIL2FA_PEER_PORTS") else { return Ok((20_000, 29_999)) };
    let (low, high) = text.split_once('-').context("MAIL2FA_PEER_PORTS is LOW-HIGH")?;
    let (low, high) = (low.trim().parse()?, high.trim().parse()?);
    if low > high {
        bail!("MAIL2FA_PEER_PORTS is LOW-HIGH, with LOW first");
    }
    Ok((low, high))
}
