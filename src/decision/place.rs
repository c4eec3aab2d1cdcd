//! Where a login comes from, as far as decisions look at it.

use std::{fmt, net::IpAddr};

use crate::base::{NetAddress, Service, UnixMillis};

/// A use of a session or app password: when, from where, for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// When.
    pub at: UnixMillis,
    /// From where.
    pub from: NetAddress,
    /// For which service.
    pub service: Service,
}

impl Use {
    /// Whether another use is so much like this one that it need not be written down: the same
    /// address and service, within the hour.
    pub fn is_recent(&self, other: &Self) -> bool {
        let age = other.at.seconds().checked_sub(self.at.seconds());
        let soon = age.is_some_and(|seconds| seconds < NOTE_SECONDS);
        soon && self.from == other.from && self.service == other.service
    }
}

/// Seconds between two notes of the same use.
const NOTE_SECONDS: u64 = 3_600;

/// An IP network: an address and how many of its leading bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    /// Bits that do not count are zero.
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// The network of so many bits around an address; more bits than it has mean all of them.
    pub fn around(address: IpAddr, prefix: u8) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => {
                let prefix = prefix.min(32);
                let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
                Self { address: IpAddr::V4((v4.to_bits() & mask).into()), prefix }
            }
            IpAddr::V6(v6) => {
                let prefix = prefix.min(128);
                let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
                Self { address: IpAddr::V6((v6.to_bits() & mask).into()), prefix }
            }
        }
    }

    /// Reads `192.0.2.0/24`, `2001:db8::/32`, or a single address. Bits beyond the prefix must
    /// be zero: `192.0.2.7/24` is a mistake for either of two things.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u8>().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(bits);
        let network = Self::around(address, prefix);
        (prefix <= bits && network.address == address).then_some(network)
    }

    /// Its first address.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// How many leading bits name it.
    pub fn bits(&self) -> u8 {
        self.prefix
    }

    /// Whether any address lies in both.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.contains(other.address) || other.contains(self.address)
    }

    /// Whether it has fewer leading bits than these, for IPv4 and IPv6.
    pub fn is_wider_than(&self, v4: u8, v6: u8) -> bool {
        self.prefix < if self.address.is_ipv4() { v4 } else { v6 }
    }

    /// Whether an address lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && Self::around(address, self.prefix) == *self
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// How closely a session is bound to where it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// The very address.
    Address,
    /// The network of these many bits, for IPv4 and IPv6.
    Prefix {
        /// Bits of an IPv4 address.
        v4: u8,
        /// Bits of an IPv6 address.
        v6: u8,
    },
    /// Not at all.
    None,
}

/// The place a session is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// Anywhere.
    Anywhere,
    /// This network.
    Network(Network),
    /// The peer named no address: only logins without one are from here.
    Unknown,
}

impl Binding {
    /// The place of a login under this binding.
    pub fn place(self, from: NetAddress) -> Place {
        let bits = match self {
            Self::None => return Place::Anywhere,
            Self::Address => (32, 128),
            Self::Prefix { v4, v6 } => (v4, v6),
        };
        match from.ip() {
            None => Place::Unknown,
            Some(ip) => {
                Place::Network(Network::around(ip, if ip.is_ipv4() { bits.0 } else { bits.1 }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_strictly() {
        for (text, shown) in
            [("192.0.2.0/24", "192.0.2.0/24"), ("192.0.2.7", "192.0.2.7/32"), ("::/0", "::/0")]
        {
            assert_eq!(Network::parse(text).unwrap().to_string(), shown);
        }
        for text in ["", "x", "192.0.2.7/24", "192.0.2.0/33", "2001:db8::1/64", "1.2.3.4/"] {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }

    #[test]
    fn addresses_lie_in_networks_of_their_family() {
        let net = Network::parse("192.0.2.0/24").unwrap();
        assert!(net.contains("192.0.2.255".parse().unwrap()));
        assert!(net.contains("::ffff:192.0.2.1".parse().unwrap()));
        assert!(!net.contains("192.0.3.0".parse().unwrap()));
        assert!(!Network::parse("::/0").unwrap().contains("192.0.2.1".parse().unwrap()));
        let overlap = |a, b| Network::parse(a).unwrap().overlaps(&Network::parse(b).unwrap());
        assert!(overlap("192.0.2.0/24", "192.0.2.7") && overlap("192.0.2.7", "192.0.0.0/16"));
        assert!(!overlap("192.0.2.0/24", "192.0.3.0/24") && !overlap("0.0.0.0/0", "::/0"));
    }

    #[test]
    fn a_place_is_as_wide_as_its_binding() {
        let prefix = Binding::Prefix { v4: 24, v6: 64 };
        let (a, b) = (NetAddress::parse("192.0.2.1"), NetAddress::parse("192.0.2.2"));
        assert_eq!(prefix.place(a), prefix.place(b));
        assert_ne!(Binding::Address.place(a), Binding::Address.place(b));
        assert_eq!(Binding::None.place(a), Binding::None.place(NetAddress::UNKNOWN));
        assert_eq!(prefix.place(NetAddress::UNKNOWN), Place::Unknown);
        assert_ne!(prefix.place(a), Place::Unknown);
    }
}
