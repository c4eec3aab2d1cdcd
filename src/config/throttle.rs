//! `[throttle]`: who must wait after failures.

use std::net::IpAddr;

use toml::de::DeValue;

use super::{
    raw::{Report, Section, kind},
    values,
};
use crate::{
    base::limits::SHARED_NETWORKS,
    decision::{
        place::Network,
        throttle::{Prefix, Settings, ThrottlePolicy},
    },
};

/// Reads the section; `None` when throttling is switched off.
pub(super) fn throttle(mut section: Section<'_>, report: &mut Report) -> Option<ThrottlePolicy> {
    let enabled = section.read("enabled", report, values::flag).unwrap_or(true);
    let shared_networks = section.read("shared_networks", report, networks).unwrap_or_default();
    let policy = ThrottlePolicy::new(Settings { shared_networks, ..Settings::default() });
    section.finish(report);
    // The default numbers pass; a test of theirs says so.
    policy.ok().filter(|_| enabled)
}

/// A list of networks, `["192.0.2.10", "2001:db8::/48"]`.
fn networks(value: &DeValue<'_>) -> Result<Vec<Prefix>, String> {
    const ALLOWED: &str =
        "a list of addresses and networks, e.g. [\"192.0.2.10\", \"2001:db8::/48\"]";
    let list = value.as_array().ok_or_else(|| format!("must be {ALLOWED}, not {}", kind(value)))?;
    if list.len() > SHARED_NETWORKS {
        return Err(format!("has more than {SHARED_NETWORKS} networks"));
    }
    list.iter().map(|item| network(&values::text(item.get_ref())?)).collect()
}

fn network(text: &str) -> Result<Prefix, String> {
    let wrong = || format!("has {text:?} in it, which is no address and no network");
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u8>().map_err(|_| wrong())?)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().map_err(|_| wrong())?;
    let all = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(all);
    if bits < 8 {
        return Err(format!("has {text:?} in it, which is no place but most of the world"));
    }
    let exact = Network::parse(text).is_some();
    if !exact && bits <= all {
        return Err(format!("has {text:?} in it: an address has more bits than its network"));
    }
    Prefix::new(address, bits).map_err(|_| wrong())
}
