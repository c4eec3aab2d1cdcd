//! `[throttle]`: who must wait after failures.

use toml::de::DeValue;

use super::{
    raw::{Report, Section},
    values,
};
use crate::{
    base::limits::SHARED_NETWORKS,
    decision::{
        place::Network,
        throttle::{Settings, ThrottlePolicy},
    },
};

/// Bits of the widest networks that may be shared.
const WIDEST: u8 = 8;

/// Reads the section; `None` when throttling is switched off.
pub(super) fn throttle(mut section: Section<'_>, report: &mut Report) -> Option<ThrottlePolicy> {
    let enabled = section.read("enabled", report, values::flag).unwrap_or(true);
    let shared_networks = section.read("shared_networks", report, shared).unwrap_or_default();
    let policy = ThrottlePolicy::new(Settings { shared_networks, ..Settings::default() });
    section.finish(report);
    // The default numbers pass; a test of theirs says so.
    policy.ok().filter(|_| enabled)
}

fn shared(value: &DeValue<'_>) -> Result<Vec<Network>, String> {
    let networks = values::networks(SHARED_NETWORKS)(value)?;
    match networks.iter().find(|network| network.is_wider_than(WIDEST, WIDEST)) {
        Some(wide) => Err(format!("has {wide} in it, which is no place but most of the world")),
        None => Ok(networks),
    }
}
