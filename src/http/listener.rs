//! Where connections come from, and who is at their other end.
//!
//! # Security
//!
//! The address is the socket's, with an IPv4 one in IPv6 written as IPv4, so that one address has one form.

use std::{io, net::IpAddr};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
};

use crate::{base::PeerCredentials, sys::socket::peer_credentials};

/// Where connections come from.
pub enum Listener {
    /// The network, or loopback with a proxy before it.
    Tcp(TcpListener),
    /// A proxy on this machine.
    Unix(UnixListener),
}

/// Who is at the other end of a connection; an extension of each of its requests.
#[derive(Clone, Copy, Debug)]
pub enum Peer {
    /// Of TCP.
    Address(IpAddr),
    /// Of a Unix socket, if the system says.
    Process(Option<PeerCredentials>),
}

/// A connection, whatever it runs over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Listener {
    /// The next connection.
    pub(super) async fn accept(&self) -> io::Result<(Box<dyn Stream>, Peer)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                let _ = stream.set_nodelay(true);
                Ok((Box::new(stream), Peer::Address(address.ip().to_canonical())))
            }
            Self::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                let peer = Peer::Process(peer_credentials(&stream).ok());
                Ok((Box::new(stream), peer))
            }
        }
    }
}
