//! Where HTTP is served, for the User Panel and the API alike: an address, or a Unix socket, opened here or
//! handed over by systemd, and TLS of our own, whose certificate a reload renews.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use tokio::net::{TcpListener, UnixListener};

use crate::{
    config::{Listen, PlaceConfig, TlsConfig},
    http::{Identity, Listener, Server, Tls, TlsError},
    sys::{
        inherited::Inherited,
        socket::{self, Access, BindError},
    },
};

/// Owner and group: the web server before it, or who brings tokens, is in the group.
const MODE: u32 = 0o660;

/// Why it cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub enum OpeningError {
    /// The socket.
    Socket(#[from] BindError),
    /// The address, or the system.
    Address(#[from] io::Error),
}

/// Why a place that strangers come to is not served. It begins with the key below the section.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// Where it listens.
    #[error("listen: {0}")]
    Listen(#[from] OpeningError),
    /// Its certificate.
    #[error("tls: {0}")]
    Tls(#[from] TlsError),
    /// The configuration allows no such address, but systemd may hand over another one than it names.
    #[error(
        "listen: systemd handed over {0}, and passwords, codes and tokens would go over the network in the \
         clear: let ListenStream= be a path, 127.0.0.1 or [::1] with a port, give it a certificate \
         (tls.certificate, tls.key), or say `behind_proxy = true` if only a proxy with TLS reaches this \
         address"
    )]
    InClear(SocketAddr),
    /// The configuration has none of this, but systemd may hand over another kind of socket than it names.
    #[error(
        "tls: systemd handed over a Unix socket, and TLS of mail2fa's own is for an address: \
         ListenStream= takes a port, or an address and a port"
    )]
    TlsOverUnix,
}

/// What the configuration says of a place, and what systemd has made of it.
pub(super) struct Wanted<'a> {
    /// What is served there, for the log.
    pub(super) what: &'static str,
    pub(super) place: &'a PlaceConfig,
    /// A socket that systemd opened; it is used in place of `place.listen`.
    pub(super) inherited: Option<Inherited>,
}

impl Wanted<'_> {
    /// Opens it.
    pub(super) async fn open(self) -> Result<Opened, PlaceError> {
        let tls = self.place.tls.as_ref().map(identity).transpose()?.map(Tls::new);
        let opened = match self.inherited {
            Some(inherited) => {
                tracing::info!("{} listens at the socket that systemd handed over", self.what);
                Opened::inherited(inherited).map_err(OpeningError::from)?
            }
            None => Opened::at(&self.place.listen, self.what).await?,
        };
        match &opened.listener {
            Listener::Unix(_) if tls.is_some() => return Err(PlaceError::TlsOverUnix),
            Listener::Unix(_) => {}
            Listener::Tcp(listener) => {
                let address = listener.local_addr().map_err(OpeningError::from)?;
                if self.place.in_clear(&address) {
                    return Err(PlaceError::InClear(address));
                }
            }
        }
        Ok(Opened { tls, ..opened })
    }
}

/// The certificate of a place, if it has TLS. A reload renews it.
pub struct Certificate(Option<Tls>);

/// The one that takes its place.
pub(super) struct Renewal(Option<(Tls, Identity)>);

impl Certificate {
    /// Reads what the new configuration wants. Whether there is TLS counts after a restart.
    pub(super) fn prepare(&self, config: Option<&TlsConfig>) -> Result<Renewal, PlaceError> {
        let (Some(tls), Some(config)) = (&self.0, config) else { return Ok(Renewal(None)) };
        Ok(Renewal(Some((tls.clone(), identity(config)?))))
    }
}

impl Renewal {
    /// Who connects from now on gets it.
    pub(super) fn take_effect(self) {
        if let Some((tls, identity)) = self.0 {
            tls.replace(identity);
        }
    }
}

fn identity(config: &TlsConfig) -> Result<Identity, TlsError> {
    Identity::read(&config.certificate, &config.key)
}

/// A place where connections arrive.
pub(super) struct Opened {
    listener: Listener,
    tls: Option<Tls>,
    /// The socket that is to be removed in the end.
    own: Option<PathBuf>,
}

impl Opened {
    /// What the configuration of `what` says.
    async fn at(listen: &Listen, what: &str) -> Result<Self, OpeningError> {
        match listen {
            Listen::Tcp(address) => {
                let named =
                    |why: io::Error| io::Error::new(why.kind(), format!("{address}: {why}"));
                let listener = TcpListener::bind(address).await.map_err(named)?;
                tracing::info!(address = %listener.local_addr()?, "{what} listens");
                Ok(Self { listener: Listener::Tcp(listener), tls: None, own: None })
            }
            Listen::Unix(path) => {
                tracing::info!(socket = %path.display(), "{what} listens");
                Self::socket(path, MODE)
            }
        }
    }

    /// A Unix socket with these permission bits.
    pub(super) fn socket(path: &Path, mode: u32) -> Result<Self, OpeningError> {
        let listener = socket::bind(path, &Access { owner: None, group: None, mode })?;
        let listener = Listener::Unix(UnixListener::from_std(listener)?);
        Ok(Self { listener, tls: None, own: Some(path.to_owned()) })
    }

    /// What systemd opened.
    fn inherited(inherited: Inherited) -> io::Result<Self> {
        let listener = match inherited {
            Inherited::Unix(listener) => Listener::Unix(UnixListener::from_std(listener)?),
            Inherited::Tcp(listener) => Listener::Tcp(TcpListener::from_std(listener)?),
        };
        Ok(Self { listener, tls: None, own: None })
    }

    /// Its certificate, for those who renew it.
    pub(super) fn certificate(&self) -> Certificate {
        Certificate(self.tls.clone())
    }

    /// Serves until the server is to stop.
    pub(super) async fn serve(self, server: Server) {
        let server = match self.tls {
            Some(tls) => server.with_tls(tls),
            None => server,
        };
        server.serve(self.listener).await;
        if let Some(path) = self.own {
            socket::sweep(&path);
        }
    }
}
