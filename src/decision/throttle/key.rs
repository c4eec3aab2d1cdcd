//! Whose failures are counted: a mailbox, a network, a mailbox at one place.
//!
//! Nothing here knows what is counted or how much is too much.
//!
//! # Security
//!
//! Names and addresses come from anybody. Both are well-formed types by now; a network is masked,
//! so that one network has one key however its address was written.

use std::fmt;

use crate::{
    base::{Mailbox, NetAddress, UnixMillis},
    decision::place::Network,
};

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
    Network(Network),
    /// A mailbox at one place.
    Pair(Owner, Network),
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
    pub fn network(&self) -> Option<Network> {
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
            Self::Network(network) => id(*network),
            Self::Pair(owner, network) => format!("{}-{}", owner.since.millis(), id(*network)),
        }
    }

    /// How wide the key is.
    pub fn scope(&self) -> Scope {
        match self {
            Self::Mailbox(_) => Scope::Mailbox,
            Self::Pair(..) => Scope::Pair,
            Self::Network(network) if !network.is_wider_than(32, 64) => Scope::Narrow,
            Self::Network(network) if !network.is_wider_than(0, 56) => Scope::Wide,
            Self::Network(_) => Scope::Widest,
        }
    }
}

/// A network as store keys write it, `192.0.2.0-24`: ASCII, without a slash.
fn id(network: Network) -> String {
    format!("{}-{}", network.address(), network.bits())
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
    let networks: Vec<Network> = widths.iter().map(|bits| Network::around(ip, *bits)).collect();
    if let (Some(owner), Some(place)) = (owner, networks.first()) {
        keys.push(Key::Pair(owner.clone(), *place));
    }
    keys.extend(networks.into_iter().map(Key::Network));
    keys
}
