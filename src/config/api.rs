//! `[api]`: where programs that bring tokens ask.
//!
//! # Security
//!
//! Tokens are passwords: without TLS they go over loopback, a Unix socket or, when the administrator says
//! so, a network behind a proxy that has TLS.

use super::{
    panel::{Listen, listen},
    raw::{Report, Section},
    values,
};

/// `[api]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiConfig {
    /// Where it listens.
    pub listen: Listen,
    /// Whether a proxy with TLS stands before it.
    pub behind_proxy: bool,
}

/// Reads the section; without `listen` there is only the control socket.
pub(super) fn api(mut section: Section<'_>, report: &mut Report) -> Option<ApiConfig> {
    let found = section.read("listen", report, listen);
    let behind_proxy = section.read("behind_proxy", report, values::flag).unwrap_or(false);
    if let Some(Listen::Tcp(address)) = &found
        && !behind_proxy
        && !address.ip().to_canonical().is_loopback()
    {
        let what = "tokens would go over the network in the clear: listen on 127.0.0.1, [::1] or a \
                    Unix socket, or say `behind_proxy = true` if only a proxy with TLS reaches this \
                    address";
        section.mistake("listen", what.into(), report);
    }
    section.finish(report);
    Some(ApiConfig { listen: found?, behind_proxy })
}
