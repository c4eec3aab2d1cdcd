//! Who is at the other end: the process on a socket, and the address a login is said to come from.
//!
//! # Security
//!
//! An address (`rip=`) is what the peer says. It is believed only because the socket it arrives
//! on can be opened by nobody but the mail server (owner, group and mode of the listener).

use std::{fmt, net::IpAddr};

/// The process at the other end of a Unix socket, from `SO_PEERCRED`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerCredentials {
    /// Process id; 0 if it is not visible from here.
    pub pid: i32,
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

impl fmt::Display for PeerCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pid={} uid={} gid={}", self.pid, self.uid, self.gid)
    }
}

/// The remote address of a login, if the peer named one that can be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NetAddress(Option<IpAddr>);

impl NetAddress {
    /// No address: the peer named none, or one that is not an IP address.
    pub const UNKNOWN: Self = Self(None);

    /// Reads `192.0.2.1`, `2001:db8::1` or an IPv4-mapped IPv6 address, which becomes IPv4.
    pub fn parse(text: &str) -> Self {
        Self(text.parse::<IpAddr>().ok().map(|ip| ip.to_canonical()))
    }

    /// The address, if there is one.
    pub fn ip(self) -> Option<IpAddr> {
        self.0
    }
}

impl From<IpAddr> for NetAddress {
    fn from(ip: IpAddr) -> Self {
        Self(Some(ip.to_canonical()))
    }
}

impl fmt::Display for NetAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(ip) => ip.fmt(f),
            None => f.write_str("unknown"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_addresses_are_ipv4() {
        assert_eq!(NetAddress::parse("::ffff:192.0.2.1"), NetAddress::parse("192.0.2.1"));
        assert_eq!(NetAddress::parse("not an address"), NetAddress::UNKNOWN);
    }
}
