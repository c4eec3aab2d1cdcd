//! Who asks: a process on the control socket, or whoever brings a token.
//!
//! # Security
//!
//! On the control socket the system says who is there, and only root and the daemon's own user may ask.
//! Elsewhere a token must be brought; all that are no good are answered alike. Too many of them from a network
//! and it is told to wait; a good one is served all the same, so nobody is locked out by a neighbour.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use nix::unistd::geteuid;

use super::problem::{Problem, problem};
use crate::{
    base::NetAddress,
    decision::api_token::Rights,
    http::Peer,
    service::{
        admin::{Access, Admin, AdminError},
        wrong_tokens::WrongTokens,
    },
};

/// How people come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// By the control socket.
    Control,
    /// With a token.
    Token,
}

/// Why somebody is not let in.
pub(super) enum Shut {
    Out(Problem),
    /// No good token, and too many of them before.
    Wait(Duration),
    /// It cannot be told now.
    Error(AdminError),
}

impl IntoResponse for Shut {
    fn into_response(self) -> Response {
        match self {
            Self::Out(why) => why.into_response(),
            Self::Wait(time) => {
                let seconds = HeaderValue::from(time.as_secs().saturating_add(1));
                let mut response = Problem::TRIES.into_response();
                response.headers_mut().insert(header::RETRY_AFTER, seconds);
                response
            }
            Self::Error(error) => problem(&error),
        }
    }
}

impl Door {
    /// Who is there.
    pub(super) async fn visitor(
        self,
        peer: Option<Peer>,
        headers: &HeaderMap,
        admin: &Admin,
        wrong: &WrongTokens,
    ) -> Result<Access, Shut> {
        match self {
            Self::Control => control(peer).ok_or(Shut::Out(Problem::PEER)),
            Self::Token => {
                let token = bearer(headers).ok_or(Shut::Out(Problem::TOKEN))?;
                if let Some(access) = admin.bearer(token).await.map_err(Shut::Error)? {
                    return Ok(access);
                }
                let now = admin.now().map_err(Shut::Error)?;
                match wrong.count(network(peer), now) {
                    None => Err(Shut::Out(Problem::TOKEN)),
                    Some(wait) => Err(Shut::Wait(wait)),
                }
            }
        }
    }
}

/// Where wrong tokens are counted. Whoever comes by a Unix socket is on this machine, or behind its proxy.
fn network(peer: Option<Peer>) -> NetAddress {
    match peer {
        Some(Peer::Address(address)) => address.into(),
        Some(Peer::Process(_)) | None => IpAddr::from(Ipv4Addr::LOCALHOST).into(),
    }
}

fn control(peer: Option<Peer>) -> Option<Access> {
    let Some(Peer::Process(Some(peer))) = peer else {
        tracing::warn!("control: refused a peer that cannot be told");
        return None;
    };
    if peer.uid != 0 && peer.uid != geteuid().as_raw() {
        tracing::warn!(%peer, "control: refused a peer that is neither root nor this user");
        return None;
    }
    Some(Access { by: peer.to_string(), token: None, rights: Rights::all() })
}

/// The token of the one `Authorization` header (RFC 6750, 2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (value, None) = (all.next()?, all.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::PeerCredentials;

    #[test]
    fn only_root_and_this_user_come_by_the_control_socket() {
        let this = geteuid().as_raw();
        let process = |uid| Some(Peer::Process(Some(PeerCredentials { pid: 7, uid, gid: this })));
        for uid in [0, this] {
            let access = control(process(uid)).unwrap();
            assert!(access.by.contains(&format!("uid={uid}")), "{}", access.by);
        }
        for uid in [1, 65_534, u32::MAX] {
            assert!(uid == this || control(process(uid)).is_none(), "{uid}");
        }
        let loopback = Some(Peer::Address(Ipv4Addr::LOCALHOST.into()));
        for untold in [None, Some(Peer::Process(None)), loopback] {
            assert!(control(untold).is_none(), "{untold:?}");
        }
    }
}
