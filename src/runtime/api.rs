//! The running API: the control socket, and a place for programs that bring tokens.
//!
//! A change of `[api]` or `[control]` counts after a restart.

use std::{io, os::unix::net::UnixListener as StdListener, path::Path, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, UnixListener},
    sync::watch,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    api::{self, Api, Door},
    config::{ApiConfig, Listen},
    http::{Listener, Server},
    service::{admin::Admin, webmail::Webmail},
    sys::socket::{self, Access, BindError},
};

/// Owner only; the peer's user is checked besides.
const CONTROL_MODE: u32 = 0o600;

/// Owner and group: who brings tokens is in the group.
const API_MODE: u32 = 0o660;

/// Why the API did not start.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The control socket.
    #[error("control.socket: {0}")]
    Control(BindError),
    /// The socket for tokens.
    #[error("api.listen: {0}")]
    Bind(BindError),
    /// An address, or the system.
    #[error("api.listen: {0}")]
    Address(#[from] io::Error),
}

/// What serves, and until when.
#[derive(Clone)]
pub struct Service {
    /// Who does what is asked.
    pub admin: watch::Receiver<Arc<Admin>>,
    /// Who gives webmails their tokens.
    pub webmail: Option<Arc<Webmail>>,
    /// When refusals of logins leave.
    pub refusal_delay: Duration,
    /// What is waited for at the end.
    pub tasks: TaskTracker,
    /// When that comes.
    pub stopping: CancellationToken,
}

impl Service {
    /// Serves the control socket. It is there when this returns.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub fn control(&self, path: &Path) -> Result<(), ApiError> {
        let listener = bind(path, CONTROL_MODE).map_err(ApiError::Control)?;
        self.serve("control", Door::Control, Listener::Unix(unix(listener)?), Some(path));
        Ok(())
    }

    /// Serves whoever brings a token. The place is there when this returns.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub async fn tokens(&self, config: &ApiConfig) -> Result<(), ApiError> {
        let (listener, own) = match &config.listen {
            Listen::Tcp(address) => {
                tracing::info!(%address, "the API listens");
                (Listener::Tcp(TcpListener::bind(address).await?), None)
            }
            Listen::Unix(path) => {
                tracing::info!(socket = %path.display(), "the API listens");
                let listener = bind(path, API_MODE).map_err(ApiError::Bind)?;
                (Listener::Unix(unix(listener)?), Some(path.as_path()))
            }
        };
        self.serve("api", Door::Token, listener, own);
        Ok(())
    }

    fn serve(&self, name: &'static str, door: Door, listener: Listener, own: Option<&Path>) {
        let routes = api::routes(&Api {
            door,
            admin: self.admin.clone(),
            webmail: self.webmail.clone(),
            refusal_delay: self.refusal_delay,
        });
        let server = Server::new(name, routes, self.stopping.clone(), self.tasks.clone());
        let own = own.map(Path::to_owned);
        self.tasks.spawn(async move {
            server.serve(listener).await;
            if let Some(path) = own {
                socket::sweep(&path);
            }
        });
    }
}

fn bind(path: &Path, mode: u32) -> Result<StdListener, BindError> {
    socket::bind(path, &Access { owner: None, group: None, mode })
}

fn unix(listener: StdListener) -> io::Result<UnixListener> {
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener)
}
