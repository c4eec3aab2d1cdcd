//! Where logins come from, and codes reckoned without the code under test.

use hmac::{Hmac, KeyInit, Mac};
use mail2fa::base::{NetAddress, Service};
use sha1::Sha1;

/// An address and what it is a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub address: &'static str,
    /// What throttling takes for one customer: /32 or /64. Empty: no address.
    pub narrow: &'static str,
    /// Wider networks.
    pub wide: &'static [&'static str],
    /// The network of 24 or 56 bits, for sessions that are bound to it.
    pub network: &'static str,
}

const fn v4(address: &'static str, wide: &'static [&'static str]) -> Place {
    Place { address, narrow: address, wide, network: wide[0] }
}

/// Where owners are at home.
pub const HOMES: [Place; 3] = [
    v4("192.0.2.7", &["192.0.2"]),
    v4("192.0.2.8", &["192.0.2"]),
    Place {
        address: "2001:db8:1:1::5",
        narrow: "2001:db8:1:1",
        wide: &["2001:db8:1:0", "2001:db8:1"],
        network: "2001:db8:1:0",
    },
];

/// Where everybody else is.
pub const ELSEWHERE: [Place; 5] = [
    v4("198.51.100.9", &["198.51.100"]),
    v4("198.51.100.10", &["198.51.100"]),
    v4("203.0.113.4", &["203.0.113"]),
    Place {
        address: "2001:db8:9:1::6",
        narrow: "2001:db8:9:1",
        wide: &["2001:db8:9:0", "2001:db8:9"],
        network: "2001:db8:9:0",
    },
    Place { address: "-", narrow: "", wide: &[], network: "-" },
];

impl Place {
    pub fn net_address(self) -> NetAddress {
        NetAddress::parse(self.address)
    }
}

/// The number of what webmails exchange.
pub const EXCHANGE: usize = 5;

/// The services, as a number of the table.
pub fn service(number: usize) -> Service {
    if number == EXCHANGE {
        return Service::Webmail;
    }
    Service::parse(["imap", "smtp", "pop3", "sieve", "chat"][number % 5])
}

/// RFC 4226, six digits.
pub fn code(secret: &[u8], step: u64) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret).unwrap();
    mac.update(&step.to_be_bytes());
    let hash = mac.finalize().into_bytes();
    let at = usize::from(hash[19] & 15);
    let number = u32::from_be_bytes(hash[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

/// The steps around a moment (milliseconds) whose code this is.
pub fn steps_of(secret: &[u8], digits: &str, millis: u64) -> Vec<u64> {
    let present = millis / 30_000;
    (present - 1..=present + 1).filter(|step| code(secret, *step) == digits).collect()
}

/// What is left when six digits are cut off, also typed as `189 145`, and the digits.
pub fn cut_code(typed: &str) -> Option<(&str, String)> {
    let digits = |text: &str| text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit());
    let at = |tail: usize| typed.len().checked_sub(tail).filter(|at| typed.is_char_boundary(*at));
    if let Some((password, code)) = at(6).map(|at| typed.split_at(at))
        && digits(code)
    {
        return Some((password, code.into()));
    }
    let (password, spaced) = typed.split_at(at(7)?);
    let code = spaced.replacen(' ', "", 1);
    (digits(&code) && spaced.as_bytes()[3] == b' ').then_some((password, code))
}

/// The same for what is as long as a recovery code and has its dash.
pub fn cut_recovery(typed: &str) -> Option<(&str, String)> {
    let at = typed.len().checked_sub(11).filter(|at| typed.is_char_boundary(*at))?;
    let (password, code) = typed.split_at(at);
    (code.as_bytes()[5] == b'-').then(|| (password, code.to_lowercase()))
}

/// An app password without what is only there for the eye.
pub fn bare_app_password(typed: &str) -> String {
    typed.chars().filter(|c| *c != '-' && *c != ' ').collect::<String>().to_lowercase()
}
