//! `[api]`: where programs that bring tokens ask.
//!
//! # Security
//!
//! Tokens are passwords: without TLS they go over loopback, a Unix socket or, when the administrator says
//! so, a network behind a proxy that has TLS.

use std::net::SocketAddr;

use super::{
    TlsConfig,
    panel::{Listen, listen},
    raw::{Report, Section},
    tls, values,
};

/// `[api]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiConfig {
    /// Where it listens.
    pub listen: Listen,
    /// TLS of its own.
    pub tls: Option<TlsConfig>,
    /// Whether a proxy with TLS stands before it.
    pub behind_proxy: bool,
}

impl ApiConfig {
    /// Whether tokens that go to this address could be overheard on their way.
    pub fn in_clear(&self, address: &SocketAddr) -> bool {
        in_clear(address, self.tls.is_some(), self.behind_proxy)
    }

    /// Whether something differs that counts after a restart only. A certificate in place of another counts
    /// at once.
    pub fn needs_restart(old: Option<&Self>, new: Option<&Self>) -> bool {
        let (Some(old), Some(new)) = (old, new) else { return old.is_some() != new.is_some() };
        let tls = tls::after_reload(old.tls.as_ref(), new.tls.as_ref());
        Self { tls: tls.cloned(), ..old.clone() } != *new
    }
}

/// Reads the section; without `listen` there is only the control socket.
pub(super) fn api(mut section: Section<'_>, report: &mut Report) -> Option<ApiConfig> {
    let found = section.read("listen", report, listen);
    let behind_proxy = section.read("behind_proxy", report, values::flag).unwrap_or(false);
    let mut table = section.section("tls", report);
    let asked = table.has("certificate") || table.has("key");
    let tls = tls::tls(table, report);
    if asked && matches!(found, Some(Listen::Unix(_))) {
        let what = "is for an address, and api.listen is a Unix socket, which is for this machine or a proxy \
                    that does TLS itself: remove [api.tls], or listen on an address such as \"[::]:8426\"";
        section.mistake("tls", what.into(), report);
    }
    if asked && behind_proxy {
        let what = "says that a proxy does TLS, and so does [api.tls]: leave one of them out";
        section.mistake("behind_proxy", what.into(), report);
    }
    if let Some(Listen::Tcp(address)) = &found
        && in_clear(address, asked, behind_proxy)
    {
        let what = "tokens would go over the network in the clear: listen on 127.0.0.1, [::1] or a \
                    Unix socket, give it a certificate in [api.tls], or say `behind_proxy = true` if only a \
                    proxy with TLS reaches this address";
        section.mistake("listen", what.into(), report);
    }
    section.finish(report);
    Some(ApiConfig { listen: found?, tls, behind_proxy })
}

fn in_clear(address: &SocketAddr, tls: bool, behind_proxy: bool) -> bool {
    !tls && !behind_proxy && !address.ip().to_canonical().is_loopback()
}
