//! Where HTTP is served, for the User Panel and the API alike: an address, or a Unix socket, opened here or
//! handed over by systemd.

use std::{io, path::Path, path::PathBuf};

use tokio::net::{TcpListener, UnixListener};

use crate::{
    config::Listen,
    http::{Listener, Server},
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

/// A place where connections arrive.
pub(super) struct Opened {
    pub(super) listener: Listener,
    /// The socket that is to be removed in the end.
    own: Option<PathBuf>,
}

impl Opened {
    /// What the configuration of `what` says.
    pub(super) async fn at(listen: &Listen, what: &str) -> Result<Self, OpeningError> {
        match listen {
            Listen::Tcp(address) => {
                let listener = TcpListener::bind(address).await?;
                tracing::info!(address = %listener.local_addr()?, "{what} listens");
                Ok(Self { listener: Listener::Tcp(listener), own: None })
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
        Ok(Self { listener, own: Some(path.to_owned()) })
    }

    /// What systemd opened.
    pub(super) fn inherited(inherited: Inherited) -> io::Result<Self> {
        let listener = match inherited {
            Inherited::Unix(listener) => Listener::Unix(UnixListener::from_std(listener)?),
            Inherited::Tcp(listener) => Listener::Tcp(TcpListener::from_std(listener)?),
        };
        Ok(Self { listener, own: None })
    }

    /// Serves until the server is to stop.
    pub(super) async fn serve(self, server: Server) {
        server.serve(self.listener).await;
        if let Some(path) = self.own {
            socket::sweep(&path);
        }
    }
}
