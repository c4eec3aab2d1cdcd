//! `listen`, `behind_proxy` and `tls` of `[panel]` and `[api]`: where HTTP is served, and what may go there in
//! the clear. The rule is one for both, for addresses of the configuration and for those that systemd hands over.
//!
//! # Security
//!
//! Passwords, codes and tokens go there. Without TLS they go over loopback or a Unix socket, or, when the
//! administrator says so, over a network on which only a proxy with TLS reaches us. What cannot be said to be
//! loopback is not: an address of no host (`0.0.0.0`, `::`) means all of them, and a private one may be a whole
//! office.

use std::{net::SocketAddr, path::PathBuf};

use toml::de::DeValue;

use super::{
    TlsConfig,
    raw::{Report, Section},
    sockets::Sockets,
    tls, values,
};

/// What `[panel]` and `[api]` have in common; it is all that `[api]` has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceConfig {
    /// Where it listens.
    pub listen: Listen,
    /// TLS of its own.
    pub tls: Option<TlsConfig>,
    /// Whether a proxy with TLS stands before it, and nobody else reaches it.
    pub behind_proxy: bool,
}

/// Where one listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// An address and port.
    Tcp(SocketAddr),
    /// A Unix socket; its group may connect.
    Unix(PathBuf),
}

impl PlaceConfig {
    /// Whether what goes to this address could be overheard on its way.
    pub fn in_clear(&self, address: &SocketAddr) -> bool {
        in_clear(address, self.tls.is_some(), self.behind_proxy)
    }

    /// Whether something differs that counts after a restart only. A certificate in place of another counts
    /// at once.
    pub fn needs_restart(old: Option<&Self>, new: Option<&Self>) -> bool {
        let (Some(old), Some(new)) = (old, new) else { return old.is_some() != new.is_some() };
        old.renewed(new) != *new
    }

    /// This place, with what of the new one counts after a reload.
    pub(super) fn renewed(&self, new: &Self) -> Self {
        let tls = tls::after_reload(self.tls.as_ref(), new.tls.as_ref());
        Self { tls: tls.cloned(), ..self.clone() }
    }
}

/// What was read of them.
pub(super) struct Found {
    /// The place; `None` without `listen`.
    pub place: Option<PlaceConfig>,
    /// Whether something else of it is set.
    pub more: bool,
}

/// Reads `[api]`; without `listen` there is only the control socket.
pub(super) fn api(
    mut section: Section<'_>,
    sockets: &mut Sockets,
    report: &mut Report,
) -> Option<PlaceConfig> {
    let Found { place, more } = place(&mut section, sockets, report);
    listens(&mut section, more, report);
    section.finish(report);
    place
}

/// A section that says more than its defaults and not where it listens was meant to be used.
pub(super) fn listens(section: &mut Section<'_>, more: bool, report: &mut Report) {
    if more && !section.has("listen") {
        let what = "is missing, and without it nothing else of this section counts: set it (for a socket that \
                    systemd hands over too), or take the other settings out";
        section.mistake("listen", what.into(), report);
    }
}

/// Reads the three keys; without `listen` there is no such place.
pub(super) fn place(
    section: &mut Section<'_>,
    sockets: &mut Sockets,
    report: &mut Report,
) -> Found {
    let listen = section.read("listen", report, listen);
    if let Some(listen) = &listen {
        sockets.serves(listen, section.place("listen"));
    }
    let behind_proxy = section.read("behind_proxy", report, values::flag).unwrap_or(false);
    let mut table = section.section("tls", report);
    let asked = table.has("certificate") || table.has("key");
    let tls = tls::tls(table, report);
    if asked && matches!(listen, Some(Listen::Unix(_))) {
        let what = "is for an address, and listen is a Unix socket, which is for this machine, or for a proxy \
                    that does TLS itself: remove the certificate and key, or listen on an address and port";
        section.mistake("tls", what.into(), report);
    }
    if asked && behind_proxy {
        let what = "says that a proxy does TLS, and so does the certificate: leave one of them out";
        section.mistake("behind_proxy", what.into(), report);
    }
    if let Some(Listen::Tcp(address)) = &listen
        && in_clear(address, asked, behind_proxy)
    {
        let what = "passwords, codes and tokens would go over the network in the clear: listen on 127.0.0.1, \
                    [::1] or a Unix socket, give it a certificate (tls.certificate, tls.key), or say \
                    `behind_proxy = true` if only a proxy with TLS reaches this address";
        section.mistake("listen", what.into(), report);
    }
    let more = asked || behind_proxy;
    Found { place: listen.map(|listen| PlaceConfig { listen, tls, behind_proxy }), more }
}

fn in_clear(address: &SocketAddr, tls: bool, behind_proxy: bool) -> bool {
    !tls && !behind_proxy && !address.ip().to_canonical().is_loopback()
}

fn listen(value: &DeValue<'_>) -> Result<Listen, String> {
    let text = values::filled(value)?;
    if text.starts_with('/') {
        return values::socket_path(value).map(Listen::Unix);
    }
    text.parse().map(Listen::Tcp).map_err(|_| {
        "must be an address with its port, \"127.0.0.1:8425\" or \"[::1]:8425\", or the path of a socket"
            .into()
    })
}
