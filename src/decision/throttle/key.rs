//! Whose failures are counted: a mailbox, a network, a mailbox at one place.
//!
//! Nothing here knows what is counted or how much is too much.
//!
//! # Security
//!
//! Names and addresses come from anybody. Both are well-formed types by now; a network is masked,
//! so that one network has one key however its address was written.

use std::{fmt, net::IpAddr, str::FromStr};

use crate::base::{Mailbox, NetAddress, UnixMillis};

/// A network: an address whose host bits are zero, and the number of bits that are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    address: IpAddr,
    bits: u8,
}

/// A text is not a network such as `192.0.2.0/24` or `2001:db8::/48`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a network: write an address, or an address, a slash and the number of leading bits")]
pub struct PrefixError;

impl Prefix {
    /// The network of so many leading bits that an address lies in; IPv4-mapped addresses are
    /// IPv4. Fails if the address has fewer bits.
    pub fn new(address: IpAddr, bits: u8) -> Result<Self, PrefixError> {
        let address = address.to_canonical();
        let longest = width(address);
        let host_bits = longest.checked_sub(bits).ok_or(PrefixError)?;
        let address = match address {
            IpAddr::V4(ip) => {
                let mask = u32::MAX.checked_shl(host_bits.into()).unwrap_or(0);
                IpAddr::V4((u32::from(ip) & mask).into())
            }
            IpAddr::V6(ip) => {
                let mask = u128::MAX.checked_shl(host_bits.into()).unwrap_or(0);
                IpAddr::V6((u128::from(ip) & mask).into())
            }
        };
        Ok(Self { address, bits })
    }

    /// The number of leading bits that name the network.
    pub fn bits(self) -> u8 {
        self.bits
    }

    /// Whether an address lies in the network.
    pub fn contains(self, address: IpAddr) -> bool {
        Self::new(address, self.bits).is_ok_and(|network| network == self)
    }

    /// Whether this network is the other one or a part of it.
    pub fn is_within(self, other: Self) -> bool {
        other.bits <= self.bits && other.contains(self.address)
    }

    /// The network as store keys write it, e.g. `192.0.2.0-24`: ASCII, without a slash.
    pub fn id(self) -> String {
        format!("{}-{}", self.address, self.bits)
    }
}

fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl FromStr for Prefix {
    type Err = PrefixError;

    /// Reads `192.0.2.0/24`; an address alone is the network of itself. Host bits are dropped.
    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| PrefixError)?;
        let bits = match bits {
            Some(bits) if bits.bytes().all(|b| b.is_ascii_digit()) => {
                bits.parse().map_err(|_| PrefixError)?
            }
            Some(_) => return Err(PrefixError),
            None => width(address.to_canonical()),
        };
        Self::new(address, bits)
    }
}

/// How wide a network is. The name says the same for both generations of IP: `Narrow` is what one
/// customer's one address is, the others are what somebody with more addresses has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// A mailbox, wherever its logins come from.
    Mailbox,
    /// A mailbox at one place: /32 (IPv4) or /64 (IPv6).
    Pair,
    /// /32 or /64.
    Narrow,
    /// /24 or /56.
    Wide,
    /// /48; IPv4 has none.
    Widest,
}

const V4: [u8; 2] = [32, 24];
const V6: [u8; 3] = [64, 56, 48];

/// A mailbox from the making of its record to the end of it. One that is made again under the same
/// name is another one, and what was counted for the first does not concern it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner {
    /// Its name.
    pub mailbox: Mailbox,
    /// When its record was made.
    pub since: UnixMillis,
}

/// What a counter is kept for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A mailbox, wherever its logins come from.
    Mailbox(Owner),
    /// A network, whichever mailbox its logins are for.
    Network(Prefix),
    /// A mailbox at one place.
    Pair(Owner, Prefix),
}

impl Key {
    /// What the key is for, as a word for the store: a constant, ASCII lower case.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Mailbox(_) => "throttle-mailbox",
            Self::Network(_) => "throttle-network",
            Self::Pair(..) => "throttle-pair",
        }
    }

    /// The mailbox, unless the key is for a network.
    pub fn mailbox(&self) -> Option<&Mailbox> {
        match self {
            Self::Mailbox(owner) | Self::Pair(owner, _) => Some(&owner.mailbox),
            Self::Network(_) => None,
        }
    }

    /// The network, unless the key is for a mailbox everywhere.
    pub fn network(&self) -> Option<Prefix> {
        match self {
            Self::Network(network) | Self::Pair(_, network) => Some(*network),
            Self::Mailbox(_) => None,
        }
    }

    /// What tells the keys of one kind and mailbox apart, as the store writes it: ASCII, without a
    /// slash.
    pub fn id(&self) -> String {
        match self {
            Self::Mailbox(owner) => owner.since.millis().to_string(),
            Self::Network(network) => network.id(),
            Self::Pair(owner, network) => format!("{}-{}", owner.since.millis(), network.id()),
        }
    }

    /// How wide the key is.
    pub fn scope(&self) -> Scope {
        match self {
            Self::Mailbox(_) => Scope::Mailbox,
            Self::Pair(..) => Scope::Pair,
            Self::Network(network) => match (network.address, network.bits) {
                (IpAddr::V4(_), 32..) | (IpAddr::V6(_), 64..) => Scope::Narrow,
                (IpAddr::V4(_), 0..32) | (IpAddr::V6(_), 56..64) => Scope::Wide,
                (IpAddr::V6(_), 0..56) => Scope::Widest,
            },
        }
    }
}

/// The stable text of a key: different keys have different texts, and one key has the same text in
/// every version of mail2fa. The mailbox comes last because it may contain any separator.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mailbox(owner) => write!(f, "mailbox/{}/{}", self.id(), owner.mailbox),
            Self::Network(_) => write!(f, "network/{}", self.id()),
            Self::Pair(owner, _) => write!(f, "pair/{}/{}", self.id(), owner.mailbox),
        }
    }
}

/// The keys of a login, whatever the policy says about its network: the mailbox, its pair with the
/// place, and the networks from narrow to wide. An unknown address has the mailbox only.
pub(super) fn all_keys(owner: Option<&Owner>, remote: NetAddress) -> Vec<Key> {
    let mut keys: Vec<Key> = owner.cloned().map(Key::Mailbox).into_iter().collect();
    let Some(ip) = remote.ip() else { return keys };
    let widths: &[u8] = if ip.is_ipv4() { &V4 } else { &V6 };
    let networks: Vec<Prefix> =
        widths.iter().filter_map(|bits| Prefix::new(ip, *bits).ok()).collect();
    if let (Some(owner), Some(place)) = (owner, networks.first()) {
        keys.push(Key::Pair(owner.clone(), *place));
    }
    keys.extend(networks.into_iter().map(Key::Network));
    keys
}
